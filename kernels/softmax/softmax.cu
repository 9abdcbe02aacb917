// softmax.cu: softmax, losses of labels and what they need; see softmax.go and loss.go, and rows.cuh for who computes a row.
#include "rows.cuh"

// probabilities are clipped as in vec.ClipLow and vec.ClipHigh
static constexpr double clip_low = 1e-7, clip_high = 1 - 1e-7;

template <bool wide> DEVICE void softmax(const Scores &s)
{
	each_row<wide>(s.width, s.rows, s.classes, [&](const Team<wide> &team, i64 r, int n) {
		const float *x = s.x + r * s.classes;
		Exponentials e = exponentials(team, x, n);
		float scale = 1 / e.sum;
		for (int i = team.rank(); i < n; i += team.width)
			s.to[r * s.classes + i] = expf(x[i] - e.largest) * scale;
	});
}

KERNEL(256, softmax_forward)(Scores s) { softmax<false>(s); }
KERNEL(256, softmax_forward_wide)(Scores s) { softmax<true>(s); }

template <bool wide> DEVICE void softmax_gradient(const Scores &s)
{
	each_row<wide>(s.width, s.rows, s.classes, [&](const Team<wide> &team, i64 r, int n) {
		const float *y = s.x + r * s.classes, *dy = s.diff + r * s.classes;
		double dot = 0;
		for (int i = team.rank(); i < n; i += team.width)
			dot += (double)y[i] * dy[i];
		dot = team.sum(dot);
		for (int i = team.rank(); i < n; i += team.width)
			s.to[r * s.classes + i] = y[i] * (dy[i] - dot);
	});
}

KERNEL(256, softmax_backward)(Scores s) { softmax_gradient<false>(s); }
KERNEL(256, softmax_backward_wide)(Scores s) { softmax_gradient<true>(s); }

template <bool wide> DEVICE void label_cross_entropy(const Scores &s)
{
	each_row<wide>(s.width, s.rows, s.classes, [&](const Team<wide> &team, i64 r, int n) {
		const float *x = s.x + r * s.classes;
		Exponentials e = exponentials(team, x, n);
		int label = s.labels[r];
		if (n > 0 && team.rank() == 0)
			s.to[r] = label < 0 || label >= n ? not_a_number() : log(e.sum) - ((double)x[label] - e.largest);
	});
}

KERNEL(256, cross_entropy)(Scores s) { label_cross_entropy<false>(s); }
KERNEL(256, cross_entropy_wide)(Scores s) { label_cross_entropy<true>(s); }

template <bool wide> DEVICE void label_cross_entropy_gradient(const Scores &s)
{
	each_row<wide>(s.width, s.rows, s.classes, [&](const Team<wide> &team, i64 r, int n) {
		const float *x = s.x + r * s.classes;
		Exponentials e = exponentials(team, x, n);
		int label = s.labels[r];
		float g = s.diff[r], scale = label < 0 || label >= n ? not_a_number() : g / e.sum;
		for (int i = team.rank(); i < n; i += team.width) {
			float p = expf(x[i] - e.largest);
			s.to[r * s.classes + i] = i == label ? g * (p / e.sum - 1) : p * scale; // in float64 where little may be left
		}
	});
}

KERNEL(256, cross_entropy_backward)(Scores s) { label_cross_entropy_gradient<false>(s); }
KERNEL(256, cross_entropy_backward_wide)(Scores s) { label_cross_entropy_gradient<true>(s); }

template <bool wide> DEVICE void label_log_loss(const Scores &s)
{
	each_row<wide>(s.width, s.rows, s.classes, [&](const Team<wide> &team, i64 r, int n) {
		const float *x = s.x + r * s.classes;
		double sum = row_sum(team, x, n);
		int label = s.labels[r];
		if (n > 0 && team.rank() == 0) {
			double p = label < 0 || label >= n ? not_a_number() : x[label] / sum;
			s.to[r] = -log(p < clip_low ? clip_low : p > clip_high ? clip_high : p);
		}
	});
}

KERNEL(256, log_loss)(Scores s) { label_log_loss<false>(s); }
KERNEL(256, log_loss_wide)(Scores s) { label_log_loss<true>(s); }

template <bool wide> DEVICE void label_log_loss_gradient(const Scores &s)
{
	each_row<wide>(s.width, s.rows, s.classes, [&](const Team<wide> &team, i64 r, int n) {
		const float *x = s.x + r * s.classes;
		double sum = row_sum(team, x, n), g = s.diff[r];
		int label = s.labels[r];
		bool valid = label >= 0 && label < n;
		double p = valid ? x[label] : 0, q = p / sum;
		for (int i = team.rank(); i < n; i += team.width) {
			float d = q < clip_low || q > clip_high ? 0 : g * (i == label ? 1 / sum - 1 / p : 1 / sum);
			s.to[r * s.classes + i] = valid ? d : not_a_number();
		}
	});
}

KERNEL(256, log_loss_backward)(Scores s) { label_log_loss_gradient<false>(s); }
KERNEL(256, log_loss_backward_wide)(Scores s) { label_log_loss_gradient<true>(s); }

// The first of a row's largest scores is at the label. A NaN is never the largest, but where it is the first score nothing is larger.
template <bool wide> DEVICE void is_correct(const Scores &s)
{
	each_row<wide>(s.width, s.rows, s.classes, [&](const Team<wide> &team, i64 r, int n) {
		const float *x = s.x + r * s.classes;
		float high = __int_as_float(0xff800000); // -∞
		int best = 0;
		for (int i = team.rank(); i < n; i += team.width)
			if (x[i] > high) {
				high = x[i];
				best = i;
			}
		float largest = team.largest(high);
		best = -team.largest(high == largest && x[best] == largest ? -best : -s.classes);
		if (n > 0 && team.rank() == 0)
			s.to[r] = (x[0] == x[0] && best < n ? best : 0) == s.labels[r];
	});
}

KERNEL(256, correct)(Scores s) { is_correct<false>(s); }
KERNEL(256, correct_wide)(Scores s) { is_correct<true>(s); }
