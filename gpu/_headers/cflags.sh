#!/usr/bin/env bash
# cflags.sh [11|12|13]: prints the flags with which C finds NVIDIA's cuda.h, for CGO_CFLAGS.
#
# Without an argument they lead to the toolkit that is installed ($CUDA_HOME, $CUDA_PATH, the one that nvcc belongs to, the usual directories), and
# where there is none to CUDA 12's headers. Those of each version come from NVIDIA's wheel on PyPI and stay in the user's cache: they may be
# used, not passed on, so they are not in this repository. Nothing of them ends up in the program but numbers and types.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

installed() {
	local nvcc dir
	nvcc=$(command -v nvcc || true)
	for dir in "${CUDA_HOME:-}" "${CUDA_PATH:-}" ${nvcc:+"$(dirname "$(dirname "$(realpath "$nvcc")")")"} /usr/local/cuda /opt/cuda /usr; do
		if [ -n "$dir" ] && [ -e "$dir/include/cuda.h" ]; then
			echo "$dir/include"
			return
		fi
	done
	return 1
}

wheel() {
	local python header
	python=$("$here/../../bench/peers/venv.sh" "$here/requirements-cuda$1.txt")
	header=$(find "$(dirname "$python")/../lib" -path '*/nvidia/*/include/cuda.h' | head -1)
	[ -n "$header" ] || { echo "cflags.sh: there is no cuda.h beside $python" >&2; exit 1; }
	realpath "$(dirname "$header")"
}

case ${1:-} in
'') include=$(installed) || include=$(wheel 12) ;;
11 | 12 | 13) include=$(wheel "$1") ;;
*) echo "usage: cflags.sh [11|12|13]" >&2; exit 2 ;;
esac
echo "-O2 -I$(realpath "$here/../compat") -I$include"
