"""Make optimizer_*.keras, one small model for each optimizer of Keras 3, some as .h5 too, and expected_optimizers.json, what is in them; and
untrained_*, models that were compiled and saved, whose optimizers have made nothing yet.

Run in this folder: python make_optimizers.py [NAME... | untrained]. Old files are kept for ever.
"""

import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import keras
import numpy as np
import tensorflow as tf
from keras import layers as L

from make_keras import digest

O = keras.optimizers
CASES = {
    "sgd": (O.SGD, dict(learning_rate=1.0)),
    "adamw": (O.AdamW, dict(learning_rate=0.01)),
    "rmsprop": (O.RMSprop, dict(learning_rate=0.01)),
    "rmsprop_momentum": (O.RMSprop, dict(learning_rate=0.01, momentum=0.9, rho=0.8)),
    "rmsprop_centered": (O.RMSprop, dict(learning_rate=0.01, centered=True)),
    "rmsprop_both": (O.RMSprop, dict(learning_rate=0.01, momentum=0.5, centered=True, weight_decay=0.01)),
    "adagrad": (O.Adagrad, dict(learning_rate=0.1, initial_accumulator_value=0.2)),
    "adadelta": (O.Adadelta, dict(learning_rate=1.0)),
    "adamax": (O.Adamax, dict(learning_rate=0.01, weight_decay=0.02)),
    "nadam": (O.Nadam, dict(learning_rate=0.01, beta_1=0.8)),
    "lion": (O.Lion, dict(learning_rate=0.003)),
    "clipnorm": (O.SGD, dict(learning_rate=0.1, momentum=0.9, clipnorm=0.05)),
    "global_clipnorm": (O.Adam, dict(learning_rate=0.01, global_clipnorm=0.1)),
    "clipvalue": (O.Adagrad, dict(learning_rate=0.1, clipvalue=0.02)),
    "ema": (O.AdamW, dict(learning_rate=0.01, use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=2)),
    "ema_adagrad": (O.Adagrad, dict(learning_rate=0.1, use_ema=True)),
    "accumulate": (O.Adam, dict(learning_rate=0.01, gradient_accumulation_steps=2)),
    "accumulate_rmsprop": (O.RMSprop, dict(learning_rate=0.01, momentum=0.5, centered=True, gradient_accumulation_steps=2, use_ema=True, ema_momentum=0.5)),
    "accumulate_nadam": (O.Nadam, dict(
        learning_rate=0.01, gradient_accumulation_steps=2, use_ema=True, ema_momentum=0.8, ema_overwrite_frequency=2, global_clipnorm=0.5)),
    "lamb": (O.Lamb, dict(learning_rate=0.01, weight_decay=0.01)),
    "muon": (O.Muon, dict(learning_rate=0.01)),
    "muon_excluded": (O.Muon, dict(
        learning_rate=0.02, exclude_layers=["dense_1"], nesterov=False, rms_rate=None, ns_steps=3, adam_lr_ratio=0.5, weight_decay=0.1, use_ema=True)),
}
UNTRAINED = ["sgd", "adamw", "nadam", "accumulate_rmsprop"]
H5 = ["adamw", "rmsprop_both", "nadam", "accumulate_rmsprop", "accumulate_nadam", "muon_excluded"]


def describe(m):
    o = m.optimizer
    paths = [f"{layer.name}/{v.name}" for layer in m.layers for v in layer.trainable_weights]
    slots = {}
    for v in o.variables[2:]:
        for path in paths:
            prefix = "sequential_" + path.replace("/", "_") + "_"
            if v.name.startswith(prefix):
                slots[f"{v.name.removeprefix(prefix)}/{path}"] = digest(v.numpy())
    return {
        "class": type(o).__name__,
        "weights": {f"{layer.name}/{v.name}": digest(v.numpy()) for layer in m.layers for v in layer.weights},
        "slots": slots,
        "iterations": int(o._iterations),  # of steps; o.iterations counts updates
        "learning_rate": float(o.learning_rate),
    }


def compiled(name):
    optimizer, arguments = CASES[name]
    keras.backend.clear_session()
    keras.utils.set_random_seed(11)
    m = keras.Sequential([L.Input((5,)), L.Dense(4, activation="relu"), L.Dense(3, activation="softmax")], name="sequential")
    m.compile(optimizer=optimizer(**arguments), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return m


if __name__ == "__main__":
    for name in UNTRAINED:
        if sys.argv[1:] in ([], ["untrained"]):
            for suffix in [".keras", ".h5"]:
                compiled(name).save(f"untrained_{name}{suffix}")
    if sys.argv[1:] == ["untrained"]:
        sys.exit()
    rng = np.random.default_rng(3)
    x = rng.normal(size=(6, 5)).astype("float32")
    labels = np.arange(6) % 3
    np.save("optimizer_x.npy", x)
    expected = {"keras": keras.__version__, "tensorflow": tf.__version__, "models": {}}
    if sys.argv[1:]:
        with open("expected_optimizers.json") as f:
            expected["models"] = json.load(f)["models"]
    for name in sys.argv[1:] or CASES:
        m = compiled(name)
        for _ in range(3):
            m.train_on_batch(x, labels)
        m.save(f"optimizer_{name}.keras")
        if name in H5:
            m.save(f"optimizer_{name}.h5")
        expected["models"][name] = describe(m)
        # What three more updates make of the weights.
        for _ in range(3):
            m.train_on_batch(x, labels)
        expected["models"][name]["after"] = {f"{layer.name}/{v.name}": v.numpy().ravel().tolist() for layer in m.layers for v in layer.weights}
    with open("expected_optimizers.json", "w") as f:
        json.dump(expected, f, indent=1, sort_keys=True)
