// The calls that have to be quick: each goes to the driver once, on the right context, and allocates nothing. See calls.c.
#ifndef MESETA_CALLS_H
#define MESETA_CALLS_H
#include <cuda.h>

// meseta_context is a context, and a number that no other of this process has.
typedef struct {
	CUcontext handle;
	unsigned long number;
} meseta_context;

// meseta_enter makes the context current on this thread; so do all the others.
CUresult meseta_enter(const meseta_context *c);

// meseta_launch runs a kernel with one parameter; shape is blocks x, y, z, threads x, y, z, bytes of shared memory.
CUresult meseta_launch(const meseta_context *c, CUfunction f, const unsigned int *shape, CUstream s, void *parameter);
CUresult meseta_graph_launch(const meseta_context *c, CUgraphExec graph, CUstream s);
CUresult meseta_send(const meseta_context *c, CUdeviceptr dst, const void *src, size_t bytes, CUstream s, int wait);
CUresult meseta_receive(const meseta_context *c, void *dst, CUdeviceptr src, size_t bytes, CUstream s, int wait);
CUresult meseta_copy(const meseta_context *c, CUdeviceptr dst, CUdeviceptr src, size_t bytes, CUstream s);
CUresult meseta_fill(const meseta_context *c, CUdeviceptr dst, unsigned char value, size_t bytes, CUstream s);
CUresult meseta_synchronize(const meseta_context *c, CUstream s);
CUresult meseta_record(const meseta_context *c, CUevent e, CUstream s);
CUresult meseta_wait(const meseta_context *c, CUstream s, CUevent e);
CUresult meseta_event_wait(const meseta_context *c, CUevent e);
CUresult meseta_event_query(const meseta_context *c, CUevent e);

// meseta_pin allocates memory of the host that the device reaches by itself.
CUresult meseta_pin(const meseta_context *c, void **p, size_t bytes);

// What happens to a stream between meseta_capture and meseta_captured becomes a graph instead; both on one thread.
CUresult meseta_capture(const meseta_context *c, CUstream s);
CUresult meseta_captured(const meseta_context *c, CUstream s, CUgraphExec *graph);
CUresult meseta_graph_free(const meseta_context *c, CUgraphExec graph);

// meseta_parameters says how many bytes a kernel's parameters take together, or CUDA_ERROR_NOT_FOUND where the driver is older than CUDA 12.4.
CUresult meseta_parameters(const meseta_context *c, CUfunction f, size_t *bytes);
#endif
