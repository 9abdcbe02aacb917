"""Writes keras.json: what Keras's metrics say after each of three batches, with and without weights of the samples.

A case has the class and arguments of the metric, whether predictions go through argmax first (Keras's MeanIoU wants classes), targets or labels, of which
Keras gets one-hot rows (or class numbers for Sparse… and MeanIoU), predictions, weights, and the results.
Run: python make_keras.py, with keras and tensorflow installed.
"""

import json
import os
import pathlib

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np

rng = np.random.default_rng(11)
BATCHES, N = 3, 8


def probs(*shape):
    x = np.exp(rng.standard_normal((BATCHES, N, *shape)) * 1.5)
    return (x / x.sum(-1, keepdims=True)).astype("float32")


def uniform(*shape):
    return rng.uniform(0, 1, (BATCHES, N, *shape)).astype("float32")


def normal(*shape):
    return rng.standard_normal((BATCHES, N, *shape)).astype("float32")


def binary(*shape):
    return rng.integers(0, 2, (BATCHES, N, *shape)).astype("float32")


def labels(classes, *shape):
    return rng.integers(0, classes, (BATCHES, N, *shape)).astype("int32")


def one_hot(y, classes):
    if classes == 1:
        return y[..., None].astype("float32")
    return np.eye(classes, dtype="float32")[y]


cases = []


def case(name, arguments, y, predictions, is_labels=False):
    for weights in [None, rng.integers(0, 9, (BATCHES, N)).astype("float32") / 4]:
        keras.backend.clear_session()  # names are numbered
        iou = name in ("MeanIoU", "OneHotMeanIoU")
        metric = getattr(keras.metrics, name)(**arguments, **(dict(dtype="float32") if iou else {}))
        if name == "MeanIoU":
            metric.sparse_y_pred = False
        results = []
        for i in range(BATCHES):
            targets = y[i]
            if is_labels and not name.startswith("Sparse") and name != "MeanIoU":
                targets = one_hot(targets, predictions.shape[-1])
            metric.update_state(targets, predictions[i], sample_weight=None if weights is None else weights[i])
            results.append(np.asarray(metric.result()).astype("float64").reshape(-1).tolist())
        cases.append(
            dict(
                name=name,
                arguments=arguments,
                log_name=metric.name,
                shape=list(predictions.shape[1:]),
                labels=y.reshape(BATCHES, -1).tolist() if is_labels else None,
                targets=None if is_labels else y.reshape(BATCHES, -1).tolist(),
                predictions=predictions.reshape(BATCHES, -1).tolist(),
                weights=None if weights is None else weights.tolist(),
                results=results,
            )
        )


ties = np.round(probs(4) * 8) / 8
soft = probs(4)
for name in ["SparseCategoricalAccuracy", "SparseCategoricalCrossentropy"]:
    case(name, dict(), labels(4), probs(4), True)
for k in [1, 2, 3]:
    case("SparseTopKCategoricalAccuracy", dict(k=k), labels(4), ties, True)
    case("TopKCategoricalAccuracy", dict(k=k), soft, ties)
case("TopKCategoricalAccuracy", dict(), labels(9), probs(9), True)
case("CategoricalAccuracy", dict(), soft, ties)
case("CategoricalAccuracy", dict(), labels(4), probs(4), True)
case("BinaryAccuracy", dict(), binary(3), uniform(3))
case("BinaryAccuracy", dict(threshold=0.3), labels(2), uniform(1), True)
case("CategoricalCrossentropy", dict(label_smoothing=0.1), soft, probs(4))
case("CategoricalCrossentropy", dict(from_logits=True), labels(4), normal(4), True)
case("BinaryCrossentropy", dict(), binary(3), uniform(3))
case("BinaryCrossentropy", dict(from_logits=True), labels(2), normal(1), True)
for name in ["MeanSquaredError", "RootMeanSquaredError", "MeanAbsoluteError", "MeanAbsolutePercentageError", "CosineSimilarity", "LogCoshError"]:
    case(name, dict(), normal(3), normal(3))
case("MeanSquaredLogarithmicError", dict(), uniform(3), uniform(3))
case("KLDivergence", dict(), soft, probs(4))
case("Poisson", dict(), uniform(3), uniform(3))
for name in ["Hinge", "SquaredHinge"]:
    case(name, dict(), binary(3), normal(3))
case("CategoricalHinge", dict(), labels(4), normal(4), True)

eighths = np.round(uniform(3) * 8) / 8
for name in ["Precision", "Recall", "TruePositives", "FalsePositives", "TrueNegatives", "FalseNegatives"]:
    case(name, dict(), binary(3), uniform(3))
    case(name, dict(), labels(2), uniform(1), True)
    case(name, dict(thresholds=[0.25, 0.5, 0.7]), binary(3), eighths)
    case(name, dict(thresholds=0.9), labels(4), probs(4), True)
for name in ["Precision", "Recall"]:
    case(name, dict(class_id=2), labels(4), probs(4), True)
    case(name, dict(class_id=0, thresholds=[0.3, 0.6]), binary(3), uniform(3))
for name, argument in [("PrecisionAtRecall", "recall"), ("RecallAtPrecision", "precision"), ("SensitivityAtSpecificity", "specificity"), ("SpecificityAtSensitivity", "sensitivity")]:
    case(name, {argument: 0.6}, binary(3), uniform(3))
    case(name, {argument: 0.4, "num_thresholds": 9, "class_id": 1}, binary(3), uniform(3))
for curve in ["ROC", "PR"]:
    for method in ["interpolation", "minoring", "majoring"]:
        arguments = dict(curve=curve, summation_method=method)
        case("AUC", arguments, labels(2), uniform(1), True)
        case("AUC", dict(num_thresholds=10, **arguments), binary(3), uniform(3))
    case("AUC", dict(curve=curve, thresholds=[0.6, 0.2, 0.5]), binary(3), uniform(3))
    case("AUC", dict(curve=curve, multi_label=True, num_labels=3), binary(3), uniform(3))
    case("AUC", dict(curve=curve, multi_label=True, num_labels=3, label_weights=[1.0, 2.0, 0.5]), binary(3), uniform(3))
    case("AUC", dict(curve=curve, from_logits=True), labels(2), normal(1) * 3, True)
    case("AUC", dict(curve=curve), labels(4), probs(4), True)
for average in [None, "micro", "macro", "weighted"]:
    case("F1Score", dict(average=average), labels(4), probs(4), True)
    case("F1Score", dict(average=average, threshold=0.4), binary(3), uniform(3))
    case("FBetaScore", dict(average=average, beta=2.0), soft, ties)
case("MeanIoU", dict(num_classes=4), labels(4), probs(4), True)
case("MeanIoU", dict(num_classes=6), labels(4), probs(4), True)
case("OneHotMeanIoU", dict(num_classes=4), soft, probs(4))

out = dict(versions=dict(keras=keras.__version__), cases=cases)
path = pathlib.Path(__file__).with_name("keras.json")
text = json.dumps(out, allow_nan=False).replace('{"name"', '\n{"name"')
path.write_text(text + "\n")
print(len(cases), "cases", path.stat().st_size, "bytes")
