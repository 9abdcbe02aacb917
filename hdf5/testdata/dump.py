"""What h5py sees in HDF5 files, as JSON: `python dump.py FILE...`.

For each object: kind, element type, shape, the first 16 digits of the SHA-256 of
the little-endian data (or the strings themselves), and the attributes likewise.
"""

import hashlib
import json
import sys

import h5py
import numpy as np


def value(raw, tid, space):
    """Describe one array; raw is what h5py read."""
    scalar = space.get_simple_extent_type() == h5py.h5s.SCALAR
    out = {"shape": None if scalar else list(space.shape)}
    if tid.get_class() == h5py.h5t.STRING:
        out["type"] = "variable-length string" if tid.is_variable_str() else f"string of {tid.get_size()} bytes"
        out["utf8"] = tid.get_cset() == h5py.h5t.CSET_UTF8
        items = [raw] if scalar else list(np.asarray(raw, dtype=object).ravel())
        out["strings"] = [s.decode() if isinstance(s, bytes) else str(s) for s in items]
        return out
    array = np.asarray(raw)
    out["type"] = f"opaque of {array.dtype.itemsize} bytes" if array.dtype.kind == "V" else array.dtype.name
    out["sha256"] = hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]
    return out


def attributes(o):
    out = {}
    for name in o.attrs:
        a = h5py.h5a.open(o.id, name.encode())
        out[name] = value(o.attrs[name], a.get_type(), a.get_space())
    return out


def dump(path):
    out = {}
    with h5py.File(path, "r") as f:

        def visit(o, name):
            if isinstance(o, h5py.Group):
                out[name] = {"kind": "group", "attrs": attributes(o)}
                for key in o:
                    visit(o[key], name.rstrip("/") + "/" + key)
            else:
                out[name] = {"kind": "dataset", "attrs": attributes(o)}
                out[name].update(value(o[()], o.id.get_type(), o.id.get_space()))

        visit(f, "/")
    return out


if __name__ == "__main__":
    json.dump({path: dump(path) for path in sys.argv[1:]}, sys.stdout, indent=1, sort_keys=True, ensure_ascii=False)
