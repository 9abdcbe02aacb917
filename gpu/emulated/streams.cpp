// streams.cpp: streams, events and graphs.
//
// Everything runs on the thread that asks for it, under one lock. What differs is when: prompt, at once; late, not before somebody waits for it, so
// that what was read or freed too early shows; reversed, like late, but of all that could have run by then the streams made last run first, and of a
// graph the last node that may, and of a kernel the last block and thread. Streams are counted: work that waits for an event waits until that many of the other
// stream's works are done.
#include "driver.h"
#include <algorithm>
#include <chrono>
#include <deque>
#include <thread>

using namespace emulated;

namespace {

struct Node {
	Work work;
	std::vector<size_t> after;
};

// Point is a place in a stream: it is passed when so many works are done.
struct Point {
	CUstream stream;
	uint64_t works;
};

struct Entry {
	Work work;
	std::vector<Point> after;
};

} // namespace

struct CUgraph_st {
	std::vector<Node> nodes;
	CUstream origin = nullptr;
	CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_GLOBAL;
	std::thread::id thread;
	bool invalid = false;
};

struct CUgraphExec_st {
	std::shared_ptr<std::vector<Node>> nodes;
};

struct CUstream_st {
	bool blocking = true; // against the default stream
	std::deque<Entry> queue;
	uint64_t submitted = 0, done = 0;
	CUgraph capture = nullptr;
	std::vector<size_t> tail; // of the graph: what the next node comes after
};

struct CUevent_st {
	bool timed = true;
	Point at{nullptr, 0};
	CUgraph capture = nullptr;
	std::vector<size_t> tail;
	std::chrono::steady_clock::time_point time;
};

