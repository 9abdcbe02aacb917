// tile.cuh: a block's part of a product c[m,n] = Σk a[m,k]·b[k,n], which matrices and convolutions share.
//
// A block of 256 threads computes a Tile of M rows and N columns, each of its threads TM·TN of the sums. a and b are read `depth` of k at a time by
// Loaders, whose threads fetch the next ones into registers, multiply those that lie in one of two buffers in shared memory, and then store what they
// fetched into the other. What places need divisions is found before the loop; in it, places move on by additions.
//
// Long sums are cut into parts that blocks of their own compute (r.parts): tile_sum adds these in order. blockIdx.x walks over tiles, those of the same
// rows side by side, y over groups and parts: groups are products that lie side by side, those of a batch or of a convolution in groups.
#pragma once
#include "../_cuda/device.cuh"

// Two blocks of a product share a multiprocessor, one multiplying while the other waits; that leaves a thread 128 registers.
#undef KERNEL
#define KERNEL(threads, name) extern "C" __global__ void __launch_bounds__(threads, 2) name

// Result says where sums go: dst[group·step + m·ld + n] = activation(sum + bias[group·bias_step + n] + add[as dst]). bias and add may be null.
// Where parts > 1 the sums of each part go to sums [groups,parts,m,n] instead.
struct Result {
	float *dst, *sums;
	const float *bias, *add;
	i64 step, bias_step;
	int m, n, ld, parts, activation, unused;
};

// Floats are V neighbours in memory, which are read and written at once.
template <int V> struct Floats {
	float x[V];
};

template <int V> DEVICE Floats<V> read(const float *p)
{
	if constexpr (V == 4) {
		float4 v = *(const float4 *)p;
		return {{v.x, v.y, v.z, v.w}};
	} else
		return {{*p}};
}

// fetch reads what no thread of the kernel writes.
template <int V> DEVICE Floats<V> fetch(const float *p)
{
	if constexpr (V == 4) {
		float4 v = __ldg((const float4 *)p);
		return {{v.x, v.y, v.z, v.w}};
	} else
		return {{__ldg(p)}};
}

template <int V> DEVICE void write(float *p, const Floats<V> &v)
{
	if constexpr (V == 4)
		*(float4 *)p = {v.x[0], v.x[1], v.x[2], v.x[3]};
	else
		*p = v.x[0];
}

// finish stores the sums of row m and the columns from n on.
template <int V> DEVICE void finish(const Result &r, int group, int m, int n, Floats<V> sum)
{
	i64 at = group * r.step + (i64)m * r.ld + n;
	if (r.bias) {
		Floats<V> bias = read<V>(r.bias + group * r.bias_step + n);
#pragma unroll
		for (int i = 0; i < V; i++)
			sum.x[i] += bias.x[i];
	}
	if (r.add) {
		Floats<V> add = read<V>(r.add + at);
#pragma unroll
		for (int i = 0; i < V; i++)
			sum.x[i] += add.x[i];
	}
#pragma unroll
	for (int i = 0; i < V; i++)
		sum.x[i] = activate(sum.x[i], r.activation);
	write(r.dst + at, sum);
}

// Tile is how threads share a tile: WN of the eight warps side by side, LX of a warp's lanes side by side. A thread's TM·TN sums are squares of 4×4, as far
// apart as all lanes of the warp are wide, so that these read neighbouring places of shared memory, or the same.
template <int TM, int TN, int LX, int WN> struct Tile {
	static const int tm = TM, tn = TN;
	static const int apart_m = 32 / LX * 4, apart_n = LX * 4;              // of a thread's squares
	static const int warp_m = 32 / LX * TM, warp_n = LX * TN;              // the part of a warp
	static const int M = block_threads / 32 / WN * warp_m, N = WN * warp_n;

	// row and column are those of the thread's first sum.
	static DEVICE_MEMBER int row() { return threadIdx.x / 32 / WN * warp_m + threadIdx.x % 32 / LX * 4; }
	static DEVICE_MEMBER int column() { return threadIdx.x / 32 % WN * warp_n + threadIdx.x % LX * 4; }
};

