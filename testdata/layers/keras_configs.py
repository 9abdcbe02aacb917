"""Has the real Keras read configurations that we wrote: keras_configs.py JOBS.json

JOBS.json is a list of {"name", "ours", "theirs"}, both texts of model.to_json(). Every model of ours must come out of Keras with the configuration
that theirs has, but for keys that say nothing there: what Keras itself adds when it reads. Exits with 1 and says what differs."""
import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
import keras


def strip(v):
    """Seeds are those of the run with us."""
    if isinstance(v, dict):
        return {k: strip(x) for k, x in v.items() if k not in ("seed", "build_config", "compile_config")}
    if isinstance(v, (list, tuple)):
        return [strip(x) for x in v]
    return v


def difference(a, b, path=""):
    if isinstance(a, dict) and isinstance(b, dict):
        return [d for k in sorted(set(a) | set(b)) for d in difference(a.get(k), b.get(k), f"{path}/{k}")]
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return [d for i, (x, y) in enumerate(zip(a, b)) for d in difference(x, y, f"{path}/{i}")]
    if isinstance(a, float) and isinstance(b, (int, float)) and abs(a - b) <= 1e-6 * abs(b):
        return []
    return [] if a == b else [f"{path}: ours {json.dumps(a)}, Keras's {json.dumps(b)}"]


bad = 0
with open(sys.argv[1]) as f:
    jobs = json.load(f)
for job in jobs:
    try:
        model = keras.models.model_from_json(job["ours"])
        found = difference(strip(json.loads(model.to_json())), strip(json.loads(job["theirs"])))
    except Exception as e:
        found = [f"{type(e).__name__}: {e}"]
    for d in found:
        print(job["name"], d)
        bad += 1
print(len(jobs), "configurations,", bad, "differences")
sys.exit(bad > 0)
