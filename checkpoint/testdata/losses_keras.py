"""Losses and metrics in the training configurations of Keras.

Without arguments: writes losses.json, a list of {"keras", "h5"}: the configuration with which Keras saves a compiled model to a .keras and to an .h5.
With a FILE of a list of configurations for a .keras: compiles a model from each, trains it by a step, and prints as JSON a list of
{"config", "logs"}: the configuration that Keras makes of that, and the names in its logs.
"""

import json
import os
import pathlib
import sys
import tempfile

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
import h5py
import keras
import numpy as np


def model():
    keras.utils.set_random_seed(1)
    keras.backend.clear_session()
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, activation="softmax")])


x = np.linspace(-1, 1, 24, dtype="float32").reshape(8, 3)
labels = np.array([0, 1, 2, 3, 3, 2, 1, 0])
one_hot = np.eye(4, dtype="float32")[labels]
weights = np.linspace(0.5, 2, 8, dtype="float32")


def step(m):
    m.run_eagerly = True  # faster, for a step
    name = m.loss if isinstance(m.loss, str) else m.loss.name
    m.fit(x, labels if name.startswith("sparse") else one_hot, sample_weight=weights, batch_size=8, verbose=0)
    return sorted(m.history.history)


def compiled():
    L, M = keras.losses, keras.metrics
    for loss in [
        "sparse_categorical_crossentropy", "mse", "mean_absolute_error", "kl_divergence", "poisson", "hinge", "log_cosh", "huber", "Huber",
        L.SparseCategoricalCrossentropy(from_logits=True), L.CategoricalCrossentropy(), L.CategoricalCrossentropy(label_smoothing=0.1),
        L.BinaryCrossentropy(from_logits=True, label_smoothing=0.2), L.CategoricalFocalCrossentropy(alpha=0.5, gamma=1.0), L.BinaryFocalCrossentropy(apply_class_balancing=True),
        L.MeanSquaredError(), L.MeanAbsolutePercentageError(), L.MeanSquaredLogarithmicError(), L.Huber(delta=2.0), L.LogCosh(), L.KLDivergence(), L.Poisson(),
        L.Hinge(), L.SquaredHinge(), L.CategoricalHinge(), L.CosineSimilarity(), L.Dice(), L.Dice(axis=[1]), L.Tversky(alpha=0.25, beta=0.75), L.Tversky(axis=[1]),
    ]:
        yield loss, [], []
    yield "sparse_categorical_crossentropy", ["accuracy"], ["accuracy"]
    yield "sparse_categorical_crossentropy", ["acc", M.SparseTopKCategoricalAccuracy(k=2), M.SparseCategoricalAccuracy(name="right"), M.SparseCategoricalCrossentropy()], [M.SparseCategoricalCrossentropy()]
    yield "categorical_crossentropy", ["accuracy", "mse", "auc", M.AUC(curve="PR", name="pr"), M.AUC(multi_label=True, num_labels=4, name="each"), M.AUC(thresholds=[0.25, 0.5], name="at")], []
    yield "categorical_crossentropy", [M.Precision(thresholds=0.25), M.Recall(class_id=1), M.F1Score(average="macro"), M.FBetaScore(average="micro", beta=2.0, threshold=0.5)], [M.TruePositives(), M.FalsePositives(), M.TrueNegatives(), M.FalseNegatives(thresholds=[0.25, 0.5])]
    yield "categorical_crossentropy", [M.PrecisionAtRecall(0.5), M.RecallAtPrecision(0.25, num_thresholds=50), M.SensitivityAtSpecificity(0.5, class_id=2), M.SpecificityAtSensitivity(0.75)], [M.OneHotMeanIoU(num_classes=4)]
    yield "categorical_crossentropy", [M.CategoricalAccuracy(), M.BinaryAccuracy(threshold=0.25), M.TopKCategoricalAccuracy(k=3), M.CategoricalCrossentropy(label_smoothing=0.5), M.BinaryCrossentropy()], []
    yield "categorical_crossentropy", [M.MeanSquaredError(), M.RootMeanSquaredError(), M.MeanAbsoluteError(), M.MeanAbsolutePercentageError(), M.MeanSquaredLogarithmicError(), M.CosineSimilarity(), M.LogCoshError(), M.KLDivergence(), M.Poisson(), M.Hinge(), M.SquaredHinge(), M.CategoricalHinge()], []


if len(sys.argv) > 1:
    out = []
    for config in json.loads(pathlib.Path(sys.argv[1]).read_text()):
        m = model()
        m.compile_from_config(config)
        logs = step(m)
        out.append({"config": m.get_compile_config(), "logs": logs})
    print("RESULT " + json.dumps(out))
    sys.exit()

out = []
with tempfile.TemporaryDirectory() as directory:
    for loss, metrics, weighted in compiled():
        m = model()
        m.compile(optimizer="adam", loss=loss, metrics=metrics, weighted_metrics=weighted)
        step(m)
        m.run_eagerly = False
        saved = m.get_compile_config()  # before the .h5, after which Keras leaves the optimizer out
        path = os.path.join(directory, "m.h5")
        m.save(path)
        with h5py.File(path) as f:
            h5 = json.loads(f.attrs["training_config"])
        out.append({"keras": saved, "h5": h5})
path = pathlib.Path(__file__).with_name("losses.json")
path.write_text(json.dumps(out).replace('{"keras"', '\n{"keras"') + "\n")
print(len(out), "configurations", path.stat().st_size, "bytes of keras", keras.__version__)