typedef Tile<8, 8, 8, 2> Tile128x128;
typedef Tile<8, 4, 8, 2> Tile128x64;
typedef Tile<4, 4, 8, 1> Tile128x32;
typedef Tile<4, 4, 4, 1> Tile256x16;

static constexpr int depth = 8;

// Loader brings `depth` of k of one operand to shared memory, for W rows of a or columns of b from `first` on. Source says where they come from:
//
//	along_k             neighbours in memory differ in k; otherwise they differ in row
//	width               how many neighbours are read at once: 4, or 1 where their number is no multiple of 4
//	Depth at(k)         what is to be known of a k
//	Row row(i, k)       what is to be known of a row, or column
//	step(rows, Depth)   moves both on by `depth`
//	inside(Row, Depth)  whether there is such an element; otherwise it counts as 0
//	place(Row, Depth)   where it lies
//	anywhere()          a place that can be read
//	change(…)           what becomes of an element on the way
template <int W, class Source> struct Loader {
	static const int V = Source::width;
	static const int lanes = Source::along_k ? depth / V : 32; // threads side by side in memory
	static const int each = Source::along_k ? block_threads / lanes : lanes * V; // rows that all threads read at once
	static const int count = (W + each - 1) / each;

	const Source &source;
	typename Source::Row row[count];
	typename Source::Depth at;
	Floats<V> values[count];
	bool inside[count];

	static DEVICE_MEMBER int row_of(int i) { return (Source::along_k ? threadIdx.x / lanes : threadIdx.x % lanes * V) + i * each; }
	static DEVICE_MEMBER int depth_of() { return Source::along_k ? threadIdx.x % lanes * V : threadIdx.x / lanes; }

	// The loader begins with k.
	DEVICE_MEMBER Loader(const Source &s, int first, int k) : source(s), at(s.at(k + depth_of()))
	{
#pragma unroll
		for (int i = 0; i < count; i++)
			row[i] = s.row(first + row_of(i), k + depth_of());
	}

	// load reads the next, of which `rest` are left. There is no branch, so that it is done beside what surrounds it.
	DEVICE_MEMBER void load(int rest)
	{
#pragma unroll
		for (int i = 0; i < count; i++) {
			inside[i] = depth_of() < rest && source.inside(row[i], at) && (W % each == 0 || row_of(i) < W);
			values[i] = fetch<V>(inside[i] ? source.place(row[i], at) : source.anywhere());
		}
	}

	// store stores what load read from place `first` of each line on, and moves on.
	template <int Line> DEVICE_MEMBER void store(float (*to)[Line], int first)
	{
#pragma unroll
		for (int i = 0; i < count; i++) {
			source.change(values[i], row[i], at);
#pragma unroll
			for (int v = 0; v < V; v++)
				values[i].x[v] = inside[i] ? values[i].x[v] : 0;
			if (W % each && row_of(i) >= W)
				continue;
			if (Source::along_k)
#pragma unroll
				for (int v = 0; v < V; v++)
					to[v][first + i * each] = values[i].x[v];
			else
				write(&to[0][first + i * each], values[i]);
		}
		source.step(row, at);
	}
};

