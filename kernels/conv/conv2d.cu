// conv2d.cu: convolutions and their gradients as implicit products of matrices; see conv2d.go for the letters, tile/tile.cuh for how.
//
//	forward   dst[m,k]  = Σ patch[m,rsc]·weights[rsc,k]            m: pixel of dst
//	data      diffSrc[m,c] = Σ diffDst[pixel(m,rs),k]·weights[rs,c,k]   m: pixel of src
//	weights   diffWeights[rsc,k] = Σ patch[m,rsc]·diffDst[m,k]
//
// Groups of channels are products side by side: blockIdx.y counts them.
#include "../tile/tile.cuh"

struct Conv {
	Result result;
	const float *src, *weights, *diff; // src [N,H,W,C], weights [R,S,C/groups,K], diffDst [N,P,Q,K]; null where not read
	int N, H, W, C, R, S, K, P, Q;
	int stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left;
	int groups;
	int load; // the activation of Normalized
	const float *mean, *inv_std, *gamma, *beta; // [C], where src is normalised as it is loaded
};

// Pixel is one of dst: the image in src, and where its filter begins.
struct Pixel {
	const float *image; // null outside
	int y, x;
};

// Tap is an element of the filter, by its place in the window of src.
struct Tap {
	int y, x, c;
};

DEVICE Pixel pixel(const Conv &v, int m, int channel)
{
	int q = m % v.Q, p = m / v.Q % v.P, n = m / v.Q / v.P;
	if (n >= v.N)
		return {nullptr, 0, 0};
	return {v.src + (i64)n * v.H * v.W * v.C + channel, p * v.stride_h - v.pad_top, q * v.stride_w - v.pad_left};
}

// tap is element k of [R,S,channels].
DEVICE Tap tap(const Conv &v, int k, int channels)
{
	int rs = k / channels;
	return {rs / v.S * v.dilation_h, rs % v.S * v.dilation_w, k % channels};
}

// element is one of src, channel c of which is t.c of the group. Normalized is whether it is taken as a batch norm would leave it; padding stays 0.
template <bool Normalized> DEVICE float element(const Conv &v, Pixel p, Tap t, int channel)
{
	int y = p.y + t.y, x = p.x + t.x;
	if (!p.image || y < 0 || y >= v.H || x < 0 || x >= v.W)
		return 0;
	float e = p.image[((i64)y * v.W + x) * v.C + t.c];
	if (Normalized) {
		int c = channel + t.c;
		e = activate((e - v.mean[c]) * (v.gamma[c] * v.inv_std[c]) + v.beta[c], v.load);
	}
	return e;
}

// Patches are rows of pixels, summed over taps.
template <bool Normalized> struct Patches {
	static const bool along_k = true;
	const Conv &v;
	int channels, channel; // of the group: how many, the first
	typedef Pixel Row;
	typedef Tap Depth;
	DEVICE_MEMBER Row row(int i) const { return pixel(v, i, channel); }
	DEVICE_MEMBER Depth at(int k) const { return tap(v, k, channels); }
	DEVICE_MEMBER float load(Row r, Depth d) const { return element<Normalized>(v, r, d, channel); }
};

// Taps are rows of taps, summed over pixels.
template <bool Normalized> struct Taps {
	static const bool along_k = false;
	const Conv &v;
	int channels, channel;
	typedef Tap Row;
	typedef Pixel Depth;
	DEVICE_MEMBER Row row(int i) const { return tap(v, i < v.R * v.S * channels ? i : 0, channels); }
	DEVICE_MEMBER Depth at(int k) const { return pixel(v, k, channel); }
	DEVICE_MEMBER float load(Row r, Depth d) const { return element<Normalized>(v, d, r, channel); }
};

// Spread are rows of pixels of src, summed over taps and channels of diffDst: which pixels of dst read them.
struct Spread {
	static const bool along_k = true;
	const Conv &v;
	int channels, channel;
	typedef Pixel Row;
	typedef Tap Depth;

	DEVICE_MEMBER Row row(int i) const
	{
		int x = i % v.W, y = i / v.W % v.H, n = i / v.W / v.H;
		if (n >= v.N)
			return {nullptr, 0, 0};
		return {v.diff + (i64)n * v.P * v.Q * v.K + channel, y + v.pad_top, x + v.pad_left};
	}

	DEVICE_MEMBER Depth at(int k) const { return tap(v, k, channels); }

	DEVICE_MEMBER float load(Row r, Depth d) const
	{
		int y = r.y - d.y, x = r.x - d.x;
		if (!r.image || y < 0 || x < 0 || y % v.stride_h || x % v.stride_w)
			return 0;
		y /= v.stride_h;
		x /= v.stride_w;
		if (y >= v.P || x >= v.Q)
			return 0;
		return r.image[((i64)y * v.Q + x) * v.K + d.c];
	}
};

// Filter are rows of channels of src, summed over taps and channels of dst: weights [R,S,C,K] with C before R,S.
struct Filter {
	static const bool along_k = true;
	const float *weights; // of the group
	int rows, k, channels; // rows: C of the group; channels: K of the group

	struct Row {
		const float *weights;
	};
	typedef i64 Depth;
	DEVICE_MEMBER Row row(int i) const { return {i < rows ? weights + (i64)i * k : nullptr}; }
	DEVICE_MEMBER Depth at(int i) const { return (i64)(i / channels) * rows * k + i % channels; }
	DEVICE_MEMBER float load(Row r, Depth d) const { return r.weights ? r.weights[d] : 0; }
};

template <int QM, int QN, bool Normalized> DEVICE void forward(const Conv &v)
{
	int group = blockIdx.y / v.result.parts, c = v.C / v.groups, k = v.K / v.groups;
	multiply<QM, QN>(Patches<Normalized>{v, c, group * c}, Matrix<false>{v.weights + group * k, k, v.K}, v.result, v.R * v.S * c);
}

template <int QM, int QN> DEVICE void data(const Conv &v)
{
	int group = blockIdx.y / v.result.parts, c = v.C / v.groups, k = v.K / v.groups;
	multiply<QM, QN>(Spread{v, k, group * k}, Filter{v.weights + group * k, c, v.K, k}, v.result, v.R * v.S * k);
}

template <int QM, int QN, bool Normalized> DEVICE void weights(const Conv &v)
{
	int group = blockIdx.y / v.result.parts, c = v.C / v.groups, k = v.K / v.groups;
	multiply<QM, QN>(Taps<Normalized>{v, c, group * c}, Matrix<false>{v.diff + group * k, k, v.K}, v.result, v.N * v.P * v.Q);
}

KERNEL(256, conv_forward_64)(Conv v) { forward<1, 1, false>(v); }
KERNEL(256, conv_forward_128)(Conv v) { forward<2, 2, false>(v); }
KERNEL(256, conv_data_64)(Conv v) { data<1, 1>(v); }
KERNEL(256, conv_data_128)(Conv v) { data<2, 2>(v); }
KERNEL(256, conv_weights_64)(Conv v) { weights<1, 1, false>(v); }
KERNEL(256, conv_weights_128)(Conv v) { weights<2, 2, false>(v); }

// Those of a src that is normalised as it is loaded.
KERNEL(256, conv_forward_normalized_64)(Conv v) { forward<1, 1, true>(v); }
KERNEL(256, conv_forward_normalized_128)(Conv v) { forward<2, 2, true>(v); }
KERNEL(256, conv_weights_normalized_64)(Conv v) { weights<1, 1, true>(v); }
KERNEL(256, conv_weights_normalized_128)(Conv v) { weights<2, 2, true>(v); }
