// walk.cuh: going over arrays of any dimensions; see kernels/vec/walk.go.
#pragma once
#include "device.cuh"

// Walk goes over the elements of an array in order, one a step or, where all arrays allow it, four, and says where the same elements lie in up to
// two other arrays.
struct Walk {
	i64 steps;
	int dims, four;
	i64 dim[8];       // in steps
	i64 stride[2][8]; // of each other array, in elements for a step; in the last dimension 0 where it repeats a number
};

struct Places {
	i64 at[2];
};

// places says where the elements of step i lie.
DEVICE Places places(const Walk &w, i64 i)
{
	i64 a = 0, b = 0;
	for (int d = w.dims - 1; d > 0; d--) {
		i64 row = i / w.dim[d], k = i - row * w.dim[d];
		a += k * w.stride[0][d];
		b += k * w.stride[1][d];
		i = row;
	}
	return {{a + i * w.stride[0][0], b + i * w.stride[1][0]}};
}

// repeats says whether array k repeats a number in a row.
DEVICE bool repeats(const Walk &w, int k) { return w.stride[k][w.dims - 1] == 0; }

// load reads the elements of a step from p, one of which stands for all where the array repeats it.
template <int count> DEVICE void load(float (&x)[count], const float *p, bool repeated)
{
	if constexpr (count == 4) {
		if (!repeated) {
			float4 v = *(const float4 *)p;
			x[0] = v.x, x[1] = v.y, x[2] = v.z, x[3] = v.w;
			return;
		}
	}
	for (int i = 0; i < count; i++)
		x[i] = *p;
}

template <int count> DEVICE void store(float *p, const float (&x)[count])
{
	if constexpr (count == 4)
		*(float4 *)p = {x[0], x[1], x[2], x[3]};
	else
		*p = x[0];
}
