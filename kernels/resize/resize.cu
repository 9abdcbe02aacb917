// resize.cu: images of another size, and gradients, which are the same with other weights; see resize.go.
#include "../_cuda/walk.cuh"

// Line says of which of `in` pixels each of `out` is made, and how much of each: pixel i of at[start[i]] to before at[start[i+1]].
struct Line {
	const int *start, *at;
	const float *weight;
	int in, out;
};

// Resize are images whose channels are in steps of one number or four.
struct Resize {
	float *dst;
	const float *src;
	i64 steps;
	int channels, four;
	Line rows, columns;
};

// Sums are taken over rows first, as on the CPU.
template <int count> DEVICE void resize_steps(const Resize &r)
{
	for (i64 i = first(); i < r.steps; i += step()) {
		i64 pixel = i / r.channels, row = pixel / r.columns.out, image = row / r.rows.out;
		int p = row - image * r.rows.out, q = pixel - row * r.columns.out;
		const float *src = r.src + (image * r.rows.in * r.columns.in * r.channels + (i - pixel * r.channels)) * count;
		float sum[count] = {};
		for (int x = r.columns.start[q]; x < r.columns.start[q + 1]; x++) {
			float column[count] = {};
			for (int y = r.rows.start[p]; y < r.rows.start[p + 1]; y++) {
				float v[count];
				load(v, src + ((i64)r.rows.at[y] * r.columns.in + r.columns.at[x]) * r.channels * count, false);
				for (int j = 0; j < count; j++)
					column[j] += v[j] * r.rows.weight[y];
			}
			for (int j = 0; j < count; j++)
				sum[j] += column[j] * r.columns.weight[x];
		}
		store(r.dst + i * count, sum);
	}
}

KERNEL(256, resize_image)(Resize r)
{
	if (r.four)
		resize_steps<4>(r);
	else
		resize_steps<1>(r);
}
