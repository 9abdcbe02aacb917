"""Makes NAME.keras, x.npy and y.npy in a directory: a network of keras.applications with random weights for images of 96×96, samples, and what
Keras predicts for them, without a softmax. Usage: python make_application.py NAME DIRECTORY; without arguments it lists the names."""
import inspect
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import keras
import numpy as np

if len(sys.argv) == 1:
    print(*[n for n, f in inspect.getmembers(keras.applications, inspect.isfunction)])
    sys.exit()
name, directory = sys.argv[1:]
keras.utils.set_random_seed(1)
model = getattr(keras.applications, name)(weights=None, classes=10, input_shape=(96, 96, 3), classifier_activation=None)
rng = np.random.default_rng(1)
x = rng.uniform(0, 255, (3, 96, 96, 3)).astype("float32")
for layer in model.layers:  # statistics other than 0 and 1, so that they matter
    if isinstance(layer, keras.layers.BatchNormalization):
        for w in layer.weights:
            w.assign(w.numpy() + rng.uniform(0.0, 0.2, w.shape).astype("float32"))
model.save(os.path.join(directory, name + ".keras"))
np.save(os.path.join(directory, "x.npy"), x)
np.save(os.path.join(directory, "y.npy"), np.asarray(model.predict(x, verbose=0), "float32"))
