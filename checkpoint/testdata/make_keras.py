"""Make the golden models of package checkpoint with Keras 3, and expected.json, what is in them.

Run in this folder: python make_keras.py. Old files are kept for ever.
"""

import hashlib
import json
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import keras
import numpy as np
import tensorflow as tf
from keras import layers as L


def digest(x):
    return {"shape": list(x.shape), "sha256": hashlib.sha256(np.ascontiguousarray(x, "<f4").tobytes()).hexdigest()[:16]}


def describe(m):
    """Weights by LAYER/WEIGHT, and the optimizer's slots."""
    weights, slots = {}, {}
    for layer in m.layers:
        for v in layer.weights:
            weights[f"{layer.name}/{v.name}"] = digest(v.numpy())
    o = m.optimizer
    rest = iter(o.variables[2:])
    kept = ["momentum", "velocity"] if o.name == "adam" else ["momentum"]
    trainable = [f"{layer.name}/{v.name}" for layer in m.layers for v in layer.trainable_weights]
    for path in trainable:
        for slot in kept:
            slots[f"{slot}/{path}"] = digest(next(rest).numpy())
    return {
        "layers": [layer.name for layer in m.layers],
        "weights": weights,
        "slots": slots,
        "iterations": int(o.iterations),
        "learning_rate": float(o.learning_rate),
    }


def sequential():
    """mnist-cnn in miniature."""
    m = keras.Sequential(
        [
            L.Input((8, 8, 1)),
            L.Rescaling(1 / 255.0, offset=-0.5),
            L.Conv2D(2, 3, activation="relu", kernel_initializer="he_normal"),
            L.Conv2D(3, 3, activation="relu", padding="same", strides=(1, 2)),
            L.MaxPooling2D(2),
            L.Dropout(0.25),
            L.Flatten(),
            L.Dense(5, activation="relu", bias_initializer=keras.initializers.Constant(0.1)),
            L.Dropout(0.5),
            L.Dense(4, activation="softmax"),
        ],
        name="sequential",
    )
    m.compile(optimizer=keras.optimizers.Adam(2e-3), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return m


def residual():
    i = L.Input((8, 8, 3), name="image")
    x = L.Conv2D(4, 3, padding="same", use_bias=False, strides=2, kernel_initializer="he_uniform", name="stem")(i)
    x = L.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
    x = L.ReLU()(x)
    y = L.Conv2D(4, 3, padding="same")(x)
    y = L.BatchNormalization()(y)
    y = L.Activation("relu")(y)
    y = L.Conv2D(6, 1, strides=2)(y)
    x = L.Conv2D(6, 1, strides=2, name="shortcut")(x)
    x = L.Add()([y, x])
    x = L.GlobalAveragePooling2D()(x)
    x = L.Dense(3)(x)
    m = keras.Model(i, L.Softmax(name="probabilities")(x), name="residual")
    m.compile(
        optimizer=keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True, weight_decay=1e-4),
        loss=keras.losses.SparseCategoricalCrossentropy(),
        metrics=["accuracy"],
    )
    return m


if __name__ == "__main__":
    expected = {"keras": keras.__version__, "tensorflow": tf.__version__, "models": {}}
    for name, make, channels, classes in [("sequential", sequential, 1, 4), ("residual", residual, 3, 3)]:
        keras.utils.set_random_seed(11)
        rng = np.random.default_rng(5)
        x = rng.normal(size=(6, 8, 8, channels)).astype("float32")
        m = make()
        for _ in range(3):
            m.train_on_batch(x, np.arange(6) % classes)
        # The .h5 comes last: saving it takes the optimizer out of the configuration of a .keras.
        m.save(f"{name}.keras")
        m.save_weights(f"{name}.weights.h5")
        m.save(f"{name}.h5")
        np.save(f"{name}_x.npy", x)
        np.save(f"{name}_y.npy", m.predict(x, verbose=0))
        expected["models"][name] = describe(m)
    with open("expected.json", "w") as f:
        json.dump(expected, f, indent=1, sort_keys=True)
