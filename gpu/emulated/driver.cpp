// driver.cpp: an NVIDIA driver for tests, in place of libcuda.so.1: the device, its context, modules and launches. What is not here the
// driver lacks, and who calls it is told so.
//
// A module is PTX or a cubin as it is for a real driver, read for the names, parameters and block sizes of its kernels; what runs are the same sources
// compiled by g++ (cuda_host.h) under these names. So what does not fit its source is found as well.
//
// The environment, looked at all the time: MESETA_EMULATED_ORDER, prompt (the default), late or reversed; MESETA_EMULATED_FAIL, memory:N (the Nth
// allocation finds no room), launch:N (the Nth kernel fails), lost:N (the device is gone with the Nth kernel); MESETA_EMULATED_CALLS, a file in which each call
// leaves a line with its name.
#include "driver.h"
#include "grid.h"
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>

using namespace emulated;

std::recursive_mutex emulated::lock;
CUresult emulated::broken = CUDA_SUCCESS;
CUcontext emulated::primary;
thread_local CUcontext emulated::current_context;
std::set<const void *> emulated::handles;

struct CUctx_st {
	unsigned retained;
};

struct CUfunc_st {
	const Kernel *kernel;
	unsigned most_threads; // of a block
	size_t bytes;          // of the parameters
};

struct CUmod_st {
	std::map<std::string, CUfunc_st> functions;
};

namespace {

std::string variable(const char *name) {
	const char *value = getenv(name);
	return value ? value : "";
}

// number reads the decimal number that follows the first `after` in text, from `at` on and before `end`; 0 if there is none.
unsigned long number(const std::string &text, const std::string &after, size_t at, size_t end) {
	size_t i = text.find(after, at);
	return i < end ? strtoul(text.c_str() + i + after.size(), nullptr, 10) : 0;
}

// read_ptx gives the kernels of PTX: each has a single parameter, `.param .align 8 .b8 NAME_param_0[BYTES]`, and the block that it is compiled for.
std::vector<Signature> read_ptx(const std::string &ptx) {
	const std::string head = ".entry ";
	std::vector<Signature> found;
	for (size_t at = ptx.find(head); at != std::string::npos; at = ptx.find(head, at)) {
		at += head.size();
		size_t open = ptx.find('(', at), body = ptx.find('{', at);
		found.push_back({ptx.substr(at, open - at), number(ptx, "_param_0[", open, body), unsigned(number(ptx, ".maxntid ", open, body))});
	}
	return found;
}

// find gives the source's kernel.
CUresult find(const Signature &s, CUfunc_st *f) {
	*f = {find_kernel(s.name), s.most_threads, s.bytes};
	if (!f->kernel)
		return fail(CUDA_ERROR_NOT_FOUND, "a module has the kernel " + s.name + ", which no source has; run kernels/_cuda/generate.sh");
	if (f->kernel->sizes.size() != 1 || f->kernel->sizes[0] != s.bytes)
		return fail(CUDA_ERROR_INVALID_PTX, "the parameters of " + s.name + " take " + std::to_string(s.bytes) + " bytes in its module, and others in its source");
	return CUDA_SUCCESS;
}

} // namespace

CUresult emulated::fail(CUresult r, const std::string &why) {
	fprintf(stderr, "emulated driver: %s\n", why.c_str());
	return broken = r;
}

Order emulated::order() {
	std::string o = variable("MESETA_EMULATED_ORDER");
	return o == "late" ? Order::late : o == "reversed" ? Order::reversed : Order::prompt;
}

void emulated::note(const char *call) {
	std::string path = variable("MESETA_EMULATED_CALLS");
	if (path.empty())
		return;
	std::ofstream(path, std::ios::app) << call << '\n';
}

bool emulated::fault(const char *what) {
	static std::string set;
	static unsigned long calls;
	std::string now = variable("MESETA_EMULATED_FAIL"), prefix = std::string(what) + ":";
	if (now != set) {
		set = now;
		calls = 0;
	}
	return now.compare(0, prefix.size(), prefix) == 0 && ++calls == strtoul(now.c_str() + prefix.size(), nullptr, 10);
}

