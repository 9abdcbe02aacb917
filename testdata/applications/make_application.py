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


def call(self, inputs, training=None, mask=None):
    """That of a batch norm whose statistics become those of what it gets, but for chance: of all channels together, since any of channels by themselves make a
    deep network's predictions depend on the last digits of pixels."""
    square = float(keras.ops.mean(keras.ops.square(inputs)))
    self.moving_mean.assign(rng.uniform(0.0, 0.2, self.moving_mean.shape) * square**0.5)
    self.moving_variance.assign(rng.uniform(1.0, 1.2, self.moving_variance.shape) * square)
    for w in self.trainable_weights:  # other than 0 and 1, so that they matter
        w.assign(w.numpy() + rng.uniform(0.0, 0.2, w.shape))
    return its_own(self, inputs, training=False)


its_own = keras.layers.BatchNormalization.call
keras.layers.BatchNormalization.call = call
model(x)
keras.layers.BatchNormalization.call = its_own
model.save(os.path.join(directory, name + ".keras"))
np.save(os.path.join(directory, "x.npy"), x)
np.save(os.path.join(directory, "y.npy"), np.asarray(model.predict(x, verbose=0), "float32"))
