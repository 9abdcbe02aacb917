"""Make the golden models of package checkpoint with tf_keras, which is Keras 2, and expected_tf_keras.json.

Run in this folder: python make_tf_keras.py.
"""

import hashlib
import json
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import numpy as np
import tf_keras
from tf_keras import layers as L


def digest(x):
    return {"shape": list(x.shape), "sha256": hashlib.sha256(np.ascontiguousarray(x, "<f4").tobytes()).hexdigest()[:16]}


def describe(m):
    weights, slots = {}, {}
    for layer in m.layers:
        for v in layer.weights:
            weights[f"{layer.name}/{v.name.split('/')[-1].split(':')[0]}"] = digest(v.numpy())
    kept = ["momentum", "velocity"] if "Adam" in type(m.optimizer).__name__ else ["momentum"]
    rest = iter([v for v in m.optimizer.variables if "/" in v.name.removeprefix("Adam/").removeprefix("SGD/")])
    for v in m.trainable_variables:
        layer, weight = v.name.split(":")[0].split("/")[-2:]
        for slot in kept:
            slots[f"{slot}/{layer}/{weight}"] = digest(next(rest).numpy())
    return {
        "layers": [layer.name for layer in m.layers],
        "weights": weights,
        "slots": slots,
        "iterations": int(m.optimizer.iterations),
        "learning_rate": float(m.optimizer.learning_rate),
        "optimizer_variables": [v.name for v in m.optimizer.variables],
    }


def sequential():
    m = tf_keras.Sequential(
        [
            L.Conv2D(2, 3, activation="relu", input_shape=(8, 8, 1)),
            L.MaxPooling2D(2),
            L.Dropout(0.25),
            L.Flatten(),
            L.Dense(4, activation="softmax"),
        ],
        name="sequential",
    )
    m.compile(optimizer=tf_keras.optimizers.Adam(2e-3), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return m


def residual():
    i = L.Input((8, 8, 3), name="image")
    x = L.Conv2D(4, 3, padding="same", use_bias=False, strides=2, name="stem")(i)
    x = L.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
    x = L.ReLU()(x)
    y = L.Conv2D(4, 3, padding="same")(x)
    x = L.Add()([x, y])
    x = L.GlobalAveragePooling2D()(x)
    m = tf_keras.Model(i, L.Softmax()(L.Dense(3)(x)), name="residual")
    m.compile(
        optimizer=tf_keras.optimizers.SGD(0.05, momentum=0.9),
        loss=tf_keras.losses.SparseCategoricalCrossentropy(),
        metrics=["accuracy"],
    )
    return m


if __name__ == "__main__":
    expected = {"tf_keras": tf_keras.__version__, "models": {}}
    for name, make, channels, classes in [("sequential", sequential, 1, 4), ("residual", residual, 3, 3)]:
        tf_keras.utils.set_random_seed(11)
        x = np.random.default_rng(5).normal(size=(6, 8, 8, channels)).astype("float32")
        m = make()
        for _ in range(3):
            m.train_on_batch(x, np.arange(6) % classes)
        m.save(f"tf_keras_{name}.h5")
        m.save_weights(f"tf_keras_{name}.weights.h5")
        m.save_weights(f"tf_keras_{name}_legacy_weights.h5")
        m.save(f"tf_keras_{name}.keras")
        np.save(f"tf_keras_{name}_x.npy", x)
        np.save(f"tf_keras_{name}_y.npy", m.predict(x, verbose=0))
        expected["models"][name] = describe(m)
    with open("expected_tf_keras.json", "w") as f:
        json.dump(expected, f, indent=1, sort_keys=True)
