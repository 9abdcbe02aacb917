#!/usr/bin/env bash
# plant.sh [WORDS]: plants mistakes in the kernels and in package gpu, one at a time, in a copy of the repository, and fails unless the tests on the
# emulated driver catch each. It takes some minutes; with WORDS only those mistakes whose names have them.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
CGO_CFLAGS=$(gpu/_headers/cflags.sh)
export CGO_ENABLED=1 CGO_CFLAGS MESETA_EMULATED_ORDER=late
git ls-files -z | tar -c --null -T - | tar -x -C "$work"
# A commit, so that each mistake can be taken back.
git -C "$work" init -q
git -C "$work" add -A
git -C "$work" -c user.name=plant -c user.email=plant@localhost commit -qm clean
planted=0 missed=0
only=${1:-}

# plant WHAT FILE SED PACKAGE [checked|sanitized]: whether PACKAGE's tests fail once SED has changed FILE. The last word is the kind of driver (build.sh) that it shows to.
plant() {
	local what=$1 file=$2 edit=$3 package=$4 kind=${5:-} under=()
	[[ $what == *"$only"* ]] || return 0
	planted=$((planted + 1))
	[ "$kind" != sanitized ] || under=(-exec "$work/gpu/emulated/sanitized.sh")
	sed -i -E "$edit" "$work/$file"
	if git -C "$work" diff --quiet; then
		echo "plant.sh: $what: '$edit' changes nothing in $file" >&2
		exit 1
	fi
	"$work/gpu/emulated/build.sh" "$work/libcuda.so" $kind 2>"$work/said" || { cat "$work/said" >&2; exit 1; }
	if (cd "$work" && MESETA_LIBCUDA=$work/libcuda.so go test -tags nvidia -count=1 -failfast "${under[@]}" -run "$tests" "$package") >"$work/said" 2>&1; then
		echo "NOT CAUGHT: $what"
		missed=$((missed + 1))
	elif ! grep -q '^--- FAIL\|^=*[0-9]*=*ERROR: AddressSanitizer\|runtime error:' "$work/said"; then # it did not even run
		cat "$work/said" >&2
		exit 1
	else
		echo "caught: $what: $(grep -v 'was asked to fail' "$work/said" | grep -m1 -oE 'emulated driver: .*|runtime error: .*|AddressSanitizer: .*|byte [0-9]+, which .*|element [0-9]+ is .*|a second run|Not equal' || sed -n 1p "$work/said")"
	fi
	git -C "$work" checkout -q -- .
}

