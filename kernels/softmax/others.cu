// others.cu: the logarithm of softmax, and sparsemax; see others.go, and rows.cuh for who computes a row.
#include "rows.cuh"

template <bool wide> DEVICE void log_softmax_of_rows(const Scores &s)
{
	each_row<wide>(s.width, s.rows, s.classes, [&](const Team<wide> &team, i64 r, int n) {
		const float *x = s.x + r * s.classes;
		Exponentials e = exponentials(team, x, n);
		double whole = e.largest + log(e.sum);
		for (int i = team.rank(); i < n; i += team.width)
			s.to[r * s.classes + i] = x[i] - whole;
	});
}

KERNEL(256, log_softmax)(Scores s) { log_softmax_of_rows<false>(s); }
KERNEL(256, log_softmax_wide)(Scores s) { log_softmax_of_rows<true>(s); }

template <bool wide> DEVICE void log_softmax_gradient(const Scores &s)
{
	each_row<wide>(s.width, s.rows, s.classes, [&](const Team<wide> &team, i64 r, int n) {
		const float *y = s.x + r * s.classes, *dy = s.diff + r * s.classes;
		float sum = row_sum(team, dy, n);
		for (int i = team.rank(); i < n; i += team.width)
			s.to[r * s.classes + i] = dy[i] - expf(y[i]) * sum;
	});
}

KERNEL(256, log_softmax_data)(Scores s) { log_softmax_gradient<false>(s); }
KERNEL(256, log_softmax_data_wide)(Scores s) { log_softmax_gradient<true>(s); }

// Michelot's search for the threshold, as threshold of others.go. A row has a whole warp, or a block, because rows differ in how long that takes.
template <bool wide> DEVICE void sparsemax_of_rows(const Scores &s)
{
	each_row<wide>(s.width, s.rows, s.classes, [&](const Team<wide> &team, i64 r, int n) {
		const float *x = s.x + r * s.classes;
		float high = __int_as_float(0xff800000); // -∞
		bool number = true;
		for (int i = team.rank(); i < n; i += team.width) {
			high = x[i] > high ? x[i] : high;
			number = number && x[i] == x[i];
		}
		double m = team.largest(high), tau = __int_as_float(0xff800000), count = n + 1.0;
		if (team.largest(number ? 0 : 1))
			m = not_a_number();
		for (;;) {
			double sum = 0, above = 0;
			for (int i = team.rank(); i < n; i += team.width)
				if (x[i] - m > tau) {
					sum += x[i] - m;
					above++;
				}
			sum = team.sum(sum);
			above = team.sum(above);
			if (above >= count || above == 0) // none: NaN
				break;
			tau = (sum - 1) / above;
			count = above;
		}
		for (int i = team.rank(); i < n; i += team.width) {
			double d = x[i] - m - tau;
			s.to[r * s.classes + i] = d <= 0 ? 0 : d;
		}
	});
}

KERNEL(256, sparsemax)(Scores s) { sparsemax_of_rows<false>(s); }
KERNEL(256, sparsemax_wide)(Scores s) { sparsemax_of_rows<true>(s); }

template <bool wide> DEVICE void sparsemax_gradient(const Scores &s)
{
	each_row<wide>(s.width, s.rows, s.classes, [&](const Team<wide> &team, i64 r, int n) {
		const float *y = s.x + r * s.classes, *dy = s.diff + r * s.classes;
		double sum = 0, count = 0;
		for (int i = team.rank(); i < n; i += team.width)
			if (!(y[i] <= 0)) {
				sum += dy[i] + 0 * (double)y[i]; // NaN stays
				count++;
			}
		sum = team.sum(sum);
		count = team.sum(count);
		double mean = sum / count;
		for (int i = team.rank(); i < n; i += team.width)
			s.to[r * s.classes + i] = y[i] <= 0 ? 0 : dy[i] - mean;
	});
}

KERNEL(256, sparsemax_data)(Scores s) { sparsemax_gradient<false>(s); }
KERNEL(256, sparsemax_data_wide)(Scores s) { sparsemax_gradient<true>(s); }
