// depthwise.cu: convolutions whose channels of src are a group each, and their gradients; see conv2d.go for the letters.
//
// There is little to multiply and all depends on memory: threads side by side have neighbouring channels, V each, which are 4 where each channel of src makes one
// of dst and their number is a multiple of 4.
#include "conv.cuh"

static constexpr int strip = 4; // pixels in a row that a thread writes

// depthwise computes the forward or data pass of what y and x cover. Where the filter's columns S and how far apart they are read, Step, are known, a thread
// reads the pixels under a row of it once; S is 0 where they are not.
template <bool Data, int V, int S, int Step> DEVICE void depthwise(const Conv &v, const Phase &y, const Phase &x)
{
	int wide = (Data ? v.C : v.K) / V, strips = (x.count + strip - 1) / strip, times = v.K / v.C;
	if (y.count * strips == 0)
		return;
	int i = blockIdx.x * block_threads + threadIdx.x;
	int c = i % wide * V, first = i / wide % strips * strip, row = i / wide / strips % y.count, n = i / wide / strips / y.count;
	if (n >= v.N)
		return;
	Images images = Data ? Images{v.diff, v.P, v.Q, v.K} : Images{v.src, v.H, v.W, v.C};
	int step_y = Data ? 1 : v.stride_h, step_x = Data ? 1 : S ? Step : v.stride_w;

	Floats<V> sums[strip] = {};
	for (int t = 0; t < (Data ? times : 1); t++) {
		int from = Data ? c * times + t : c / times; // channel of images
		for (int r = 0; r < y.taps; r++) {
			int line = row * step_y + y.offset - r * y.apart, column = first * step_x + x.offset;
			if (!images.inside(line, 0))
				continue;
			const float *weights = v.weights + (i64)((y.tap + r * y.by) * v.S + x.tap) * v.K + (Data ? from : c);
			auto pixel = [&](int column) {
				return images.inside(line, column) ? fetch<V>(images.pixel(n, line, column) + from) : Floats<V>{};
			};
			auto add = [&](Floats<V> &sum, const Floats<V> &pixel, const Floats<V> &weight) {
#pragma unroll
				for (int e = 0; e < V; e++)
					sum.x[e] = fmaf(pixel.x[e], weight.x[e], sum.x[e]);
			};
			if constexpr (S > 0) {
				const int left = Data ? 1 - S : 0; // pixels go to the left as elements go to the right, in the data pass
				Floats<V> pixels[(strip - 1) * Step + S];
#pragma unroll
				for (int j = 0; j < (strip - 1) * Step + S; j++)
					pixels[j] = pixel(column + left + j);
#pragma unroll
				for (int s = 0; s < S; s++) {
					Floats<V> weight = fetch<V>(weights + s * v.K);
#pragma unroll
					for (int j = 0; j < strip; j++)
						add(sums[j], pixels[j * Step + (Data ? S - 1 - s : s)], weight);
				}
			} else {
				for (int s = 0; s < x.taps; s++) {
					Floats<V> weight = fetch<V>(weights + s * x.by * v.K);
#pragma unroll
					for (int j = 0; j < strip; j++)
						add(sums[j], pixel(column + j * step_x - s * x.apart), weight);
				}
			}
		}
	}
#pragma unroll
	for (int j = 0; j < strip; j++) {
		if (first + j >= x.count)
			continue;
		int to = Data ? (n * v.H + y.first + row * v.stride_h) * v.W + x.first + (first + j) * v.stride_w : (n * v.P + row) * v.Q + first + j;
		finish(v.result, 0, to, c, sums[j]);
	}
}

template <int V, int S = 0, int Step = 0> DEVICE void forward(const Conv &v)
{
	depthwise<false, V, S, Step>(v, {0, v.P, 0, v.R, 1, -v.pad_top, -v.dilation_h}, {0, v.Q, 0, v.S, 1, -v.pad_left, -v.dilation_w});
}

// blockIdx.z counts passages.
template <int V, int S = 0> DEVICE void data(const Conv &v)
{
	const Passage &p = v.passages[blockIdx.z]; // read when it is wanted, which leaves registers for a third block on a multiprocessor
	depthwise<true, V, S, 1>(v, p.y, p.x);
}

