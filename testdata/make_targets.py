"""Makes NAME_targets_initial.keras (a compiled model as Keras saves it) and NAME_targets.h5 (what fit does with it: data, loss and metrics as they stand
after each of ten batches, and after each of two epochs, weights at the end) with the real Keras, for targets and weights of samples.
Usage: python make_targets.py, in this directory."""
import json
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import h5py
import keras
import numpy as np
from keras import layers as L
from keras import metrics as M


def network(name, units, activation):
    return keras.Sequential([
        L.Input((6, 6, 2)),
        L.Conv2D(6, 3, activation="relu"),
        L.BatchNormalization(momentum=0.9),
        L.Flatten(),
        L.Dense(units, activation=activation),
    ], name=name)


def several(rng):
    """Several labels at once, samples with weights."""
    m = network("several", 3, "sigmoid")
    m.compile("adam", "binary_crossentropy", metrics=["accuracy", M.AUC(), M.Precision(), M.Recall(thresholds=[0.25, 0.5])],
              weighted_metrics=["accuracy", M.AUC(curve="PR", name="pr")])
    return m, rng.integers(0, 2, (160, 3)).astype("float32"), dict(sample_weight=rng.uniform(0, 2, 160).astype("float32"))


def regression(rng):
    m = network("regression", 2, "linear")
    m.compile(keras.optimizers.SGD(0.01), "mse", metrics=["mae", M.RootMeanSquaredError(), M.CosineSimilarity()])
    return m, rng.normal(size=(160, 2)).astype("float32"), {}


def classes(rng):
    """Class numbers with weights by class."""
    m = network("classes", 4, "softmax")
    m.compile(keras.optimizers.Adam(0.01), keras.losses.SparseCategoricalCrossentropy(), metrics=["accuracy", M.SparseTopKCategoricalAccuracy(k=2)],
              weighted_metrics=["accuracy", M.SparseCategoricalCrossentropy()])
    return m, rng.integers(0, 4, 160).astype("int32"), dict(class_weight={0: 3.0, 1: 0.5, 3: 1.5})


def soft(rng):
    """Soft labels, smoothed."""
    m = network("soft", 4, "softmax")
    m.compile(keras.optimizers.Adam(0.01), keras.losses.CategoricalCrossentropy(label_smoothing=0.1), metrics=["accuracy", M.F1Score(), M.F1Score(average="macro", name="f1_macro")])
    y = rng.uniform(0, 1, (160, 4)).astype("float32")
    return m, y / y.sum(-1, keepdims=True), {}


class Batches(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.list = []

    def on_train_batch_end(self, batch, logs=None):
        self.list.append({k: np.asarray(v).reshape(-1).tolist() for k, v in logs.items()})


for seed, make in enumerate([several, regression, classes, soft]):
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    model, y, weights = make(rng)
    x = rng.normal(size=(160, 6, 6, 2)).astype("float32")
    name = model.name
    validation = (x[:40], y[:40]) + ((weights["sample_weight"][:40],) if "sample_weight" in weights else ())
    model.evaluate(x[:16], y[:16], verbose=0)  # builds the metrics, so that the file has them
    model.save(f"{name}_targets_initial.keras")
    batches = Batches()
    history = model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0, validation_data=validation, validation_batch_size=16, callbacks=[batches], **weights)
    epochs = [{k: np.asarray(v[e]).reshape(-1).tolist() for k, v in history.history.items()} for e in range(2)]
    with h5py.File(f"{name}_targets.h5", "w", libver="earliest") as f:
        f.attrs["keras_version"] = keras.__version__
        f.attrs["batches"], f.attrs["epochs"] = json.dumps(batches.list[:10]), json.dumps(epochs)
        f["x"], f["y"] = x, y
        if "sample_weight" in weights:
            f["weights"] = weights["sample_weight"]
        for layer in model.layers:
            for w in layer.weights:
                f[f"final/{layer.name}/{w.name}"] = w.numpy()
    print(name, keras.__version__, epochs[1])
