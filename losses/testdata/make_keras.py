"""Writes keras.json: Keras's losses, one for each sample, and the gradient of their weighted sum, for many arguments and inputs.

A case has the class and arguments of the loss, targets (or labels, of which Keras gets one-hot rows, or the numbers 0 and 1), predictions, the weights
of the sum, and the results. Where a loss has more dimensions than samples, a sample's loss is the mean; where it has fewer, all have the same.
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

rng = np.random.default_rng(7)
N = 6


def normal(*shape):
    return rng.standard_normal(shape).astype("float32")


def uniform(*shape):
    return rng.uniform(0.02, 0.98, shape).astype("float32")


def softmax(x):
    return np.array(tf.nn.softmax(x))


def one_hot(labels, classes):
    if classes == 1:
        return labels.reshape(-1, 1).astype("float32")
    return np.eye(classes, dtype="float32")[labels]


def distribution(*shape):
    x = uniform(*shape)
    return (x / x.sum(-1, keepdims=True)).astype("float32")


def binary(*shape):
    return rng.integers(0, 2, shape).astype("float32")


cases = []


def case(name, arguments, targets, predictions, labels=None):
    loss = getattr(keras.losses, name)(reduction=None, **arguments)
    weights = rng.uniform(0.5, 2, len(predictions)).astype("float32")
    if labels is not None:
        targets = labels if name.startswith("Sparse") else one_hot(labels, predictions.shape[-1])
    x = tf.constant(predictions)
    with tf.GradientTape() as tape:
        tape.watch(x)
        losses = loss(targets, x)
        if len(losses.shape) == 0:
            losses = tf.repeat(losses, len(predictions))
        losses = tf.reduce_mean(tf.reshape(losses, (len(predictions), -1)), -1)
        total = tf.reduce_sum(losses * weights)
    gradient = tf.convert_to_tensor(tape.gradient(total, x))
    assert np.all(np.isfinite(losses)) and np.all(np.isfinite(gradient)), (name, arguments)
    cases.append(
        dict(
            name=name,
            arguments=arguments,
            shape=list(predictions.shape),
            labels=None if labels is None else labels.tolist(),
            targets=None if labels is not None else np.asarray(targets).ravel().tolist(),
            predictions=predictions.ravel().tolist(),
            weights=weights.tolist(),
            losses=np.asarray(losses).tolist(),
            gradient=np.asarray(gradient).ravel().tolist(),
        )
    )


labels = rng.integers(0, 4, N).astype("int32")
bits = np.array([0, 1, 1, 0, 1, 0], "int32")
logits = normal(N, 4) * 4
logits[0] = [200, -200, 0, 1]
probs = softmax(normal(N, 4) * 2)
certain = probs.copy()
certain[0], certain[1] = [1, 0, 0, 0], [0, 0, 1, 0]
unscaled = (probs * rng.uniform(0.5, 2, (N, 1))).astype("float32")
images = softmax(normal(3, 2, 3, 4))

for arguments in [dict(), dict(label_smoothing=0.1)]:
    case("CategoricalCrossentropy", arguments, distribution(N, 4), probs)
    case("CategoricalCrossentropy", arguments, None, probs, labels)
    case("CategoricalCrossentropy", arguments, distribution(N, 4), certain)
    case("CategoricalCrossentropy", arguments, distribution(N, 4), unscaled)
    case("CategoricalCrossentropy", arguments, distribution(3, 2, 3, 4), images)
    case("CategoricalCrossentropy", dict(from_logits=True, **arguments), distribution(N, 4), logits)
    case("CategoricalCrossentropy", dict(from_logits=True, **arguments), None, logits, labels)
    case("CategoricalCrossentropy", dict(from_logits=True, **arguments), distribution(3, 2, 3, 4), normal(3, 2, 3, 4))
    edges = uniform(N, 3)
    edges[0], edges[1] = [0, 1, 1e-8], [1, 0, 1 - 1e-6]
    case("BinaryCrossentropy", arguments, binary(N, 3), uniform(N, 3))
    case("BinaryCrossentropy", arguments, uniform(N, 3), edges)
    case("BinaryCrossentropy", arguments, None, uniform(N, 1), bits)
    case("BinaryCrossentropy", arguments, None, uniform(N, 4), labels)
    case("BinaryCrossentropy", arguments, binary(3, 2, 2, 1), uniform(3, 2, 2, 1))
    case("BinaryCrossentropy", dict(from_logits=True, **arguments), binary(N, 4), logits)
    case("BinaryCrossentropy", dict(from_logits=True, **arguments), None, normal(N, 1) * 20, bits)
    for focal in [dict(), dict(alpha=0.6, gamma=1.5)]:
        case("CategoricalFocalCrossentropy", dict(**focal, **arguments), distribution(N, 4), probs)
        case("CategoricalFocalCrossentropy", dict(**focal, **arguments), None, unscaled, labels)
        case("CategoricalFocalCrossentropy", dict(from_logits=True, **focal, **arguments), distribution(N, 4), normal(N, 4))
        case("BinaryFocalCrossentropy", dict(**focal, **arguments), binary(N, 3), uniform(N, 3))
        case("BinaryFocalCrossentropy", dict(apply_class_balancing=True, **focal, **arguments), None, uniform(N, 1), bits)
        case("BinaryFocalCrossentropy", dict(from_logits=True, **focal, **arguments), binary(N, 3), normal(N, 3))
case("SparseCategoricalCrossentropy", dict(), None, probs, labels)
case("SparseCategoricalCrossentropy", dict(from_logits=True), None, logits, labels)

for name in ["MeanSquaredError", "MeanAbsoluteError", "MeanAbsolutePercentageError", "LogCosh", "CosineSimilarity", "Huber"]:
    case(name, dict(), normal(N, 3), normal(N, 3))
    case(name, dict(), normal(N, 1) * 30, normal(N, 1) * 30)
    case(name, dict(), normal(3, 2, 2, 2), normal(3, 2, 2, 2))
    case(name, dict(), None, uniform(N, 4), labels)
zeros = normal(N, 3)
zeros[0], zeros[1, 1] = 0, 0
case("MeanAbsolutePercentageError", dict(), zeros, normal(N, 3))
case("CosineSimilarity", dict(), zeros, normal(N, 3))
case("Huber", dict(delta=0.3), normal(N, 3), normal(N, 3))
case("MeanSquaredLogarithmicError", dict(), uniform(N, 3) * 5, uniform(N, 3) * 5)
case("MeanSquaredLogarithmicError", dict(), normal(N, 3), normal(N, 3))
case("Poisson", dict(), uniform(N, 3) * 5, uniform(N, 3) * 5)
case("KLDivergence", dict(), distribution(N, 4), probs)
case("KLDivergence", dict(), distribution(N, 4), certain)
case("KLDivergence", dict(), distribution(3, 2, 3, 4), images)
for name in ["Hinge", "SquaredHinge"]:
    case(name, dict(), binary(N, 3), normal(N, 3))
    case(name, dict(), binary(N, 3) * 2 - 1, normal(N, 3))
    case(name, dict(), np.array([[0, 1], [1, 0.5]], "float32"), normal(2, 2))
    case(name, dict(), None, normal(N, 1), bits)
case("CategoricalHinge", dict(), None, normal(N, 4), labels)
case("CategoricalHinge", dict(), one_hot(labels, 4), normal(N, 4))
for name, more in [("Dice", []), ("Tversky", [dict(alpha=0.3, beta=0.7), dict(axis=[1, 2], alpha=0.2)])]:
    for arguments in [dict(), dict(axis=[1, 2, 3]), dict(axis=[1, 2])] + more:
        case(name, arguments, binary(3, 2, 2, 2), uniform(3, 2, 2, 2))

out = dict(versions=dict(keras=keras.__version__, tensorflow=tf.__version__, numpy=np.__version__), cases=cases)
path = pathlib.Path(__file__).with_name("keras.json")
path.write_text(json.dumps(out).replace('{"name"', '\n{"name"') + "\n")
print(len(cases), "cases", path.stat().st_size, "bytes")
