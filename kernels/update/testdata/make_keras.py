"""Writes keras.json: ten steps of each of Keras's optimizers on one variable of 23 elements.

Run: python make_keras.py, with keras and tensorflow installed.
"""

import json
import os
import pathlib

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np
import tensorflow as tf

STEPS, N = 10, 23
rng = np.random.default_rng(7)
param = rng.standard_normal(N).astype("float32")
grads = (rng.standard_normal((STEPS, N)) * 10.0 ** rng.integers(-4, 2, N)).astype("float32")

cases = []
for kind, config in [
    ("SGD", dict(learning_rate=0.1)),
    ("SGD", dict(learning_rate=0.01, momentum=0.9)),
    ("SGD", dict(learning_rate=0.01, momentum=0.9, nesterov=True, weight_decay=1e-4)),
    ("SGD", dict(learning_rate=0.5, weight_decay=0.01)),
    ("Adam", dict(learning_rate=0.001)),
    ("Adam", dict(learning_rate=0.01, beta_1=0.8, beta_2=0.99, epsilon=1e-3)),
    ("Adam", dict(learning_rate=0.002, weight_decay=0.02)),
    ("AdamW", dict(learning_rate=0.001)),
    ("AdamW", dict(learning_rate=0.05, weight_decay=0.1, beta_1=0.8)),
    ("RMSprop", dict(learning_rate=0.001)),
    ("RMSprop", dict(learning_rate=0.01, rho=0.8, momentum=0.9, epsilon=1e-3)),
    ("RMSprop", dict(learning_rate=0.001, centered=True)),
    ("RMSprop", dict(learning_rate=0.001, rho=0.95, momentum=0.5, centered=True, weight_decay=0.01)),
    ("Adagrad", dict(learning_rate=0.1)),
    ("Adagrad", dict(learning_rate=0.01, initial_accumulator_value=0.5, epsilon=1e-3, weight_decay=0.01)),
    ("Adadelta", dict(learning_rate=1.0)),
    ("Adadelta", dict(learning_rate=0.5, rho=0.9, epsilon=1e-3, weight_decay=0.01)),
    ("Adamax", dict(learning_rate=0.001)),
    ("Adamax", dict(learning_rate=0.01, beta_1=0.8, beta_2=0.9, epsilon=1e-3, weight_decay=0.01)),
    ("Nadam", dict(learning_rate=0.001)),
    ("Nadam", dict(learning_rate=0.01, beta_1=0.8, beta_2=0.99, epsilon=1e-3)),
    ("Nadam", dict(learning_rate=0.01, weight_decay=0.1)),
    ("Lion", dict(learning_rate=0.001)),
    ("Lion", dict(learning_rate=0.01, beta_1=0.95, beta_2=0.98, weight_decay=0.1)),
]:
    optimizer = getattr(keras.optimizers, kind)(**config)
    variable = keras.Variable(param)
    after = []
    for g in grads:
        optimizer.apply([tf.constant(g)], [variable])
        after.append(keras.ops.convert_to_numpy(variable).tolist())
    cases.append(dict(kind=kind, config=config, after=after))

out = dict(
    versions=dict(keras=keras.__version__, tensorflow=tf.__version__, numpy=np.__version__),
    param=param.tolist(),
    grads=grads.tolist(),
    cases=cases,
)
pathlib.Path(__file__).with_name("keras.json").write_text(json.dumps(out, indent=0) + "\n")
