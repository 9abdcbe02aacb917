// targets.cu: losses of scores against targets of their shape, and their gradients; see targets.go, and rows.cuh for who computes a row.
#include "rows.cuh"

// Targets are losses of samples [samples,each,classes]: the mean over `each` rows of a sample. The rows are cut into parts of part_rows, each of which a
// warp, or a block, adds up.
struct Targets {
	float *to;     // losses, or the gradient of scores
	double *sums;  // [samples,parts], where there is more than one part
	const float *scores, *targets;
	const float *diff; // of losses
	int samples, each, classes, width, parts, part_rows;
	double over; // what a sum is divided by
};

// clip_high32 is vec.ClipHigh32, the float next to clip_high.
static constexpr double clip_low = 1e-7, clip_high = 1 - 1e-7;
static constexpr float clip_low32 = 1e-7f, clip_high32 = 1 - 0x1p-23f;

DEVICE double clip(double q) { return q < clip_low ? clip_low : q > clip_high ? clip_high : q; }
DEVICE bool is_clipped(double q) { return q < clip_low || q > clip_high; }

// The losses: of gives a thread's part of that of a row of n scores.

struct CrossEntropy {
	template <bool wide> static DEVICE_MEMBER double of(const Team<wide> &team, const float *x, const float *t, int n)
	{
		Exponentials e = exponentials(team, x, n);
		double whole = log(e.sum), sum = n > 0 && team.rank() == 0 ? 0 * whole : 0; // a row with a NaN is NaN, whatever its targets
		for (int i = team.rank(); i < n; i += team.width)
			if (t[i] != 0)
				sum += t[i] * (whole - ((double)x[i] - e.largest));
		return sum;
	}
};

struct LogLoss {
	template <bool wide> static DEVICE_MEMBER double of(const Team<wide> &team, const float *x, const float *t, int n)
	{
		double whole = row_sum(team, x, n), sum = 0;
		for (int i = team.rank(); i < n; i += team.width)
			sum -= t[i] * log(clip(x[i] / whole));
		return sum;
	}
};

struct BinaryCrossEntropy {
	template <bool wide> static DEVICE_MEMBER double of(const Team<wide> &team, const float *x, const float *t, int n)
	{
		double sum = 0;
		for (int i = team.rank(); i < n; i += team.width)
			sum += (x[i] > 0 ? x[i] : 0) - (double)x[i] * t[i] + log1pf(expf(-fabsf(x[i])));
		return sum;
	}
};

struct BinaryLogLoss {
	template <bool wide> static DEVICE_MEMBER double of(const Team<wide> &team, const float *x, const float *t, int n)
	{
		double sum = 0;
		for (int i = team.rank(); i < n; i += team.width) {
			float q = x[i] < clip_low32 ? clip_low32 : x[i] > clip_high32 ? clip_high32 : x[i];
			sum -= (double)t[i] * logf(q) + (1 - (double)t[i]) * log1pf(-q);
		}
		return sum;
	}
};

template <class Loss, bool wide> DEVICE void losses(const Targets &t)
{
	Team<wide> team{t.width};
	i64 units = (i64)t.samples * t.parts;
	for (i64 unit = wide ? blockIdx.x : warp(); unit < units; unit += wide ? gridDim.x : warps()) {
		i64 sample = unit / t.parts;
		int from = unit % t.parts * t.part_rows, end = min(from + t.part_rows, t.each);
		double sum = 0;
		for (; from < end; from += team.beside()) {
			int row = from + team.place();
			i64 at = (sample * t.each + min(row, end - 1)) * t.classes;
			sum += Loss::of(team, t.scores + at, t.targets + at, row < end ? t.classes : 0);
		}
		sum = wide ? block_sum(sum) : warp_sum(sum);
		if (threadIdx.x % (wide ? block_threads : 32) != 0)
			continue;
		if (t.parts > 1)
			t.sums[unit] = sum;
		else
			t.to[sample] = sum / t.over;
	}
}

