#!/usr/bin/env bash
# test.sh: builds the emulated driver (build.sh) and runs on it what a GPU would run: the tests of package gpu, the parity of the kernels with the CPU's, and
# training, with work done at once, late and in reversed order; then kernels and training with every access to memory watched.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
gpu/emulated/build.sh "$work/libcuda.so"
gpu/emulated/build.sh "$work/libcuda-checked.so" checked
CGO_CFLAGS=$(gpu/_headers/cflags.sh)
export CGO_ENABLED=1 CGO_CFLAGS

export MESETA_LIBCUDA=$work/libcuda.so
for MESETA_EMULATED_ORDER in prompt late reversed; do
	export MESETA_EMULATED_ORDER
	echo "test.sh: $MESETA_EMULATED_ORDER"
	go test -tags nvidia -count=1 ./gpu
	go test -tags nvidia -count=1 -run 'GPU|CUDA' ./kernels .
done
echo "test.sh: watched"
MESETA_LIBCUDA=$work/libcuda-checked.so go test -tags nvidia -count=1 -run 'GPU|CUDA' ./kernels .
