// gradients.cu: gradients summed over steps, and averages of weights; see gradients.go, ops.AccumulateGradients and ops.AverageWeights.
#include "../_cuda/device.cuh"

// Steps are two sweeps: gradients and their sums, or parameters and their averages. Elements between them are 0 in both, and stay.
struct Steps {
	float *x, *y;
	i64 *iterations;
	const int *apply;
	int *ready;
	i64 n;
	int every, overwrite;
	float a, b; // the share of gradients; the momentum of averages, and 1 less it
};

// accumulate_start counts the step. One thread runs.
KERNEL(32, accumulate_start)(Steps s)
{
	if (threadIdx.x != 0)
		return;
	bool ready = false;
	if (*s.apply)
		ready = ++*s.iterations % s.every == 0;
	*s.ready = ready;
}

KERNEL(256, accumulate_gradients)(Steps s)
{
	if (!*s.apply)
		return;
	bool ready = *s.ready;
	for (i64 i = first(); i < s.n; i += step()) {
		float sum = s.y[i] + s.x[i];
		s.y[i] = ready ? 0 : sum;
		if (ready)
			s.x[i] = sum * s.a;
	}
}

KERNEL(256, average_weights)(Steps s)
{
	if (!*s.apply)
		return;
	i64 update = (*s.iterations - 1) / s.every;
	bool begins = update == 0, over = s.overwrite > 0 && (update + 1) % s.overwrite == 0;
	for (i64 i = first(); i < s.n; i += step()) {
		float w = s.x[i];
		if (!begins)
			w = s.a * s.y[i] + s.b * w;
		s.y[i] = w;
		if (over)
			s.x[i] = w;
	}
}
