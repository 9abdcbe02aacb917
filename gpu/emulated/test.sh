#!/usr/bin/env bash
# test.sh [sanitized]: builds the emulated driver (build.sh) and runs on it what a GPU would run: the tests of package gpu, the parity of the kernels with the
# CPU's, and training, with work done at once, late and in reversed order; then kernels and training with every access to memory watched, and what
# measures GPUs (bench/gpu). With "sanitized" the tests once, in late order, under the sanitizers of addresses and undefined behaviour.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
CGO_CFLAGS=$(gpu/_headers/cflags.sh)
export CGO_ENABLED=1 CGO_CFLAGS
case ${1:-} in
'') ;;
sanitized)
	gpu/emulated/build.sh "$work/libcuda.so" sanitized
	export MESETA_LIBCUDA=$work/libcuda.so MESETA_EMULATED_ORDER=late
	go test -tags nvidia -count=1 -exec "$PWD/gpu/emulated/sanitized.sh" ./gpu
	go test -tags nvidia -count=1 -exec "$PWD/gpu/emulated/sanitized.sh" -run 'GPU|CUDA' ./kernels .
	exit
	;;
*)
	echo "usage: test.sh [sanitized]" >&2
	exit 2
	;;
esac
gpu/emulated/build.sh "$work/libcuda.so"
gpu/emulated/build.sh "$work/libcuda-checked.so" checked

export MESETA_LIBCUDA=$work/libcuda.so
for MESETA_EMULATED_ORDER in prompt late reversed; do
	export MESETA_EMULATED_ORDER
	echo "test.sh: $MESETA_EMULATED_ORDER"
	go test -tags nvidia -count=1 ./gpu
	go test -tags nvidia -count=1 -run 'GPU|CUDA' ./kernels .
done
tags=$(kernels/_cuda/cubins.sh)
if [ "$tags" != nvidia ]; then
	echo "test.sh: cubins"
	go test -tags "$tags" -count=1 -run TestCUDATakesItsKernels ./kernels
fi
echo "test.sh: watched"
MESETA_LIBCUDA=$work/libcuda-checked.so go test -tags nvidia -count=1 -run 'GPU|CUDA' ./kernels .
echo "test.sh: measuring"
bench/gpu/test.sh "$work/libcuda.so"
