// constrain.cu: vectors of weights whose norms are held within bounds; see constrain.go and ops.ConstrainNorm.
#include "../_cuda/device.cuh"

// Axes are merged, as in constrain.go. A vector, or the one in each of `inner` columns side by side, starts at one of `starts` places and has its elements at
// `offsets` places from there; places[0] lists the axes of starts, places[1] those of offsets, innermost first.
struct Constraint {
	float *w;
	const int *apply;
	i64 starts, offsets, inner;
	struct {
		int axes, unused;
		struct {
			i64 size, stride;
		} axis[4];
	} places[2];
	float least, most, rate, unused;
};

DEVICE i64 place(const Constraint &c, int list, i64 i)
{
	i64 at = 0;
	for (int axis = 0; axis < c.places[list].axes; axis++) {
		at += i % c.places[list].axis[axis].size * c.places[list].axis[axis].stride;
		i /= c.places[list].axis[axis].size;
	}
	return at;
}

// norm_scale is the factor of a vector with this sum of squares.
DEVICE float norm_scale(const Constraint &c, double squares)
{
	double norm = sqrt(squares), bounded = norm < c.least ? c.least : norm;
	bounded = bounded > c.most ? c.most : bounded;
	return (c.rate * bounded + (1 - (double)c.rate) * norm) / (norm + 1e-7);
}

// Vectors lie along the innermost axis: a block has one at a time.
KERNEL(256, constrain_vectors)(Constraint c)
{
	if (!*c.apply)
		return;
	for (i64 v = blockIdx.x; v < c.starts; v += gridDim.x) {
		float *w = c.w + place(c, 0, v);
		double squares = 0;
		for (i64 i = threadIdx.x; i < c.offsets * c.inner; i += block_threads) {
			double x = w[place(c, 1, i / c.inner) + i % c.inner];
			squares += x * x;
		}
		float scale = norm_scale(c, block_sum(squares));
		for (i64 i = threadIdx.x; i < c.offsets * c.inner; i += block_threads)
			w[place(c, 1, i / c.inner) + i % c.inner] *= scale;
	}
}

// Vectors lie across it: a block has 32 side by side, of each of which eight threads take elements by turns.
KERNEL(256, constrain_columns)(Constraint c)
{
	SHARED(double, sums, [8][32]);
	if (!*c.apply)
		return;
	i64 groups = (c.inner + 31) / 32;
	int lane = threadIdx.x % 32, turn = threadIdx.x / 32;
	for (i64 v = blockIdx.x; v < c.starts * groups; v += gridDim.x) {
		i64 column = v % groups * 32 + lane;
		float *w = c.w + place(c, 0, v / groups) + column;
		double squares = 0;
		for (i64 i = turn; i < c.offsets && column < c.inner; i += 8) {
			double x = w[place(c, 1, i)];
			squares += x * x;
		}
		__syncthreads(); // sums of the vectors before have been read
		sums[turn][lane] = squares;
		__syncthreads();
		squares = 0;
		for (int i = 0; i < 8; i++)
			squares += sums[i][lane];
		float scale = norm_scale(c, squares);
		for (i64 i = turn; i < c.offsets && column < c.inner; i += 8)
			w[place(c, 1, i)] *= scale;
	}
}
