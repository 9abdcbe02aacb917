// layer.cu: norms of lines of neighbours: layer norms, and group norms of a single position; see layer.go. A warp has a line, or a block where lines are long; the
// second time it comes from the cache.
#include "norm.cuh"

struct Lines {
	float *dst, *mean, *inv_std; // dst [lines,length], the others [lines]
	const float *src, *gamma, *beta; // gamma, beta [groups,length], groups being the lines of a sample; null where there is none
	i64 lines;
	int length, groups;
	float epsilon;
	int unused;
};

// Team is a warp, or all threads of a block, with a line.
template <int threads> struct Team {
	DEVICE_MEMBER static i64 first() { return ((i64)blockIdx.x * block_threads + threadIdx.x) / threads; }
	DEVICE_MEMBER static i64 step() { return (i64)gridDim.x * (block_threads / threads); }
	DEVICE_MEMBER static int lane() { return threadIdx.x % threads; }
	DEVICE_MEMBER static double sum(double x) { return threads == 32 ? warp_sum(x) : block_sum(x); }
};

template <int threads> DEVICE void forward(const Lines &n)
{
	typedef Team<threads> T;
	for (i64 line = T::first(); line < n.lines; line += T::step()) {
		const float *src = n.src + line * n.length, *gamma = n.gamma + line % n.groups * n.length, *beta = n.beta + line % n.groups * n.length;
		Sums<1> own = moments<1>(src + T::lane(), threads, (n.length - T::lane() + threads - 1) / threads);
		double sum = T::sum(own.a[0]), square = T::sum(own.b[0]);
		Statistics s = statistics(sum, square, n.length, n.epsilon);
		for (int i = T::lane(); i < n.length; i += threads) {
			float scale = n.gamma ? gamma[i] * s.inv_std : s.inv_std;
			n.dst[line * n.length + i] = fmaf(src[i] - s.mean, scale, n.beta ? beta[i] : 0);
		}
		if (T::lane() == 0) {
			n.mean[line] = s.mean;
			n.inv_std[line] = s.inv_std;
		}
	}
}

KERNEL(256, layer_forward_32)(Lines n) { forward<32>(n); }
KERNEL(256, layer_forward_256)(Lines n) { forward<256>(n); }

struct LinesGradient {
	Cut cut; // of [lines/groups,groups·length], of which diffGamma and diffBeta are sums
	float *diff_src, *diff_gamma, *diff_beta; // diffGamma, diffBeta [groups,length]; null where nobody asks
	const float *diff_dst, *src, *gamma, *mean, *inv_std;
	double *sums; // [2,groups·length,parts]
	i64 lines;
	int length, groups;
};

template <int threads> DEVICE void backward(const LinesGradient &n)
{
	typedef Team<threads> T;
	for (i64 line = T::first(); line < n.lines; line += T::step()) {
		const float *src = n.src + line * n.length, *diff = n.diff_dst + line * n.length, *gamma = n.gamma + line % n.groups * n.length;
		float mean = n.mean[line], inv_std = n.inv_std[line];
		double sum = 0, product = 0;
		for (int i = T::lane(); i < n.length; i += run<1> * threads) {
			float s = 0, p = 0;
#pragma unroll
			for (int j = 0; j < run<1>; j++) {
				int at = i + j * threads;
				float g = at >= n.length ? 0 : n.gamma ? diff[at] * gamma[at] : diff[at];
				s += g;
				p = at >= n.length ? p : fmaf(g, src[at] - mean, p);
			}
			sum += s;
			product += p;
		}
		sum = T::sum(sum);
		product = T::sum(product);
		Slopes slope = slopes(sum, product, inv_std, n.length);
		for (int i = T::lane(); i < n.length; i += threads) {
			float scale = n.gamma ? gamma[i] * inv_std : inv_std;
			n.diff_src[line * n.length + i] = fmaf(diff[i], scale, fmaf(src[i] - mean, slope.of_src, slope.offset));
		}
	}
}

KERNEL(256, layer_backward_32)(LinesGradient n) { backward<32>(n); }
KERNEL(256, layer_backward_256)(LinesGradient n) { backward<256>(n); }

// columns adds up diffDst, and diffDst·(src - mean)·inv_std, over the lines. It runs before backward, which may write to diffDst.
template <int V> DEVICE void columns(const LinesGradient &n)
{
	Share s = share<V>(n.cut, blockIdx.x);
	Sums<V> sums = {};
	for (int i = 0; i < s.count; i += run<V>) {
		Vector<V> x[run<V>], g[run<V>];
		float sum[V] = {}, product[V] = {};
#pragma unroll
		for (int j = 0; j < run<V>; j++) {
			x[j] = g[j] = {};
			if (i + j < s.count) {
				x[j] = load<V>(n.src + s.first + (i + j) * s.step);
				g[j] = load<V>(n.diff_dst + s.first + (i + j) * s.step);
			}
		}
#pragma unroll
		for (int j = 0; j < run<V>; j++)
			if (i + j < s.count)
#pragma unroll
				for (int v = 0; v < V; v++) {
					i64 line = (s.start + (i64)(i + j) * s.rows) * n.groups + (s.channel + v) / n.length;
					sum[v] += g[j].v[v];
					product[v] = fmaf(g[j].v[v], (x[j].v[v] - n.mean[line]) * n.inv_std[line], product[v]);
				}
#pragma unroll
		for (int v = 0; v < V; v++) {
			sums.a[v] += sum[v];
			sums.b[v] += product[v];
		}
	}
	keep<V>(n.sums, n.cut, s, sums);
}

KERNEL(256, layer_columns_1)(LinesGradient n) { columns<1>(n); }
KERNEL(256, layer_columns_4)(LinesGradient n) { columns<4>(n); }

// A warp has a channel.
KERNEL(256, layer_columns_finish)(LinesGradient n)
{
	int c = blockIdx.x * (block_threads / 32) + threadIdx.x / 32, lane = threadIdx.x % 32;
	if (c >= n.cut.channels)
		return;
	const double *sums = n.sums + (i64)c * n.cut.parts, *products = sums + (i64)n.cut.channels * n.cut.parts;
	double sum = 0, product = 0;
	for (int t = lane; t < n.cut.parts; t += 32) {
		sum += sums[t];
		product += products[t];
	}
	sum = warp_sum(sum);
	product = warp_sum(product);
	if (lane == 0 && n.diff_beta)
		n.diff_beta[c] = sum;
	if (lane == 0 && n.diff_gamma)
		n.diff_gamma[c] = product;
}
