// tile.cu: the end of products whose sums were cut into parts. See tile.cuh.
#include "tile.cuh"

// tile_sum adds the parts of each element in order. blockIdx.y is the group.
KERNEL(256, tile_sum)(Result r)
{
	i64 size = (i64)r.m * r.n;
	const float *sums = r.sums + blockIdx.y * r.parts * size;
	for (i64 i = first(); i < size; i += step()) {
		float sum = sums[i];
		for (int p = 1; p < r.parts; p++)
			sum += sums[p * size + i];
		finish<1>(r, blockIdx.y, i / r.n, i % r.n, {{sum}});
	}
}
