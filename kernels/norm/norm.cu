// norm.cu: batch norms, which are group norms of one sample with a group for each channel, and group norms of images; see norm.go and group.go. A norm takes
// three launches: sums of parts of the rows, what follows from them, and one sweep that applies it.
#include "norm.cuh"

struct Norm {
	Cut cut;
	float *dst, *mean, *variance, *inv_std; // dst [samples,rows,C], the others [samples,groups]
	const float *src, *gamma, *beta, *residual; // gamma, beta [C]; null where there is none
	double *sums; // [samples,2,C,parts]
	int samples, groups, activation;
	float epsilon;
};

template <int V> DEVICE void sums(const Norm &n)
{
	Share s = share<V>(n.cut, blockIdx.x);
	keep<V>(n.sums, n.cut, s, moments<V>(n.src + s.first, s.step, s.count));
}

KERNEL(256, norm_sums_1)(Norm n) { sums<1>(n); }
KERNEL(256, norm_sums_4)(Norm n) { sums<4>(n); }

DEVICE int warp() { return blockIdx.x * (block_threads / 32) + threadIdx.x / 32; }
DEVICE int lane() { return threadIdx.x % 32; }

// A warp has a group of a sample.
KERNEL(256, norm_finish)(Norm n)
{
	int i = warp(), channels = n.cut.channels, of = channels / n.groups;
	if (i >= n.samples * n.groups)
		return;
	const double *sums = n.sums + ((i64)(i / n.groups) * 2 * channels + i % n.groups * of) * n.cut.parts;
	const double *squares = sums + (i64)channels * n.cut.parts;
	double sum = 0, square = 0;
	for (int t = lane(); t < of * n.cut.parts; t += 32) {
		sum += sums[t];
		square += squares[t];
	}
	sum = warp_sum(sum);
	square = warp_sum(square);
	if (lane() != 0)
		return;
	Statistics s = statistics(sum, square, (double)n.cut.rows * of, n.epsilon);
	n.mean[i] = s.mean;
	n.inv_std[i] = s.inv_std;
	if (n.variance)
		n.variance[i] = s.variance;
}

// group is that of a channel of a sample.
DEVICE int group(int sample, int groups, int channel, int channels)
{
	return groups == channels ? sample * groups + channel : sample * groups + channel / (channels / groups);
}

// normalized has the same bits when a gradient computes it again, and in a convolution that normalises what it loads.
DEVICE float normalized(float x, float mean, float scale, float offset) { return (x - mean) * scale + offset; }

// Blocks go from the last to the first: what they begin with was read last.
DEVICE int backwards() { return gridDim.x - 1 - blockIdx.x; }

// apply makes dst. Without inv_std it follows from variance.
template <int V> DEVICE void apply(const Norm &n)
{
	Share s = share<V>(n.cut, backwards());
	if (s.count == 0)
		return;
	float mean[V], scale[V], offset[V];
#pragma unroll
	for (int v = 0; v < V; v++) {
		int c = s.channel + v, g = group(s.sample, n.groups, c, n.cut.channels);
		float inv_std = n.inv_std ? n.inv_std[g] : 1 / sqrtf(n.variance[g] + n.epsilon);
		mean[v] = n.mean[g];
		scale[v] = n.gamma ? n.gamma[c] * inv_std : inv_std;
		offset[v] = n.beta ? n.beta[c] : 0;
	}
	for (int i = 0; i < s.count; i += run<V>) {
		Vector<V> x[run<V>], residual[run<V>] = {};
#pragma unroll
		for (int j = 0; j < run<V>; j++)
			if (i + j < s.count)
				x[j] = load<V>(n.src + s.first + (i + j) * s.step);
		if (n.residual)
#pragma unroll
			for (int j = 0; j < run<V>; j++)
				if (i + j < s.count)
					residual[j] = load<V>(n.residual + s.first + (i + j) * s.step);
#pragma unroll
		for (int j = 0; j < run<V>; j++)
			if (i + j < s.count) {
#pragma unroll
				for (int v = 0; v < V; v++)
					x[j].v[v] = activate(normalized(x[j].v[v], mean[v], scale[v], offset[v]) + residual[j].v[v], n.activation);
				store<V>(n.dst + s.first + (i + j) * s.step, x[j]);
			}
	}
}

