// device.cuh: what every kernel includes. NVRTC compiles the kernels for GPUs, g++ for the emulated driver (gpu/emulated/cuda_host.h).
//
// A kernel takes one struct, which package kernels fills in: its fields are pointers, float, int, and long long, each at a multiple of its
// size, as Go and C++ both lay them out. Multiplications and additions are fused where the source says fmaf and nowhere else, sums are taken in
// an order that depends on shapes alone, and nothing is added by atomics: so a run gives the same bits on every GPU and on the emulated one,
// but for the last bits of exponentials and the like (gpu/emulated/functions.h).
#pragma once

#define KERNEL(threads, name) extern "C" __global__ void __launch_bounds__(threads) name
#define DEVICE static __device__ __forceinline__
#define DEVICE_MEMBER __device__ __forceinline__

// array_alignment is where arrays of a block lie, in bytes: four numbers are read at once. A compiler that is not told may put them anywhere.
enum { array_alignment = 16 };

#ifdef __CUDACC__
// SHARED declares an array of the block: SHARED(float, name, [2][64]).
#define SHARED(type, name, dims) __shared__ __align__(array_alignment) type name dims
#endif

typedef long long i64;

// block_threads is the size of every block.
static constexpr int block_threads = 256;

// first and step walk over elements, all threads of the grid side by side.
DEVICE i64 first() { return (i64)blockIdx.x * blockDim.x + threadIdx.x; }
DEVICE i64 step() { return (i64)gridDim.x * blockDim.x; }

DEVICE float not_a_number() { return __int_as_float(0x7fc00000); }

// Activations, as package ops numbers them.
enum { linear, relu, relu6 };

DEVICE float activate(float x, int activation)
{
	if (activation != linear && x < 0)
		return 0;
	return activation == relu6 && x > 6 ? 6 : x;
}

// warp_sum adds up what the lanes of a warp have, in the same order in every lane.
DEVICE double warp_sum(double x)
{
	for (int lanes = 16; lanes > 0; lanes /= 2)
		x += __shfl_xor_sync(~0u, x, lanes);
	return x;
}

// block_sum adds up what the threads of a block of block_threads have. Every thread gets the sum, and all must call.
DEVICE double block_sum(double x)
{
	SHARED(double, sums, [block_threads / 32]);
	x = warp_sum(x);
	__syncthreads(); // sums of the call before have been read
	if (threadIdx.x % 32 == 0)
		sums[threadIdx.x / 32] = x;
	__syncthreads();
	x = 0;
	for (int i = 0; i < block_threads / 32; i++)
		x += sums[i];
	return x;
}
