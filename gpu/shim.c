//go:build nvidia && cgo

// gorgonia.org/cu is linked against the driver's library and ends the program at its start where cuInit fails. This program starts everywhere: it defines
// the driver's functions itself (shim.S), says yes to that cuInit, and opens the real library when somebody wants a GPU.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include "shim.h"

static CUresult state = CUDA_ERROR_NOT_INITIALIZED;
static char path[4096], why[8192];

// absent stands for every function before the library is open, and for those that it lacks.
static CUresult absent(void) { return state ? state : CUDA_ERROR_NOT_FOUND; }

#define FORWARD(i, name, ours) (void *)absent,
__attribute__((visibility("hidden"))) void *meseta_functions[] = {
#include "shim_names.h"
};
#undef FORWARD

static const struct { const char *name; int ours; } names[] = {
#define FORWARD(i, name, ours) {#name, ours},
#include "shim_names.h"
#undef FORWARD
};

// cuInit is called by gorgonia.org/cu before main.
__attribute__((visibility("hidden"))) CUresult cuInit(unsigned int flags) { return CUDA_SUCCESS; }

static void forget(void) {
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) meseta_functions[i] = (void *)absent;
}

static CUresult load(const char *library) {
	void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
	if (!handle) {
		snprintf(why, sizeof why, "%s", dlerror());
		return CUDA_ERROR_SHARED_OBJECT_INIT_FAILED;
	}
	struct link_map *map;
	snprintf(path, sizeof path, "%s", dlinfo(handle, RTLD_DI_LINKMAP, &map) ? library : map->l_name);
	CUresult (*init)(unsigned int) = (CUresult (*)(unsigned int))dlsym(handle, "cuInit");
	if (!init) {
		snprintf(why, sizeof why, "it lacks cuInit");
		return CUDA_ERROR_SHARED_OBJECT_SYMBOL_NOT_FOUND;
	}
	size_t used = 0;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		void *f = dlsym(handle, names[i].name);
		if (f)
			meseta_functions[i] = f;
		else if (names[i].ours && used < sizeof why)
			used += snprintf(why + used, sizeof why - used, used ? ", %s" : "it lacks %s", names[i].name);
	}
	CUresult r = init(0);
	if (!r && used) r = CUDA_ERROR_SHARED_OBJECT_SYMBOL_NOT_FOUND;
	return r;
}

CUresult meseta_load(const char *library, const char **p, const char **w) {
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	static int done;
	pthread_mutex_lock(&mutex);
	if (!done) {
		done = 1;
		state = load(*library ? library : "libcuda.so.1");
		if (state) forget();
	}
	pthread_mutex_unlock(&mutex);
	*p = path;
	*w = why;
	return state;
}

int meseta_opens(const char *library) {
	void *handle = dlopen(library, RTLD_LAZY | RTLD_LOCAL);
	if (handle) dlclose(handle);
	return handle != 0;
}
