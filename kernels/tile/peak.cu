// peak.cu: nothing but multiply-adds, to see how many the GPU can do; see kernels/cuda_limits.go.
#include "../_cuda/device.cuh"

// x becomes x·factor + summand, again and again. What comes out is written, so that it has to be computed.
struct Peak {
	float *dst; // [threads]
	int rounds;
	float factor, summand;
};

// A round is 16 multiply-adds for each of eight numbers, which do not wait for each other.
KERNEL(256, peak)(Peak p)
{
	float x[8], sum = 0;
	for (int i = 0; i < 8; i++)
		x[i] = threadIdx.x + i;
	for (int r = 0; r < p.rounds; r++)
#pragma unroll
		for (int n = 0; n < 16; n++)
#pragma unroll
			for (int i = 0; i < 8; i++)
				x[i] = fmaf(x[i], p.factor, p.summand);
	for (int i = 0; i < 8; i++)
		sum += x[i];
	p.dst[first()] = sum;
}
