#!/usr/bin/env bash
# Compiles all CUDA kernels anew and fails when the result differs from what is committed, or when a kernel spills registers.
set -euo pipefail
cd "$(dirname "$0")"
./generate.sh
changed=$(git status --porcelain -- resources.txt '../*.ptx')
if [ -n "$changed" ]; then
	echo "generated PTX is not what kernels/_cuda makes; run 'go generate ./kernels' and commit:" >&2
	echo "$changed" >&2
	exit 1
fi