tests='CUDA'
plant 'tiles are multiplied before they are there' kernels/tile/tile.cuh '/^\t\tright\.store\(/{n;s/__syncthreads\(\);//}' ./kernels checked
plant 'sums of warps are read before they are there' kernels/_cuda/device.cuh '/sums\[threadIdx.x \/ 32\] = x;/{n;s/__syncthreads\(\);//}' ./kernels checked
plant 'sums of columns are read before they are there' kernels/elementwise/elementwise.cu 's/^\t__syncthreads\(\);$//' ./kernels checked
plant 'lanes that exchange numbers in two places' kernels/reduce/reduce.cu 's/float x = (__shfl_xor_sync\(~0u, best, lanes\));/float x = lane \& 1 ? \1 :\n\t\t\t\t\1;/' ./kernels
plant 'sums of channels are read before they are there' kernels/norm/norm.cuh '/half \/= 2/{n;s/__syncthreads\(\);//}' ./kernels checked
plant 'a barrier that not all threads reach' kernels/elementwise/elementwise.cu 's/^\t__syncthreads\(\);$/\tif (column < c.columns) __syncthreads();/' ./kernels
plant 'a shared array that is too small' kernels/elementwise/elementwise.cu 's/SHARED\(double, sums, \[8\]/SHARED(double, sums, [7]/' ./kernels
plant 'blocks that write the same element' kernels/_cuda/device.cuh 's/^DEVICE i64 first\(\).*/DEVICE i64 first() { return threadIdx.x; }/' ./kernels checked
plant 'a store behind the last element' kernels/elementwise/map.cuh 's/i < size; i/i <= size; i/' ./kernels
plant 'a store behind the last row' kernels/tile/tile.cuh 's/m >= a\.rows\(\)/m > a.rows()/' ./kernels
plant 'a load behind the last row' kernels/elementwise/elementwise.cu 's/end = min\(from \+ c\.each, c\.rows\)/end = from + c.each/' ./kernels
plant 'the last elements are forgotten' kernels/elementwise/map.cuh 's/i < size; i/i + 1 < size; i/' ./kernels
plant 'sums of rows are read before they are there' kernels/conv/depthwise.cu '/shared\[threadIdx\.x\] = sums/{n;s/__syncthreads\(\);//}' ./kernels checked
plant 'the last pixels of a phase are forgotten' kernels/cuda_conv.go 's/size - p\.first \+ stride - 1/size - p.first/' ./kernels
plant 'parts of sums are forgotten' kernels/tile/tile.cu 's/p < r\.parts/p + 1 < r.parts/' ./kernels
plant 'the largest of a long row is read before it is there' kernels/softmax/rows.cuh '/of_warps\[threadIdx.x \/ 32\] = x;/{n;s/__syncthreads\(\);//}' ./kernels checked
plant 'pieces of an array are forgotten' kernels/update/pieces.cuh 's/i < n; i \+= block_threads/i + 1 < n; i += block_threads/' ./kernels
plant 'a step that was not to be applied' kernels/update/update.cu 's/if \(!\*u\.apply\)/if (false)/' ./kernels
plant 'a random word of another step' kernels/dropout/dropout.cu 's/\(number >> 32\)/(number >> 31)/' ./kernels
plant 'parameters that the PTX does not have' kernels/elementwise/elementwise.cu 's/float scale, offset;/float scale, offset, more[2];/' ./kernels
plant 'inputs change before they were sent' kernels/cuda_pipe.go 's/p\.device\.note\(s\.sent\.Synchronize\(\)\)//' ./kernels
plant 'a step does not wait for its inputs' kernels/cuda_pipe.go 's/err := c\.stream\.Await\(s\.sent\)/err := error(nil)/' ./kernels
plant 'inputs come before the step that used their place is over' kernels/cuda_pipe.go 's/err := n\.stream\.Await\(s\.done\)/err := error(nil)/' ./kernels
plant 'results are read before they are there' kernels/cuda_pipe.go 's/err := p\.device\.inlet\.slots\[run%depth\]\.done\.Synchronize\(\)/err := error(nil)/' ./kernels
plant 'page-locked memory is freed while it is copied' kernels/cuda_device.go 's/c\.inlet\.stream\.Synchronize\(\), c\.stream\.Synchronize\(\)/nil/' ./kernels
plant 'a shared array that is too small, sanitized' kernels/elementwise/elementwise.cu 's/SHARED\(double, sums, \[8\]/SHARED(double, sums, [7]/' ./kernels sanitized
plant "a load behind a thread's own array" kernels/dropout/dropout.cu 's/v\.w\[at % 4\]/v.w[at % 8]/' ./kernels sanitized
plant 'arrays of a block lie where a compiler may put them' kernels/_cuda/device.cuh 's/array_alignment = 16/array_alignment = 4/' ./kernels sanitized
plant 'four numbers read at once from where they may not lie' kernels/tile/tile.cuh 's/2 \* other \+ 4\]/2 * other + 5]/' ./kernels sanitized
tests=.
plant 'nobody waits for an event' gpu/calls.c '/^CUresult meseta_wait\(/,/^}/s/return cuStreamWaitEvent.*/return CUDA_SUCCESS;/' ./gpu
plant 'nobody waits for a stream' gpu/calls.c '/^CUresult meseta_synchronize\(/,/^}/s/return cuStreamSynchronize.*/return CUDA_SUCCESS;/' ./gpu
plant 'memory is zeroed by a call that ends captures' gpu/memory.go 's/cu\.Stream\{\}\.Synchronize/cu.Synchronize/' ./gpu
echo "plant.sh: $((planted - missed)) of $planted mistakes were caught"
[ $((planted > 0 && missed == 0)) = 1 ]
