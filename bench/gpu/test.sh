#!/usr/bin/env bash
# test.sh DRIVER: packs what measures GPUs (pack.sh), unpacks it elsewhere, where no source is, and runs all its parts with this driver, an emulated one
# (gpu/emulated/build.sh), on little work. MESETA_TORCH names a Python with PyTorch, whose side then runs too, on the CPU (standin/standin.py).
set -euo pipefail
driver=$(realpath "$1")
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bench/gpu/pack.sh
python3 -m tarfile -e bin/bench-gpu.tar.xz "$work"
echo m64n64k64 >"$work/gemm_small"
echo mb1ic4ih6oc4kh3 >"$work/conv_small"
torch=none
if [ -n "${MESETA_TORCH:-}" ]; then
	torch=$work/torch
	printf '#!/bin/sh\nexec %q -B %q "$@"\n' "$MESETA_TORCH" "$PWD/bench/gpu/standin/standin.py" >"$torch"
	chmod +x "$torch"
fi
cd "$work"
MESETA_LIBCUDA=$driver bench-gpu/run --torch "$torch" --seconds 0.01 --budget 900 --models mnist-cnn:1 --lists "$work/gemm_small,$work/conv_small" --pairs 1 --out out
python3 - out/results.json "$torch" <<'EOF'
import json, sys
r = json.load(open(sys.argv[1]))
for name, part in r["parts"].items():
    assert part["status"] == "ok", (name, part)
for name, tests in r["tests"].items():
    assert any(t["result"] == "pass" for t in tests) and all(t["result"] in ("pass", "skip") for t in tests), (name, tests)
assert r["lines"][0]["contender"] == "meseta" and r["lines"][0]["gpu_memory_bytes"] > 0, r["lines"]
assert [o["pass"] for o in r["operations"]] == ["product", "forward", "data", "weights"], r["operations"]
(profile,) = r["profiles"]
assert profile["workload"] == "mnist-cnn" and profile["batch"] == 1 and all(s["seconds"] > 0 for s in profile["profile"]["steps"]), profile
assert not r["not_run"], r["not_run"]
if sys.argv[2] != "none":
    ratios = [x["variant"] for x in r["lines"] if x["kind"] == "ratio"]
    assert len(ratios) == 7 and "PyTorch compiled, reduce-overhead, mixed_bfloat16" in ratios and "PyTorch, tf32" in ratios, ratios
    assert all(o["peer_gflops_median"] > 0 for o in r["operations"]), r["operations"]
EOF