extern "C" {

CUresult cuInit(unsigned) { return CUDA_SUCCESS; }

CUresult cuDriverGetVersion(int *v) {
	*v = CUDA_VERSION;
	return CUDA_SUCCESS;
}

CUresult cuDeviceGetCount(int *n) {
	*n = 1;
	return CUDA_SUCCESS;
}

CUresult cuDeviceGet(CUdevice *d, int ordinal) {
	*d = 0;
	return ordinal == 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_DEVICE;
}

CUresult cuDeviceGetName(char *name, int size, CUdevice) {
	snprintf(name, size, "emulated GPU");
	return CUDA_SUCCESS;
}

CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice) {
	*bytes = 4ull << 30;
	return CUDA_SUCCESS;
}

CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute a, CUdevice) {
	static const std::map<int, int> values = {
		{CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK, 1024},
		{CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X, 1024},
		{CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y, 1024},
		{CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z, 64},
		{CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X, 2147483647},
		{CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y, 65535},
		{CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z, 65535},
		{CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK, 49152},
		{CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, 49152},
		{CU_DEVICE_ATTRIBUTE_WARP_SIZE, 32},
		{CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_BLOCK, 65536},
		{CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, 2},
		{CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE, 4 << 20},
		{CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, 7},
		{CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, 5},
		{CU_DEVICE_ATTRIBUTE_CLOCK_RATE, 1000000},
		{CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE, 1000000},
		{CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH, 64},
		{CU_DEVICE_ATTRIBUTE_INTEGRATED, 0},
	};
	auto i = values.find(a);
	if (i == values.end())
		return CUDA_ERROR_INVALID_VALUE;
	*value = i->second;
	return CUDA_SUCCESS;
}

