// measure.cu: what metrics count, and running means; see topk.go, tally.go and confuse.go.
#include "../_cuda/device.cuh"

// Running adds values [n], by their weights if there are some, to sum and their number or the weights' sum to the second, if the step is to be applied; up to 128
// values to their sums.
struct Running {
	const float *weights;
	const int *apply; // null: always
	i64 n;
	struct {
		double *sum; // [2]
		const float *values;
	} mean[128];
};

// A block has a mean, so that the order of the sum is fixed.
KERNEL(256, accumulate)(Running a)
{
	const float *values = a.mean[blockIdx.x].values;
	double sum = 0, weight = 0;
	for (i64 i = threadIdx.x; i < a.n; i += block_threads) {
		double w = a.weights ? a.weights[i] : 1;
		sum += w * values[i];
		weight += w;
	}
	sum = block_sum(sum);
	weight = block_sum(weight);
	if (threadIdx.x == 0 && (!a.apply || *a.apply)) {
		a.mean[blockIdx.x].sum[0] += sum;
		a.mean[blockIdx.x].sum[1] += weight;
	}
}

struct TopK {
	float *dst;
	const float *scores; // [rows,classes]
	const int *labels;
	i64 rows;
	int classes, k;
};

// A warp has a row.
KERNEL(256, in_top_k)(TopK t)
{
	for (i64 r = blockIdx.x * (block_threads / 32) + threadIdx.x / 32; r < t.rows; r += gridDim.x * (block_threads / 32)) {
		const float *row = t.scores + r * t.classes;
		int label = t.labels[r], better = 0, unusable = 0;
		float own = label >= 0 && label < t.classes ? row[label] : not_a_number();
		for (int i = threadIdx.x % 32; i < t.classes; i += 32) {
			better += row[i] > own;
			unusable += !isfinite(row[i]);
		}
		for (int lanes = 16; lanes > 0; lanes /= 2) {
			better += __shfl_xor_sync(~0u, better, lanes);
			unusable += __shfl_xor_sync(~0u, unusable, lanes);
		}
		if (threadIdx.x % 32 == 0)
			t.dst[r] = isfinite(own) && unusable == 0 && better < t.k;
	}
}

// Counts are sums in bins. An element adds one number to a bin below `half`, and perhaps another to the bin `half` further. Elements are cut into
// parts of whole samples, as on the CPU; without parts, numbers are added to the sums themselves.
struct Counts {
	double *sums;         // [bins]
	double *partial;      // [parts,bins]
	const float *weights; // of samples; null: 1
	const int *apply;     // null: always
	i64 samples, each;    // elements of a sample
	int bins, half, parts, unused;
};

// Element is what one element adds, and to which bin; none below 0.
struct Element {
	int bin;
	double number, other;
};

DEVICE bool applies(const Counts &c) { return !c.apply || *c.apply; }
DEVICE double weight(const Counts &c, i64 element) { return c.weights ? c.weights[element / c.each] : 1; }

// A thread has a bin. The block looks up 256 elements at a time, and each of its threads adds up what falls to its bin, in order. blockIdx.x walks over
// bins, y over parts.
template <class Source> DEVICE void count(const Counts &c, const Source &source)
{
	SHARED(int, bins, [block_threads]);
	SHARED(double, numbers, [2][block_threads]);
	if (!applies(c))
		return;
	int bin = blockIdx.x * block_threads + threadIdx.x, other = bin >= c.half;
	bool counts = bin < c.bins;
	i64 from = blockIdx.y * c.samples / c.parts * c.each, end = (blockIdx.y + 1) * c.samples / c.parts * c.each;
	double sum = counts && c.parts == 1 ? c.sums[bin] : 0;
	for (i64 start = from; start < end; start += block_threads) {
		int n = min(end - start, (i64)block_threads);
		__syncthreads();
		if ((int)threadIdx.x < n) {
			Element e = source.element(c, start + threadIdx.x);
			bins[threadIdx.x] = e.bin;
			numbers[0][threadIdx.x] = e.number;
			numbers[1][threadIdx.x] = e.other;
		}
		__syncthreads();
		for (int i = 0; counts && i < n; i++)
			if (bins[i] == bin - other * c.half)
				sum += numbers[other][i];
	}
	if (counts)
		(c.parts == 1 ? c.sums : c.partial + (i64)blockIdx.y * c.bins)[bin] = sum;
}

// count_total adds the parts to the sums, in order.
KERNEL(256, count_total)(Counts c)
{
	if (!applies(c))
		return;
	for (i64 bin = first(); bin < c.bins; bin += step()) {
		double sum = c.sums[bin];
		for (int p = 0; p < c.parts; p++)
			sum += c.partial[(i64)p * c.bins + bin];
		c.sums[bin] = sum;
	}
}

struct Tally {
	Counts counts;
	const float *scores, *targets;
	const float *thresholds; // ascending
	int buckets;             // one more than thresholds
	int columns, width;      // of the scores; as many, or 1 where all count together
	int soft;

	DEVICE_MEMBER Element element(const Counts &c, i64 i) const
	{
		int low = 0, high = buckets - 1;
		for (float score = scores[i]; low < high;) {
			int middle = (low + high) / 2;
			if (score > thresholds[middle])
				low = middle + 1;
			else
				high = middle;
		}
		int bin = width == 1 ? low : low * width + (int)(i % columns);
		double w = weight(c, i), t = targets[i];
		if (soft)
			return {bin, w * t, w * (1 - t)};
		return {bin, t != 0 ? w : 0, t != 0 ? 0 : w};
	}
};

KERNEL(256, tally)(Tally t) { count(t.counts, t); }

struct Confuse {
	Counts counts;
	const int *predicted, *labels;
	int classes, unused;

	DEVICE_MEMBER Element element(const Counts &c, i64 i) const
	{
		int p = predicted[i], l = labels[i];
		return {p < 0 || p >= classes || l < 0 || l >= classes ? -1 : l * classes + p, weight(c, i), 0};
	}
};

KERNEL(256, confuse)(Confuse f) { count(f.counts, f); }
