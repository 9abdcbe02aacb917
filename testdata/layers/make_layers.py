"""Makes FAMILY.h5 for each cases_FAMILY.py here, with the real Keras: what layers compute, and their gradients.

A cases_FAMILY.py has a dictionary CASES: name -> function that gives a keras.Model of one input and one output. Recorded of each, in a
group of its name: the configuration (model.to_json()), weights/ by path, x [N,...], y (inference), and, for training, seed like y
and the gradients of sum(seed·y): gradients/x and gradients/WEIGHT. A case whose name ends in _random draws random numbers while it trains:
of it there are no gradients. Weights that start as zeros or ones get random values first, so that they matter.

Usage: python make_layers.py [FAMILY...], in this directory."""
import glob
import importlib
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import h5py
import keras
import numpy as np
import tensorflow as tf

N = 3  # samples


def record(f, name, build):
    keras.utils.set_random_seed(sum(map(ord, name)))
    keras.backend.clear_session()  # names of layers start anew
    model = build()
    rng = np.random.default_rng(sum(map(ord, name)))
    for w in model.weights:
        v = w.numpy()
        if np.issubdtype(v.dtype, np.floating) and v.size and np.all(v == v.flat[0]):  # variances stay positive
            w.assign((v + rng.uniform(0.1, 0.6, v.shape)).astype("float32"))
    for layer in model.layers:
        if hasattr(layer, "finalize_state"):  # a Normalization keeps copies of its weights
            layer.finalize_state()
    g = f.create_group(name)
    g.attrs["config"] = model.to_json()
    x = rng.normal(size=(N,) + model.input_shape[1:]).astype("float32")
    g["x"] = x
    g["y"] = np.asarray(model(x, training=False))
    for layer in model.layers:
        for w in layer.weights:
            if "seed_generator" not in w.path:
                g[f"weights/{layer.name}/{w.name}"] = w.numpy()
    if name.endswith("_random"):
        return
    t = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(t)
        y = model(t, training=True)
        seed = rng.normal(size=y.shape).astype("float32")
        total = tf.reduce_sum(y * seed)
    gradients = tape.gradient(total, [t] + [w.value for w in model.trainable_weights], unconnected_gradients="zero")
    g["seed"] = seed
    g["gradients/x"] = np.asarray(gradients[0])
    names = {id(w): f"{layer.name}/{w.name}" for layer in model.layers for w in layer.trainable_weights}
    for w, d in zip(model.trainable_weights, gradients[1:]):
        g[f"gradients/{names[id(w)]}"] = np.asarray(tf.convert_to_tensor(d))


families = sys.argv[1:] or sorted(p[len("cases_"):-len(".py")] for p in glob.glob("cases_*.py"))
for family in families:
    cases = importlib.import_module("cases_" + family).CASES
    with h5py.File(family + ".h5", "w", libver="earliest") as f:
        f.attrs["keras_version"] = keras.__version__
        for name, build in cases.items():
            record(f, name, build)
    print(family, len(cases), "cases,", os.path.getsize(family + ".h5"), "bytes, Keras", keras.__version__)
