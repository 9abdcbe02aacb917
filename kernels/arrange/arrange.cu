// arrange.cu: numbers moved without changing them; see arrange.go and order.go. Whatever can be is read and written four numbers at a time.
#include "../_cuda/walk.cuh"

// Move is a walk over dst, with src beside it.
struct Move {
	float *dst;
	const float *src;
	Walk walk;
};

template <int count> DEVICE void move_steps(const Move &m)
{
	bool repeated = repeats(m.walk, 0);
	for (i64 i = first(); i < m.walk.steps; i += step()) {
		float x[count];
		load(x, m.src + places(m.walk, i).at[0], repeated);
		store(m.dst + i * count, x);
	}
}

KERNEL(256, move_elements)(Move m)
{
	if (m.walk.four)
		move_steps<4>(m);
	else
		move_steps<1>(m);
}

// Squares are two dimensions that change places: across lies side by side in src, along in dst. The outer walk has each pair of them, in src and in dst.
struct Squares {
	float *dst;
	const float *src;
	i64 across, along;
	i64 across_step, along_step; // in dst, in src
	i64 bands, pieces;           // tiles across and along
	Walk outer;
};

// A block moves squares of 32 by 32, eight rows at a time.
KERNEL(256, transpose_squares)(Squares s)
{
	SHARED(float, tile, [32][33]);
	int lane = threadIdx.x % 32, row = threadIdx.x / 32;
	for (i64 i = blockIdx.x; i < s.outer.steps * s.pieces * s.bands; i += gridDim.x) {
		i64 rest = i / s.bands, k0 = i % s.bands * 32, j0 = rest % s.pieces * 32;
		Places at = places(s.outer, rest / s.pieces);
		const float *src = s.src + at.at[0] + k0 + j0 * s.along_step;
		float *dst = s.dst + at.at[1] + k0 * s.across_step + j0;
		for (int j = row; j < 32; j += 8)
			if (j0 + j < s.along && k0 + lane < s.across)
				tile[j][lane] = src[j * s.along_step + lane];
		__syncthreads();
		for (int k = row; k < 32; k += 8)
			if (k0 + k < s.across && j0 + lane < s.along)
				dst[k * s.across_step + lane] = tile[lane][k];
		__syncthreads();
	}
}

// Frame is an image [n,height,width] and the frame around it in dst; widths are in steps of one number or four.
struct Frame {
	float *dst;
	const float *src;
	i64 steps; // of dst
	int height, width, outer_height, outer_width, top, left;
	int four, unused;
};

template <int count> DEVICE void pad_steps(const Frame &f)
{
	for (i64 i = first(); i < f.steps; i += step()) {
		i64 row = i / f.outer_width, image = row / f.outer_height;
		int x = i - row * f.outer_width - f.left, y = row - image * f.outer_height - f.top;
		float v[count] = {};
		if (x >= 0 && x < f.width && y >= 0 && y < f.height)
			load(v, f.src + ((image * f.height + y) * f.width + x) * count, false);
		store(f.dst + i * count, v);
	}
}

KERNEL(256, pad_image)(Frame f)
{
	if (f.four)
		pad_steps<4>(f);
	else
		pad_steps<1>(f);
}

// Concat are up to 32 arrays whose rows stand side by side in dst; channels are in steps of one number or four.
struct Concat {
	float *dst;
	i64 rows;
	int total, four;
	struct {
		const float *src;
		int first, channels;
	} part[32];
};

template <int count> DEVICE void concat_steps(const Concat &c)
{
	const float *src = c.part[blockIdx.y].src;
	int begin = c.part[blockIdx.y].first, channels = c.part[blockIdx.y].channels;
	for (i64 i = first(); i < c.rows * channels; i += step()) {
		i64 row = i / channels;
		float x[count];
		load(x, src + i * count, false);
		store(c.dst + (row * c.total + begin + (i - row * channels)) * count, x);
	}
}

// blockIdx.y is the array.
KERNEL(256, concat_rows)(Concat c)
{
	if (c.four)
		concat_steps<4>(c);
	else
		concat_steps<1>(c);
}

struct OneHot {
	float *dst;
	const int *labels;
	i64 size;
	int classes, unused;
};

KERNEL(256, one_hot)(OneHot o)
{
	for (i64 i = first(); i < o.size; i += step()) {
		i64 row = i / o.classes;
		int label = o.labels[row];
		o.dst[i] = label < 0 || label >= o.classes ? not_a_number() : i - row * o.classes == label;
	}
}
