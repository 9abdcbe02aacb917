// rows.cuh: rows of scores, each of which a team of threads has: of up to narrow_classes scores 1 to 32 neighbouring lanes of a warp, as many as reach over
// a row; of more a block. Kernels for the latter have names that end in _wide. Sums are in float64.
#pragma once
#include "../_cuda/device.cuh"

struct Scores {
	float *to;          // dst, losses, or a gradient
	const float *x;     // scores: logits, probabilities, or what softmax made
	const float *diff;  // of dst [rows,classes], or of the losses [rows]
	const int *labels;
	int rows, classes, width, unused; // width is that of teams
};

DEVICE int warp() { return blockIdx.x * (block_threads / 32) + threadIdx.x / 32; }
DEVICE int warps() { return gridDim.x * (block_threads / 32); }

// Team is the threads of a row. All of a warp, or of a block, call sum and largest together.
template <bool wide> struct Team {
	int width; // lanes, a power of two; of a block it is block_threads

	DEVICE_MEMBER int rank() const { return threadIdx.x & (width - 1); }
	// beside is how many teams a warp has, place which of them this is.
	DEVICE_MEMBER int beside() const { return wide ? 1 : 32 / width; }
	DEVICE_MEMBER int place() const { return wide ? 0 : threadIdx.x % 32 / width; }

	// sum adds up what the threads have, in the same order in each.
	DEVICE_MEMBER double sum(double x) const
	{
		if constexpr (wide) {
			return block_sum(x);
		} else {
			for (int lanes = width / 2; lanes > 0; lanes /= 2)
				x += __shfl_xor_sync(~0u, x, lanes);
			return x;
		}
	}

	// largest is the largest that a thread has.
	template <class T> DEVICE_MEMBER T largest(T x) const
	{
		for (int lanes = min(width, 32) / 2; lanes > 0; lanes /= 2) {
			T other = __shfl_xor_sync(~0u, x, lanes);
			x = other > x ? other : x;
		}
		if constexpr (wide) {
			SHARED(T, of_warps, [block_threads / 32]);
			__syncthreads(); // those of the call before have been read
			if (threadIdx.x % 32 == 0)
				of_warps[threadIdx.x / 32] = x;
			__syncthreads();
			for (int i = 0; i < block_threads / 32; i++)
				x = of_warps[i] > x ? of_warps[i] : x;
		}
		return x;
	}
};

// each_row calls f(team, r, n) for each row r of n scores, in all threads of its team. Where the last rows leave teams of a warp without one, these are
// called with them, of the last row, and n is 0.
template <bool wide, class F> DEVICE void each_row(int width, i64 rows, int classes, F f)
{
	Team<wide> team{width};
	i64 all = wide ? gridDim.x : (i64)warps() * team.beside();
	for (i64 from = wide ? blockIdx.x : (i64)warp() * team.beside(); from < rows; from += all) {
		i64 r = from + team.place();
		f(team, min(r, rows - 1), r < rows ? classes : 0);
	}
}

// Exponentials have the largest of a row and Σ exp(row - largest). A NaN in the row makes the sum NaN, and so does a row of -∞.
struct Exponentials {
	float largest;
	double sum;
};

template <bool wide> DEVICE Exponentials exponentials(const Team<wide> &team, const float *row, int n)
{
	float largest = __int_as_float(0xff800000); // -∞
	for (int i = team.rank(); i < n; i += team.width)
		largest = row[i] > largest ? row[i] : largest;
	largest = team.largest(largest);
	double sum = 0;
	for (int i = team.rank(); i < n; i += team.width)
		sum += expf(row[i] - largest);
	return {largest, team.sum(sum)};
}

template <bool wide> DEVICE double row_sum(const Team<wide> &team, const float *row, int n)
{
	double sum = 0;
	for (int i = team.rank(); i < n; i += team.width)
		sum += row[i];
	return team.sum(sum);
}
