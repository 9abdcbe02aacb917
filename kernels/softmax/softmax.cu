// softmax.cu: softmax, losses of labels and what they need; see softmax.go and loss.go. A warp has a row; sums are in float64.
#include "../_cuda/device.cuh"

struct Scores {
	float *to;          // dst, losses, or a gradient
	const float *x;     // scores: logits, probabilities, or what softmax made
	const float *diff;  // of dst [rows,classes], or of the losses [rows]
	const int *labels;
	int rows, classes;
};

// probabilities are clipped as in vec.ClipLow and vec.ClipHigh
static constexpr double clip_low = 1e-7, clip_high = 1 - 1e-7;

DEVICE int warp() { return blockIdx.x * (block_threads / 32) + threadIdx.x / 32; }
DEVICE int warps() { return gridDim.x * (block_threads / 32); }
DEVICE int lane() { return threadIdx.x % 32; }

// Exponentials have the largest of a row and Σ exp(row - largest). A NaN in the row makes the sum NaN, and so does a row of -∞.
struct Exponentials {
	float largest;
	double sum;
};

DEVICE Exponentials exponentials(const float *row, int classes)
{
	float largest = __int_as_float(0xff800000); // -∞
	for (int i = lane(); i < classes; i += 32)
		largest = row[i] > largest ? row[i] : largest;
	for (int lanes = 16; lanes > 0; lanes /= 2) {
		float other = __shfl_xor_sync(~0u, largest, lanes);
		largest = other > largest ? other : largest;
	}
	double sum = 0;
	for (int i = lane(); i < classes; i += 32)
		sum += expf(row[i] - largest);
	return {largest, warp_sum(sum)};
}

DEVICE double row_sum(const float *row, int classes)
{
	double sum = 0;
	for (int i = lane(); i < classes; i += 32)
		sum += row[i];
	return warp_sum(sum);
}

KERNEL(256, softmax_forward)(Scores s)
{
	for (i64 r = warp(); r < s.rows; r += warps()) {
		const float *x = s.x + r * s.classes;
		Exponentials e = exponentials(x, s.classes);
		for (int i = lane(); i < s.classes; i += 32)
			s.to[r * s.classes + i] = expf(x[i] - e.largest) / e.sum;
	}
}

KERNEL(256, softmax_backward)(Scores s)
{
	for (i64 r = warp(); r < s.rows; r += warps()) {
		const float *y = s.x + r * s.classes, *dy = s.diff + r * s.classes;
		double dot = 0;
		for (int i = lane(); i < s.classes; i += 32)
			dot += (double)y[i] * dy[i];
		dot = warp_sum(dot);
		for (int i = lane(); i < s.classes; i += 32)
			s.to[r * s.classes + i] = y[i] * (dy[i] - dot);
	}
}

KERNEL(256, cross_entropy)(Scores s)
{
	for (i64 r = warp(); r < s.rows; r += warps()) {
		const float *x = s.x + r * s.classes;
		Exponentials e = exponentials(x, s.classes);
		int label = s.labels[r];
		if (lane() == 0)
			s.to[r] = label < 0 || label >= s.classes ? not_a_number() : log(e.sum) - ((double)x[label] - e.largest);
	}
}

KERNEL(256, cross_entropy_backward)(Scores s)
{
	for (i64 r = warp(); r < s.rows; r += warps()) {
		const float *x = s.x + r * s.classes;
		Exponentials e = exponentials(x, s.classes);
		int label = s.labels[r];
		double g = s.diff[r];
		for (int i = lane(); i < s.classes; i += 32) {
			double p = expf(x[i] - e.largest) / e.sum;
			s.to[r * s.classes + i] = label < 0 || label >= s.classes ? not_a_number() : g * (i == label ? p - 1 : p);
		}
	}
}

KERNEL(256, log_loss)(Scores s)
{
	for (i64 r = warp(); r < s.rows; r += warps()) {
		const float *x = s.x + r * s.classes;
		double sum = row_sum(x, s.classes);
		int label = s.labels[r];
		if (lane() == 0) {
			double p = label < 0 || label >= s.classes ? not_a_number() : x[label] / sum;
			s.to[r] = -log(p < clip_low ? clip_low : p > clip_high ? clip_high : p);
		}
	}
}

KERNEL(256, log_loss_backward)(Scores s)
{
	for (i64 r = warp(); r < s.rows; r += warps()) {
		const float *x = s.x + r * s.classes;
		double sum = row_sum(x, s.classes), g = s.diff[r];
		int label = s.labels[r];
		bool valid = label >= 0 && label < s.classes;
		double p = valid ? x[label] : 0, q = p / sum;
		for (int i = lane(); i < s.classes; i += 32) {
			float d = q < clip_low || q > clip_high ? 0 : g * (i == label ? 1 / sum - 1 / p : 1 / sum);
			s.to[r * s.classes + i] = valid ? d : not_a_number();
		}
	}
}

// A thread has a row: where the first of its largest scores is.
KERNEL(256, correct)(Scores s)
{
	for (i64 r = first(); r < s.rows; r += step()) {
		const float *x = s.x + r * s.classes;
		int best = 0;
		for (int i = 1; i < s.classes; i++)
			if (x[i] > x[best])
				best = i;
		s.to[r] = best == s.labels[r];
	}
}
