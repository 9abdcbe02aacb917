// pieces.cuh: arrays side by side in a sweep, cut into pieces, for what looks at the norm of each; see pieces.go.
//
// A launch has a block for each piece of up to most_arrays arrays. Norms are found in three launches: a sum of squares for each piece, then one for each
// array (add_pieces), which whoever scales reads.
#pragma once
#include "../_cuda/device.cuh"

// As in kernels/cuda_pieces.go.
static constexpr int piece_size = 4096; // elements
static constexpr int most_arrays = 128;
static constexpr int alignment = 16; // elements between which arrays start; a piece is a multiple of it

// Arrays are those of a launch, the first of which is number `before` of all.
struct Arrays {
	int count, before;
	struct {
		i64 start;         // in the sweep
		int length, first; // the number of its first piece, of all
	} array[most_arrays];
};

// Piece is a part of an array.
struct Piece {
	int array, index, length; // index is its number
	i64 start;
};

// piece is that of a block.
DEVICE Piece piece(const Arrays &a, int block)
{
	int index = a.array[0].first + block, low = 0, high = a.count - 1; // the last array that does not begin behind it
	while (low < high) {
		int middle = (low + high + 1) / 2;
		if (a.array[middle].first <= index)
			low = middle;
		else
			high = middle - 1;
	}
	int from = (index - a.array[low].first) * piece_size;
	return {a.before + low, index, min(a.array[low].length - from, piece_size), a.array[low].start + from};
}

DEVICE Piece piece(const Arrays &a) { return piece(a, blockIdx.x); }

// add_pieces is what the pieces of array number blockIdx.x of a launch have, in all threads.
DEVICE double add_pieces(const Arrays &a, const double *of)
{
	const double *mine = of + a.array[blockIdx.x].first;
	int n = (a.array[blockIdx.x].length + piece_size - 1) / piece_size;
	double sum = 0;
	for (int i = threadIdx.x; i < n; i += block_threads)
		sum += mine[i];
	return block_sum(sum);
}
