// pool.cu: windows and global pooling; see pool.go and ref.go. Each thread computes one element of its result, so gradients are gathered: a pixel
// of src looks at the windows that it lies in, in their order.
#include "../_cuda/device.cuh"

struct Pool {
	float *to;                      // dst, or diffSrc
	const float *src, *dst, *diff;  // src [N,H,W,C], dst and diffDst [N,P,Q,C]; null where not read
	int N, H, W, C, R, S, P, Q;
	int stride_h, stride_w, pad_top, pad_left;
};

// Place is an element of an image.
struct Place {
	int n, y, x, c;
};

DEVICE Place place(i64 i, int height, int width, int channels)
{
	i64 pixel = i / channels, row = pixel / width;
	return {(int)(row / height), (int)(row % height), (int)(pixel % width), (int)(i % channels)};
}

// Span are the rows or columns of src from begin to before end that a window covers, or the windows that a pixel lies in.
struct Span {
	int begin, end;
};

DEVICE Span window(int i, int stride, int pad, int size, int extent)
{
	int begin = i * stride - pad;
	return {max(begin, 0), min(begin + size, extent)};
}

// windows_of are the windows that row or column i lies in.
DEVICE Span windows_of(int i, int stride, int pad, int size, int count)
{
	int at = i + pad;
	return {at < size ? 0 : (at - size) / stride + 1, min(at / stride + 1, count)};
}

DEVICE i64 at(int n, int y, int x, int c, int height, int width, int channels) { return (((i64)n * height + y) * width + x) * channels + c; }

KERNEL(256, max_forward)(Pool p)
{
	i64 size = (i64)p.N * p.P * p.Q * p.C;
	for (i64 i = first(); i < size; i += step()) {
		Place o = place(i, p.P, p.Q, p.C);
		Span rows = window(o.y, p.stride_h, p.pad_top, p.R, p.H), columns = window(o.x, p.stride_w, p.pad_left, p.S, p.W);
		float largest = p.src[at(o.n, rows.begin, columns.begin, o.c, p.H, p.W, p.C)];
		for (int y = rows.begin; y < rows.end; y++)
			for (int x = columns.begin; x < columns.end; x++) {
				float v = p.src[at(o.n, y, x, o.c, p.H, p.W, p.C)];
				largest = v > largest ? v : largest;
			}
		p.to[i] = largest;
	}
}

// is_first says whether no element of the window before (py,px), by rows, equals the largest.
DEVICE bool is_first(const Pool &p, Place o, float largest, Span rows, Span columns)
{
	for (int y = rows.begin; y <= o.y; y++)
		for (int x = columns.begin; x < (y == o.y ? o.x : columns.end); x++)
			if (p.src[at(o.n, y, x, o.c, p.H, p.W, p.C)] == largest)
				return false;
	return true;
}

KERNEL(256, max_backward)(Pool p)
{
	i64 size = (i64)p.N * p.H * p.W * p.C;
	for (i64 i = first(); i < size; i += step()) {
		Place o = place(i, p.H, p.W, p.C);
		Span ps = windows_of(o.y, p.stride_h, p.pad_top, p.R, p.P), qs = windows_of(o.x, p.stride_w, p.pad_left, p.S, p.Q);
		float own = p.src[i], sum = 0;
		for (int y = ps.begin; y < ps.end; y++)
			for (int x = qs.begin; x < qs.end; x++) {
				i64 w = at(o.n, y, x, o.c, p.P, p.Q, p.C);
				if (own == p.dst[w] && is_first(p, o, own, window(y, p.stride_h, p.pad_top, p.R, p.H), window(x, p.stride_w, p.pad_left, p.S, p.W)))
					sum += p.diff[w];
			}
		p.to[i] = sum;
	}
}

KERNEL(256, average_forward)(Pool p)
{
	i64 size = (i64)p.N * p.P * p.Q * p.C;
	for (i64 i = first(); i < size; i += step()) {
		Place o = place(i, p.P, p.Q, p.C);
		Span rows = window(o.y, p.stride_h, p.pad_top, p.R, p.H), columns = window(o.x, p.stride_w, p.pad_left, p.S, p.W);
		double sum = 0;
		for (int y = rows.begin; y < rows.end; y++)
			for (int x = columns.begin; x < columns.end; x++)
				sum += p.src[at(o.n, y, x, o.c, p.H, p.W, p.C)];
		p.to[i] = sum / ((rows.end - rows.begin) * (columns.end - columns.begin));
	}
}

KERNEL(256, average_backward)(Pool p)
{
	i64 size = (i64)p.N * p.H * p.W * p.C;
	for (i64 i = first(); i < size; i += step()) {
		Place o = place(i, p.H, p.W, p.C);
		Span ps = windows_of(o.y, p.stride_h, p.pad_top, p.R, p.P), qs = windows_of(o.x, p.stride_w, p.pad_left, p.S, p.Q);
		float sum = 0;
		for (int y = ps.begin; y < ps.end; y++)
			for (int x = qs.begin; x < qs.end; x++) {
				Span rows = window(y, p.stride_h, p.pad_top, p.R, p.H), columns = window(x, p.stride_w, p.pad_left, p.S, p.W);
				sum += p.diff[at(o.n, y, x, o.c, p.P, p.Q, p.C)] / ((rows.end - rows.begin) * (columns.end - columns.begin));
			}
		p.to[i] = sum;
	}
}

// Global is a mean over all pixels: src [N,H·W,C], dst [N,C].
KERNEL(256, global_average_forward)(Pool p)
{
	i64 size = (i64)p.N * p.C;
	int pixels = p.H * p.W;
	for (i64 i = first(); i < size; i += step()) {
		const float *src = p.src + i / p.C * pixels * p.C + i % p.C;
		double sum = 0;
		for (int j = 0; j < pixels; j++)
			sum += src[(i64)j * p.C];
		p.to[i] = sum / pixels;
	}
}

KERNEL(256, global_average_backward)(Pool p)
{
	int pixels = p.H * p.W;
	i64 size = (i64)p.N * pixels * p.C;
	for (i64 i = first(); i < size; i += step())
		p.to[i] = p.diff[i / ((i64)pixels * p.C) * p.C + i % p.C] / pixels;
}