CUresult cuGetErrorName(CUresult r, const char **name) {
	static const std::map<int, const char *> names = {
		{CUDA_SUCCESS, "CUDA_SUCCESS"},
		{CUDA_ERROR_INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE"},
		{CUDA_ERROR_OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY"},
		{CUDA_ERROR_INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE"},
		{CUDA_ERROR_INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT"},
		{CUDA_ERROR_CONTEXT_IS_DESTROYED, "CUDA_ERROR_CONTEXT_IS_DESTROYED"},
		{CUDA_ERROR_INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE"},
		{CUDA_ERROR_INVALID_PTX, "CUDA_ERROR_INVALID_PTX"},
		{CUDA_ERROR_NOT_FOUND, "CUDA_ERROR_NOT_FOUND"},
		{CUDA_ERROR_NOT_READY, "CUDA_ERROR_NOT_READY"},
		{CUDA_ERROR_ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS"},
		{CUDA_ERROR_LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED"},
		{CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED"},
		{CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED"},
		{CUDA_ERROR_STREAM_CAPTURE_UNJOINED, "CUDA_ERROR_STREAM_CAPTURE_UNJOINED"},
		{CUDA_ERROR_STREAM_CAPTURE_IMPLICIT, "CUDA_ERROR_STREAM_CAPTURE_IMPLICIT"},
		{CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD, "CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD"},
		{CUDA_ERROR_UNKNOWN, "CUDA_ERROR_UNKNOWN"},
	};
	auto i = names.find(r);
	*name = i == names.end() ? nullptr : i->second;
	return *name ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuDevicePrimaryCtxRetain(CUcontext *c, CUdevice) {
	std::lock_guard<std::recursive_mutex> held(lock);
	if (!primary)
		primary = new CUctx_st{0};
	primary->retained++;
	*c = primary;
	return CUDA_SUCCESS;
}

// When nobody holds the context any more, what it had is gone, work that nobody waited for and what broke it too.
CUresult cuDevicePrimaryCtxRelease_v2(CUdevice) {
	std::lock_guard<std::recursive_mutex> held(lock);
	if (!primary)
		return CUDA_ERROR_INVALID_CONTEXT;
	if (--primary->retained == 0) {
		forget_streams();
		free_all();
		handles.clear();
		broken = CUDA_SUCCESS;
		primary = nullptr; // not deleted: no other gets its address
	}
	return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxGetState(CUdevice, unsigned *flags, int *active) {
	*flags = 0;
	*active = primary != nullptr;
	return CUDA_SUCCESS;
}

CUresult cuCtxSetCurrent(CUcontext c) {
	std::lock_guard<std::recursive_mutex> held(lock);
	if (c && c != primary)
		return CUDA_ERROR_INVALID_CONTEXT;
	current_context = c;
	return CUDA_SUCCESS;
}

CUresult cuCtxGetCurrent(CUcontext *c) {
	*c = current_context;
	return CUDA_SUCCESS;
}

CUresult cuCtxGetDevice(CUdevice *d) {
	ENTER;
	*d = 0;
	return CUDA_SUCCESS;
}

CUresult cuModuleLoadData(CUmodule *m, const void *image) { return cuModuleLoadDataEx(m, image, 0, nullptr, nullptr); }

CUresult cuModuleLoadDataEx(CUmodule *m, const void *image, unsigned n, CUjit_option *options, void **values) {
	ENTER;
	TRY(may_call());
	const char *text = (const char *)image;
	bool cubin = is_cubin(text);
	std::vector<Signature> kernels = cubin ? read_cubin(text) : read_ptx(text);
	if (kernels.empty()) {
		void *log = nullptr;
		for (unsigned i = 0; i < n; i++)
			if (options[i] == CU_JIT_ERROR_LOG_BUFFER)
				log = values[i];
			else if (options[i] == CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES && log)
				snprintf((char *)log, (size_t)values[i], "ptxas fatal   : there are no kernels");
		return CUDA_ERROR_INVALID_PTX;
	}
	CUmodule module = new CUmod_st;
	for (const Signature &s : kernels)
		TRY(find(s, made(&module->functions[s.name])));
	*m = made(module);
	return CUDA_SUCCESS;
}

// Work is not waited for.
CUresult cuModuleUnload(CUmodule m) {
	ENTER;
	KNOWN(m);
	TRY(may_call());
	for (auto &f : m->functions)
		handles.erase(&f.second);
	handles.erase(m);
	return CUDA_SUCCESS;
}

CUresult cuModuleGetFunction(CUfunction *f, CUmodule m, const char *name) {
	ENTER;
	KNOWN(m);
	TRY(may_call()); // it may have to be loaded
	auto i = m->functions.find(name);
	if (i == m->functions.end())
		return CUDA_ERROR_NOT_FOUND;
	*f = &i->second;
	return CUDA_SUCCESS;
}

CUresult cuFuncGetAttribute(int *value, CUfunction_attribute a, CUfunction f) {
	ENTER;
	KNOWN(f);
	if (a != CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK)
		return CUDA_ERROR_INVALID_VALUE;
	*value = f->most_threads;
	return CUDA_SUCCESS;
}

CUresult cuFuncGetParamInfo(CUfunction f, size_t i, size_t *offset, size_t *bytes) {
	ENTER;
	KNOWN(f);
	if (i > 0)
		return CUDA_ERROR_INVALID_VALUE;
	*offset = 0;
	*bytes = f->bytes;
	return CUDA_SUCCESS;
}

// The arguments are copied, as a driver does: who launches may change them afterwards.
CUresult cuLaunchKernel(CUfunction f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, CUstream s, void **params, void **extra) {
	ENTER;
	KNOWN(f);
	unsigned long threads = (unsigned long)bx * by * bz;
	if (!gx || !gy || !gz || gx > 2147483647 || gy > 65535 || gz > 65535 || !threads || threads > f->most_threads || shared || extra || !params)
		return CUDA_ERROR_INVALID_VALUE;
	auto arguments = std::make_shared<std::string>((const char *)params[0], f->bytes);
	const Kernel *k = f->kernel;
	return submit(s, [=] {
		if (!handles.count(f))
			return fail(CUDA_ERROR_ILLEGAL_ADDRESS, "the module of " + k->name + " was unloaded before it ran");
		if (fault("launch"))
			return fail(CUDA_ERROR_LAUNCH_FAILED, k->name + " was asked to fail");
		if (fault("lost"))
			return fail(CUDA_ERROR_UNKNOWN, "the device is gone before " + k->name);
		void *argument = &(*arguments)[0];
		std::string wrong = run({k, {gx, gy, gz}, {bx, by, bz}, &argument, order() == Order::reversed});
		if (!wrong.empty())
			return fail(CUDA_ERROR_LAUNCH_FAILED, k->name + ": " + wrong);
		return intact(k->name);
	});
}

} // extern "C"
