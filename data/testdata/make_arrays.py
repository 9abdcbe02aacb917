"""Writes arrays.h5, compressed.h5, grey.h5, regression.h5, other.h5 and arrays.npz beside it, which arrays_test.go reads.

Run: python make_arrays.py, with h5py and NumPy. The versions go into the attribute made_with of arrays.h5.
"""

import pathlib

import h5py
import numpy as np

here = pathlib.Path(__file__).parent
images = (np.arange(5 * 4 * 3 * 3) * 7 % 256).astype(np.uint8).reshape(5, 4, 3, 3)
labels = np.array([[2], [0], [1], [2], [0]], np.int64)
test = images[:2][::-1].copy()

with h5py.File(here / "arrays.h5", "w") as f:
    f.attrs["made_with"] = f"h5py {h5py.__version__}, NumPy {np.__version__}"
    f["x_train"], f["y_train"], f["x_test"], f["y_test"] = images, labels, test, labels[:2][::-1]
with h5py.File(here / "compressed.h5", "w") as f:
    group = f.create_group("train")
    group.create_dataset("images", data=images / np.float32(255), chunks=(2, 4, 3, 3), compression="gzip", shuffle=True)
    group.create_dataset("labels", data=labels[:, 0].astype(np.uint8), chunks=(2,), compression="gzip")
    f["label names"] = np.array([b"cat", b"dog", b"sea"])
with h5py.File(here / "grey.h5", "w") as f:
    f["data"], f["label"] = images[..., 0].astype(np.float16), labels[:, 0].astype(np.float32)
with h5py.File(here / "regression.h5", "w") as f:
    f["x"], f["y"] = images.astype(np.int32), np.linspace(-1, 1, 5)
    f["several"] = np.arange(10, dtype=np.float32).reshape(5, 2)
    f["large"] = np.array([3, 0, 10_000_000, 1, 1])
with h5py.File(here / "other.h5", "w") as f:
    f["pictures"], f["kinds"], f["names"], f["one"] = images, labels, np.array([b"a"] * 5), np.float32(1)
np.savez_compressed(here / "arrays.npz", x_train=images, y_train=labels, x_test=test, y_test=labels[:2][::-1])
