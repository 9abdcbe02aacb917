// cuda_host.h: CUDA C++ for g++. The build includes it before each .cu file; what kernels of this project do not use is not here.
#pragma once
#include "functions.h"
#include "grid.h"

#define __global__
#define __device__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)

// SHARED declares an array of the block: SHARED(float, name, [2][64]). array_alignment is device.cuh's.
#define SHARED(type, name, dims) \
	static char name##_site; \
	auto &name = *(type(*) dims)emulated::shared(&name##_site, sizeof(type dims), array_alignment)

#define threadIdx (emulated::current->thread)
#define blockIdx (emulated::current->block)
#define blockDim (emulated::current->block_size)
#define gridDim (emulated::current->grid_size)

struct alignas(16) float4 {
	float x, y, z, w;
};

static inline void __syncthreads(int line = __builtin_LINE()) { emulated::block_barrier(line); }

template <class T> static inline T __shfl_xor_sync(unsigned mask, T value, unsigned lanes, int line = __builtin_LINE()) {
	T other;
	memcpy(&other, emulated::exchange(mask, &value, sizeof value, emulated::current->lane ^ lanes, line), sizeof value);
	return other;
}

int atomicExch(int *p, int value);

template <class T> static inline T __ldg(const T *p) { return *p; }
static inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned long long)a * b >> 32; }
static inline float __int_as_float(int x) {
	float f;
	memcpy(&f, &x, 4);
	return f;
}
static inline int __float_as_int(float x) {
	int i;
	memcpy(&i, &x, 4);
	return i;
}

// The device's overloads are found by type alone.
static inline int min(int a, int b) { return a < b ? a : b; }
static inline int max(int a, int b) { return a > b ? a : b; }
static inline long long min(long long a, long long b) { return a < b ? a : b; }
static inline long long max(long long a, long long b) { return a > b ? a : b; }
using std::isfinite;

namespace emulated {

// The arguments are the driver's memory, which the checker need not know.
template <class... A, size_t... I> __attribute__((noipa, no_sanitize("thread"))) static void call(void (*kernel)(A...), void **arguments, std::index_sequence<I...>) { kernel(*(A *)arguments[I]...); }
template <class... A> static inline void call(void (*kernel)(A...), void **arguments) { call(kernel, arguments, std::index_sequence_for<A...>{}); }
template <class... A> static inline std::vector<size_t> sizes(void (*)(A...)) { return {sizeof(A)...}; }

} // namespace emulated

// REGISTER makes a kernel known to the driver; the build writes one for each KERNEL of a file.
#define REGISTER(name) \
	static const bool name##_registered = (emulated::add_kernel({#name, [](void **a) { emulated::call(name, a); }, emulated::sizes(name)}), true);
