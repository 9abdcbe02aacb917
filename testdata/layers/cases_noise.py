"""Layers that change their input at random while training, and not otherwise."""
from keras import Sequential
from keras import layers as L

IMAGE = (4, 5, 6)


def one(shape, layer):
    return lambda: Sequential([L.Input(shape), layer()])


CASES = {
    "spatial_2d_random": one(IMAGE, lambda: L.SpatialDropout2D(0.3)),
    "spatial_1d_random": one((7, 5), lambda: L.SpatialDropout1D(0.25)),
    "gaussian_random": one(IMAGE, lambda: L.GaussianNoise(0.1)),
    "gaussian_dropout_random": one(IMAGE, lambda: L.GaussianDropout(0.2)),
    "alpha_random": one((8,), lambda: L.AlphaDropout(0.4)),
    "stochastic_depth_random": one(IMAGE, lambda: L.Dropout(0.4, noise_shape=(None, 1, 1, 1))),
    "gaussian_none": one(IMAGE, lambda: L.GaussianNoise(0.0)),
    "spatial_none": one(IMAGE, lambda: L.SpatialDropout2D(0.0)),
}
