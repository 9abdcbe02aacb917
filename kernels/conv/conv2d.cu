// conv2d.cu: convolutions and their gradients as implicit products of matrices; see conv2d.go for the letters, tile/tile.cuh for how.
//
//	forward   dst[m,k]  = Σ patch[m,rsc]·weights[rsc,k]            m: pixel of dst
//	data      diffSrc[m,c] = Σ diffDst[pixel(m,rs),k]·weights[rs,c,k]   m: pixel of src
//	weights   diffWeights[rsc,k] = Σ patch[m,rsc]·diffDst[m,k]
//
// Groups of channels are products side by side: blockIdx.y counts them.
#include "conv.cuh"

static constexpr int nowhere = -(1 << 30); // a row of pixels far outside any image

// normalize does with V channels of src, from c on, what a batch norm before would, as package norm does it.
template <int V> DEVICE void normalize(const Conv &v, int c, Floats<V> &x)
{
	Floats<V> mean = fetch<V>(v.mean + c), inv_std = fetch<V>(v.inv_std + c), gamma = fetch<V>(v.gamma + c), beta = fetch<V>(v.beta + c);
#pragma unroll
	for (int i = 0; i < V; i++)
		x.x[i] = activate((x.x[i] - mean.x[i]) * (gamma.x[i] * inv_std.x[i]) + beta.x[i], v.load);
}

// Walk goes over the elements of a Window.
struct Walk {
	const Window &window;
	int c, s; // channel, column

	DEVICE_MEMBER Walk(const Window &w, int k) : window(w), c(k % w.channels), s(k / w.channels % w.columns) {}

	// step moves rows on by `depth` elements.
	template <class Row, int Count> DEVICE_MEMBER void step(Row (&rows)[Count])
	{
		c += depth;
#pragma unroll
		for (int i = 0; i < Count; i++)
			rows[i].move(0, 0, depth);
		while (c >= window.channels) {
			c -= window.channels;
			bool back = ++s == window.columns;
			s = back ? 0 : s;
#pragma unroll
			for (int i = 0; i < Count; i++)
				rows[i].move(back ? window.y : 0, back ? window.back_x : window.x, back ? window.back : window.next);
		}
	}
};

// Patches are rows of pixels, lines·columns an image, each with a window on images over which it is summed.
template <int V> struct Patches {
	static const bool along_k = true;
	static const int width = V;
	const Conv &v;
	const float *all;
	Images images;
	const Window &window;
	int lines, columns;
	int stride_y, stride_x, first_y, first_x; // where windows begin
	int channel;                              // the group's first

	struct Row {
		const float *at;
		int y, x;
		DEVICE_MEMBER void move(int down, int right, int by)
		{
			y += down;
			x += right;
			at += by;
		}
	};
	typedef Walk Depth;

	DEVICE_MEMBER Depth at(int k) const { return Walk(window, k); }

	DEVICE_MEMBER Row row(int i, int k) const
	{
		if (i >= v.N * lines * columns)
			return {all, nowhere, 0};
		int y = i / columns % lines * stride_y + first_y + window.row(k) * window.y, x = i % columns * stride_x + first_x + window.column(k) * window.x;
		return {images.pixel(i / columns / lines, y, x) + k % window.channels, y, x};
	}

	template <int Count> DEVICE_MEMBER void step(Row (&r)[Count], Depth &d) const { d.step(r); }
	DEVICE_MEMBER bool inside(const Row &r, const Depth &) const { return images.inside(r.y, r.x); }
	DEVICE_MEMBER const float *place(const Row &r, const Depth &) const { return r.at; }
	DEVICE_MEMBER const float *anywhere() const { return all; }
	DEVICE_MEMBER int rows() const { return v.result.m; }
	DEVICE_MEMBER void change(Floats<V> &x, const Row &, const Depth &d) const
	{
		if (v.mean)
			normalize(v, channel + d.c, x);
	}

	DEVICE_MEMBER int destination(int m) const { return m; }
};

