"""Writes layered.json: ten steps of those of Keras's optimizers that look at each weight as a whole, on several weights at once.

Run: python make_layered.py, with keras and tensorflow installed.
"""

import json
import os
import pathlib

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import keras
import numpy as np
import tensorflow as tf

KEPT = [1, 3, 10]  # steps after which the weights are recorded
STEPS, SHAPES = 10, [(3, 2, 4, 5), (7,), (16, 5), (5, 16), (6, 6), (1, 9)]
rng = np.random.default_rng(8)
params = [(rng.standard_normal(s) * scale).astype("float32") for s, scale in zip(SHAPES, [1, 0, 0.5, 2, 0.1, 1])]  # one starts at 0
grads = [[(rng.standard_normal(s) * 10.0 ** (i - 3)).astype("float32") for i, s in enumerate(SHAPES)] for _ in range(STEPS)]


def flat(arrays):
    return [[float(str(x)) for x in np.ravel(a)] for a in arrays]  # the shortest decimals that float32 needs


cases = []
for kind, config in [
    ("Lamb", dict(learning_rate=0.001)),
    ("Lamb", dict(learning_rate=0.02, beta_1=0.8, beta_2=0.99, epsilon=1e-3, weight_decay=0.1)),
    ("Muon", dict(learning_rate=0.001)),
    ("Muon", dict(learning_rate=0.02, momentum=0.8, nesterov=False, ns_steps=3, rms_rate=None, weight_decay=None, adam_weight_decay=None)),
    ("Muon", dict(learning_rate=0.01, muon_a=3.0, muon_b=-3.2, muon_c=1.2, ns_steps=6, weight_decay=0.2, adam_weight_decay=0.1, adam_lr_ratio=0.25,
                  adam_beta_1=0.8, adam_beta_2=0.99, epsilon=1e-4, rms_rate=0.3)),
]:
    optimizer = getattr(keras.optimizers, kind)(**config)
    variables = [keras.Variable(p) for p in params]
    after = []
    for step, g in enumerate(grads, 1):
        optimizer.apply([tf.constant(x) for x in g], variables)
        if step in KEPT:
            after.append(flat(keras.ops.convert_to_numpy(v) for v in variables))
    cases.append(dict(kind=kind, config=config, after=after))

out = dict(
    versions=dict(keras=keras.__version__, tensorflow=tf.__version__, numpy=np.__version__),
    shapes=SHAPES,
    kept=KEPT,
    params=flat(params),
    grads=[flat(g) for g in grads],
    cases=cases,
)
pathlib.Path(__file__).with_name("layered.json").write_text(json.dumps(out) + "\n")
