// The calls that have to be quick: each makes the context current on its thread, does its work, and allocates nothing. See calls.c.
#ifndef MESETA_CALLS_H
#define MESETA_CALLS_H
#include <cuda.h>

// meseta_launch runs a kernel with one parameter; shape is blocks x, y, z, threads x, y, z, bytes of shared memory.
CUresult meseta_launch(CUcontext c, CUfunction f, const unsigned int *shape, CUstream s, void *parameter);
CUresult meseta_graph_launch(CUcontext c, CUgraphExec graph, CUstream s);
CUresult meseta_send(CUcontext c, CUdeviceptr dst, const void *src, size_t bytes, CUstream s, int wait);
CUresult meseta_receive(CUcontext c, void *dst, CUdeviceptr src, size_t bytes, CUstream s, int wait);
CUresult meseta_copy(CUcontext c, CUdeviceptr dst, CUdeviceptr src, size_t bytes, CUstream s);
CUresult meseta_fill(CUcontext c, CUdeviceptr dst, unsigned char value, size_t bytes, CUstream s);
CUresult meseta_synchronize(CUcontext c, CUstream s);
CUresult meseta_record(CUcontext c, CUevent e, CUstream s);
CUresult meseta_wait(CUcontext c, CUstream s, CUevent e);
CUresult meseta_event_wait(CUcontext c, CUevent e);
CUresult meseta_event_query(CUcontext c, CUevent e);

// meseta_pin allocates memory of the host that the device reaches by itself.
CUresult meseta_pin(CUcontext c, void **p, size_t bytes);

// What happens to a stream between meseta_capture and meseta_captured becomes a graph instead; both on one thread.
CUresult meseta_capture(CUcontext c, CUstream s);
CUresult meseta_captured(CUcontext c, CUstream s, CUgraphExec *graph);
CUresult meseta_graph_free(CUcontext c, CUgraphExec graph);

// meseta_parameters says how many bytes a kernel's parameters take together, or CUDA_ERROR_NOT_FOUND where the driver is older than CUDA 12.4.
CUresult meseta_parameters(CUcontext c, CUfunction f, size_t *bytes);
#endif
