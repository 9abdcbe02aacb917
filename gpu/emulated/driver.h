// driver.h: what the parts of the emulated driver share. Entry points take the lock and see to it that a context is current (ENTER).
#pragma once
#include <cuda.h>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace emulated {

extern std::recursive_mutex lock;

// broken is what every call answers once something has gone wrong on the device, as with a real driver; CUDA_SUCCESS until then.
extern CUresult broken;

// primary is null while nobody retains it; current_context is null where a thread has none.
extern CUcontext primary;
extern thread_local CUcontext current_context;

extern std::set<const void *> handles;
// Handles of modules, kernels, streams, events and graphs, from when they are made until they are gone. What they point to is never deleted: no other gets its address.
template <class T> T *made(T *handle) {
	handles.insert(handle);
	return handle;
}

// fail breaks the device with an answer and says why on standard error.
CUresult fail(CUresult r, const std::string &why);

// Order is how work is put off: MESETA_EMULATED_ORDER is prompt, late or reversed. See streams.cpp.
enum class Order { prompt, late, reversed };
Order order();

// fault says whether this is the call that MESETA_EMULATED_FAIL=what:n names, counted from 1 since the variable was set.
bool fault(const char *what);

// Signature is what a module says of a kernel.
struct Signature {
	std::string name;
	size_t bytes;          // of the parameters
	unsigned most_threads; // of a block
};

// read_cubin gives the kernels of a cubin.
bool is_cubin(const char *image);
std::vector<Signature> read_cubin(const char *image);

// Memory. check says whether all bytes lie in one allocation of the device's; pinned says so of the host's.
CUresult check(CUdeviceptr p, size_t bytes);
bool pinned(const void *p, size_t bytes);
// intact looks at the guards of all allocations; broken ones are a failure of `who`.
CUresult intact(const std::string &who);
void free_all();

// Work is what a stream does: a launch, a copy.
typedef std::function<CUresult()> Work;

// submit gives work to a stream, or to the graph that is being captured from it.
CUresult submit(CUstream s, Work w);
// not_captured says that a stream is not being captured; a capture of it is spoilt.
CUresult not_captured(CUstream s);
// finish runs what a stream was given; finish_all what all were.
CUresult finish(CUstream s);
CUresult finish_all();
// wait_legacy runs what a call that is not asynchronous waits for: the default stream and those that it blocks.
CUresult wait_legacy();
// may_call says whether a call can be made now that a capture forbids: its own thread, unless it is relaxed, and others if it is global. One that cannot
// be made spoils the capture.
CUresult may_call();
void forget_streams();

// note adds a call's name to the file of MESETA_EMULATED_CALLS.
void note(const char *call);

} // namespace emulated

#define ENTER \
	emulated::note(__func__); \
	std::lock_guard<std::recursive_mutex> held(emulated::lock); \
	if (!emulated::current_context) \
		return CUDA_ERROR_INVALID_CONTEXT; \
	if (emulated::current_context != emulated::primary) \
		return CUDA_ERROR_CONTEXT_IS_DESTROYED; \
	if (emulated::broken) \
	return emulated::broken

// KNOWN refuses a handle that was never made or is gone.
#define KNOWN(handle) \
	if (!emulated::handles.count(handle)) \
	return CUDA_ERROR_INVALID_HANDLE

// TRY returns an answer that is not success.
#define TRY(call) \
	do { \
		if (CUresult r_ = (call)) \
			return r_; \
	} while (0)
