// checker.cpp watches every access of kernels to memory: that it lies inside an array, and that no two threads race for it.
//
// g++ compiles the kernels with -fsanitize=thread, which calls a function before each access; the library that usually has these functions is
// not linked, they are here. Two accesses to the same four bytes by different threads, one of them a store, race unless a __syncthreads() lies between
// the two in one block. A shuffle is no barrier for memory, and nothing orders blocks of one launch. Atomics race with other accesses only. Since the
// order that threads run in does not matter for this, one run finds what is there.
#include "grid.h"
#include <cstdlib>
#include <link.h>
#include <map>

using namespace emulated;

namespace {

// Access is who touched four bytes last.
struct Access {
	unsigned launch; // 0: nobody
	unsigned thread, generation;
	uint64_t block;
	bool atomic;
};

// Cell is the last store and the last two loads by different threads.
struct Cell {
	Access store, load, other;
};

struct Area {
	size_t bytes;
	Cell *cells;
};

std::map<uintptr_t, Area> areas;
Area *last; // the area of the access before, and its start
uintptr_t last_start;

// own says whether p lies in this library: constants, the place of a thread.
bool own(uintptr_t p) {
	static uintptr_t from, to;
	if (!to)
		dl_iterate_phdr([](dl_phdr_info *info, size_t, void *) {
			uintptr_t low = UINTPTR_MAX, high = 0;
			for (int i = 0; i < info->dlpi_phnum; i++)
				if (info->dlpi_phdr[i].p_type == PT_LOAD) {
					uintptr_t start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
					low = std::min(low, start);
					high = std::max(high, start + info->dlpi_phdr[i].p_memsz);
				}
			if ((uintptr_t)&areas - low >= high - low)
				return 0;
			from = low;
			to = high;
			return 1;
		}, nullptr);
	return p - from < to - from;
}

Access now(bool atomic) {
	const Thread &t = *current;
	uint64_t block = ((uint64_t)t.block.z * t.grid_size.y + t.block.y) * t.grid_size.x + t.block.x;
	return {launches, t.index, generation, block, atomic};
}

bool same_thread(const Access &a, const Access &b) { return a.launch == b.launch && a.block == b.block && a.thread == b.thread; }

// race says whether nothing comes between an access and a later one.
bool race(const Access &a, const Access &b) {
	if (a.launch != b.launch || same_thread(a, b) || (a.atomic && b.atomic))
		return false;
	return a.block != b.block || a.generation == b.generation;
}

std::string name(const Access &a) { return "thread " + std::to_string(a.thread) + " of block " + std::to_string(a.block); }

void touch(const void *address, size_t bytes, bool store, bool atomic) {
	if (!current)
		return;
	uintptr_t p = (uintptr_t)address;
	if (p - (uintptr_t)current->stack < stack_bytes)
		return;
	if (!last || p < last_start || p >= last_start + last->bytes) {
		auto i = areas.upper_bound(p);
		if (i == areas.begin() || p >= std::prev(i)->first + std::prev(i)->second.bytes) {
			if (own(p))
				return;
			trap(std::string(store ? "a store to " : "a load from ") + "what is neither device memory nor a shared array");
		}
		--i;
		last = &i->second;
		last_start = i->first;
	}
	if (p + bytes > last_start + last->bytes)
		trap(std::string(store ? "a store" : "a load") + " across the end of an array of " + std::to_string(last->bytes) + " bytes");
	Access a = now(atomic);
	for (size_t i = (p - last_start) / 4; i <= (p - last_start + bytes - 1) / 4; i++) {
		Cell &c = last->cells[i];
		if (race(c.store, a))
			trap(std::string(store ? "a store" : "a load") + " races with a store by " + name(c.store));
		if (store) {
			for (const Access &r : {c.load, c.other})
				if (race(r, a))
					trap("a store races with a load by " + name(r));
			c.store = a;
		} else {
			if (!same_thread(c.load, a))
				c.other = c.load;
			c.load = a;
		}
	}
}

} // namespace

void emulated::add_area(const void *start, size_t bytes) {
	areas[(uintptr_t)start] = {bytes, (Cell *)calloc((bytes + 3) / 4, sizeof(Cell))};
	last = nullptr;
}

void emulated::remove_area(const void *start) {
	auto i = areas.find((uintptr_t)start);
	free(i->second.cells);
	areas.erase(i);
	last = nullptr;
}

void emulated::atomic_access(const void *address, size_t bytes) { touch(address, bytes, true, true); }

extern "C" {

void __tsan_init() {}
void __tsan_func_entry(void *) {}
void __tsan_func_exit() {}

#define ACCESS(bytes) \
	void __tsan_read##bytes(void *p) { touch(p, bytes, false, false); } \
	void __tsan_write##bytes(void *p) { touch(p, bytes, true, false); } \
	void __tsan_unaligned_read##bytes(void *p) { touch(p, bytes, false, false); } \
	void __tsan_unaligned_write##bytes(void *p) { touch(p, bytes, true, false); }
ACCESS(1)
ACCESS(2)
ACCESS(4)
ACCESS(8)
ACCESS(16)

void __tsan_read_range(void *p, size_t bytes) { touch(p, bytes, false, false); }
void __tsan_write_range(void *p, size_t bytes) { touch(p, bytes, true, false); }

} // extern "C"