// Spread are rows of pixels of src, of a phase of each axis, with windows on diffDst.
template <int V> struct Spread : Patches<V> {
	const Passage &passage;

	DEVICE_MEMBER int rows() const { return this->v.N * passage.y.count * passage.x.count; }
	DEVICE_MEMBER void change(Floats<V> &, const typename Patches<V>::Row &, const Walk &) const {}

	DEVICE_MEMBER int destination(int m) const
	{
		const Conv &v = this->v;
		if (v.stride_h * v.stride_w == 1)
			return m;
		const Phase &y = passage.y, &x = passage.x;
		int i = m % x.count, j = m / x.count % y.count, n = m / x.count / y.count;
		return (n * v.H + y.first + j * v.stride_h) * v.W + x.first + i * v.stride_w;
	}
};

// Filter are rows of channels of src, summed over elements of the filter and channels of dst: weights [R,S,C,K] with C before R,S.
template <int V> struct Filter {
	static const bool along_k = true;
	static const int width = V;
	const float *all, *weights; // of the group and phase
	int height, ld, line, column; // from an element of the window to the next, down and to the right
	const Window &window;

	struct Row {
		const float *at;
		bool inside;
		DEVICE_MEMBER void move(int, int, int by) { at += by; }
	};
	typedef Walk Depth;
	DEVICE_MEMBER Depth at(int k) const { return Walk(window, k); }
	DEVICE_MEMBER Row row(int i, int k) const
	{
		return {weights + (i64)i * ld + window.row(k) * line + window.column(k) * column + k % window.channels, i < height};
	}

	template <int Count> DEVICE_MEMBER void step(Row (&r)[Count], Depth &d) const { d.step(r); }
	DEVICE_MEMBER bool inside(const Row &r, const Depth &) const { return r.inside; }
	DEVICE_MEMBER const float *place(const Row &r, const Depth &) const { return r.at; }
	DEVICE_MEMBER const float *anywhere() const { return all; }
	DEVICE_MEMBER void change(Floats<V> &, const Row &, const Depth &) const {}
};

// Taps are rows of elements of windows, summed over pixels of dst.
template <int V> struct Taps {
	static const bool along_k = false;
	static const int width = V;
	const Conv &v;
	const float *all;
	Images images;
	int channels, channel; // channels: of the group; channel: its first

	struct Row {
		const float *at;
		int y, x, c; // y and x from where the pixel's window begins, were there no padding; c of src
	};

	// Depth is a pixel of dst.
	struct Depth {
		int p, q;
	};

	DEVICE_MEMBER Depth at(int k) const { return {k / v.Q % v.P, k % v.Q}; }

	DEVICE_MEMBER Row row(int i, int k) const
	{
		if (i >= rows())
			return {all, nowhere, 0, 0};
		int tap = i / channels, c = i % channels;
		int y = tap / v.S * v.dilation_h - v.pad_top, x = tap % v.S * v.dilation_w - v.pad_left;
		return {images.pixel(k / v.Q / v.P, y + k / v.Q % v.P * v.stride_h, x + k % v.Q * v.stride_w) + c, y, x, channel + c};
	}

	template <int Count> DEVICE_MEMBER void step(Row (&r)[Count], Depth &d) const
	{
		int by = v.ahead;
		d.q += v.ahead_q;
		d.p += v.ahead_p;
		if (d.q >= v.Q) {
			d.q -= v.Q;
			d.p++;
			by += v.next_row;
		}
		if (d.p >= v.P) {
			d.p -= v.P;
			by += v.next_image;
		}
#pragma unroll
		for (int i = 0; i < Count; i++)
			r[i].at += by;
	}

	DEVICE_MEMBER bool inside(const Row &r, const Depth &d) const { return images.inside(r.y + d.p * v.stride_h, r.x + d.q * v.stride_w); }
	DEVICE_MEMBER const float *place(const Row &r, const Depth &) const { return r.at; }
	DEVICE_MEMBER const float *anywhere() const { return all; }
	DEVICE_MEMBER int rows() const { return v.result.m; }
	DEVICE_MEMBER void change(Floats<V> &x, const Row &r, const Depth &) const
	{
		if (!v.mean)
			return;
		int c = r.c;
		asm volatile("" : "+r"(c)); // c is always the same, and the places of what it wants would be kept in registers
		normalize(v, c, x);
	}

	DEVICE_MEMBER int destination(int m) const { return m; }
};

