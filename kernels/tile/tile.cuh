// tile.cuh: a block's part of a product c[m,n] = Σk a[m,k]·b[k,n], which matrices and convolutions share.
//
// A block of 256 threads computes a tile of 64·QM rows and 64·QN columns; each thread has QM·QN squares of 4×4, 64 rows or columns apart, so that
// lanes that read different places of shared memory read different banks. a and b are read `depth` of k at a time, through registers, into one of
// two buffers while the other is multiplied.
//
// Long sums are cut into parts that blocks of their own compute (r.parts): tile_sum adds these in order. blockIdx.x walks over tiles, those of the same
// rows side by side, y over groups and parts: groups are products that lie side by side, those of a batch or of a convolution in groups.
#pragma once
#include "../_cuda/device.cuh"

// Result says where sums go: dst[group·step + m·ld + n] = activation(sum + bias[group·bias_step + n] + add[as dst]). bias and add may be null.
// Where parts > 1 the sums of each part go to sums [groups,parts,m,n] instead.
struct Result {
	float *dst, *sums;
	const float *bias, *add;
	i64 step, bias_step;
	int m, n, ld, parts, activation, unused;
};

DEVICE void finish(const Result &r, int group, int m, int n, float sum)
{
	i64 at = group * r.step + (i64)m * r.ld + n;
	if (r.bias)
		sum += r.bias[group * r.bias_step + n];
	if (r.add)
		sum += r.add[at];
	r.dst[at] = activate(sum, r.activation);
}

static constexpr int depth = 8;

// Loader brings `depth` of k of one operand to shared memory, for W rows of a or columns of b from `first` on. Source says where they come from:
//
//	along_k       neighbours in memory differ in k; otherwise they differ in row
//	Row row(i)    what is to be known of a row, or column; found once
//	Depth at(k)   what is to be known of a k
//	load(Row, Depth)
template <int W, class Source> struct Loader {
	static const int count = W * depth / block_threads; // elements that a thread brings
	static const int rows = Source::along_k ? count : 1;

	const Source &source;
	typename Source::Row row[rows];
	float values[count];

	static DEVICE_MEMBER int row_of(int i) { return Source::along_k ? threadIdx.x / depth + i * (block_threads / depth) : threadIdx.x % W; }
	static DEVICE_MEMBER int depth_of(int i) { return Source::along_k ? threadIdx.x % depth : threadIdx.x / W + i * (block_threads / W); }

	DEVICE_MEMBER Loader(const Source &s, int first) : source(s)
	{
#pragma unroll
		for (int i = 0; i < rows; i++)
			row[i] = s.row(first + row_of(i));
	}

	// load reads what lies in [k, end).
	DEVICE_MEMBER void load(int k, int end)
	{
#pragma unroll
		for (int i = 0; i < count; i++) {
			int at = k + depth_of(i);
			values[i] = at < end ? source.load(row[Source::along_k ? i : 0], source.at(at)) : 0;
		}
	}

	DEVICE_MEMBER void store(float (*to)[W + 4]) const
	{
#pragma unroll
		for (int i = 0; i < count; i++)
			to[depth_of(i)][row_of(i)] = values[i];
	}
};

// read reads Q times four numbers, 64 apart.
template <int Q> DEVICE void read(float (&to)[Q * 4], const float *from)
{
#pragma unroll
	for (int i = 0; i < Q; i++) {
		float4 x = *(const float4 *)(from + 64 * i);
		to[4 * i] = x.x;
		to[4 * i + 1] = x.y;
		to[4 * i + 2] = x.z;
		to[4 * i + 3] = x.w;
	}
}

// multiply computes the block's tile and stores it.
template <int QM, int QN, class A, class B> DEVICE void multiply(const A &a, const B &b, const Result &r, int k)
{
	const int M = 64 * QM, N = 64 * QN;
	SHARED(float, as, [2][depth][M + 4]);
	SHARED(float, bs, [2][depth][N + 4]);
	int columns = (r.n + N - 1) / N, m0 = blockIdx.x / columns * M, n0 = blockIdx.x % columns * N;
	int group = blockIdx.y / r.parts, part = blockIdx.y % r.parts;
	int length = ((k + r.parts - 1) / r.parts + depth - 1) / depth * depth;
	int from = part * length, end = min(from + length, k);
	int y = threadIdx.x / 16 * 4, x = threadIdx.x % 16 * 4;

	Loader<M, A> left(a, m0);
	Loader<N, B> right(b, n0);
	float sums[QM * 4][QN * 4] = {};
	left.load(from, end);
	right.load(from, end);
	left.store(as[0]);
	right.store(bs[0]);
	__syncthreads();
	for (int at = from, now = 0; at < end; at += depth, now ^= 1) {
		bool more = at + depth < end;
		if (more) {
			left.load(at + depth, end);
			right.load(at + depth, end);
		}
#pragma unroll
		for (int d = 0; d < depth; d++) {
			float u[QM * 4], v[QN * 4];
			read<QM>(u, &as[now][d][y]);
			read<QN>(v, &bs[now][d][x]);
#pragma unroll
			for (int i = 0; i < QM * 4; i++)
#pragma unroll
				for (int j = 0; j < QN * 4; j++)
					sums[i][j] = fmaf(u[i], v[j], sums[i][j]);
		}
		if (more) {
			left.store(as[now ^ 1]);
			right.store(bs[now ^ 1]);
			__syncthreads();
		}
	}
#pragma unroll
	for (int i = 0; i < QM * 4; i++)
#pragma unroll
		for (int j = 0; j < QN * 4; j++) {
			int m = m0 + y + 64 * (i / 4) + i % 4, n = n0 + x + 64 * (j / 4) + j % 4;
			if (m >= r.m || n >= r.n)
				continue;
			if (r.parts > 1)
				r.sums[((i64)blockIdx.y * r.m + m) * r.n + n] = sums[i][j];
			else
				finish(r, group, m, n, sums[i][j]);
		}
}

// Matrix is a source of elements at x[row·row_step + k·k_step], one of the steps being 1.
template <bool AlongK> struct Matrix {
	static const bool along_k = AlongK;
	const float *x;
	int rows, ld; // ld is the other step

	struct Row {
		const float *x; // null outside
	};
	typedef i64 Depth;

	DEVICE_MEMBER Row row(int i) const { return {i < rows ? x + (AlongK ? (i64)i * ld : i) : nullptr}; }
	DEVICE_MEMBER Depth at(int k) const { return AlongK ? k : (i64)k * ld; }
	DEVICE_MEMBER float load(Row r, Depth d) const { return r.x ? r.x[d] : 0; }
};
