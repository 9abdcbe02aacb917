"""Writes keras.json: Keras's BatchNormalization in training, its gradients, the moving statistics of three steps, and inference.

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

N, H, W, C, STEPS = 3, 4, 5, 6, 3
rng = np.random.default_rng(11)
layer = keras.layers.BatchNormalization(momentum=0.9)
layer.build((None, H, W, C))
gamma, beta = (rng.standard_normal(C).astype("float32") for _ in range(2))
layer.gamma.assign(gamma)
layer.beta.assign(beta)

steps = []
for _ in range(STEPS):
    src = (rng.standard_normal((N, H, W, C)) * 2 + np.arange(C) * 3).astype("float32")
    diff_dst = rng.standard_normal((N, H, W, C)).astype("float32")
    x = tf.constant(src)
    with tf.GradientTape() as tape:
        tape.watch(x)
        dst = layer(x, training=True)
        total = tf.reduce_sum(dst * diff_dst)
    diff_src, diff_gamma, diff_beta = tape.gradient(total, [x, layer.gamma.value, layer.beta.value])
    arrays = dict(src=src, diff_dst=diff_dst, dst=dst, diff_src=diff_src, diff_gamma=diff_gamma, diff_beta=diff_beta,
                  moving_mean=layer.moving_mean.value, moving_variance=layer.moving_variance.value)
    steps.append({k: keras.ops.convert_to_numpy(v).ravel().tolist() for k, v in arrays.items()})

out = dict(
    versions=dict(keras=keras.__version__, tensorflow=tf.__version__, numpy=np.__version__),
    rows=N * H * W,
    c=C,
    epsilon=layer.epsilon,
    momentum=layer.momentum,
    gamma=gamma.tolist(),
    beta=beta.tolist(),
    steps=steps,
    inference=keras.ops.convert_to_numpy(layer(src, training=False)).ravel().tolist(),
)
pathlib.Path(__file__).with_name("keras.json").write_text(json.dumps(out, indent=0) + "\n")