KERNEL(256, soft_cross_entropy)(Targets t) { losses<CrossEntropy, false>(t); }
KERNEL(256, soft_cross_entropy_wide)(Targets t) { losses<CrossEntropy, true>(t); }
KERNEL(256, soft_log_loss)(Targets t) { losses<LogLoss, false>(t); }
KERNEL(256, soft_log_loss_wide)(Targets t) { losses<LogLoss, true>(t); }
KERNEL(256, binary_cross_entropy)(Targets t) { losses<BinaryCrossEntropy, false>(t); }
KERNEL(256, binary_cross_entropy_wide)(Targets t) { losses<BinaryCrossEntropy, true>(t); }
KERNEL(256, binary_log_loss)(Targets t) { losses<BinaryLogLoss, false>(t); }
KERNEL(256, binary_log_loss_wide)(Targets t) { losses<BinaryLogLoss, true>(t); }

// A warp has a sample, whose parts it adds up.
KERNEL(256, losses_of_parts)(Targets t)
{
	for (i64 sample = warp(); sample < t.samples; sample += warps()) {
		double sum = 0;
		for (int i = threadIdx.x % 32; i < t.parts; i += 32)
			sum += t.sums[sample * t.parts + i];
		sum = warp_sum(sum);
		if (threadIdx.x % 32 == 0)
			t.to[sample] = sum / t.over;
	}
}

template <bool wide> DEVICE void cross_entropy_gradient(const Targets &t)
{
	each_row<wide>(t.width, (i64)t.samples * t.each, t.classes, [&](const Team<wide> &team, i64 r, int n) {
		const float *x = t.scores + r * t.classes, *targets = t.targets + r * t.classes;
		Exponentials e = exponentials(team, x, n);
		double share = row_sum(team, targets, n) / e.sum, g = t.diff[r / t.each] / t.over;
		for (int i = team.rank(); i < n; i += team.width)
			t.to[r * t.classes + i] = g * (expf(x[i] - e.largest) * share - targets[i]); // in float64 since little may be left
	});
}

KERNEL(256, soft_cross_entropy_data)(Targets t) { cross_entropy_gradient<false>(t); }
KERNEL(256, soft_cross_entropy_data_wide)(Targets t) { cross_entropy_gradient<true>(t); }

template <bool wide> DEVICE void log_loss_gradient(const Targets &t)
{
	each_row<wide>(t.width, (i64)t.samples * t.each, t.classes, [&](const Team<wide> &team, i64 r, int n) {
		const float *x = t.scores + r * t.classes, *targets = t.targets + r * t.classes;
		double sum = row_sum(team, x, n), open = 0; // open: what is not clipped of the targets
		for (int i = team.rank(); i < n; i += team.width)
			open += is_clipped(x[i] / sum) ? 0 : targets[i];
		open = team.sum(open);
		double g = t.diff[r / t.each] / t.over / sum;
		for (int i = team.rank(); i < n; i += team.width) {
			double q = x[i] / sum;
			t.to[r * t.classes + i] = g * (is_clipped(q) ? open : open - targets[i] / q);
		}
	});
}

KERNEL(256, soft_log_loss_data)(Targets t) { log_loss_gradient<false>(t); }
KERNEL(256, soft_log_loss_data_wide)(Targets t) { log_loss_gradient<true>(t); }

// A thread has an element. Of a score that its target agrees with little is left: 1/(1+exp(-score)) - target must not round it away.
KERNEL(256, binary_cross_entropy_data)(Targets t)
{
	i64 size = (i64)t.each * t.classes;
	for (i64 i = first(); i < t.samples * size; i += step()) {
		float x = t.scores[i], rest = 1 / (1 + expf(fabsf(x))), g = t.diff[i / size] / t.over;
		t.to[i] = g * (x > 0 ? 1 - t.targets[i] - rest : rest - t.targets[i]);
	}
}

KERNEL(256, binary_log_loss_data)(Targets t)
{
	i64 size = (i64)t.each * t.classes;
	for (i64 i = first(); i < t.samples * size; i += step()) {
		float q = t.scores[i], g = t.diff[i / size] / t.over;
		t.to[i] = q < clip_low32 || q > clip_high32 ? 0 : g * ((1 - t.targets[i]) / (1 - q) - t.targets[i] / q);
	}
}
