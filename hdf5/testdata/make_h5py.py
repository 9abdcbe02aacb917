"""Make the golden files of package hdf5 with h5py, and golden.json, what h5py sees in them.

Run in this folder: python make_h5py.py. Old files are kept for ever; a new
h5py makes new ones beside them.
"""

import json
import os

import h5py
import numpy as np

from dump import dump

rng = np.random.default_rng(7)


def contents(f):
    """Every type that is read."""
    for name in ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]:
        info = np.iinfo(name)
        f[f"numbers/{name}"] = np.array([info.min, 0, 1, info.max], name)
    for name in ["float16", "float32", "float64"]:
        info = np.finfo(name)
        f[f"numbers/{name}"] = np.array([0, -0.0, 1.5, -2.25, info.max, info.tiny, info.smallest_subnormal, np.inf, -np.inf], name)
    f["numbers/scalar"] = np.float32(3.25)
    f["numbers/empty"] = np.zeros((0, 3), "float32")
    f["numbers/cube"] = np.arange(24, dtype="float32").reshape(2, 3, 4)
    b = f.create_dataset("bfloat16", data=(np.array([1.5, -0.25, 3e38], "float32").view("u4") >> 16).astype("u2").view("V2"))
    b.attrs["dtype"] = "bfloat16"
    f["text/variable"] = ["uno", "", "dos con ñ"]
    f["text/one"] = "just one"
    f["text/fixed"] = np.array([b"a", b"abc", b""])
    f.attrs["ascii"] = np.array(b"bytes")
    f.attrs["unicode"] = "áéí"
    f.attrs["list"] = ["x", "yy", "zzz"]
    f.attrs["fixed"] = np.array([b"one", b"three"])
    f.attrs["int"] = 5
    f.attrs["floats"] = np.array([[1.0, 2.0], [3.0, 4.0]], "float32")
    f.attrs["none"] = np.zeros((0,), "float64")
    f.attrs["long"] = "x" * 5000
    f.create_group("nothing/at/all")
    f["nothing"].attrs["backend"] = "tensorflow"


def filters(f):
    x = rng.normal(size=(7, 13)).astype("float32")
    f.create_dataset("deflate", data=x, chunks=(3, 5), compression="gzip")
    f.create_dataset("shuffled", data=x, chunks=(3, 5), compression="gzip", shuffle=True)
    f.create_dataset("summed", data=x, chunks=(4, 13), fletcher32=True)
    f.create_dataset("all", data=x, chunks=(2, 2), compression="gzip", shuffle=True, fletcher32=True)
    f.create_dataset("odd", data=np.arange(11, dtype="uint8"), chunks=(11,), fletcher32=True)
    f.create_dataset("plain", data=np.arange(60).reshape(3, 4, 5), chunks=(2, 2, 2))
    f.create_dataset("line", data=np.arange(500, dtype="int16"), chunks=(3,))
    f.create_dataset("strings", data=["a", "bb", "ccc"], chunks=(2,))
    d = f.create_dataset("holes", shape=(6, 6), dtype="int32", chunks=(2, 2), fillvalue=-7)
    d[0:2, 2:4] = 1
    f.create_dataset("unwritten", shape=(9,), dtype="float32", fillvalue=2.5)
    f.create_dataset("unwritten_zero", shape=(9,), dtype="float32")
    f.create_dataset("larger_chunk", data=np.arange(3.0), chunks=(8,), maxshape=(None,), compression="gzip")


def latest(f):
    contents(f)
    for k in range(40):
        f[f"dense/{k:02}"] = k
    few = f.create_group("few")
    for k in range(12):
        few.attrs[f"dense attribute {k}"] = np.arange(k)
    x = rng.normal(size=(7, 13)).astype("float32")
    f.create_dataset("single", data=x, chunks=(7, 13))
    f.create_dataset("single_deflated", data=x, chunks=(7, 13), compression="gzip", shuffle=True)


def deep(f):
    """Fractal heap with an indirect block and a B-tree of three levels."""
    for k in range(620):
        f.attrs.create(f"{k}", np.int8(k % 100))


def tracked(f):
    for k in range(10):
        f[f"z{9 - k}"] = k
        f.attrs[f"attribute {9 - k}"] = k


