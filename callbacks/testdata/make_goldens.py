"""Records what Keras's callbacks decide on streams of metrics, for keras_test.go.

    pip install keras==3.15.1 tensorflow-cpu
    KERAS_BACKEND=tensorflow python make_goldens.py   # writes keras.json beside it

Each case drives the real callback through its hooks with a model that only counts: what it would save, its learning rate,
its weights (the epoch that they are of). One entry an epoch: rate after the epoch, what was saved, whether training stops.
"""

import itertools
import json
import math
import os
import pathlib
import warnings

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

NAN = float("nan")
INF = float("inf")
BASE = 0.1

STREAMS = {
    "improving": [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3],
    "worsening": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8],
    "flat": [0.5] * 10,
    "noisy": [0.9, 0.7, 0.75, 0.6, 0.65, 0.58, 0.59, 0.585, 0.57, 0.61, 0.6, 0.62],
    "plateau": [0.9, 0.5, 0.3, 0.29995, 0.2999, 0.2998, 0.29985, 0.3, 0.2997, 0.2996, 0.3, 0.3],
    "threshold_equal": [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1],
    "threshold_equal_up": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0],
    "one_late": [0.5, 0.6, 0.7, 0.8, 0.4, 0.5, 0.6, 0.3, 0.4, 0.5, 0.6, 0.7],
    "tiny_steps": [0.5, 0.49999999, 0.49999998, 0.4999, 0.49989999, 0.4, 0.39999999, 0.3],
    "nan_first": [NAN, 0.9, 0.8, 0.85, 0.7, 0.75, 0.8, 0.9],
    "nan_later": [0.9, 0.8, NAN, 0.7, NAN, NAN, 0.75, 0.6],
    "inf": [INF, 0.9, -INF, 0.8, INF, 0.7, 0.75, 0.8],
}


class Optimizer:
    """Only the rate, stored as float32 as Keras's optimizers store it."""

    def __init__(self):
        self._rate = np.float32(BASE)

    @property
    def learning_rate(self):
        return self._rate

    @learning_rate.setter
    def learning_rate(self, value):
        self._rate = np.float32(value)


class Model:
    """What callbacks ask of a model. The weights are the number of the epoch that they are of."""

    def __init__(self):
        self.optimizer = Optimizer()
        self.stop_training = False
        self.weights = -1
        self.saved = []

    def get_weights(self):
        return self.weights

    def set_weights(self, weights):
        self.weights = weights

    def save(self, path, **_):
        self.saved.append(path)

    save_weights = save


def run(name, arguments, stream, monitor):
    callback = getattr(keras.callbacks, name)(**arguments)
    model = Model()
    callback.set_model(model)
    epochs = []
    callback.on_train_begin()
    for epoch, value in enumerate(stream):
        model.weights = epoch
        model.saved.clear()
        callback.on_epoch_begin(epoch)
        callback.on_epoch_end(epoch, {monitor: value})
        epochs.append(
            {
                "learning_rate": float(model.optimizer.learning_rate),
                "saved": [os.path.basename(path) for path in model.saved],
                "stop": model.stop_training,
            }
        )
        if model.stop_training:
            break
    callback.on_train_end()
    return {"epochs": epochs, "final_weights": model.weights}


def grid(**choices):
    for values in itertools.product(*choices.values()):
        yield {key: value for key, value in zip(choices, values) if value is not ...}


def cases():
    """Every stream with every setting; `...` leaves an argument at Keras's default."""
    for name, stream in STREAMS.items():
        for monitor, mode in (("val_loss", ...), ("score", "max"), ("score", "min")):
            base = {"monitor": monitor, "mode": mode}
            for more in grid(
                patience=[..., 1, 3],
                min_delta=[..., 0.1, -0.1],
                baseline=[..., 0.6],
                restore_best_weights=[..., True],
                start_from_epoch=[..., 2],
            ):
                yield "EarlyStopping", base | more, name, stream
            for more in grid(
                factor=[..., 0.5],
                patience=[0, 2],
                min_delta=[..., 0.1],
                cooldown=[..., 1, 2, 3],
                min_lr=[..., 0.001, 0.03],
            ):
                yield "ReduceLROnPlateau", base | more, name, stream
            for more in grid(
                save_best_only=[..., True],
                initial_value_threshold=[..., 0.6],
            ):
                yield "ModelCheckpoint", base | more | {"filepath": "e{epoch:02d}-{%s:.3f}.h5" % monitor}, name, stream


def terminations():
    """After how many batches with the losses of each stream TerminateOnNaN stops; null for never."""
    for name, stream in STREAMS.items():
        callback, model = keras.callbacks.TerminateOnNaN(), Model()
        callback.set_model(model)
        callback.on_train_begin()
        batches = None
        for batch, loss in enumerate(stream):
            callback.on_train_batch_end(batch, {"loss": loss})
            if model.stop_training:
                batches = batch + 1
                break
        yield name, batches


def clean(arguments):
    return {key: value for key, value in arguments.items() if value is not ...}


def number(value):
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def templates():
    """Python's own formatting of paths, which ModelCheckpoint uses."""
    specs = ["", "02d", "d", "5d", "<5d", "^7d", "+d", "03", "x>4d", ".2f", "08.3f", "e"]
    floats = ["", ".4f", "08.3f", ".2e", "g", ".3g", "%", ".1%", "+.2f", " .2f", "<9.2f", "^9.2f", "=+9.2f", ".4", ".1", "E", "F", "G", "_>9.1f"]
    for spec in specs:
        for epoch in (1, 12, 100):
            yield {"template": "m-{epoch:%s}.h5" % spec, "epoch": epoch, "value": 0.0, "path": "m-{epoch:{s}}.h5".format(epoch=epoch, s=spec)}
    for spec in floats:
        for value in (0.0, 0.12345678, 1.0, 123456.789, 1e-5, 1.5e17, -0.25, 100.0, NAN, INF, -INF):
            template = "{val_loss:%s}" % spec
            yield {"template": "m-" + template + ".h5", "epoch": 1, "value": number(value), "path": "m-" + template.format(val_loss=value) + ".h5"}


def write(path, out):
    lines = []
    for key, value in out.items():
        if isinstance(value, list):
            body = ",\n".join(json.dumps(item, separators=(",", ":"), allow_nan=False) for item in value)
            lines.append(f"{json.dumps(key)}: [\n{body}\n]")
        else:
            lines.append(f"{json.dumps(key)}: {json.dumps(value)}")
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def main():
    warnings.simplefilter("ignore")
    versions = {"keras": keras.__version__, "tensorflow": tf.__version__}
    out = versions | {
        "base_learning_rate": BASE,
        "streams": {name: [number(value) for value in stream] for name, stream in STREAMS.items()},
        "terminations": dict(terminations()),
        "cases": [],
    }
    # Equal outcomes are stored once; there are many.
    outcomes, index = [], {}
    for name, arguments, stream_name, stream in cases():
        arguments = clean(arguments)
        text = json.dumps(run(name, arguments, stream, arguments["monitor"]), separators=(",", ":"))
        if text not in index:
            index[text] = len(outcomes)
            outcomes.append(json.loads(text))
        out["cases"].append([name, arguments, stream_name, index[text]])
    here = pathlib.Path(__file__).parent
    write(here / "keras.json", out | {"outcomes": outcomes, "templates": list(templates())})
    print(f"{len(out['cases'])} cases, {len(outcomes)} outcomes")


main()
