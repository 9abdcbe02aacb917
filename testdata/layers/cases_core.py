"""Layers that nearly every network has."""
from keras import Sequential
from keras import layers as L

CASES = {
    "dense": lambda: Sequential([L.Input((7,)), L.Dense(5)]),
    "dense_relu_no_bias": lambda: Sequential([L.Input((6,)), L.Dense(5, activation="relu", use_bias=False)]),
    "flatten": lambda: Sequential([L.Input((3, 4, 2)), L.Flatten()]),
    "rescaling": lambda: Sequential([L.Input((3, 4, 2)), L.Rescaling(1 / 127.5, offset=-1)]),
    "dropout_random": lambda: Sequential([L.Input((3, 4, 2)), L.Dropout(0.3)]),
    "batch_normalization": lambda: Sequential([L.Input((3, 4, 5)), L.BatchNormalization(momentum=0.9, epsilon=1e-5)]),
    "conv2d": lambda: Sequential([L.Input((7, 6, 3)), L.Conv2D(4, (3, 2), strides=(2, 1), padding="same", activation="relu")]),
    "max_pooling2d": lambda: Sequential([L.Input((7, 6, 3)), L.MaxPooling2D(3, strides=2, padding="same")]),
    "global_average_pooling2d": lambda: Sequential([L.Input((4, 3, 5)), L.GlobalAveragePooling2D()]),
}