def links(f):
    for k in range(140):
        f.create_dataset(f"link{k:03}", data=np.int8(k % 100))


def refused(name, make, **options):
    path = f"refused/{name}.h5"
    with h5py.File(path, "w", **options) as f:
        make(f)


def external(f):
    f.create_dataset("x", shape=(4,), dtype="f4", external=[("x.bin", 0, 16)])


def virtual(f):
    layout = h5py.VirtualLayout(shape=(4,), dtype="f4")
    layout[:] = h5py.VirtualSource("x.h5", "x", shape=(4,))
    f.create_virtual_dataset("x", layout)


def hard(f):
    f["x"] = 1
    f["y"] = f["x"]


def cycle(f):
    f["a/b"] = f


def comment(f):
    f["x"] = 1
    h5py.h5o.set_comment(f["x"].id, b"remark")


def store(key, v):
    def make(f):
        f[key] = v

    return make


if __name__ == "__main__":
    files = {}

    def golden(name, make, **options):
        with h5py.File(name, "w", **options) as f:
            make(f)
        files[name] = dump(name)

    golden("types.h5", contents)
    golden("filters.h5", filters)
    golden("latest.h5", latest, libver="latest")
    golden("v108.h5", tracked, libver=("v108", "v108"))
    golden("tracked.h5", tracked, track_order=True)
    with h5py.File("deep.h5", "w", libver="latest") as f:
        deep(f)
    with h5py.File("links.h5", "w") as f:
        links(f)
    with open("golden.json", "w") as out:
        json.dump({"h5py": h5py.__version__, "hdf5": h5py.version.hdf5_version, "numpy": np.__version__, "files": files}, out, separators=(",", ":"), sort_keys=True, ensure_ascii=False)

    refused("soft link", store("x", h5py.SoftLink("/y")))
    refused("external link", store("x", h5py.ExternalLink("y.h5", "/y")))
    refused("soft link in a newer group", store("x", h5py.SoftLink("/y")), libver="latest")
    refused("external link in a newer group", store("x", h5py.ExternalLink("y.h5", "/y")), libver="latest")
    refused("compound", store("x", np.zeros(2, [("a", "f4"), ("b", "i4")])))
    refused("enumeration", store("x", np.array([True, False])))
    refused("big-endian integers", store("x", np.zeros(2, ">i4")))
    refused("big-endian floats", store("x", np.zeros(2, ">f4")))
    refused("null dataspace", store("x", h5py.Empty("f4")))
    refused("named data type", store("x", np.dtype("f4")))
    refused("filter lzf", lambda f: f.create_dataset("x", data=np.zeros(9), compression="lzf"))
    refused("filter scale-offset", lambda f: f.create_dataset("x", data=np.zeros(9, "i4"), scaleoffset=4))
    refused("fixed array", lambda f: f.create_dataset("x", data=np.zeros(9), chunks=(2,)), libver="latest")
    refused("extensible array", lambda f: f.create_dataset("x", data=np.zeros(9), chunks=(2,), maxshape=(None,)), libver="latest")
    refused("external files", external)
    refused("virtual", virtual)
    refused("two hard links", hard)
    refused("two hard links in a cycle", cycle)
    refused("comments", comment)
    refused("variable-length sequences", lambda f: f.create_dataset("x", shape=(2,), dtype=h5py.vlen_dtype("i4")))
    refused("user block", store("x", 1), userblock_size=512)
    refused("class array", lambda f: f.attrs.create("x", np.zeros(2), dtype=np.dtype("(2,)f8")))
    refused("class reference", lambda f: f.create_dataset("x", data=f.ref, dtype=h5py.ref_dtype))
    refused("named data type in an attribute", lambda f: (store("t", np.dtype("f4"))(f), f.attrs.create("x", 1.0, dtype=f["t"])))
    refused("huge and tiny objects", lambda f: f.attrs.__setitem__("x", np.zeros(65600, "i1")), libver="latest")
    refused("never written", lambda f: f.create_dataset("x", shape=(1 << 40,), dtype="f4"))
    for name in os.listdir("refused"):
        if not name.endswith(".h5"):
            raise SystemExit(f"stray file {name}")
