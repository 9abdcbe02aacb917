// penalty.cu: penalties on weights, their gradients, and weights that may not be negative; see penalty.go and constrain.go.
#include "pieces.cuh"

// Penalized are weights, and gradients that lie beside each other as weights do, with their penalties: arrays start from the first.
struct Penalized {
	float *total; // of penalties
	float *grad;
	const float *w;
	double *sums; // of pieces
	int pieces, unused;
	float l1[most_arrays], l2[most_arrays]; // of regularize, l2 is twice that of the penalty
	Arrays arrays;
};

KERNEL(256, penalty_sums)(Penalized p)
{
	Piece of = piece(p.arrays);
	int array = of.array - p.arrays.before;
	double magnitudes = 0, squares = 0;
	for (int i = threadIdx.x; i < of.length; i += block_threads) {
		double w = p.w[of.start + i];
		magnitudes += fabs(w);
		squares += w * w;
	}
	double sum = block_sum(p.l1[array] * magnitudes + p.l2[array] * squares);
	if (threadIdx.x == 0)
		p.sums[of.index] = sum;
}

// One block runs.
KERNEL(256, penalty_total)(Penalized p)
{
	double sum = 0;
	for (int i = threadIdx.x; i < p.pieces; i += block_threads)
		sum += p.sums[i];
	sum = block_sum(sum);
	if (threadIdx.x == 0)
		*p.total = sum;
}

KERNEL(256, regularize)(Penalized p)
{
	Piece of = piece(p.arrays);
	float l1 = p.l1[of.array - p.arrays.before], l2 = p.l2[of.array - p.arrays.before];
	for (int i = threadIdx.x; i < of.length; i += block_threads) {
		float w = p.w[of.start + i];
		p.grad[of.start + i] += (w > 0 ? l1 : w < 0 ? -l1 : 0) + l2 * w;
	}
}

// Penalize adds penalties to each loss.
struct Penalize {
	float *dst;
	const float *losses, *total;
	i64 n;
};

KERNEL(256, penalize)(Penalize p)
{
	for (i64 i = first(); i < p.n; i += step())
		p.dst[i] = p.losses[i] + *p.total;
}

struct NonNegative {
	float *w;
	const int *apply;
	i64 n;
};

KERNEL(256, non_negative)(NonNegative p)
{
	if (!*p.apply)
		return;
	for (i64 i = first(); i < p.n; i += step())
		p.w[i] = activate(p.w[i], relu);
}
