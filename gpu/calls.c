//go:build nvidia && cgo

#include "calls.h"

// What is current on a thread is not remembered: other libraries of the process may change it, and asking costs the driver some nanoseconds.
#define ENTER(c) do { CUresult entered = cuCtxSetCurrent(c); if (entered) return entered; } while (0)

CUresult meseta_launch(CUcontext c, CUfunction f, const unsigned int *n, CUstream s, void *parameter) {
	ENTER(c);
	void *parameters[] = {parameter};
	return cuLaunchKernel(f, n[0], n[1], n[2], n[3], n[4], n[5], n[6], s, parameters, 0);
}

CUresult meseta_graph_launch(CUcontext c, CUgraphExec graph, CUstream s) {
	ENTER(c);
	return cuGraphLaunch(graph, s);
}

CUresult meseta_send(CUcontext c, CUdeviceptr dst, const void *src, size_t bytes, CUstream s, int wait) {
	ENTER(c);
	CUresult r = cuMemcpyHtoDAsync(dst, src, bytes, s);
	return r || !wait ? r : cuStreamSynchronize(s);
}

CUresult meseta_receive(CUcontext c, void *dst, CUdeviceptr src, size_t bytes, CUstream s, int wait) {
	ENTER(c);
	CUresult r = cuMemcpyDtoHAsync(dst, src, bytes, s);
	return r || !wait ? r : cuStreamSynchronize(s);
}

CUresult meseta_copy(CUcontext c, CUdeviceptr dst, CUdeviceptr src, size_t bytes, CUstream s) {
	ENTER(c);
	return cuMemcpyDtoDAsync(dst, src, bytes, s);
}

CUresult meseta_fill(CUcontext c, CUdeviceptr dst, unsigned char value, size_t bytes, CUstream s) {
	ENTER(c);
	return cuMemsetD8Async(dst, value, bytes, s);
}

CUresult meseta_synchronize(CUcontext c, CUstream s) {
	ENTER(c);
	return cuStreamSynchronize(s);
}

CUresult meseta_record(CUcontext c, CUevent e, CUstream s) {
	ENTER(c);
	return cuEventRecord(e, s);
}

CUresult meseta_wait(CUcontext c, CUstream s, CUevent e) {
	ENTER(c);
	return cuStreamWaitEvent(s, e, 0);
}

CUresult meseta_event_wait(CUcontext c, CUevent e) {
	ENTER(c);
	return cuEventSynchronize(e);
}

CUresult meseta_event_query(CUcontext c, CUevent e) {
	ENTER(c);
	return cuEventQuery(e);
}

CUresult meseta_pin(CUcontext c, void **p, size_t bytes) {
	ENTER(c);
	return cuMemHostAlloc(p, bytes, CU_MEMHOSTALLOC_PORTABLE);
}

CUresult meseta_capture(CUcontext c, CUstream s) {
	ENTER(c);
	return cuStreamBeginCapture(s, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL);
}

CUresult meseta_captured(CUcontext c, CUstream s, CUgraphExec *exec) {
	ENTER(c);
	CUgraph graph = 0;
	CUresult r = cuStreamEndCapture(s, &graph);
	if (!r && exec) r = cuGraphInstantiateWithFlags(exec, graph, 0);
	if (graph) {
		CUresult destroyed = cuGraphDestroy(graph);
		if (!r) r = destroyed;
	}
	return r;
}

CUresult meseta_graph_free(CUcontext c, CUgraphExec graph) {
	ENTER(c);
	return cuGraphExecDestroy(graph);
}

// CUDA 11's headers do not have it.
CUresult cuFuncGetParamInfo(CUfunction f, size_t index, size_t *offset, size_t *bytes);

CUresult meseta_parameters(CUcontext c, CUfunction f, size_t *bytes) {
	ENTER(c);
	*bytes = 0;
	for (size_t i = 0;; i++) {
		size_t offset, size;
		CUresult r = cuFuncGetParamInfo(f, i, &offset, &size);
		if (r == CUDA_ERROR_INVALID_VALUE) return CUDA_SUCCESS; // there are no more
		if (r) return r;
		*bytes = offset + size;
	}
}
