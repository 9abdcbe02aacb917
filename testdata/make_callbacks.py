"""Writes callbacks.json, for callbacks_test.go: what Keras's TensorBoard writes, and what a fit with SwapEMAWeights measures.
Each fit starts from small_initial.h5.

    MESETA_PYTHON=$(bench/peers/venv.sh bench/peers/requirements-keras.txt)
    $MESETA_PYTHON testdata/make_callbacks.py
"""

import json
import os
import pathlib
import tempfile

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import keras
import numpy as np
from tensorboard.backend.event_processing import event_file_loader
from tensorboard.util import tensor_util

here = pathlib.Path(__file__).parent
SAMPLES, TRAIN = 50, 40


def data():
    i, j = np.arange(SAMPLES)[:, None], np.arange(144)[None, :]
    x = ((i * 31 + j * 17) % 23 + (j // 29 == i % 5) * 10).astype(np.float32) / np.float32(23)
    return x.reshape(-1, 12, 12, 1), np.arange(SAMPLES) % 5


def fit(optimizer, callbacks):
    x, y = data()
    model = keras.models.load_model(here / "small_initial.h5")
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(
        x[:TRAIN], y[:TRAIN], batch_size=8, epochs=3, shuffle=False, verbose=0,
        validation_data=(x[TRAIN:], y[TRAIN:]), validation_batch_size=8, callbacks=callbacks,
    )
    return model, history


def events(directory):
    """Every summary of the event files below: directory, tag, step, and the value of a scalar."""
    for file in sorted(directory.glob("*/events.*")):
        for event in event_file_loader.EventFileLoader(str(file)).Load():
            for value in event.summary.value:
                scalar = None
                if value.metadata.plugin_data.plugin_name == "scalars" and "per_second" not in value.tag:
                    scalar = float(tensor_util.make_ndarray(value.tensor))
                yield [file.parent.name, value.tag, event.step, scalar]


def sgd():
    return keras.optimizers.SGD(0.05, momentum=0.9, use_ema=True, ema_momentum=0.8)


out = {"keras": keras.__version__}
with tempfile.TemporaryDirectory() as name:
    directory = pathlib.Path(name)
    # With a number of updates that does not divide an epoch's, Keras loses the summaries of epochs.
    board = keras.callbacks.TensorBoard(directory, histogram_freq=2, write_images=True, write_steps_per_second=True, update_freq="batch")
    fit(keras.optimizers.SGD(0.05), [board])
    out["tensorboard"] = list(events(directory))

    _, history = fit(sgd(), [])
    out["val_loss"] = history.history["val_loss"]
    swap = keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
    model, history = fit(sgd(), [swap, keras.callbacks.ModelCheckpoint(directory / "{epoch}.weights.h5", save_weights_only=True)])
    out["averaged_val_loss"] = history.history["val_loss"]
    x, y = data()
    out["saved_val_loss"] = []
    for epoch in (1, 2, 3):
        model.load_weights(directory / f"{epoch}.weights.h5")
        out["saved_val_loss"].append(model.evaluate(x[TRAIN:], y[TRAIN:], batch_size=8, verbose=0)[0])

lines = ",\n".join(f"{json.dumps(k)}: " + (("[\n" + ",\n".join(json.dumps(e) for e in v) + "\n]") if isinstance(v, list) else json.dumps(v)) for k, v in out.items())
(here / "callbacks.json").write_text("{\n" + lines + "\n}\n")
