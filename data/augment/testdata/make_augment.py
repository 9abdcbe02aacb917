"""Makes keras.npz and keras.json, what Keras's layers make of an image, and pillow.npz, what Pillow makes of it.

Run: python make_augment.py, with keras, tensorflow and Pillow. The versions go into keras.json.
"""

import json
import pathlib

import keras
import numpy as np
import PIL
import tensorflow as tf
from keras import layers
from PIL import Image, ImageEnhance, ImageOps

here = pathlib.Path(__file__).parent
rng = np.random.default_rng(3)
height, width = 9, 7
y, x = np.mgrid[0:height, 0:width]
smooth = np.stack([25 * y, 30 * x + 5 * y, 220 - 20 * x - 5 * y], axis=-1)
pixels = np.clip(smooth + rng.integers(-20, 21, smooth.shape), 0, 255).astype(np.uint8)
unit = (pixels / np.float32(255)).astype(np.float32)

# A range of one number leaves nothing to chance.
fixed = [
    ("random_rotation", "RandomRotation", {"factor": [0.1, 0.1]}),
    ("random_rotation", "RandomRotation", {"factor": [-0.3, -0.3], "fill_mode": "constant", "fill_value": 0.25}),
    ("random_rotation", "RandomRotation", {"factor": [0.25, 0.25], "fill_mode": "nearest"}),
    ("random_rotation", "RandomRotation", {"factor": [0.07, 0.07], "interpolation": "nearest", "fill_mode": "constant"}),
    ("random_zoom", "RandomZoom", {"height_factor": [0.5, 0.5]}),
    ("random_zoom", "RandomZoom", {"height_factor": [-0.4, -0.4], "width_factor": [0.9, 0.9]}),
    ("random_zoom", "RandomZoom", {"height_factor": [1, 1], "fill_mode": "constant", "fill_value": 0.5}),
    ("random_translation", "RandomTranslation", {"height_factor": [0.3, 0.3], "width_factor": [-0.2, -0.2]}),
    ("random_translation", "RandomTranslation", {"height_factor": [-0.9, -0.9], "width_factor": [1, 1]}),
    ("random_translation", "RandomTranslation", {"height_factor": [0.25, 0.25], "width_factor": [0, 0], "fill_mode": "nearest"}),
    ("random_translation", "RandomTranslation", {"height_factor": [0.25, 0.25], "width_factor": [0.4, 0.4], "fill_mode": "constant"}),
    ("random_brightness", "RandomBrightness", {"factor": [0.3, 0.3], "value_range": [0, 1]}),
    ("random_brightness", "RandomBrightness", {"factor": [-0.6, -0.6], "value_range": [0, 1]}),
    ("random_saturation", "RandomSaturation", {"factor": [0.2, 0.2], "value_range": [0, 1]}),
    ("random_saturation", "RandomSaturation", {"factor": [0.8, 0.8], "value_range": [0, 1]}),
    ("random_saturation", "RandomSaturation", {"factor": [1, 1], "value_range": [0, 1]}),
    ("random_saturation", "RandomSaturation", {"factor": [0.5, 0.5], "value_range": [0, 1]}),
]
cases, outputs = [], {"image": unit}
for name, layer, arguments in fixed:
    out = getattr(layers, layer)(**arguments)(unit[None], training=True)
    outputs[f"case{len(cases)}"] = np.asarray(out)[0]
    cases.append({name: arguments})

# Contrast: the draw always may be 1, so what the layer makes of one factor is asked for directly. Hue: of either sign.
for factor in [0.4, 1.7]:
    layer = layers.RandomContrast(0.5, value_range=(0, 1))
    outputs[f"contrast {factor}"] = np.asarray(layer.transform_images(tf.constant(unit[None]), {"contrast_factor": tf.constant(factor)}))[0]
for factor in [0.3, 0.7]:
    layer = layers.RandomHue(0.5, value_range=(0, 1))
    for sign in [1, -1]:
        out = layer.transform_images(tf.constant(unit[None]), {"factor": tf.constant([sign * factor / 2])})
        outputs[f"case{len(cases)}" + ("" if sign > 0 else "minus")] = np.asarray(out)[0]
    cases.append({"random_hue": {"factor": [factor, factor]}})
np.savez_compressed(here / "keras.npz", **outputs)
versions = {"keras": keras.__version__, "tensorflow": tf.__version__, "pillow": PIL.__version__, "numpy": np.__version__}
(here / "keras.json").write_text(json.dumps({"versions": versions, "cases": cases}, indent=1) + "\n")

# torchvision's RandAugment of magnitude 9 of 30, with Pillow's functions, as its _apply_op calls them.
image, strength = Image.fromarray(pixels), 9 / 30
grey = Image.fromarray(pixels[..., 0])
results = {}


def keep(name, result):
    results[name] = np.asarray(result)


for label, img in {"": image, "_grey": grey}.items():
    for sign, suffix in [(1, ""), (-1, "_minus")]:
        s, size = sign * strength, img.size
        keep("shear_x" + suffix + label, img.transform(size, Image.AFFINE, (1, 0.3 * s, 0, 0, 1, 0), Image.NEAREST))
        keep("shear_y" + suffix + label, img.transform(size, Image.AFFINE, (1, 0, 0, 0.3 * s, 1, 0), Image.NEAREST))
        keep("translate_x" + suffix + label, img.transform(size, Image.AFFINE, (1, 0, -150 / 331 * s * width, 0, 1, 0), Image.NEAREST))
        keep("translate_y" + suffix + label, img.transform(size, Image.AFFINE, (1, 0, 0, 0, 1, -150 / 331 * s * height), Image.NEAREST))
        keep("rotate" + suffix + label, img.rotate(30 * s, Image.NEAREST))
        keep("brightness" + suffix + label, ImageEnhance.Brightness(img).enhance(1 + 0.9 * s))
        keep("color" + suffix + label, ImageEnhance.Color(img).enhance(1 + 0.9 * s))
        keep("contrast" + suffix + label, ImageEnhance.Contrast(img).enhance(1 + 0.9 * s))
        keep("sharpness" + suffix + label, ImageEnhance.Sharpness(img).enhance(1 + 0.9 * s))
    keep("posterize" + label, ImageOps.posterize(img, 8 - round(4 * strength)))
    keep("solarize" + label, ImageOps.solarize(img, 255 - 255 * strength))
    keep("auto_contrast" + label, ImageOps.autocontrast(img))
    keep("identity" + label, img)
# Equalizing needs more pixels than values.
big = Image.fromarray(np.clip(rng.normal(100, 30, (40, 50, 3)), 0, 255).astype(np.uint8))
keep("big", big)
keep("equalize", ImageOps.equalize(big))
np.savez_compressed(here / "pillow.npz", **{name: result if result.ndim == 3 else result[..., None] for name, result in results.items()})
