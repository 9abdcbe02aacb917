// memory.cpp: memory of the device and page-locked memory of the host, both malloc's with guards, and copies.
#include "driver.h"
#include "grid.h"
#include "guard.h"
#include <cstring>
#include <map>

using namespace emulated;

namespace {

const size_t total = 4ull << 30;

std::map<CUdeviceptr, Guarded> device, host;
size_t used;

bool inside(const std::map<CUdeviceptr, Guarded> &m, CUdeviceptr p, size_t bytes) {
	auto i = m.upper_bound(p);
	if (i == m.begin())
		return false;
	--i;
	return p - i->first <= i->second.bytes && bytes <= i->second.bytes - (p - i->first);
}

// there says whether memory is there still when work that was checked before comes to it.
CUresult there(const void *p, size_t bytes) {
	if (inside(device, (CUdeviceptr)p, bytes) || inside(host, (CUdeviceptr)p, bytes))
		return CUDA_SUCCESS;
	return fail(CUDA_ERROR_ILLEGAL_ADDRESS, std::to_string(bytes) + " bytes were freed before they were copied or set");
}

// copy submits a copy whose places have been checked.
CUresult copy(CUstream s, void *to, const void *from, size_t bytes) {
	return submit(s, [=] {
		TRY(there(to, bytes));
		TRY(there(from, bytes));
		memmove(to, from, bytes);
		return CUDA_SUCCESS;
	});
}

template <class T> CUresult set(CUstream s, CUdeviceptr p, T value, size_t n) {
	TRY(check(p, n * sizeof(T)));
	return submit(s, [=] {
		TRY(there((void *)p, n * sizeof(T)));
		for (size_t i = 0; i < n; i++)
			memcpy((T *)p + i, &value, sizeof(T));
		return CUDA_SUCCESS;
	});
}

} // namespace

CUresult emulated::check(CUdeviceptr p, size_t bytes) {
	if (inside(device, p, bytes))
		return CUDA_SUCCESS;
	fprintf(stderr, "emulated driver: %zu bytes at %#llx are not inside one allocation\n", bytes, p);
	return CUDA_ERROR_INVALID_VALUE;
}

bool emulated::pinned(const void *p, size_t bytes) { return inside(host, (CUdeviceptr)p, bytes); }

CUresult emulated::intact(const std::string &who) {
	for (auto &m : {&device, &host})
		for (auto &a : *m)
			if (!a.second.intact())
				return fail(CUDA_ERROR_ILLEGAL_ADDRESS, who + " has written beside an allocation of " + std::to_string(a.second.bytes) + " bytes");
	return CUDA_SUCCESS;
}

void emulated::free_all() {
	for (auto &a : device) {
		remove_area(a.second.start());
		a.second.free();
	}
	for (auto &a : host)
		a.second.free();
	device.clear();
	host.clear();
	used = 0;
}

extern "C" {

CUresult cuMemAlloc_v2(CUdeviceptr *p, size_t bytes) {
	ENTER;
	TRY(may_call());
	if (!bytes)
		return CUDA_ERROR_INVALID_VALUE;
	if (fault("memory") || bytes > total - used)
		return CUDA_ERROR_OUT_OF_MEMORY;
	Guarded g(bytes);
	if (!g.whole)
		return CUDA_ERROR_OUT_OF_MEMORY;
	*p = (CUdeviceptr)g.start();
	device.insert({*p, g});
	used += bytes;
	add_area(g.start(), bytes);
	return CUDA_SUCCESS;
}

CUresult cuMemFree_v2(CUdeviceptr p) {
	ENTER;
	TRY(may_call());
	if (!p)
		return CUDA_SUCCESS;
	auto i = device.find(p);
	if (i == device.end())
		return CUDA_ERROR_INVALID_VALUE;
	TRY(finish_all());
	TRY(intact("something"));
	used -= i->second.bytes;
	remove_area(i->second.start());
	i->second.free();
	device.erase(i);
	return CUDA_SUCCESS;
}

CUresult cuMemHostAlloc(void **p, size_t bytes, unsigned flags) {
	ENTER;
	TRY(may_call());
	if (!bytes || flags & ~(CU_MEMHOSTALLOC_PORTABLE | CU_MEMHOSTALLOC_DEVICEMAP | CU_MEMHOSTALLOC_WRITECOMBINED))
		return CUDA_ERROR_INVALID_VALUE;
	Guarded g(bytes);
	if (!g.whole)
		return CUDA_ERROR_OUT_OF_MEMORY;
	*p = g.start();
	host.insert({(CUdeviceptr)*p, g});
	return CUDA_SUCCESS;
}

CUresult cuMemAllocHost_v2(void **p, size_t bytes) { return cuMemHostAlloc(p, bytes, 0); }

// Work is not waited for.
CUresult cuMemFreeHost(void *p) {
	ENTER;
	TRY(may_call());
	auto i = host.find((CUdeviceptr)p);
	if (i == host.end())
		return CUDA_ERROR_INVALID_VALUE;
	TRY(intact("something"));
	i->second.free();
	host.erase(i);
	return CUDA_SUCCESS;
}

CUresult cuMemGetInfo_v2(size_t *available, size_t *all) {
	ENTER;
	*available = total - used;
	*all = total;
	return CUDA_SUCCESS;
}

CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void *from, size_t bytes) {
	ENTER;
	TRY(check(to, bytes));
	TRY(wait_legacy());
	memcpy((void *)to, from, bytes);
	return CUDA_SUCCESS;
}

CUresult cuMemcpyDtoH_v2(void *to, CUdeviceptr from, size_t bytes) {
	ENTER;
	TRY(check(from, bytes));
	TRY(wait_legacy());
	memcpy(to, (void *)from, bytes);
	return CUDA_SUCCESS;
}

// What is not page-locked is read before the call returns; a graph would read it when it runs, when it may be gone.
CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t bytes, CUstream s) {
	ENTER;
	TRY(check(to, bytes));
	if (pinned(from, bytes))
		return copy(s, (void *)to, from, bytes);
	TRY(not_captured(s));
	auto staged = std::make_shared<std::string>((const char *)from, bytes);
	return submit(s, [=] {
		TRY(there((void *)to, bytes));
		memcpy((void *)to, staged->data(), bytes);
		return CUDA_SUCCESS;
	});
}

// What is not page-locked has been written when the call returns.
CUresult cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t bytes, CUstream s) {
	ENTER;
	TRY(check(from, bytes));
	if (pinned(to, bytes))
		return copy(s, to, (void *)from, bytes);
	TRY(finish(s));
	memcpy(to, (void *)from, bytes);
	return CUDA_SUCCESS;
}

CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream s) {
	ENTER;
	TRY(check(to, bytes));
	TRY(check(from, bytes));
	return copy(s, (void *)to, (void *)from, bytes);
}

CUresult cuMemsetD8Async(CUdeviceptr p, unsigned char value, size_t n, CUstream s) {
	ENTER;
	return set(s, p, value, n);
}

CUresult cuMemsetD32Async(CUdeviceptr p, unsigned value, size_t n, CUstream s) {
	ENTER;
	return set(s, p, value, n);
}

CUresult cuMemsetD8_v2(CUdeviceptr p, unsigned char value, size_t n) { return cuMemsetD8Async(p, value, n, nullptr); }
CUresult cuMemsetD32_v2(CUdeviceptr p, unsigned value, size_t n) { return cuMemsetD32Async(p, value, n, nullptr); }

} // extern "C"