KERNEL(256, norm_apply_1)(Norm n) { apply<1>(n); }
KERNEL(256, norm_apply_4)(Norm n) { apply<4>(n); }

struct NormGradient {
	Cut cut;
	float *diff_src, *diff_gamma, *diff_beta, *diff_residual; // like src, [C], [C], like src; null where nobody asks
	const float *diff_dst, *dst, *src, *gamma, *beta, *mean, *inv_std; // dst: null where there is no mask, or where beta is given and it is computed again
	double *sums;  // [samples,2,C,parts]
	Slopes *slopes; // [samples,groups]
	int samples, groups, mask, unused;
};

// pace is run of what reads two or three arrays.
template <int V> static constexpr int pace = run<V> / 2;

// Source computes gradients of what was normalised: diffDst, where the mask lets it through, for the channels of a thread.
template <int V> struct Source {
	const NormGradient &n;
	const Share &s;
	float mean[V], scale[V], offset[V];

	DEVICE_MEMBER Source(const NormGradient &n, const Share &s) : n(n), s(s)
	{
#pragma unroll
		for (int v = 0; v < V; v++) {
			int c = s.channel + v, g = group(s.sample, n.groups, c, n.cut.channels);
			mean[v] = n.mean[g];
			scale[v] = n.gamma ? n.gamma[c] * n.inv_std[g] : n.inv_std[g];
			offset[v] = n.beta ? n.beta[c] : 0;
		}
	}

	// read gives src and the gradients of pace rows from i on; behind the last they are 0.
	DEVICE_MEMBER void read(int i, Vector<V> (&x)[pace<V>], Vector<V> (&g)[pace<V>], const float *diff, bool masked) const
	{
		Vector<V> y[pace<V>] = {};
#pragma unroll
		for (int j = 0; j < pace<V>; j++) {
			x[j] = g[j] = {};
			if (i + j < s.count) {
				x[j] = load<V>(n.src + s.first + (i + j) * s.step);
				g[j] = load<V>(diff + s.first + (i + j) * s.step);
			}
		}
		if (!masked)
			return;
		if (n.dst)
#pragma unroll
			for (int j = 0; j < pace<V>; j++)
				if (i + j < s.count)
					y[j] = load<V>(n.dst + s.first + (i + j) * s.step);
#pragma unroll
		for (int j = 0; j < pace<V>; j++)
#pragma unroll
			for (int v = 0; v < V; v++) {
				float at = n.dst ? y[j].v[v] : normalized(x[j].v[v], mean[v], scale[v], offset[v]);
				if (!(at > 0 && (n.mask != relu6 || at < 6)))
					g[j].v[v] = 0;
			}
	}
};

// gradient_sums adds up g and g·(src - mean), g being the masked gradient, and leaves that in diffResidual.
template <int V> DEVICE void gradient_sums(const NormGradient &n)
{
	Share s = share<V>(n.cut, blockIdx.x);
	Sums<V> sums = {};
	if (s.count > 0) {
		Source<V> source(n, s);
		for (int i = 0; i < s.count; i += pace<V>) {
			Vector<V> x[pace<V>], g[pace<V>];
			source.read(i, x, g, n.diff_dst, n.mask != linear);
			if (n.diff_residual)
#pragma unroll
				for (int j = 0; j < pace<V>; j++)
					if (i + j < s.count)
						store<V>(n.diff_residual + s.first + (i + j) * s.step, g[j]);
#pragma unroll
			for (int v = 0; v < V; v++) {
				float sum = 0, product = 0;
#pragma unroll
				for (int j = 0; j < pace<V>; j++) {
					sum += g[j].v[v];
					product = fmaf(g[j].v[v], x[j].v[v] - source.mean[v], product);
				}
				sums.a[v] += sum;
				sums.b[v] += product;
			}
		}
	}
	keep<V>(n.sums, n.cut, s, sums);
}

