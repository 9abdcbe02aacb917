"""Writes keras.json: Keras's sparse_categorical_crossentropy from logits and from probabilities, and the gradients.

Everything is TensorFlow's but probs_losses, which repeats the three lines of keras/src/backend/numpy/nn.py (PyTorch's and JAX's backends
do the same): importing that backend takes jax.
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

ROWS, CLASSES = 12, 7
rng = np.random.default_rng(3)
logits = (rng.standard_normal((ROWS, CLASSES)) * 4).astype("float32")
logits[1] = [0, 0, 0, 0, 0, 0, 0]
logits[2] = [500, -500, 0, 1, 2, 3, 4]
labels = rng.integers(0, CLASSES, ROWS).astype("int32")
labels[2] = 1
probs = np.array(tf.nn.softmax(logits * 0.5))
probs[3] *= 2.5  # a row that does not add up to 1
probs[4] = [1, 0, 0, 0, 0, 0, 0]
labels[4] = 0  # clipped from above
probs[5] = [1, 0, 0, 0, 0, 0, 0]
labels[5] = 3  # clipped from below

output = probs.astype("float32")
output = output / np.sum(output, -1, keepdims=True)
output = np.clip(output, keras.config.epsilon(), 1.0 - keras.config.epsilon())
probs_losses = -np.log(output)[np.arange(ROWS), labels]

x = tf.constant(logits)
with tf.GradientTape() as tape:
    tape.watch(x)
    losses = keras.losses.sparse_categorical_crossentropy(labels, x, from_logits=True)
gradient = tape.gradient(losses, x)
accuracy = keras.metrics.sparse_categorical_accuracy(labels, logits)

out = dict(
    versions=dict(keras=keras.__version__, tensorflow=tf.__version__, numpy=np.__version__),
    classes=CLASSES,
    labels=labels.tolist(),
    logits=logits.ravel().tolist(),
    softmax=np.array(tf.nn.softmax(x)).ravel().tolist(),
    logits_losses=keras.ops.convert_to_numpy(losses).tolist(),
    logits_gradient=keras.ops.convert_to_numpy(gradient).ravel().tolist(),
    correct=keras.ops.convert_to_numpy(accuracy).tolist(),
    probs=probs.ravel().tolist(),
    probs_losses=probs_losses.tolist(),
    probs_losses_tensorflow=keras.ops.convert_to_numpy(keras.losses.sparse_categorical_crossentropy(labels, probs)).tolist(),
)
pathlib.Path(__file__).with_name("keras.json").write_text(json.dumps(out, indent=0) + "\n")
