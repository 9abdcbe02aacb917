#!/usr/bin/env bash
# generate.sh: compiles all CUDA kernels; see compile.py. The compiler comes from PyPI, the first time (120 MB).
set -euo pipefail
cd "$(dirname "$0")"
exec "$(../../bench/peers/venv.sh requirements-cuda.txt)" compile.py
