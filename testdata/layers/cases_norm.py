"""Normalizations."""
from keras import Sequential
from keras import layers as L

IMAGE = (4, 5, 6)


def one(shape, layer):
    return lambda: Sequential([L.Input(shape), layer()])


CASES = {
    "layer": one(IMAGE, lambda: L.LayerNormalization()),
    "layer_row": one((11,), lambda: L.LayerNormalization(epsilon=1e-6)),
    "layer_two_axes": one(IMAGE, lambda: L.LayerNormalization(axis=[-2, -1])),
    "layer_sample": one(IMAGE, lambda: L.LayerNormalization(axis=[1, 2, 3], epsilon=1e-5)),
    "layer_no_center": one(IMAGE, lambda: L.LayerNormalization(center=False)),
    "layer_no_scale": one(IMAGE, lambda: L.LayerNormalization(scale=False)),
    "layer_bare": one(IMAGE, lambda: L.LayerNormalization(center=False, scale=False)),
    "group": one(IMAGE, lambda: L.GroupNormalization(groups=3)),
    "group_of_all": one(IMAGE, lambda: L.GroupNormalization(groups=1, epsilon=1e-5)),
    "group_instance": one(IMAGE, lambda: L.GroupNormalization(groups=-1)),
    "group_row": one((12,), lambda: L.GroupNormalization(groups=4)),
    "group_sequence": one((7, 64), lambda: L.GroupNormalization()),
    "group_no_center": one(IMAGE, lambda: L.GroupNormalization(groups=2, center=False)),
    "group_no_scale": one(IMAGE, lambda: L.GroupNormalization(groups=2, scale=False)),
    "batch_no_center": one(IMAGE, lambda: L.BatchNormalization(center=False)),
    "batch_no_scale": one(IMAGE, lambda: L.BatchNormalization(scale=False, momentum=0.9)),
    "unit": one(IMAGE, lambda: L.UnitNormalization()),
    "unit_axes": one(IMAGE, lambda: L.UnitNormalization(axis=[1, -1])),
    "batch_bare": one(IMAGE, lambda: L.BatchNormalization(center=False, scale=False)),
}
