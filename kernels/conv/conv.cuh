// conv.cuh: what the kernels of convolutions share; see conv2d.go for the letters.
#pragma once
#include "../tile/tile.cuh"

// Window is what a filter reads: pixels in columns, of channels each, y down and x to the right of another. next and back are how far it is in memory from
// the last channel of a pixel to the first of the next one, and to that of the next line, which lies back_x to the right.
struct Window {
	int columns, channels, y, x, back_x, next, back;

	DEVICE_MEMBER int column(int k) const { return k / channels % columns; }
	DEVICE_MEMBER int row(int k) const { return k / channels / columns; }
};

// window_of has pixels that lie line and column apart in memory.
DEVICE Window window_of(int columns, int channels, int y, int x, int line, int column)
{
	return {columns, channels, y, x, (1 - columns) * x, column - channels, line - (columns - 1) * column - channels};
}

// Conv is what they compute. Images and filters have fewer than 2³¹ elements each, arrays may have more.
struct Conv {
	Result result;
	const float *src, *weights, *diff; // src [N,H,W,C], weights [R,S,C/groups,K], diffDst [N,P,Q,K]; null where not read
	int N, H, W, C, R, S, K, P, Q;
	int stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left;
	int groups;
	Window window;              // of the forward pass, on src
	// The pixel of dst `depth` behind another lies so many rows and columns ahead, and ahead in src; more where that is in the next row, or image.
	int ahead_p, ahead_q, ahead, next_row, next_image;
	int load; // the activation behind mean and the like
	const float *mean, *inv_std, *gamma, *beta; // [C]: src is taken as a batch norm would leave it; padding stays 0. Null where it is taken as it is
};

// Images are [.,height,width,channels], of which a group begins with x.
struct Images {
	const float *x;
	int height, width, channels;

	DEVICE_MEMBER bool inside(int y, int x) const { return (unsigned)y < (unsigned)height && (unsigned)x < (unsigned)width; }
	DEVICE_MEMBER int offset(int y, int x) const { return (y * width + x) * channels; }
	DEVICE_MEMBER const float *pixel(int n, int y, int x_) const { return x + (i64)n * height * width * channels + offset(y, x_); }
};

// Phase is an axis of a convolution. In the forward pass it is all of dst. In the data pass, where steps of the filter are wide, pixels of src meet only some
// of its elements, pixels a stride apart the same ones: these are a convolution of their own.
struct Phase {
	int first, count; // of what is written: the first pixel, how many
	int tap, taps, by; // of the filter: the first element, how many, how far apart
	int offset, apart; // pixel i meets element j at pixel i·(stride, or 1 in the data pass) + offset - j·apart of what is read
};

// phase_of is number `phase` of `stride` in the data pass.
DEVICE Phase phase_of(int phase, int size, int filter, int stride, int dilation, int pad)
{
	Phase p;
	p.first = ((phase - pad) % stride + stride) % stride;
	p.count = (size - p.first + stride - 1) / stride;
	p.tap = 0;
	while (p.tap < filter && (phase - p.tap * dilation) % stride)
		p.tap++;
	p.by = 1;
	while (p.by * dilation % stride)
		p.by++;
	p.taps = (filter - p.tap + p.by - 1) / p.by;
	p.offset = (p.first + pad - p.tap * dilation) / stride;
	p.apart = p.by * dilation / stride;
	return p;
}

// rows_of and columns_of are the phases of block z, of stride_h·stride_w.
DEVICE Phase rows_of(const Conv &v, int z) { return phase_of(z / v.stride_w, v.H, v.R, v.stride_h, v.dilation_h, v.pad_top); }
DEVICE Phase columns_of(const Conv &v, int z) { return phase_of(z % v.stride_w, v.W, v.S, v.stride_w, v.dilation_w, v.pad_left); }
