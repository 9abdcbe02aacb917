#!/usr/bin/env bash
# test.sh DRIVER: packs what measures GPUs (pack.sh), unpacks it elsewhere and runs all its parts with this driver, an emulated one (gpu/emulated/build.sh), but
# few of the tests, which run elsewhere, and little work.
set -euo pipefail
driver=$(realpath "$1")
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bench/gpu/pack.sh
tar -C "$work" -xzf bin/bench-gpu.tar.gz
echo m64n64k64 >"$work/gemm_small"
echo mb1ic4ih6oc4kh3 >"$work/conv_small"
cd "$work"
MESETA_LIBCUDA=$driver bench-gpu/run --torch none --seconds 0.01 --budget 300 --models mnist-cnn:1 --lists "$work/gemm_small,$work/conv_small" --pairs 1 \
	--tests 'CUDALimits|OnAGPUAllocates|Launch|Graph|Module|Memory|Find|Rating' --out out
python3 - out/results.json <<'EOF'
import json, sys
r = json.load(open(sys.argv[1]))
for name, part in r["parts"].items():
    assert part["status"] == "ok", (name, part)
for name, tests in r["tests"].items():
    assert any(t["result"] == "pass" for t in tests) and all(t["result"] in ("pass", "skip") for t in tests), (name, tests)
assert [line["contender"] for line in r["lines"]] == ["meseta"] and r["lines"][0]["gpu_memory_bytes"] > 0, r["lines"]
assert [o["pass"] for o in r["operations"]] == ["product", "forward", "data", "weights"], r["operations"]
EOF
