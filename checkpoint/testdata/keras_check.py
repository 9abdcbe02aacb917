"""Load a model in the real Keras and predict: keras_check.py MODEL X.npy OUT.npy

MODEL is a .h5 or .keras with its configuration in it. With more arguments, also
  --weights FILE   load FILE.weights.h5 into the model first
  --dump FILE      write what Keras holds (weights, optimizer, configuration) as JSON
  --train N        after predicting, make N updates on X with labels 0, 1, 2, …, and print the losses
keras_check.py --batch JOBS.json runs one such command line, a list of strings, after
the other in one process. Prints the versions of Keras and its backend, and exits with 1 when anything fails.
"""

import argparse
import hashlib
import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import keras
import numpy as np


def digest(x):
    x = np.asarray(x)
    return {"shape": list(x.shape), "sha256": hashlib.sha256(np.ascontiguousarray(x, "<f4").tobytes()).hexdigest()[:16]}


def dump(m):
    weights = {f"{layer.name}/{v.name}": digest(v.numpy()) for layer in m.layers for v in layer.weights}
    out = {"weights": weights, "layers": [layer.name for layer in m.layers], "config": json.loads(m.to_json())}
    if getattr(m, "optimizer", None) is not None:
        out["optimizer"] = type(m.optimizer).__name__
        out["optimizer_config"] = m.optimizer.get_config()
        out["variables"] = [digest(v.numpy()) for v in m.optimizer.variables]
        out["iterations"] = int(m.optimizer.iterations)
        out["learning_rate"] = float(m.optimizer.learning_rate)
    return out


def check(arguments):
    p = argparse.ArgumentParser()
    p.add_argument("model")
    p.add_argument("x")
    p.add_argument("out")
    p.add_argument("--weights")
    p.add_argument("--dump")
    p.add_argument("--train", type=int, default=0)
    a = p.parse_args(arguments)
    print("keras", keras.__version__, "backend", keras.backend.backend())
    x = np.load(a.x)
    if x.dtype != np.float32:
        raise SystemExit(f"{a.x} holds {x.dtype}, want float32")
    m = keras.models.load_model(a.model)
    if a.weights:
        m.load_weights(a.weights)
    y = np.asarray(m.predict(x, batch_size=32, verbose=0), dtype=np.float32)
    np.save(a.out, y)
    if not os.path.exists(a.out):
        raise SystemExit(f"{a.out} must end in .npy")
    if a.dump:
        with open(a.dump, "w") as f:
            json.dump(dump(m), f)
    if a.train:
        labels = np.arange(len(x)) % y.shape[-1]
        for _ in range(a.train):
            print("loss", float(m.train_on_batch(x, labels)[0]))
    print("predicted", y.shape)


if __name__ == "__main__":
    try:
        if sys.argv[1:2] == ["--batch"]:
            with open(sys.argv[2]) as f:
                for job in json.load(f):
                    check(job)
        else:
            check(sys.argv[1:])
    except Exception as e:  # one line for the test log, then the traceback
        print(f"keras_check: {type(e).__name__}: {e}", file=sys.stderr)
        raise
