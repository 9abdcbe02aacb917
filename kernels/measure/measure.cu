// measure.cu: running means of metrics and losses.
#include "../_cuda/device.cuh"

// Running adds values [n], by their weights if there are some, to sum and their number or the weights' sum to the second, if the step is to be applied.
struct Running {
	double *sum; // [2]
	const float *values, *weights;
	const int *apply; // null: always
	i64 n;
};

// One block, so that the order of the sum is fixed.
KERNEL(256, accumulate)(Running a)
{
	double sum = 0, weight = 0;
	for (i64 i = threadIdx.x; i < a.n; i += block_threads) {
		double w = a.weights ? a.weights[i] : 1;
		sum += w * a.values[i];
		weight += w;
	}
	sum = block_sum(sum);
	weight = block_sum(weight);
	if (threadIdx.x == 0 && (!a.apply || *a.apply)) {
		a.sum[0] += sum;
		a.sum[1] += weight;
	}
}
