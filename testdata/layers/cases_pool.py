"""Poolings."""
from keras import Sequential
from keras import layers as L

IMAGE = (7, 6, 3)
SEQUENCE = (9, 4)


def one(shape, layer):
    return lambda: Sequential([L.Input(shape), layer()])


CASES = {
    "max": one(IMAGE, lambda: L.MaxPooling2D()),
    "max_uneven": one(IMAGE, lambda: L.MaxPooling2D((3, 2), strides=(1, 3), padding="same")),
    "average": one(IMAGE, lambda: L.AveragePooling2D(2)),
    "average_same": one(IMAGE, lambda: L.AveragePooling2D(3, strides=2, padding="same")),
    "average_uneven": one(IMAGE, lambda: L.AveragePooling2D((2, 3), strides=(3, 1))),
    "average_same_overlap": one(IMAGE, lambda: L.AveragePooling2D((5, 3), strides=1, padding="same")),
    "global_max": one(IMAGE, lambda: L.GlobalMaxPooling2D()),
    "global_max_keepdims": one(IMAGE, lambda: L.GlobalMaxPooling2D(keepdims=True)),
    "global_average_keepdims": one(IMAGE, lambda: L.GlobalAveragePooling2D(keepdims=True)),
    "max_1d": one(SEQUENCE, lambda: L.MaxPooling1D()),
    "max_1d_same": one(SEQUENCE, lambda: L.MaxPooling1D(3, strides=2, padding="same")),
    "average_1d": one(SEQUENCE, lambda: L.AveragePooling1D(3, strides=1)),
    "average_1d_same": one(SEQUENCE, lambda: L.AveragePooling1D(4, padding="same")),
    "global_max_1d": one(SEQUENCE, lambda: L.GlobalMaxPooling1D(keepdims=True)),
    "global_average_1d": one(SEQUENCE, lambda: L.GlobalAveragePooling1D()),
    "global_average_1d_keepdims": one(SEQUENCE, lambda: L.GlobalAveragePooling1D(keepdims=True)),
}
