#!/usr/bin/env bash
# pack.sh: makes bin/bench-gpu.tar.xz, all that bench/gpu/run.py needs on a machine with a GPU (README.md): the command, compiled tests, scripts. Under 33 MB.
# Building wants what `make cuda` wants. Of the tests of kernels and models only those with GPU or CUDA in their names run there, which read no files.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
to=$work/bench-gpu
mkdir -p "$to/bin" "$to/bench/gpu"
make cuda
cp bin/meseta-cuda "$to/bin/"
CGO_CFLAGS=$(gpu/_headers/cflags.sh)
export CGO_ENABLED=1 CGO_CFLAGS
cubins=$(kernels/_cuda/cubins.sh)
for package in kernels gpu .; do
	name=$(basename "$(realpath "$package")") tags=nvidia
	case $package in
	.) name=meseta ;;
	kernels) tags=$cubins ;; # as the command; training is tested with PTX alone, which the driver compiles
	esac
	go test -c -trimpath -tags "$tags" -ldflags '-s -w' -o "$to/bin/$name.test" "./$package"
done
mkdir -p "$to/gpu" "$to/kernels/elementwise" # read by gpu's tests
cp gpu/shim_names.h "$to/gpu/"
cp kernels/elementwise/elementwise.ptx "$to/kernels/elementwise/"
cp bench/gpu/*.py "$to/bench/gpu/"
cp bench/machine.py bench/pairs.py bench/plot.py "$to/bench/"
cp -r bench/peers bench/inputs "$to/bench/"
rm -rf "$to/bench/peers/__pycache__"
cp bench/gpu/README.md "$to/"
git describe --always --dirty >"$to/packed"
cat >"$to/run" <<'EOF'
#!/bin/sh
exec python3 -B "$(dirname "$0")/bench/gpu/run.py" "$@"
EOF
chmod +x "$to/run"
# With a dictionary that reaches from one program to the next, whose code, cubins and data are the same for the most part.
tar -C "$work" --sort=name -cf - bench-gpu | xz --lzma2=preset=2,dict=64MiB >bin/bench-gpu.tar.xz
bytes=$(stat -c %s bin/bench-gpu.tar.xz)
echo "bin/bench-gpu.tar.xz has $bytes bytes, at most 33000000 are allowed"
[ "$bytes" -le 33000000 ]