namespace {

CUstream_st default_stream;
std::vector<CUstream> streams{&default_stream};
std::vector<CUgraph> captures;

CUstream stream_of(CUstream s) { return s && s != CU_STREAM_LEGACY ? s : &default_stream; }

// spoil ends a capture with an answer.
CUresult spoil(CUgraph g, CUresult r) {
	g->invalid = true;
	return r;
}

// known says that a stream is there.
CUresult known(CUstream s) { return s == &default_stream || handles.count(s) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE; }

// legacy says whether the default stream can be used now: not while one that it blocks is captured.
CUresult legacy() {
	for (CUstream s : streams)
		if (s->capture && s->blocking)
			return spoil(s->capture, CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
	return CUDA_SUCCESS;
}

// advance runs a stream until so many of its works are done.
CUresult advance(CUstream s, uint64_t works) {
	while (s->done < works) {
		Entry e = std::move(s->queue.front());
		s->queue.pop_front();
		for (const Point &p : e.after)
			TRY(advance(p.stream, p.works));
		CUresult r = broken ? broken : e.work();
		s->done++;
		if (r)
			return broken = broken ? broken : r;
	}
	return broken;
}

// run_others runs, where the order is reversed, all that other streams have.
CUresult run_others(CUstream s) {
	if (order() == Order::reversed)
		for (size_t i = streams.size(); i-- > 0;)
			if (streams[i] != s)
				TRY(advance(streams[i], streams[i]->submitted));
	return CUDA_SUCCESS;
}

bool contains(const std::vector<size_t> &v, size_t x) { return std::find(v.begin(), v.end(), x) != v.end(); }

// joined says whether all nodes of `tail` come before those of `end`.
bool joined(const CUgraph g, const std::vector<size_t> &tail, const std::vector<size_t> &end) {
	std::vector<bool> before(g->nodes.size());
	for (size_t i : end)
		before[i] = true;
	for (size_t i = g->nodes.size(); i-- > 0;)
		if (before[i])
			for (size_t j : g->nodes[i].after)
				before[j] = true;
	return std::all_of(tail.begin(), tail.end(), [&](size_t i) { return before[i]; });
}

CUresult run_graph(const std::vector<Node> &nodes) {
	std::vector<size_t> todo;
	for (size_t i = 0; i < nodes.size(); i++)
		todo.push_back(i);
	while (!todo.empty()) {
		auto ready = [&](size_t i) { return std::none_of(nodes[i].after.begin(), nodes[i].after.end(), [&](size_t j) { return contains(todo, j); }); };
		auto next = todo.begin(); // the nodes before it have run, so it is ready
		if (order() == Order::reversed)
			next = std::find_if(todo.rbegin(), todo.rend(), ready).base() - 1;
		Work work = nodes[*next].work;
		todo.erase(next);
		TRY(work());
	}
	return CUDA_SUCCESS;
}

} // namespace

CUresult emulated::submit(CUstream stream, Work w) {
	CUstream s = stream_of(stream);
	TRY(known(s));
	if (s->capture) {
		s->capture->nodes.push_back({w, s->tail});
		s->tail = {s->capture->nodes.size() - 1};
		return CUDA_SUCCESS;
	}
	if (s == &default_stream)
		TRY(legacy());
	Entry e{w, {}};
	for (CUstream other : streams)
		if (other != s && other->blocking && (s == &default_stream || (s->blocking && other == &default_stream)))
			e.after.push_back({other, other->submitted});
	s->queue.push_back(e);
	s->submitted++;
	return order() == Order::prompt ? advance(s, s->submitted) : CUDA_SUCCESS;
}

CUresult emulated::not_captured(CUstream stream) {
	CUstream s = stream_of(stream);
	TRY(known(s));
	return s->capture ? spoil(s->capture, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED) : CUDA_SUCCESS;
}

CUresult emulated::finish(CUstream stream) {
	CUstream s = stream_of(stream);
	TRY(not_captured(s));
	TRY(may_call());
	TRY(run_others(s));
	return advance(s, s->submitted);
}

CUresult emulated::finish_all() {
	TRY(run_others(nullptr));
	for (CUstream s : streams)
		TRY(advance(s, s->submitted));
	return CUDA_SUCCESS;
}

CUresult emulated::wait_legacy() {
	TRY(legacy());
	TRY(may_call());
	for (CUstream s : streams)
		if (s->blocking)
			TRY(advance(s, s->submitted));
	return CUDA_SUCCESS;
}

CUresult emulated::may_call() {
	for (CUgraph g : captures)
		if (g->mode == CU_STREAM_CAPTURE_MODE_GLOBAL || (g->mode == CU_STREAM_CAPTURE_MODE_THREAD_LOCAL && g->thread == std::this_thread::get_id()))
			return spoil(g, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
	return CUDA_SUCCESS;
}

void emulated::forget_streams() {
	for (CUstream s : streams) {
		s->queue.clear();
		s->done = s->submitted;
		s->capture = nullptr;
	}
	captures.clear();
}

extern "C" {

CUresult cuStreamCreate(CUstream *s, unsigned flags) {
	ENTER;
	if (flags & ~CU_STREAM_NON_BLOCKING)
		return CUDA_ERROR_INVALID_VALUE;
	*s = made(new CUstream_st);
	(*s)->blocking = !(flags & CU_STREAM_NON_BLOCKING);
	streams.push_back(*s);
	return CUDA_SUCCESS;
}

CUresult cuStreamCreateWithPriority(CUstream *s, unsigned flags, int) { return cuStreamCreate(s, flags); }

// A destroyed stream's work goes on.
CUresult cuStreamDestroy_v2(CUstream s) {
	ENTER;
	KNOWN(s);
	TRY(not_captured(s));
	handles.erase(s);
	return CUDA_SUCCESS;
}

CUresult cuStreamSynchronize(CUstream s) {
	ENTER;
	return s ? finish(s) : wait_legacy();
}

// Asking a second time gets further, so that who polls comes to an end.
CUresult cuStreamQuery(CUstream s) {
	ENTER;
	s = stream_of(s);
	TRY(not_captured(s));
	TRY(may_call());
	if (s->done == s->submitted)
		return CUDA_SUCCESS;
	TRY(advance(s, s->done + 1));
	return CUDA_ERROR_NOT_READY;
}

CUresult cuStreamGetFlags(CUstream s, unsigned *flags) {
	ENTER;
	TRY(known(stream_of(s)));
	*flags = stream_of(s)->blocking ? CU_STREAM_DEFAULT : CU_STREAM_NON_BLOCKING;
	return CUDA_SUCCESS;
}

// It may not be asked for while any stream of the context is captured, on whatever thread.
CUresult cuCtxSynchronize() {
	ENTER;
	for (CUgraph g : captures)
		return spoil(g, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
	return finish_all();
}

CUresult cuEventCreate(CUevent *e, unsigned flags) {
	ENTER;
	if (flags & ~(CU_EVENT_BLOCKING_SYNC | CU_EVENT_DISABLE_TIMING))
		return CUDA_ERROR_INVALID_VALUE;
	*e = made(new CUevent_st);
	(*e)->timed = !(flags & CU_EVENT_DISABLE_TIMING);
	return CUDA_SUCCESS;
}

CUresult cuEventDestroy_v2(CUevent e) {
	ENTER;
	KNOWN(e);
	handles.erase(e);
	return CUDA_SUCCESS;
}

CUresult cuEventRecord(CUevent e, CUstream stream) {
	ENTER;
	KNOWN(e);
	CUstream s = stream_of(stream);
	TRY(known(s));
	e->capture = s->capture;
	e->tail = s->tail;
	if (s->capture)
		return CUDA_SUCCESS;
	e->at = {s, s->submitted + 1};
	return submit(stream, [e] {
		e->time = std::chrono::steady_clock::now();
		return CUDA_SUCCESS;
	});
}

CUresult cuEventSynchronize(CUevent e) {
	ENTER;
	KNOWN(e);
	if (e->capture)
		return CUDA_ERROR_CAPTURED_EVENT;
	TRY(may_call());
	if (!e->at.stream)
		return CUDA_SUCCESS;
	TRY(run_others(e->at.stream));
	return advance(e->at.stream, e->at.works);
}

CUresult cuEventQuery(CUevent e) {
	ENTER;
	KNOWN(e);
	if (e->capture)
		return CUDA_ERROR_CAPTURED_EVENT;
	TRY(may_call());
	if (!e->at.stream || e->at.stream->done >= e->at.works)
		return CUDA_SUCCESS;
	TRY(advance(e->at.stream, e->at.stream->done + 1));
	return CUDA_ERROR_NOT_READY;
}

CUresult cuEventElapsedTime(float *ms, CUevent a, CUevent b) {
	ENTER;
	for (CUevent e : {a, b}) {
		KNOWN(e);
		if (!e->at.stream || !e->timed)
			return CUDA_ERROR_INVALID_HANDLE;
		if (e->at.stream->done < e->at.works)
			return CUDA_ERROR_NOT_READY;
	}
	*ms = std::chrono::duration<float, std::milli>(b->time - a->time).count();
	return CUDA_SUCCESS;
}

CUresult cuStreamWaitEvent(CUstream stream, CUevent e, unsigned flags) {
	ENTER;
	KNOWN(e);
	CUstream s = stream_of(stream);
	TRY(known(s));
	if (flags)
		return CUDA_ERROR_INVALID_VALUE;
	if (e->capture) {
		if (!s->capture) {
			s->capture = e->capture;
			s->tail = e->tail;
		} else
			for (size_t i : e->tail)
				if (!contains(s->tail, i))
					s->tail.push_back(i);
		return CUDA_SUCCESS;
	}
	if (s->capture)
		return spoil(s->capture, CUDA_ERROR_STREAM_CAPTURE_ISOLATION);
	if (!e->at.stream)
		return CUDA_SUCCESS;
	Point p = e->at;
	return submit(stream, [p] { return advance(p.stream, p.works); });
}

CUresult cuStreamBeginCapture_v2(CUstream s, CUstreamCaptureMode mode) {
	ENTER;
	if (stream_of(s) == &default_stream)
		return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
	KNOWN(s);
	if (s->capture)
		return CUDA_ERROR_ILLEGAL_STATE;
	CUgraph g = made(new CUgraph_st);
	g->origin = s;
	g->mode = mode;
	g->thread = std::this_thread::get_id();
	s->capture = g;
	s->tail.clear();
	captures.push_back(g);
	return CUDA_SUCCESS;
}

CUresult cuStreamIsCapturing(CUstream s, CUstreamCaptureStatus *status) {
	ENTER;
	s = stream_of(s);
	*status = !s->capture ? CU_STREAM_CAPTURE_STATUS_NONE : s->capture->invalid ? CU_STREAM_CAPTURE_STATUS_INVALIDATED : CU_STREAM_CAPTURE_STATUS_ACTIVE;
	return CUDA_SUCCESS;
}

CUresult cuStreamEndCapture(CUstream s, CUgraph *graph) {
	ENTER;
	KNOWN(s);
	CUgraph g = s->capture;
	if (!g)
		return CUDA_ERROR_ILLEGAL_STATE;
	if (g->origin != s)
		return CUDA_ERROR_STREAM_CAPTURE_UNMATCHED;
	if (g->mode != CU_STREAM_CAPTURE_MODE_RELAXED && g->thread != std::this_thread::get_id())
		return CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD;
	CUresult r = g->invalid ? CUDA_ERROR_STREAM_CAPTURE_INVALIDATED : CUDA_SUCCESS;
	for (CUstream other : streams)
		if (other->capture == g) {
			if (!r && !joined(g, other->tail, s->tail))
				r = CUDA_ERROR_STREAM_CAPTURE_UNJOINED;
			other->capture = nullptr;
		}
	captures.erase(std::find(captures.begin(), captures.end(), g));
	if (r)
		handles.erase(g);
	*graph = r ? nullptr : g;
	return r;
}

CUresult cuGraphInstantiateWithFlags(CUgraphExec *x, CUgraph g, unsigned long long flags) {
	ENTER;
	KNOWN(g);
	if (flags)
		return CUDA_ERROR_INVALID_VALUE;
	*x = made(new CUgraphExec_st{std::make_shared<std::vector<Node>>(g->nodes)});
	return CUDA_SUCCESS;
}

CUresult cuGraphLaunch(CUgraphExec x, CUstream s) {
	ENTER;
	KNOWN(x);
	auto nodes = x->nodes;
	return submit(s, [nodes] { return run_graph(*nodes); });
}

// Launches of it that are under way go on.
CUresult cuGraphExecDestroy(CUgraphExec x) {
	ENTER;
	KNOWN(x);
	handles.erase(x);
	x->nodes.reset();
	return CUDA_SUCCESS;
}

CUresult cuGraphDestroy(CUgraph g) {
	ENTER;
	KNOWN(g);
	handles.erase(g);
	g->nodes.clear();
	return CUDA_SUCCESS;
}

} // extern "C"
