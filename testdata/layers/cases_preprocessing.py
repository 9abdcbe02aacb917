"""Resizing, and numbers made ready for a network."""
from keras import Sequential
from keras import layers as L

IMAGE = (5, 7, 3)


def one(shape, layer):
    return lambda: Sequential([L.Input(shape), layer()])


CASES = {
    "upsampling": one(IMAGE, lambda: L.UpSampling2D()),
    "upsampling_uneven": one(IMAGE, lambda: L.UpSampling2D((3, 2))),
    "upsampling_bilinear": one(IMAGE, lambda: L.UpSampling2D((2, 3), interpolation="bilinear")),
    "upsampling_bicubic": one(IMAGE, lambda: L.UpSampling2D(2, interpolation="bicubic")),
    "upsampling_channels": one((3, 2, 20), lambda: L.UpSampling2D(2, interpolation="bilinear")),
    "upsampling_1d": one((4, 3), lambda: L.UpSampling1D(3)),
    "resizing_up": one(IMAGE, lambda: L.Resizing(9, 8)),
    "resizing_down": one((11, 13, 2), lambda: L.Resizing(4, 5)),
    "resizing_nearest_up": one(IMAGE, lambda: L.Resizing(13, 11, interpolation="nearest")),
    "resizing_nearest_down": one((10, 13, 2), lambda: L.Resizing(3, 4, interpolation="nearest")),
    "resizing_bicubic": one(IMAGE, lambda: L.Resizing(8, 5, interpolation="bicubic")),
    "resizing_same": one(IMAGE, lambda: L.Resizing(5, 7)),
    "resizing_crop": one((11, 6, 2), lambda: L.Resizing(4, 5, crop_to_aspect_ratio=True)),
    "resizing_crop_wide": one((6, 13, 2), lambda: L.Resizing(5, 5, crop_to_aspect_ratio=True)),
    "resizing_pad": one((11, 6, 2), lambda: L.Resizing(4, 5, pad_to_aspect_ratio=True)),
    "resizing_pad_wide": one((6, 13, 2), lambda: L.Resizing(5, 5, pad_to_aspect_ratio=True)),
    "center_crop": one((8, 9, 2), lambda: L.CenterCrop(5, 4)),
    "center_crop_odd": one((7, 8, 2), lambda: L.CenterCrop(4, 5)),
    "center_crop_larger": one((7, 9, 2), lambda: L.CenterCrop(8, 6)),
    "normalization": one(IMAGE, lambda: L.Normalization()),
    "normalization_given": one(IMAGE, lambda: L.Normalization(mean=[1.0, -2.0, 0.5], variance=[1.0, 4.0, 0.0])),
    "normalization_one": one(IMAGE, lambda: L.Normalization(axis=None, mean=0.25, variance=2.0)),
    "normalization_invert": one(IMAGE, lambda: L.Normalization(mean=[1.0, -2.0, 0.5], variance=[1.0, 4.0, 0.25], invert=True)),
    "normalization_all": one(IMAGE, lambda: L.Normalization(axis=None)),
    "normalization_rows": one(IMAGE, lambda: L.Normalization(axis=1)),
    "normalization_rows_and_channels": one(IMAGE, lambda: L.Normalization(axis=(1, -1))),
    "rescaling_channels": one(IMAGE, lambda: L.Rescaling([1 / 255, 2.0, 3.0], offset=[0.0, -1.0, 0.5])),
    "rescaling_scale_of_channels": one(IMAGE, lambda: L.Rescaling([1.0, 2.0, 3.0], offset=0.5)),
}