template <class T, int V = 4> DEVICE void forward(const Conv &v)
{
	int group = blockIdx.y / v.result.parts, c = v.window.channels, k = v.K / v.groups;
	Images images{v.src + group * c, v.H, v.W, v.C};
	Patches<V> a{v, v.src, images, v.window, v.P, v.Q, v.stride_h, v.stride_w, -v.pad_top, -v.pad_left, group * c};
	multiply<T>(a, Matrix<false, V>{v.weights, v.weights + group * k, k, v.K}, v.result, v.R * v.S * c);
}

// blockIdx.z counts passages.
template <class T, int V = 4> DEVICE void data(const Conv &v)
{
	int group = blockIdx.y / v.result.parts, c = v.C / v.groups, k = v.K / v.groups;
	Images images{v.diff + group * k, v.P, v.Q, v.K};
	SHARED(Passage, passages, [1]); // what is seldom read would only take registers
	if (threadIdx.x < sizeof(Passage) / sizeof(int))
		((int *)passages)[threadIdx.x] = ((const int *)(v.passages + blockIdx.z))[threadIdx.x];
	__syncthreads();
	const Passage &p = passages[0];
	Spread<V> a{{v, v.diff, images, p.diff, p.y.count, p.x.count, 1, 1, p.y.offset, p.x.offset, 0}, p};
	const float *first = v.weights + group * k + (i64)(p.y.tap * v.S + p.x.tap) * c * v.K;
	Filter<V> b{v.weights, first, c, v.K, p.y.by * v.S * c * v.K, p.x.by * c * v.K, p.weights};
	multiply<T>(a, b, v.result, p.y.taps * p.x.taps * k);
}

template <class T, int V = 4> DEVICE void weights(const Conv &v)
{
	int group = blockIdx.y / v.result.parts, c = v.window.channels, k = v.K / v.groups;
	Taps<V> a{v, v.src, {v.src + group * c, v.H, v.W, v.C}, c, group * c};
	multiply<T>(a, Matrix<false, V>{v.diff, v.diff + group * k, k, v.K}, v.result, v.N * v.P * v.Q);
}

KERNEL(256, conv_forward_128x128)(Conv v) { forward<Tile128x128>(v); }
KERNEL(256, conv_forward_128x64)(Conv v) { forward<Tile128x64>(v); }
KERNEL(256, conv_forward_128x32)(Conv v) { forward<Tile128x32>(v); }
KERNEL(256, conv_forward_256x16)(Conv v) { forward<Tile256x16>(v); }
KERNEL(256, conv_data_128x128)(Conv v) { data<Tile128x128>(v); }
KERNEL(256, conv_data_128x64)(Conv v) { data<Tile128x64>(v); }
KERNEL(256, conv_data_128x32)(Conv v) { data<Tile128x32>(v); }
KERNEL(256, conv_data_256x16)(Conv v) { data<Tile256x16>(v); }
KERNEL(256, conv_weights_128x128)(Conv v) { weights<Tile128x128>(v); }
KERNEL(256, conv_weights_128x64)(Conv v) { weights<Tile128x64>(v); }
KERNEL(256, conv_weights_128x32)(Conv v) { weights<Tile128x32>(v); }
KERNEL(256, conv_weights_256x16)(Conv v) { weights<Tile256x16>(v); }

// Those of channels that are no multiple of 4, in or out: first layers.
KERNEL(256, conv_forward_singly_128x32)(Conv v) { forward<Tile128x32, 1>(v); }
KERNEL(256, conv_data_singly_128x32)(Conv v) { data<Tile128x32, 1>(v); }
KERNEL(256, conv_weights_singly_128x32)(Conv v) { weights<Tile128x32, 1>(v); }
