"""Makes normalized.keras, normalized.h5, normalized.weights.h5, and normalized_x.npy and normalized_y.npy, what the model predicts: with the
real Keras, a network that begins with a Normalization that was adapted, so that the files hold a scalar and an integer among the weights.

Usage: python make_normalized.py, in this directory. Made with Keras 3.15.1, TensorFlow 2.21."""
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import keras
import numpy as np
from keras import layers as L

keras.utils.set_random_seed(3)
rng = np.random.default_rng(3)
x = rng.normal(3, 2, (64, 6, 5, 3)).astype("float32")
normalization = L.Normalization()
normalization.adapt(x)
model = keras.Sequential([
    keras.Input((6, 5, 3)), normalization, L.Resizing(8, 8), L.Conv2D(6, 3, kernel_initializer="orthogonal"), L.GroupNormalization(3),
    L.LayerNormalization(), L.SpatialDropout2D(0.2), L.GaussianNoise(0.1), L.GlobalMaxPooling2D(), L.Dense(4, activation="softmax"),
])
for suffix in (".keras", ".h5"):
    model.save("normalized" + suffix)
model.save_weights("normalized.weights.h5")
np.save("normalized_x.npy", x[:5])
np.save("normalized_y.npy", model.predict(x[:5], verbose=0))
