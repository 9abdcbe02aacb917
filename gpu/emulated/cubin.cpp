// cubin.cpp reads cubins, which are ELF files, for what a driver has to know of their kernels. What runs is the same as for PTX.
#include "driver.h"
#include <cstdint>
#include <cstring>
#include <elf.h>

using namespace emulated;

namespace {

// Attributes of a kernel, in .nv.info.NAME: a byte for the form (4: a number of bytes follows, others are two bytes), a byte for what it is.
const unsigned char sized = 4, most_threads = 5, parameters = 0x19;

} // namespace

bool emulated::is_cubin(const char *image) { return strncmp(image, ELFMAG, SELFMAG) == 0; }

std::vector<Signature> emulated::read_cubin(const char *image) {
	auto head = (const Elf64_Ehdr *)image;
	auto sections = (const Elf64_Shdr *)(image + head->e_shoff);
	const char *names = image + sections[head->e_shstrndx].sh_offset;
	const std::string prefix = ".nv.info.";
	std::vector<Signature> found;
	for (int i = 0; i < head->e_shnum; i++) {
		std::string name = names + sections[i].sh_name;
		if (name.compare(0, prefix.size(), prefix) != 0)
			continue;
		Signature s{name.substr(prefix.size()), 0, 0};
		const char *at = image + sections[i].sh_offset, *end = at + sections[i].sh_size;
		while (at + 4 <= end) {
			unsigned char form = at[0], what = at[1];
			uint16_t value;
			memcpy(&value, at + 2, sizeof value);
			at += 4;
			if (what == parameters)
				s.bytes = value;
			if (form != sized)
				continue;
			if (what == most_threads) {
				uint32_t n[3];
				memcpy(n, at, sizeof n);
				s.most_threads = n[0] * n[1] * n[2];
			}
			at += value;
		}
		found.push_back(s);
	}
	return found;
}
