// pool.cu: windows and global pooling; see pool.go and ref.go. Each thread computes some neighbouring channels of one pixel of its result, V at once, so
// gradients are gathered: a pixel of src looks at the windows that it lies in, in their order. Pixels, and what threads do, are counted in 32 bits.
#include "../_cuda/walk.cuh"

struct Pool {
	float *to;                      // dst, or diffSrc
	const float *src, *dst, *diff;  // src [N,H,W,C], dst and diffDst [N,P,Q,C]; null where not read
	int N, H, W, C, R, S, P, Q;
	int stride_h, stride_w, pad_top, pad_left;
};

// Place is where a thread's channels begin.
struct Place {
	int n, y, x, c;
};

template <int V> DEVICE Place place(unsigned i, unsigned height, unsigned width, int channels)
{
	unsigned vectors = channels / V, pixel = i / vectors, row = pixel / width, n = row / height;
	return {(int)n, (int)(row - n * height), (int)(pixel - row * width), (int)(i - pixel * vectors) * V};
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

DEVICE Span rows_under(const Pool &p, int y) { return window(y, p.stride_h, p.pad_top, p.R, p.H); }
DEVICE Span columns_under(const Pool &p, int x) { return window(x, p.stride_w, p.pad_left, p.S, p.W); }

// windows_of are the windows that row or column i lies in.
DEVICE Span windows_of(int i, int stride, int pad, int size, int count)
{
	int at = i + pad;
	return {at < size ? 0 : (at - size) / stride + 1, min(at / stride + 1, count)};
}

DEVICE Span rows_over(const Pool &p, int y) { return windows_of(y, p.stride_h, p.pad_top, p.R, p.P); }
DEVICE Span columns_over(const Pool &p, int x) { return windows_of(x, p.stride_w, p.pad_left, p.S, p.Q); }

// src_at and dst_at are where channel c of a pixel lies in arrays like src and dst.
DEVICE i64 src_at(const Pool &p, int n, int y, int x, int c) { return (i64)((n * p.H + y) * p.W + x) * p.C + c; }
DEVICE i64 dst_at(const Pool &p, int n, int y, int x, int c) { return (i64)((n * p.P + y) * p.Q + x) * p.C + c; }

// each calls f(i, o) for each place o of N images of height by width pixels, whose channels begin at element i.
template <int V, class F> DEVICE void each(const Pool &p, int height, int width, F f)
{
	unsigned steps = (unsigned)p.N * height * width * (p.C / V);
	for (unsigned i = first(); i < steps; i += step())
		f((i64)i * V, place<V>(i, height, width, p.C));
}

template <int V> DEVICE void max_of_windows(const Pool &p)
{
	each<V>(p, p.P, p.Q, [&](i64 i, Place o) {
		Span rows = rows_under(p, o.y), columns = columns_under(p, o.x);
		float largest[V];
		load(largest, p.src + src_at(p, o.n, rows.begin, columns.begin, o.c), false);
		for (int y = rows.begin; y < rows.end; y++)
			for (int x = columns.begin; x < columns.end; x++) {
				float v[V];
				load(v, p.src + src_at(p, o.n, y, x, o.c), false);
				for (int j = 0; j < V; j++)
					largest[j] = v[j] > largest[j] ? v[j] : largest[j];
			}
		store(p.to + i, largest);
	});
}

KERNEL(256, max_forward_1)(Pool p) { max_of_windows<1>(p); }
KERNEL(256, max_forward_4)(Pool p) { max_of_windows<4>(p); }

// The gradient of a window goes to the first of its elements, by rows, that are the largest.
template <int V> DEVICE void gradient_of_max(const Pool &p)
{
	each<V>(p, p.H, p.W, [&](i64 i, Place o) {
		Span over_y = rows_over(p, o.y), over_x = columns_over(p, o.x);
		float own[V], sum[V] = {};
		load(own, p.src + i, false);
		for (int wy = over_y.begin; wy < over_y.end; wy++)
			for (int wx = over_x.begin; wx < over_x.end; wx++) {
				i64 w = dst_at(p, o.n, wy, wx, o.c);
				float largest[V], diff[V];
				load(largest, p.dst + w, false);
				bool is[V], any = false;
				for (int j = 0; j < V; j++) {
					is[j] = own[j] == largest[j];
					any = any || is[j];
				}
				if (!any)
					continue;
				Span rows = rows_under(p, wy), columns = columns_under(p, wx);
				for (int y = rows.begin; y <= o.y; y++)
					for (int x = columns.begin; x < (y == o.y ? o.x : columns.end); x++) {
						float before[V];
						load(before, p.src + src_at(p, o.n, y, x, o.c), false);
						for (int j = 0; j < V; j++)
							is[j] = is[j] && before[j] != largest[j];
					}
				load(diff, p.diff + w, false);
				for (int j = 0; j < V; j++)
					if (is[j])
						sum[j] += diff[j];
			}
		store(p.to + i, sum);
	});
}

KERNEL(256, max_backward_1)(Pool p) { gradient_of_max<1>(p); }
KERNEL(256, max_backward_4)(Pool p) { gradient_of_max<4>(p); }

template <int V> DEVICE void mean_of_windows(const Pool &p)
{
	each<V>(p, p.P, p.Q, [&](i64 i, Place o) {
		Span rows = rows_under(p, o.y), columns = columns_under(p, o.x);
		double sum[V] = {};
		for (int y = rows.begin; y < rows.end; y++)
			for (int x = columns.begin; x < columns.end; x++) {
				float v[V];
				load(v, p.src + src_at(p, o.n, y, x, o.c), false);
				for (int j = 0; j < V; j++)
					sum[j] += v[j];
			}
		float mean[V];
		for (int j = 0; j < V; j++)
			mean[j] = sum[j] / ((rows.end - rows.begin) * (columns.end - columns.begin));
		store(p.to + i, mean);
	});
}

KERNEL(256, average_forward_1)(Pool p) { mean_of_windows<1>(p); }
KERNEL(256, average_forward_4)(Pool p) { mean_of_windows<4>(p); }

template <int V> DEVICE void gradient_of_mean(const Pool &p)
{
	each<V>(p, p.H, p.W, [&](i64 i, Place o) {
		Span over_y = rows_over(p, o.y), over_x = columns_over(p, o.x);
		float sum[V] = {};
		for (int wy = over_y.begin; wy < over_y.end; wy++)
			for (int wx = over_x.begin; wx < over_x.end; wx++) {
				Span rows = rows_under(p, wy), columns = columns_under(p, wx);
				float diff[V];
				load(diff, p.diff + dst_at(p, o.n, wy, wx, o.c), false);
				for (int j = 0; j < V; j++)
					sum[j] += diff[j] / ((rows.end - rows.begin) * (columns.end - columns.begin));
			}
		store(p.to + i, sum);
	});
}

KERNEL(256, average_backward_1)(Pool p) { gradient_of_mean<1>(p); }
KERNEL(256, average_backward_4)(Pool p) { gradient_of_mean<4>(p); }

// Global is a mean over all pixels: src [N,H·W,C], dst [N,C].
KERNEL(256, global_average_forward)(Pool p)
{
	int pixels = p.H * p.W;
	unsigned size = (unsigned)p.N * p.C;
	for (unsigned i = first(); i < size; i += step()) {
		unsigned n = i / p.C;
		const float *src = p.src + src_at(p, n, 0, 0, i - n * p.C);
		double sum = 0;
		for (int j = 0; j < pixels; j++)
			sum += src[(i64)j * p.C];
		p.to[i] = sum / pixels;
	}
}

template <int V> DEVICE void gradient_of_global_mean(const Pool &p)
{
	int pixels = p.H * p.W;
	each<V>(p, p.H, p.W, [&](i64 i, Place o) {
		float v[V];
		load(v, p.diff + (i64)o.n * p.C + o.c, false);
		for (int j = 0; j < V; j++)
			v[j] /= pixels;
		store(p.to + i, v);
	});
}

KERNEL(256, global_average_backward_1)(Pool p) { gradient_of_global_mean<1>(p); }
KERNEL(256, global_average_backward_4)(Pool p) { gradient_of_global_mean<4>(p); }
