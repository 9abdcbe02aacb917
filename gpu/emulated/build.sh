#!/usr/bin/env bash
# build.sh FILE [checked|sanitized]: compiles the emulated driver (driver.cpp) with all kernels to a shared library, which MESETA_LIBCUDA can name. With
# "checked" every access of kernels to memory is watched (checker.cpp), and all is some ten times slower. With "sanitized" all of it is compiled with g++'s
# sanitizers of addresses and undefined behaviour, whose library has to be in the process from the start; sanitized.sh sees to that. It wants g++ and, for
# cuda.h, what gpu/_headers/cflags.sh wants; only for Linux on amd64.
set -euo pipefail
out=$(realpath "$1")
kind=${2:-}
here=$(cd "$(dirname "$0")" && pwd)
headers=$("$here/../_headers/cflags.sh")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

flags=(-std=c++17 -O2 -g -fPIC -march=x86-64-v3 -ffp-contract=off -fno-strict-aliasing -Wall -Wno-unknown-pragmas -Wno-unused-function "-I$here")
watch=()
others=(unchecked.cpp)
case $kind in
'') ;;
checked)
	watch=(-fsanitize=thread -Wno-tsan --param tsan-instrument-func-entry-exit=0)
	others=(checker.cpp)
	;;
sanitized) flags+=(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer) ;;
*)
	echo "usage: build.sh FILE [checked|sanitized]" >&2
	exit 2
	;;
esac

compile() { # OBJECT FLAG... SOURCE
	g++ "${flags[@]}" -c -o "$work/$1.o" "${@:2}"
}

for cu in "$here"/../../kernels/*/*.cu; do
	name=$(basename "$cu" .cu)
	{
		echo "#include \"$(realpath "$cu")\""
		sed -nE 's/^KERNEL\([0-9]+, (\w+)\).*/REGISTER(\1)/p' "$cu"
	} >"$work/$name.cpp"
	compile "kernels_$name" "${watch[@]}" -include cuda_host.h "$work/$name.cpp"
done
for source in grid.cpp driver.cpp cubin.cpp memory.cpp streams.cpp host.cpp "${others[@]}"; do
	# shellcheck disable=SC2086
	compile "${source%.cpp}" $headers "$here/$source"
done
# Nothing of the library may be taken for another's: it is opened beside a program that defines cu functions too.
g++ "${flags[@]}" -shared -Wl,-Bsymbolic -Wl,-z,defs -o "$out" "$work"/*.o
