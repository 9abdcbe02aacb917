// map.cuh: functions of single elements, which are read and written four at a time: a thread with one on its way leaves half of the memory's bandwidth unused.
#pragma once
#include "../_cuda/device.cuh"

// map makes dst[i] = f(a[i], b[i]) of arrays of one size, of which dst may be one. Those that are not to be read are 0.
template <bool read_a, bool read_b, class F> DEVICE void map(float *dst, const float *a, const float *b, i64 size, F f)
{
	i64 fours = size / 4;
#pragma unroll 1
	for (i64 i = first(); i < fours; i += step()) {
		float4 x = {}, y = {};
		if constexpr (read_a)
			x = ((const float4 *)a)[i];
		if constexpr (read_b)
			y = ((const float4 *)b)[i];
		((float4 *)dst)[i] = {f(x.x, y.x), f(x.y, y.y), f(x.z, y.z), f(x.w, y.w)};
	}
#pragma unroll 1
	for (i64 i = 4 * fours + first(); i < size; i += step())
		dst[i] = f(read_a ? a[i] : 0, read_b ? b[i] : 0);
}
