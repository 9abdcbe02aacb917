// layered.cu: steps of the optimizers that look at a parameter as a whole; see layered.go, muon.go and ops.LayeredRule. The products that Muon wants are
// gemm/gemm.cu's; X lies where gradients do.
#include "pieces.cuh"

struct Layered {
	float *param, *grad, *slot[2]; // sweeps
	const float *prepared;         // by update_start: the rate, and of Lamb 1/(1-Beta1ᵗ), 1/(1-Beta2ᵗ)
	const int *apply;
	double *of_pieces[2], *of_arrays[2]; // sums of squares: of Muon's X, or of Lamb's weights and steps
	float decay, momentum, keep_a, keep_b, epsilon;
	int nesterov;
	Arrays arrays;
};

// keep leaves a piece's sum.
DEVICE void keep(const Layered &l, int which, int index, double sum)
{
	sum = block_sum(sum);
	if (threadIdx.x == 0)
		l.of_pieces[which][index] = sum;
}

// lamb_moments makes steps of gradients.
KERNEL(256, lamb_moments)(Layered l)
{
	if (!*l.apply)
		return;
	Piece p = piece(l.arrays);
	float rate = l.prepared[0], scale_a = l.prepared[1], scale_b = l.prepared[2];
	double weights = 0, steps = 0;
	for (int i = threadIdx.x; i < p.length; i += block_threads) {
		i64 at = p.start + i;
		float w = l.param[at], g = l.grad[at], m = l.slot[0][at], v = l.slot[1][at];
		if (l.decay != 0) {
			w -= w * l.decay * rate;
			l.param[at] = w;
		}
		m += (g - m) * l.keep_a;
		v += (g * g - v) * l.keep_b;
		l.slot[0][at] = m;
		l.slot[1][at] = v;
		float u = scale_a * m / (sqrtf(scale_b * v) + l.epsilon);
		l.grad[at] = u;
		weights += (double)w * w;
		steps += (double)u * u;
	}
	keep(l, 0, p.index, weights);
	keep(l, 1, p.index, steps);
}

// A block has an array.
KERNEL(256, lamb_norms)(Layered l)
{
	for (int i = 0; i < 2; i++) {
		double sum = add_pieces(l.arrays, l.of_pieces[i]);
		if (threadIdx.x == 0)
			l.of_arrays[i][l.arrays.before + blockIdx.x] = sum;
	}
}

KERNEL(256, lamb_step)(Layered l)
{
	if (!*l.apply)
		return;
	Piece p = piece(l.arrays);
	double weight = l.of_arrays[0][p.array], step = l.of_arrays[1][p.array];
	float rate = l.prepared[0];
	if (weight > 0 && step > 0)
		rate *= (float)(sqrt(weight) / sqrt(step));
	for (int i = threadIdx.x; i < p.length; i += block_threads)
		l.param[p.start + i] -= l.grad[p.start + i] * rate;
}

// muon_momentum makes X of gradients, not scaled yet.
KERNEL(256, muon_momentum)(Layered l)
{
	if (!*l.apply)
		return;
	Piece p = piece(l.arrays);
	float rate = l.prepared[0];
	double squares = 0;
	for (int i = threadIdx.x; i < p.length; i += block_threads) {
		i64 at = p.start + i;
		if (l.decay != 0)
			l.param[at] -= l.param[at] * l.decay * rate;
		float g = l.grad[at], m = l.momentum * l.slot[0][at] + g, x = l.nesterov ? g + l.momentum * m : m;
		l.slot[0][at] = m;
		l.grad[at] = x;
		squares += (double)x * x;
	}
	keep(l, 0, p.index, squares);
}

// A block has an array.
KERNEL(256, muon_norms)(Layered l)
{
	double sum = add_pieces(l.arrays, l.of_pieces[0]);
	if (threadIdx.x == 0)
		l.of_arrays[0][l.arrays.before + blockIdx.x] = sum;
}

KERNEL(256, muon_scale)(Layered l)
{
	if (!*l.apply)
		return;
	Piece p = piece(l.arrays);
	float scale = 1 / (sqrt(l.of_arrays[0][p.array]) + 1e-7);
	for (int i = threadIdx.x; i < p.length; i += block_threads)
		l.grad[p.start + i] *= scale;
}

// Blend is dst = own·dst + other·src, and with a rate, of muon's step, other·rate in the place of other.
struct Blend {
	float *dst;
	const float *src, *rate;
	const int *apply; // null: always
	i64 n;
	float own, other;
};

KERNEL(256, muon_blend)(Blend m)
{
	if (m.apply && !*m.apply)
		return;
	float other = m.rate ? m.other * *m.rate : m.other;
	for (i64 i = first(); i < m.n; i += step())
		m.dst[i] = m.own * m.dst[i] + other * m.src[i];
}
