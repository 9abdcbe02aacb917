// feed.cu: takes what the host sent for a step to where the step reads it; see kernels/cuda_pipe.go.
#include "../_cuda/device.cuh"

// Feed is a block, and its parts: numbers of 4 bytes, at so many bytes. The block begins with a divisor. If that is not 0, part 0 has come as bytes, each of which
// stands for itself divided by it.
struct Feed {
	const char *block;
	struct {
		float *dst;
		i64 at, size;
	} part[6];
};

// Blocks of row y of the grid take part y.
KERNEL(256, feed)(Feed f)
{
	float divisor = *(const float *)f.block;
	float *dst = f.part[blockIdx.y].dst;
	const char *src = f.block + f.part[blockIdx.y].at;
	i64 size = f.part[blockIdx.y].size, fours = size / 4;
	if (blockIdx.y == 0 && divisor != 0) {
		for (i64 i = first(); i < fours; i += step()) {
			unsigned four = ((const unsigned *)src)[i];
			float4 x;
			x.x = (float)(four & 255) / divisor;
			x.y = (float)(four >> 8 & 255) / divisor;
			x.z = (float)(four >> 16 & 255) / divisor;
			x.w = (float)(four >> 24) / divisor;
			((float4 *)dst)[i] = x;
		}
		for (i64 i = 4 * fours + first(); i < size; i += step())
			dst[i] = (float)((const unsigned char *)src)[i] / divisor;
		return;
	}
	for (i64 i = first(); i < fours; i += step())
		((float4 *)dst)[i] = ((const float4 *)src)[i];
	for (i64 i = 4 * fours + first(); i < size; i += step())
		dst[i] = ((const float *)src)[i];
}
