// tile.cu: the end of products whose sums were cut into parts. See tile.cuh.
#include "tile.cuh"

// tile_sum adds the parts of each element. blockIdx.y is the group. Where there are many parts, threads of a block share the elements: each adds every so
// many parts in order, and the first adds what the others have.
KERNEL(256, tile_sum)(Result r)
{
	SHARED(float, shared, [block_threads]);
	int sharers = 1;
	while (sharers < 8 && sharers * 8 <= r.parts)
		sharers *= 2;
	int elements = block_threads / sharers, element = threadIdx.x % elements, sharer = threadIdx.x / elements;
	i64 size = (i64)r.m * r.n, i = (i64)blockIdx.x * elements + element;
	const float *sums = r.sums + blockIdx.y * r.parts * size;
	float sum = 0;
	if (i < size)
#pragma unroll 8 // so many are on their way at once
		for (int p = sharer; p < r.parts; p += sharers)
			sum += sums[p * size + i];
	shared[threadIdx.x] = sum;
	__syncthreads();
	if (sharer > 0 || i >= size)
		return;
	for (int s = 1; s < sharers; s++)
		sum += shared[s * elements + element];
	finish<1>(r, blockIdx.y, i / r.n, i % r.n, {{sum}});
}
