/* Stands before NVIDIA's cuda.h on the include path. CUDA 13 gave some names of the driver's interface new signatures, which gorgonia.org/cu does not know,
   and others new versions, which older drivers lack. This leads them back to the functions that every driver has had since CUDA 11. */
#ifndef MESETA_COMPAT_CUDA_H
#define MESETA_COMPAT_CUDA_H
#include_next <cuda.h>
#if CUDA_VERSION >= 13000
#undef cuEventElapsedTime
CUresult meseta_cuEventElapsedTime(float *milliseconds, CUevent start, CUevent end) __asm__("cuEventElapsedTime");
#define cuEventElapsedTime meseta_cuEventElapsedTime
#undef cuCtxCreate
CUresult meseta_cuCtxCreate(CUcontext *context, unsigned int flags, CUdevice device) __asm__("cuCtxCreate_v2");
#define cuCtxCreate meseta_cuCtxCreate
#undef cuMemAdvise
CUresult meseta_cuMemAdvise(CUdeviceptr p, size_t bytes, CUmem_advise advice, CUdevice device) __asm__("cuMemAdvise");
#define cuMemAdvise meseta_cuMemAdvise
#undef cuMemPrefetchAsync
CUresult meseta_cuMemPrefetchAsync(CUdeviceptr p, size_t bytes, CUdevice device, CUstream stream) __asm__("cuMemPrefetchAsync");
#define cuMemPrefetchAsync meseta_cuMemPrefetchAsync
#undef cuGraphAddDependencies
CUresult meseta_cuGraphAddDependencies(CUgraph graph, const CUgraphNode *from, const CUgraphNode *to, size_t n) __asm__("cuGraphAddDependencies");
#define cuGraphAddDependencies meseta_cuGraphAddDependencies
#undef cuGraphGetEdges
CUresult meseta_cuGraphGetEdges(CUgraph graph, CUgraphNode *from, CUgraphNode *to, size_t *n) __asm__("cuGraphGetEdges");
#define cuGraphGetEdges meseta_cuGraphGetEdges
#endif
#endif
