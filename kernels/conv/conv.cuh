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

// Phase is an axis of a convolution. In the forward pass it is all of dst. In the data pass, where steps of the filter are wide, pixels of src meet only some
// of its elements, pixels a stride apart the same ones: these are a convolution of their own.
struct Phase {
	int first, count;  // of what is written: the first pixel, how many
	int tap, taps, by; // of the filter: the first element, how many, how far apart
	int offset, apart; // pixel i meets element j at pixel i·(stride, or 1 in the data pass) + offset - j·apart of what is read
};

// Passage is a phase of each axis in the data pass.
struct Passage {
	Phase y, x;
	Window diff, weights; // diffDst; weights, of which a pixel is an element of the filter
};

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
	const Passage *passages; // of the data pass, stride_h·stride_w of them; made on the host, where divisions cost nothing
};

// Images are [.,height,width,channels], of which a group begins with x.
struct Images {
	const float *x;
	int height, width, channels;

	DEVICE_MEMBER bool inside(int y, int x) const { return (unsigned)y < (unsigned)height && (unsigned)x < (unsigned)width; }
	DEVICE_MEMBER int offset(int y, int x) const { return (y * width + x) * channels; }
	DEVICE_MEMBER const float *pixel(int n, int y, int x_) const { return x + (i64)n * height * width * channels + offset(y, x_); }
};
