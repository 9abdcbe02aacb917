// norm.cuh: what batch and group norms (norm.cu) and layer norms (layer.cu) share: how a block takes channels of many rows, and sums that are both
// exact and quick. Letters: C channels, V how many neighbours of them are read at once.
#pragma once
#include "../_cuda/device.cuh"

template <int V> struct alignas(4 * V) Vector {
	float v[V];
};

template <int V> DEVICE Vector<V> load(const float *at) { return *(const Vector<V> *)at; }
template <int V> DEVICE void store(float *at, Vector<V> x) { *(Vector<V> *)at = x; }

// Cut is how [samples,rows,C] is shared out: a block takes `lanes` vectors of channels of `each` rows of a sample, as many rows at a time as it has threads for.
struct Cut {
	int rows, each, channels, lanes, parts, unused; // parts: of the rows of a sample
};

// Share is what a thread does of a Cut: count vectors, the first at element `first`, and then every `step`.
struct Share {
	int sample, part, row, rows; // row: of as many as the block takes at a time
	int channel;
	int count;
	i64 start, first, step; // start: the row of the first element, among all samples'
};

// share gives that of block i; those of a part of the rows are side by side.
template <int V> DEVICE Share share(const Cut &c, int i)
{
	Share s;
	int tiles = (c.channels / V + c.lanes - 1) / c.lanes, part = i / tiles;
	s.sample = part / c.parts;
	s.part = part % c.parts;
	s.row = threadIdx.x / c.lanes;
	s.rows = block_threads / c.lanes;
	s.channel = (i % tiles * c.lanes + threadIdx.x % c.lanes) * V;
	int from = s.part * c.each + s.row, end = min((s.part + 1) * c.each, c.rows);
	bool some = s.row < s.rows && s.channel < c.channels && from < end;
	s.count = some ? (end - from + s.rows - 1) / s.rows : 0;
	s.start = (i64)s.sample * c.rows + from;
	s.first = s.start * c.channels + s.channel;
	s.step = (i64)s.rows * c.channels;
	return s;
}

// Sums are two for each channel.
template <int V> struct Sums {
	double a[V], b[V];
};

// run is how many vectors a thread reads before it computes, and how many numbers it adds up in float32 before the sum goes on in float64, of which most GPUs do
// little. More would take more registers.
template <int V> static constexpr int run = V == 1 ? 8 : 4;

// moments adds up count vectors, and their squares. A thread adds up differences from its first vector, so that a large mean costs no digits.
template <int V> DEVICE Sums<V> moments(const float *src, i64 step, int count)
{
	Sums<V> s = {};
	if (count == 0)
		return s;
	Vector<V> origin = load<V>(src);
	for (int i = 0; i < count; i += run<V>) {
		Vector<V> x[run<V>];
#pragma unroll
		for (int j = 0; j < run<V>; j++)
			x[j] = i + j < count ? load<V>(src + (i + j) * step) : origin;
#pragma unroll
		for (int v = 0; v < V; v++) {
			float sum = 0, square = 0;
#pragma unroll
			for (int j = 0; j < run<V>; j++) {
				float d = x[j].v[v] - origin.v[v];
				sum += d;
				square = fmaf(d, d, square);
			}
			s.a[v] += sum;
			s.b[v] += square;
		}
	}
#pragma unroll
	for (int v = 0; v < V; v++) {
		double o = origin.v[v];
		s.b[v] += o * (2 * s.a[v] + count * o);
		s.a[v] += count * o;
	}
	return s;
}

// keep adds up what the threads of a block have for one channel, and writes it to sums [samples,2,C,parts].
template <int V> DEVICE void keep(double *sums, const Cut &c, const Share &s, const Sums<V> &own)
{
	SHARED(double, all, [2 * V][block_threads]);
#pragma unroll
	for (int v = 0; v < V; v++) {
		all[v][threadIdx.x] = own.a[v];
		all[V + v][threadIdx.x] = own.b[v];
	}
	int half = 1;
	while (2 * half < s.rows)
		half *= 2;
	for (; half > 0; half /= 2) {
		__syncthreads();
		if (s.row < half && s.row + half < s.rows)
#pragma unroll
			for (int v = 0; v < 2 * V; v++)
				all[v][threadIdx.x] += all[v][threadIdx.x + half * c.lanes];
	}
	if (s.row != 0 || s.channel >= c.channels)
		return;
#pragma unroll
	for (int v = 0; v < 2 * V; v++)
		sums[((s.sample * 2 + v / V) * (i64)c.channels + s.channel + v % V) * c.parts + s.part] = all[v][threadIdx.x];
}

// Statistics of count numbers, of their sum and that of their squares.
struct Statistics {
	float mean, variance, inv_std;
};

DEVICE Statistics statistics(double sum, double square, double count, float epsilon)
{
	double mean = sum / count, variance = square / count - mean * mean;
	variance = variance < 0 ? 0 : variance; // which rounding may make of equal numbers
	return {(float)mean, (float)variance, (float)(1 / sqrt(variance + epsilon))};
}

// Slopes give diffSrc = diffDst·gamma·inv_std + (src - mean)·of_src + offset, for a group of count elements with Σ g and Σ g·(src - mean), g being diffDst·gamma.
struct Slopes {
	float of_src, offset;
};

DEVICE Slopes slopes(double sum, double product, double inv_std, double count)
{
	return {(float)(-inv_std * inv_std * inv_std * product / count), (float)(-inv_std * sum / count)};
}
