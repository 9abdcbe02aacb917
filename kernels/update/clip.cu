// clip.cu: gradients made shorter; see gradients.go and ops.ClipGradients.
#include "pieces.cuh"

struct Clip {
	float *grad; // a sweep of n elements
	const int *apply;
	double *of_pieces, *of_arrays; // sums of squares
	i64 n;
	float most;
	int all; // the number of arrays, where their norm is that of all together; else 0
	Arrays arrays;
};

KERNEL(256, clip_squares)(Clip c)
{
	Piece p = piece(c.arrays);
	double sum = 0;
	for (int i = threadIdx.x; i < p.length; i += block_threads) {
		double g = c.grad[p.start + i];
		sum += g * g;
	}
	sum = block_sum(sum);
	if (threadIdx.x == 0)
		c.of_pieces[p.index] = sum;
}

// A block has an array.
KERNEL(256, clip_norms)(Clip c)
{
	double sum = add_pieces(c.arrays, c.of_pieces);
	if (threadIdx.x == 0)
		c.of_arrays[c.arrays.before + blockIdx.x] = sum;
}

KERNEL(256, clip_scale)(Clip c)
{
	if (!*c.apply)
		return;
	Piece p = piece(c.arrays);
	double squares = 0;
	if (c.all > 0) {
		for (int i = threadIdx.x; i < c.all; i += block_threads)
			squares += c.of_arrays[i];
		squares = block_sum(squares);
	} else {
		squares = c.of_arrays[p.array];
	}
	double norm = sqrt(squares);
	if (!(norm > c.most))
		return;
	float scale = c.most / norm;
	for (int i = threadIdx.x; i < p.length; i += block_threads)
		c.grad[p.start + i] *= scale;
}

KERNEL(256, clip_values)(Clip c)
{
	if (!*c.apply)
		return;
	for (i64 i = first(); i < c.n; i += step()) {
		float g = c.grad[i];
		c.grad[i] = g < -c.most ? -c.most : g > c.most ? c.most : g;
	}
}
