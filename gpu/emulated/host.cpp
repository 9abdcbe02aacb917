// host.cpp: what kernels call that is not inlined. It is compiled without the checks that kernels are compiled with.
#include "cuda_host.h"

int atomicExch(int *p, int value) {
	emulated::atomic_access(p, sizeof *p);
	int before = *p;
	*p = value;
	return before;
}
