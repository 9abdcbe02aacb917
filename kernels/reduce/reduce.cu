// reduce.cu: sums, means, largest and smallest numbers along any dimensions, and where the largest of a row is; see reduce.go and argmax.go.
#include "../_cuda/walk.cuh"

// Reduce has two walks over src: over the dimensions that stay, which are the results, and over those that go. Results are cut into parts, and
// some threads, the lanes, share a part.
struct Reduce {
	float *dst;
	double *partial; // [parts,results]
	const float *src;
	i64 results, reads, each; // numbers that make a result, and those of a part
	int parts, lanes;
	int columns; // results lie side by side in src, else the numbers that make one
	int mean;
	Walk kept, over;
};

// Sum is kept in float64. A start and what joins two of them make a reduction.
struct Sum {
	typedef double number;
	static DEVICE_MEMBER double start() { return 0; }
	static DEVICE_MEMBER double join(double a, double b) { return a + b; }
};

struct Largest {
	typedef float number;
	static DEVICE_MEMBER float start() { return __int_as_float(0xff800000); } // -∞
	template <class T> static DEVICE_MEMBER T join(T a, T b) { return b > a || b != b ? b : a; }
};

struct Smallest {
	typedef float number;
	static DEVICE_MEMBER float start() { return __int_as_float(0x7f800000); } // ∞
	template <class T> static DEVICE_MEMBER T join(T a, T b) { return b < a || b != b ? b : a; }
};

DEVICE float result(const Reduce &r, double x) { return r.mean ? x * (1 / (double)r.reads) : x; }

// blockIdx.x walks over results, y over parts.
template <class F> DEVICE void reduce(const Reduce &r)
{
	typedef typename F::number number;
	SHARED(double, found, [block_threads]);
	int side = block_threads / r.lanes; // results of a block
	int lane = r.columns ? threadIdx.x / side : threadIdx.x % r.lanes;
	i64 o = (i64)blockIdx.x * side + (r.columns ? threadIdx.x % side : threadIdx.x / r.lanes);
	i64 from = blockIdx.y * r.each, end = min(from + r.each, r.reads);
	number x = F::start();
	if (o < r.results) {
		const float *src = r.src + places(r.kept, o).at[0];
		if (r.over.dims == 1) {
			i64 stride = r.over.stride[0][0];
#pragma unroll 4
			for (i64 i = from + lane; i < end; i += r.lanes)
				x = F::join(x, (number)src[i * stride]);
		} else {
			for (i64 i = from + lane; i < end; i += r.lanes)
				x = F::join(x, (number)src[places(r.over, i).at[0]]);
		}
	}
	found[threadIdx.x] = x;
	for (int half = r.lanes / 2; half > 0; half /= 2) {
		__syncthreads();
		if (lane < half)
			found[threadIdx.x] = F::join(found[threadIdx.x], found[threadIdx.x + half * (r.columns ? side : 1)]);
	}
	if (lane != 0 || o >= r.results)
		return;
	if (r.parts == 1)
		r.dst[o] = result(r, found[threadIdx.x]);
	else
		r.partial[blockIdx.y * r.results + o] = found[threadIdx.x];
}

// reduce_total joins the parts in order.
template <class F> DEVICE void reduce_total(const Reduce &r)
{
	for (i64 o = first(); o < r.results; o += step()) {
		double x = r.partial[o];
		for (int p = 1; p < r.parts; p++)
			x = F::join(x, r.partial[p * r.results + o]);
		r.dst[o] = result(r, x);
	}
}

KERNEL(256, reduce_sum)(Reduce r) { reduce<Sum>(r); }
KERNEL(256, reduce_sum_total)(Reduce r) { reduce_total<Sum>(r); }
KERNEL(256, reduce_max)(Reduce r) { reduce<Largest>(r); }
KERNEL(256, reduce_max_total)(Reduce r) { reduce_total<Largest>(r); }
KERNEL(256, reduce_min)(Reduce r) { reduce<Smallest>(r); }
KERNEL(256, reduce_min_total)(Reduce r) { reduce_total<Smallest>(r); }

struct ArgMax {
	int *dst;
	const float *src;
	i64 rows, columns;
};

// before says whether (x,i) comes before (y,j): it is larger, the first NaN, or as large and further in front.
DEVICE bool before(float x, int i, float y, int j)
{
	bool nan = x != x, other = y != y;
	if (nan || other)
		return nan && (!other || i < j);
	return x > y || (x == y && i < j);
}

// A warp has a row.
KERNEL(256, arg_max)(ArgMax a)
{
	int lane = threadIdx.x % 32;
	for (i64 r = blockIdx.x * (block_threads / 32) + threadIdx.x / 32; r < a.rows; r += gridDim.x * (block_threads / 32)) {
		const float *row = a.src + r * a.columns;
		int at = lane < a.columns ? lane : 0;
		float best = row[at];
		for (int i = lane + 32; i < a.columns; i += 32)
			if (before(row[i], i, best, at))
				best = row[i], at = i;
		for (int lanes = 16; lanes > 0; lanes /= 2) {
			float x = __shfl_xor_sync(~0u, best, lanes);
			int i = __shfl_xor_sync(~0u, at, lanes);
			if (before(x, i, best, at))
				best = x, at = i;
		}
		if (lane == 0)
			a.dst[r] = at;
	}
}
