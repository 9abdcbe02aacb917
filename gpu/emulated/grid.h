// grid.h: one launch of a kernel, run on the host.
//
// Each CUDA thread of a block is a fiber with a stack of its own; one block runs after the other, on one thread of the host. A fiber runs
// until it waits at a barrier or ends, so kernels without mistakes compute what they compute on a GPU, and the same in every order.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

struct uint3 {
	unsigned x, y, z;
};
struct dim3 {
	unsigned x, y, z;
};

namespace emulated {

// Kernel is a __global__ function.
struct Kernel {
	std::string name;
	void (*call)(void **arguments);
	std::vector<size_t> sizes; // of the arguments, in bytes
};

void add_kernel(const Kernel &);
const Kernel *find_kernel(const std::string &name);

// Launch is what cuLaunchKernel gets. reversed runs the last block and the last thread first.
struct Launch {
	const Kernel *kernel;
	dim3 grid, block;
	void **arguments;
	bool reversed;
};

// run runs all blocks. It returns what was wrong with the kernel, naming block and thread, or an empty string.
std::string run(const Launch &);

struct Warp {
	uint32_t live, arrived;    // lanes
	int line;                  // of the warp operation that these wait at
	unsigned generation;       // warp barriers passed
	char slot[2][32][16];      // what lanes exchange, for even and odd generations
};

const size_t stack_bytes = 64 << 10;

struct Thread {
	uint3 thread, block;
	dim3 block_size, grid_size;
	unsigned index, lane; // in the block, in the warp
	Warp *warp;
	enum { ready, at_block_barrier, at_warp_barrier, done } state;
	void *sp, *kept; // kept is the sanitizer's
	char *stack;
};

extern Thread *current;     // null outside of kernels
extern unsigned generation; // block barriers that the block has passed
extern unsigned launches;

// trap ends the launch with a mistake of the kernel's.
[[noreturn]] void trap(const std::string &why);

// block_barrier is __syncthreads in this line of the source.
void block_barrier(int line);

// exchange is a warp barrier in this line of the source, at which each lane leaves size bytes, at most 16, and gets the place of what another lane has left.
const void *exchange(unsigned mask, const void *value, size_t size, unsigned lane, int line);

// shared gives the block's array that the declaration `site` stands for: filled with NaN, guarded on both sides, at an odd multiple of `alignment` bytes.
void *shared(const void *site, size_t bytes, size_t alignment);

// Areas are what kernels may touch: device memory, and a block's shared arrays. checker.cpp watches; unchecked.cpp does not.
void add_area(const void *start, size_t bytes);
void remove_area(const void *start);

void atomic_access(const void *address, size_t bytes);

} // namespace emulated