// multiply computes the block's tile of sums over k and stores it. a may have fewer rows than the result, whose rows a.destination gives.
template <class T, class A, class B> DEVICE void multiply(const A &a, const B &b, const Result &r, int k)
{
	// A line has rows of a and columns of b for one k, and behind them, `other` on, those of the other buffer. It is 4 longer, so that threads
	// that store four k of a row each meet different banks.
	const int other = T::M + T::N > 256 ? 512 : 256;
	SHARED(float, lines, [depth][2 * other + 4]);
	int columns = (r.n + T::N - 1) / T::N, m0 = blockIdx.x / columns * T::M, n0 = blockIdx.x % columns * T::N;
	if (m0 >= a.rows())
		return;
	SHARED(int, corner, [2]); // m0 and n0, which would take registers in the loop
	if (threadIdx.x == 0) {
		corner[0] = m0;
		corner[1] = n0;
	}
	int part = blockIdx.y % r.parts;
	int length = ((k + r.parts - 1) / r.parts + depth - 1) / depth * depth;
	int from = part * length, rest = min(k - from, length); // of k, are still to be multiplied

	Loader<T::M, A> left(a, m0, from);
	Loader<T::N, B> right(b, n0, from);
	int read_a = T::row(), read_b = T::M + T::column(), write_a = left.row_of(0), write_b = T::M + right.row_of(0);
	float sums[T::tm][T::tn] = {};
	left.load(rest);
	right.load(rest);
	left.store(lines + left.depth_of(), write_a);
	right.store(lines + right.depth_of(), write_b);
	__syncthreads();
	while (rest > 0) {
		rest -= depth;
		left.load(rest);
		right.load(rest);
#pragma unroll
		for (int d = 0; d < depth; d++) {
			Floats<4> u[T::tm / 4], v[T::tn / 4];
#pragma unroll
			for (int i = 0; i < T::tm / 4; i++)
				u[i] = read<4>(&lines[d][read_a + i * T::apart_m]);
#pragma unroll
			for (int j = 0; j < T::tn / 4; j++)
				v[j] = read<4>(&lines[d][read_b + j * T::apart_n]);
#pragma unroll
			for (int i = 0; i < T::tm; i++)
#pragma unroll
				for (int j = 0; j < T::tn; j++)
					sums[i][j] = fmaf(u[i / 4].x[i % 4], v[j / 4].x[j % 4], sums[i][j]);
		}
		write_a ^= other;
		write_b ^= other;
		left.store(lines + left.depth_of(), write_a);
		right.store(lines + right.depth_of(), write_b);
		__syncthreads();
		read_a ^= other;
		read_b ^= other;
	}

	const int V = B::width; // where b is read singly, n may be odd
	m0 = corner[0];
	n0 = corner[1];
#pragma unroll
	for (int i = 0; i < T::tm; i++) {
		int m = m0 + T::row() + i / 4 * T::apart_m + i % 4;
		if (m >= a.rows())
			continue;
		m = a.destination(m);
#pragma unroll
		for (int j = 0; j < T::tn; j += V) {
			int n = n0 + T::column() + j / 4 * T::apart_n + j % 4;
			if (n >= r.n)
				continue;
			Floats<V> sum;
#pragma unroll
			for (int v = 0; v < V; v++)
				sum.x[v] = sums[i][j + v];
			if (r.parts > 1)
				write(r.sums + ((i64)blockIdx.y * r.m + m) * r.n + n, sum);
			else
				finish(r, blockIdx.y / r.parts, m, n, sum);
		}
	}
}

// Matrix is a source of elements at x[row·row_step + k·k_step], one of the steps being 1.
template <bool AlongK, int V> struct Matrix {
	static const bool along_k = AlongK;
	static const int width = V;
	const float *all, *x; // the array, and where the matrix begins in it
	int height, ld;       // rows; the other step

	struct Row {
		const float *x;
		bool inside;
	};
	typedef int Depth;
	DEVICE_MEMBER Row row(int i, int k) const { return {AlongK ? x + (i64)i * ld + k : x + (i64)k * ld + i, i < height}; }
	DEVICE_MEMBER Depth at(int k) const { return k; }
	DEVICE_MEMBER bool inside(const Row &r, int) const { return r.inside; }
	DEVICE_MEMBER const float *place(const Row &r, int) const { return r.x; }
	DEVICE_MEMBER const float *anywhere() const { return all; }
	DEVICE_MEMBER int rows() const { return height; }
	DEVICE_MEMBER void change(Floats<V> &, const Row &, int) const {}
	DEVICE_MEMBER int destination(int m) const { return m; }

	template <int Count> DEVICE_MEMBER void step(Row (&r)[Count], int &) const
	{
#pragma unroll
		for (int i = 0; i < Count; i++)
			r[i].x += AlongK ? depth : (i64)depth * ld;
	}
};