KERNEL(256, norm_gradient_sums_1)(NormGradient n) { gradient_sums<1>(n); }
KERNEL(256, norm_gradient_sums_4)(NormGradient n) { gradient_sums<4>(n); }

// The first warps have a group of a sample each, the others a channel, whose gradients of gamma and beta are sums over samples.
KERNEL(256, norm_gradient_finish)(NormGradient n)
{
	int i = warp(), channels = n.cut.channels, of = channels / n.groups, all = n.samples * n.groups, parts = n.cut.parts;
	i64 apart = (i64)channels * parts; // sums and products
	double sum = 0, product = 0;
	if (i < all) {
		int first = i % n.groups * of;
		const double *sums = n.sums + i / n.groups * 2 * apart + (i64)first * parts;
		for (int t = lane(); t < of * parts; t += 32) {
			double gamma = n.gamma ? n.gamma[first + t / parts] : 1;
			sum += gamma * sums[t];
			product += gamma * sums[apart + t];
		}
		sum = warp_sum(sum);
		product = warp_sum(product);
		if (lane() == 0)
			n.slopes[i] = slopes(sum, product, n.inv_std[i], (double)n.cut.rows * of);
	} else if (i - all < channels) {
		int c = i - all;
		for (int t = lane(); t < n.samples * parts; t += 32) {
			int sample = t / parts;
			const double *sums = n.sums + sample * 2 * apart + (i64)c * parts + t % parts;
			sum += sums[0];
			product += sums[apart] * n.inv_std[group(sample, n.groups, c, channels)];
		}
		sum = warp_sum(sum);
		product = warp_sum(product);
		if (lane() == 0 && n.diff_beta)
			n.diff_beta[c] = sum;
		if (lane() == 0 && n.diff_gamma)
			n.diff_gamma[c] = product;
	}
}

// gradient_apply makes diffSrc. The gradient is in diffResidual where there is one, masked already.
template <int V> DEVICE void gradient_apply(const NormGradient &n)
{
	Share s = share<V>(n.cut, backwards());
	if (s.count == 0)
		return;
	Source<V> source(n, s);
	Slopes slope[V];
#pragma unroll
	for (int v = 0; v < V; v++)
		slope[v] = n.slopes[group(s.sample, n.groups, s.channel + v, n.cut.channels)];
	for (int i = 0; i < s.count; i += pace<V>) {
		Vector<V> x[pace<V>], g[pace<V>];
		source.read(i, x, g, n.diff_residual ? n.diff_residual : n.diff_dst, n.mask != linear && !n.diff_residual);
#pragma unroll
		for (int j = 0; j < pace<V>; j++)
			if (i + j < s.count) {
#pragma unroll
				for (int v = 0; v < V; v++)
					g[j].v[v] = fmaf(g[j].v[v], source.scale[v], fmaf(x[j].v[v] - source.mean[v], slope[v].of_src, slope[v].offset));
				store<V>(n.diff_src + s.first + (i + j) * s.step, g[j]);
			}
	}
}

KERNEL(256, norm_gradient_apply_1)(NormGradient n) { gradient_apply<1>(n); }
KERNEL(256, norm_gradient_apply_4)(NormGradient n) { gradient_apply<4>(n); }

// Moving are up to 128 moving statistics, which become moving·momentum + batch·rest, if the step is to be applied.
struct Moving {
	const int *apply;
	float momentum, rest;
	struct {
		float *moving;
		const float *batch;
		i64 size;
	} array[128];
};

// blockIdx.y is the array.
KERNEL(256, moving_average)(Moving m)
{
	if (!*m.apply)
		return;
	float *moving = m.array[blockIdx.y].moving;
	const float *batch = m.array[blockIdx.y].batch;
	for (i64 i = first(); i < m.array[blockIdx.y].size; i += step())
		moving[i] = moving[i] * m.momentum + batch[i] * m.rest;
}
