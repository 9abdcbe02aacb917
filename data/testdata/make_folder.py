"""Makes lossless.webp and lossy.webp, folder.zip, images of all formats in class folders, and folder.npz and folder.json: what Keras reads from it.

Run: python make_folder.py, with keras, tensorflow and Pillow. The versions go into folder.json.
"""

import json
import pathlib
import tempfile
import zipfile

import keras
import numpy as np
import PIL
import tensorflow as tf
from PIL import Image

here = pathlib.Path(__file__).parent
height, width = 6, 8
rng = np.random.default_rng(7)


def noise(channels):
    return rng.integers(0, 256, (height, width, channels), dtype=np.uint8)


# JPEG keeps slow changes: with noise, decoders would differ by more than rounding.
y, x = np.mgrid[0:height, 0:width]
smooth = np.stack([20 * x + 10 * y, 200 - 15 * x, 60 + 20 * y], axis=-1).astype(np.uint8)

# TensorFlow reads no WebP in a data set: the test compares with these formulas.
for name, options in {"lossless.webp": {"lossless": True}, "lossy.webp": {"quality": 95}}.items():
    Image.fromarray(np.stack([0 * x + 9, 16 * x, 16 * y + 9], axis=-1).astype(np.uint8)).save(here / name, **options)

with tempfile.TemporaryDirectory() as folder:
    root = pathlib.Path(folder)
    save = []

    def put(name, image, **options):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path, **options)
        save.append(name)

    put("Zebra/b.png", Image.fromarray(noise(3)))
    put("Zebra/B.PNG", Image.fromarray(noise(4)))
    put("Zebra/a/z.png", Image.fromarray(noise(1)[:, :, 0]))
    put("Zebra/a/16 bits.png", Image.fromarray((noise(1)[:, :, 0].astype(np.uint16) * 257)))
    put("ant/palette.png", Image.fromarray(noise(3)).quantize(16), transparency=3)
    put("ant/first.gif", Image.fromarray(noise(3)).quantize(32), save_all=True, append_images=[Image.fromarray(noise(3)).quantize(32)])
    put("ant/24 bits.bmp", Image.fromarray(noise(3)))
    put("pão de ló/é à ü.png", Image.fromarray(noise(3)))
    put("pão de ló/4:4:4.jpg", Image.fromarray(smooth), quality=95, subsampling=0)
    put("pão de ló/grey.jpeg", Image.fromarray(smooth[:, :, 0]), quality=95)
    put("pão de ló/progressive.jpg", Image.fromarray(smooth), quality=95, subsampling=0, progressive=True)
    (root / "ant/notes.txt").write_text("no image")

    with zipfile.ZipFile(here / "folder.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in save[::-1] + ["ant/notes.txt"]:  # not in order
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), (root / name).read_bytes())

    read = lambda size, mode: keras.utils.image_dataset_from_directory(
        root, image_size=size, color_mode=mode, batch_size=None, shuffle=False, verbose=False
    )

    def stack(ds):
        return np.stack([image.numpy() for image, _ in ds]).astype(np.float32)

    same = read((height, width), "rgb")
    arrays = {"same": stack(same), "larger": stack(read((11, 20), "rgb"))}
    arrays["labels"] = np.array([int(label) for _, label in same], dtype=np.int64)
    # Keras decodes JPEG with TensorFlow's default, a fast and rough inverse transform: the exact one as well.
    arrays["jpeg"] = np.stack(
        [
            tf.io.decode_jpeg(tf.io.read_file(str(path)), channels=3, dct_method="INTEGER_ACCURATE").numpy()
            for path in same.file_paths
            if path.endswith(("jpg", "jpeg"))
        ]
    ).astype(np.float32)
    for path in (root / "ant").iterdir():  # TensorFlow makes no grey of GIF and BMP
        path.unlink()
    arrays["grey"] = stack(read((height, width), "grayscale"))
    np.savez_compressed(here / "folder.npz", **arrays)
    (here / "folder.json").write_text(
        json.dumps(
            {
                "class_names": same.class_names,
                "files": [str(pathlib.Path(p).relative_to(root)) for p in same.file_paths],
                "versions": {"keras": keras.__version__, "tensorflow": tf.__version__, "pillow": PIL.__version__},
            },
            ensure_ascii=False,
            indent=1,
        )
        + "\n"
    )
