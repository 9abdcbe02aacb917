"""Writes the .npy and .npz files beside it, which npy_test.go reads. Made with NumPy; versions.txt says which."""
import os
import sys

import numpy as np

os.chdir(os.path.dirname(os.path.abspath(__file__)))
np.save("f4.npy", np.arange(6, dtype=np.float32).reshape(2, 3) / 2)
np.save("f8.npy", np.array([0, 0.1, 0.2]))
x = np.array([0, 127, 128, 255], np.uint8).reshape(1, 2, 2, 1)
np.save("u1.npy", x)
with open("i8_version2.npy", "wb") as f:
    np.lib.format.write_array(f, np.array([-1, 1 << 40], np.int64), version=(2, 0))
np.savez("stored.npz", x=x, y=np.array([7], np.int32))
np.savez_compressed("compressed.npz", x=x, y=np.array([7], np.int32))
# Sound files with features that are not read.
np.save("fortran.npy", np.asfortranarray(np.ones((2, 3), np.float32)))
np.save("f2.npy", np.ones(2, np.float16))
np.save("big_endian.npy", np.ones(2, ">f4"))
np.save("scalar.npy", np.float32(1))
np.save("record.npy", np.zeros(1, [("a", "<f4"), ("b", "<i4")]))
np.save("empty.npy", np.zeros((0, 3), np.float32))
with open("versions.txt", "w") as f:
    f.write(f"numpy {np.__version__}, Python {sys.version.split()[0]}\n")
