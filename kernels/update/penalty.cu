// penalty.cu: penalties on weights, their gradients, and weights that may not be negative; see penalty.go and constrain.go.
#include "../_cuda/device.cuh"

struct Weight {
	float *dst;
	const float *grad, *w;
	double *sums; // of each part of a penalty
	const int *apply;
	i64 n;
	float l1, l2;
	int parts, unused;
};

// A block adds up a part; of a single part it makes the penalty, of several penalty_of_parts does.
KERNEL(256, penalty)(Weight p)
{
	double magnitudes = 0, squares = 0;
	for (i64 i = first(); i < p.n; i += step()) {
		double w = p.w[i];
		magnitudes += fabs(w);
		squares += w * w;
	}
	double sum = block_sum(p.l1 * magnitudes + p.l2 * squares);
	if (threadIdx.x != 0)
		return;
	if (p.parts > 1)
		p.sums[blockIdx.x] = sum;
	else
		p.dst[0] = sum;
}

// One block runs.
KERNEL(256, penalty_of_parts)(Weight p)
{
	double sum = 0;
	for (int i = threadIdx.x; i < p.parts; i += block_threads)
		sum += p.sums[i];
	sum = block_sum(sum);
	if (threadIdx.x == 0)
		p.dst[0] = sum;
}

// l2 is twice that of the penalty.
KERNEL(256, regularize)(Weight p)
{
	for (i64 i = first(); i < p.n; i += step()) {
		float w = p.w[i];
		p.dst[i] = p.grad[i] + ((w > 0 ? p.l1 : w < 0 ? -p.l1 : 0) + p.l2 * w);
	}
}

KERNEL(256, non_negative)(Weight p)
{
	if (!*p.apply)
		return;
	for (i64 i = first(); i < p.n; i += step())
		p.dst[i] = activate(p.dst[i], relu);
}

// Penalties are up to 256 of them, which are added to losses [n]. Where there are more, each launch but the last, of one block, leaves the sum so far.
struct Penalties {
	float *dst;
	const float *losses;
	float *so_far;
	i64 n;
	int count, begun, more, unused;
	const float *penalty[256];
};

KERNEL(256, penalize)(Penalties p)
{
	SHARED(float, penalties, [256]);
	for (int i = threadIdx.x; i < p.count; i += block_threads)
		penalties[i] = *p.penalty[i];
	float total = p.begun ? *p.so_far : 0;
	__syncthreads();
	for (int i = 0; i < p.count; i++)
		total += penalties[i];
	if (p.more) {
		if (threadIdx.x == 0)
			*p.so_far = total;
		return;
	}
	for (i64 i = first(); i < p.n; i += step())
		p.dst[i] = p.losses[i] + total;
}
