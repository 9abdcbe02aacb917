// grid.cpp: the scheduler of blocks, warps and threads. See grid.h.
#include "grid.h"
#include "guard.h"
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <sys/mman.h>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace emulated {

Thread *current;
unsigned generation, launches;

namespace {

const size_t page = 4096;
const unsigned most_threads = 1024;

struct Array {
	const void *site;
	Guarded memory;
};

// Block is the one that runs. Its threads' stacks are used again by the next.
struct Block {
	Thread threads[most_threads];
	Warp warps[most_threads / 32];
	unsigned size, done, arrived;
	int line; // of the barrier that threads wait at
	std::vector<Array> arrays;
	void *main_sp;
	std::string error;
	const Launch *launch;
} block;

// switch_to saves what a call must keep, and goes on where the other stack stopped.
extern "C" void emulated_switch(void **from, void *to);
__asm__(R"(
.text
.globl emulated_switch
.hidden emulated_switch
.type emulated_switch,@function
emulated_switch:
	push %rbp
	push %rbx
	push %r12
	push %r13
	push %r14
	push %r15
	mov %rsp,(%rdi)
	mov %rsi,%rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbx
	pop %rbp
	ret
.size emulated_switch,.-emulated_switch
)");

#ifdef __SANITIZE_ADDRESS__
// The sanitizer is told whose stack is in use: to is null for the scheduler's. What it keeps of the one that is left is in kept; null lets go of it.
struct {
	const void *bottom;
	size_t bytes;
} main_stack;
void leaving(Thread *to, void **kept) {
	if (to)
		__sanitizer_start_switch_fiber(kept, to->stack + page, stack_bytes - page);
	else
		__sanitizer_start_switch_fiber(kept, main_stack.bottom, main_stack.bytes);
}
void arrived(Thread *t, void *kept) { __sanitizer_finish_switch_fiber(kept, t ? &main_stack.bottom : nullptr, t ? &main_stack.bytes : nullptr); }
void fresh(Thread &t) { __asan_unpoison_memory_region(t.stack + page, stack_bytes - page); }
#else
void leaving(Thread *, void **) {}
void arrived(Thread *, void *) {}
void fresh(Thread &) {}
#endif

// leave goes back to the scheduler.
void leave() {
	Thread *t = current;
	leaving(nullptr, t->state == Thread::done ? nullptr : &t->kept);
	emulated_switch(&t->sp, block.main_sp);
	arrived(t, t->kept);
}

// resume lets a thread run until it leaves.
void resume(Thread &t) {
	void *kept;
	current = &t;
	leaving(&t, &kept);
	emulated_switch(&block.main_sp, t.sp);
	arrived(nullptr, kept);
	current = nullptr;
}

std::string place(const uint3 &p) { return "(" + std::to_string(p.x) + "," + std::to_string(p.y) + "," + std::to_string(p.z) + ")"; }

void wake(int state, const Warp *warp) {
	for (unsigned i = 0; i < block.size; i++) {
		Thread &t = block.threads[i];
		if (t.state == state && (!warp || t.warp == warp))
			t.state = Thread::ready;
	}
}

void start() {
	arrived(current, nullptr);
	block.launch->kernel->call(block.launch->arguments);
	current->state = Thread::done;
	block.done++;
	current->warp->live &= ~(1u << current->lane);
	leave();
}

// prepare gives a thread its place and an empty stack whose return address is start. Stacks begin at different lines of the cache.
void prepare(unsigned i, const uint3 &at) {
	const Launch &l = *block.launch;
	Thread &t = block.threads[i];
	if (!t.stack) {
		t.stack = (char *)mmap(nullptr, stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (t.stack == MAP_FAILED || mprotect(t.stack, page, PROT_NONE)) {
			perror("emulated driver: stack of a thread");
			abort();
		}
	}
	fresh(t);
	t.thread = {i % l.block.x, i / l.block.x % l.block.y, i / l.block.x / l.block.y};
	t.block = at;
	t.block_size = l.block;
	t.grid_size = l.grid;
	t.index = i;
	t.lane = i % 32;
	t.warp = &block.warps[i / 32];
	t.state = Thread::ready;
	void **sp = (void **)(t.stack + stack_bytes - 64 - i % 61 * 192);
	*--sp = nullptr;
	*--sp = (void *)start;
	for (int k = 0; k < 6; k++)
		*--sp = nullptr;
	t.sp = sp;
}

void free_arrays() {
	for (Array &a : block.arrays) {
		if (block.error.empty() && !a.memory.intact())
			block.error = "a store beside a shared array of " + std::to_string(a.memory.bytes) + " bytes; block " + place(block.threads[0].block);
		remove_area(a.memory.start());
		a.memory.free();
	}
	block.arrays.clear();
}

void run_block(const uint3 &at) {
	const Launch &l = *block.launch;
	block.size = l.block.x * l.block.y * l.block.z;
	block.done = block.arrived = 0;
	generation = 0;
	for (unsigned w = 0; w * 32 < block.size; w++) {
		unsigned lanes = block.size - w * 32;
		block.warps[w].live = lanes >= 32 ? ~0u : (1u << lanes) - 1;
		block.warps[w].arrived = block.warps[w].generation = 0;
	}
	for (unsigned i = 0; i < block.size; i++)
		prepare(i, at);
	unsigned waiting = 0; // threads in a row that could not run
	for (unsigned i = 0; block.done < block.size && block.error.empty(); i++) {
		unsigned n = i % block.size;
		Thread &t = block.threads[l.reversed ? block.size - 1 - n : n];
		if (t.state == Thread::ready) {
			waiting = 0;
			resume(t);
		} else if (++waiting > block.size) {
			block.error = "no thread can go on: " + std::to_string(block.arrived) + " wait at __syncthreads, " + std::to_string(block.done) +
				" have ended, the others wait for lanes of their warp; block " + place(at);
		}
	}
	free_arrays();
}

std::map<std::string, Kernel> &kernels() {
	static std::map<std::string, Kernel> all;
	return all;
}

} // namespace

void add_kernel(const Kernel &k) { kernels()[k.name] = k; }

const Kernel *find_kernel(const std::string &name) {
	auto i = kernels().find(name);
	return i == kernels().end() ? nullptr : &i->second;
}

void trap(const std::string &why) {
	block.error = why + "; block " + place(current->block) + " thread " + place(current->thread);
	leave();
	abort();
}

void block_barrier(int line) {
	if (block.done)
		trap("__syncthreads in line " + std::to_string(line) + " after other threads of the block have ended");
	if (block.arrived && line != block.line)
		trap("__syncthreads in line " + std::to_string(line) + " while other threads wait at the one in line " + std::to_string(block.line));
	block.line = line;
	if (++block.arrived < block.size) {
		current->state = Thread::at_block_barrier;
		leave();
		return;
	}
	block.arrived = 0;
	generation++;
	wake(Thread::at_block_barrier, nullptr);
}

const void *exchange(unsigned mask, const void *value, size_t size, unsigned lane, int line) {
	Warp *w = current->warp;
	if (w->arrived && line != w->line)
		trap("a warp operation in line " + std::to_string(line) + " while other lanes wait at the one in line " + std::to_string(w->line));
	w->line = line;
	if (mask != ~0u && mask != w->live)
		trap("a warp operation whose mask is not all of the warp's threads");
	if (lane > 31 || !(w->live >> lane & 1))
		trap("a warp operation reads from lane " + std::to_string(lane) + ", which has ended");
	char(*slots)[16] = w->slot[w->generation & 1];
	memcpy(slots[current->lane], value, size);
	w->arrived |= 1u << current->lane;
	if (w->arrived == w->live) {
		w->arrived = 0;
		w->generation++;
		wake(Thread::at_warp_barrier, w);
	} else {
		current->state = Thread::at_warp_barrier;
		leave();
	}
	return slots[lane];
}

void *shared(const void *site, size_t bytes, size_t alignment) {
	for (const Array &a : block.arrays)
		if (a.site == site)
			return a.memory.start();
	Array a{site, Guarded(bytes, alignment)};
	block.arrays.push_back(a);
	add_area(a.memory.start(), bytes);
	return a.memory.start();
}

std::string run(const Launch &l) {
	launches++;
	block.launch = &l;
	block.error.clear();
	uint64_t count = (uint64_t)l.grid.x * l.grid.y * l.grid.z;
	for (uint64_t i = 0; i < count && block.error.empty(); i++) {
		uint64_t b = l.reversed ? count - 1 - i : i;
		run_block({unsigned(b % l.grid.x), unsigned(b / l.grid.x % l.grid.y), unsigned(b / l.grid.x / l.grid.y)});
	}
	return block.error;
}

} // namespace emulated
