#!/usr/bin/env bash
# cubins.sh: assembles the kernels' PTX for each kind of GPU, into kernels/cubins.zip, and prints the tags to build a program with them. The assembler comes from
# PyPI. Where it cannot be had the tags are those of a program with PTX alone, which says so here and works everywhere: the driver compiles PTX when it is first
# used, for some seconds, and keeps what it made.
set -euo pipefail
cd "$(dirname "$0")"
# What cubins.zip was made of, and itself: an older one that was copied here is not taken for what the PTX says now.
sums() { sha256sum compile.py requirements-cuda.txt ../*/*.ptx ../cubins.zip; }
if [ -e ../cubins.zip ] && sums | cmp -s - ../cubins.sum; then
	echo nvidia,cubins
elif python=$(../../bench/peers/venv.sh requirements-cuda.txt); then
	echo "cubins.sh: assembling the kernels for each kind of GPU, which takes minutes, once" >&2
	"$python" compile.py --cubins ../cubins.zip
	sums >../cubins.sum
	echo nvidia,cubins
else
	echo "cubins.sh: there is no assembler for GPUs, for want of python3 or PyPI: the program will have its kernels as PTX alone, which drivers compile when they are first used" >&2
	echo nvidia
fi