// weights computes the gradient of the weights: of up to 32·V channels and a piece of 3×3 elements of the filter, which blockIdx.x walks over, from some rows
// of dst, which y does (result.parts). Lanes have channels side by side; the others of a block walk through rows of their own, whose sums are then added in order.
template <int V> DEVICE void weights(const Conv &v)
{
	const int side = 3;
	SHARED(Floats<V>, shared, [block_threads]);
	int lanes = 1;
	while (lanes < 32 && lanes * V < v.K)
		lanes *= 2;
	int wide = (v.K + lanes * V - 1) / (lanes * V), piece = blockIdx.x / wide, pieces = (v.S + side - 1) / side;
	int r0 = piece / pieces * side, s0 = piece % pieces * side;
	int walker = threadIdx.x / lanes, walkers = block_threads / lanes, k = (blockIdx.x % wide * lanes + threadIdx.x % lanes) * V, c = k / (v.K / v.C);
	int each = (v.N * v.P + v.result.parts - 1) / v.result.parts, end = min((int)(blockIdx.y + 1) * each, v.N * v.P);
	Images images{v.src, v.H, v.W, v.C};

	Floats<V> sums[side][side] = {};
	if (k < v.K)
		for (int row = blockIdx.y * each + walker; row < end; row += walkers) {
			int n = row / v.P, y = row % v.P * v.stride_h - v.pad_top + r0 * v.dilation_h;
			for (int q = 0; q < v.Q; q++) {
				Floats<V> diff = fetch<V>(v.diff + ((i64)row * v.Q + q) * v.K + k);
				int x = q * v.stride_w - v.pad_left + s0 * v.dilation_w;
#pragma unroll
				for (int r = 0; r < side; r++)
#pragma unroll
					for (int s = 0; s < side; s++) {
						if (r0 + r >= v.R || s0 + s >= v.S || !images.inside(y + r * v.dilation_h, x + s * v.dilation_w))
							continue;
						Floats<V> p = fetch<V>(images.pixel(n, y + r * v.dilation_h, x + s * v.dilation_w) + c);
#pragma unroll
						for (int e = 0; e < V; e++)
							sums[r][s].x[e] = fmaf(p.x[e], diff.x[e], sums[r][s].x[e]);
					}
			}
		}
	float *to = v.result.parts > 1 ? v.result.sums + (i64)blockIdx.y * v.R * v.S * v.K : v.result.dst;
#pragma unroll
	for (int i = 0; i < side * side; i++) {
		int r = r0 + i / side, s = s0 + i % side;
		shared[threadIdx.x] = sums[i / side][i % side];
		__syncthreads();
		if (walker == 0 && k < v.K && r < v.R && s < v.S) {
			Floats<V> sum = shared[threadIdx.x];
			for (int w = 1; w < walkers; w++)
#pragma unroll
				for (int e = 0; e < V; e++)
					sum.x[e] += shared[w * lanes + threadIdx.x].x[e];
			write(to + (r * v.S + s) * v.K + k, sum);
		}
		__syncthreads();
	}
}

// Filters of three columns, at strides 1 and 2.
KERNEL(256, depthwise_forward_3_1)(Conv v) { forward<4, 3, 1>(v); }
KERNEL(256, depthwise_forward_3_2)(Conv v) { forward<4, 3, 2>(v); }
KERNEL(256, depthwise_data_3_1)(Conv v) { data<4, 3>(v); }

// All others.
KERNEL(256, depthwise_forward)(Conv v) { forward<4>(v); }
KERNEL(256, depthwise_data)(Conv v) { data<4>(v); }
KERNEL(256, depthwise_weights)(Conv v) { weights<4>(v); }

// Where a thread has one channel.
KERNEL(256, depthwise_forward_singly)(Conv v) { forward<1>(v); }
KERNEL(256, depthwise_data_singly)(Conv v) { data<1>(v); }
KERNEL(256, depthwise_weights_singly)(Conv v) { weights<1>(v); }
