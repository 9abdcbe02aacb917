// The driver's functions, looked up when they are first wanted. See shim.c.
#ifndef MESETA_SHIM_H
#define MESETA_SHIM_H
#include <cuda.h>

// meseta_load opens the driver's library and asks it to start: library, or libcuda.so.1 where that is empty. It counts once; later calls repeat its answer, the
// result of the driver's cuInit, or CUDA_ERROR_SHARED_OBJECT_INIT_FAILED where there is no library. *path is where the library lies, *why says what
// the result does not.
CUresult meseta_load(const char *library, const char **path, const char **why);

// meseta_opens says whether a library of this name can be opened.
int meseta_opens(const char *library);
#endif
