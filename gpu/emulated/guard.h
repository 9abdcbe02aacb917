// guard.h: memory with a zone on either side that nothing may write to.
#pragma once
#include <cstddef>
#include <cstdlib>
#include <cstring>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(start, bytes)
#endif

namespace emulated {

struct Guarded {
	static const size_t zone = 256; // bytes, and the alignment of what lies between
	static const unsigned char mark = 0xa5;

	char *whole;
	size_t bytes, skew;

	// The memory's bytes are 0xff, which makes NaNs: nothing that is read before it is written goes unnoticed. It starts `skew` behind a multiple of 256.
	explicit Guarded(size_t bytes, size_t skew = 0) : bytes(bytes), skew(skew) {
		whole = (char *)aligned_alloc(zone, 2 * zone + (skew + bytes + zone - 1) / zone * zone);
		if (!whole)
			return;
		memset(whole, mark, zone + skew);
		memset(start(), 0xff, bytes);
		memset(end(), mark, zone);
		ASAN_POISON_MEMORY_REGION(whole, zone + skew);
		ASAN_POISON_MEMORY_REGION(end(), zone);
	}
	char *start() const { return whole + zone + skew; }
	char *end() const { return start() + bytes; }
	__attribute__((no_sanitize("address"))) bool intact() const {
		for (size_t i = 0; i < zone; i++)
			if ((unsigned char)start()[-1 - (ptrdiff_t)i] != mark || (unsigned char)end()[i] != mark)
				return false;
		return true;
	}
	void free() { ::free(whole); }
};

} // namespace emulated
