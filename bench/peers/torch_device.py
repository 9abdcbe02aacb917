"""Where PyTorch's scripts compute: the device, its arithmetic, and what it is asked."""
import gc
import itertools
import math
import time

import torch


def prepare(args):
    """The device that the command line names, with threads, seed and the arithmetic of float32 set."""
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    if args.device == "cuda":
        allow_tf32(args.precision != "float32")
        torch.backends.cudnn.benchmark = True
    elif args.precision == "tf32":
        raise SystemExit("a CPU has no tf32")
    return Device(args.device)


def allow_tf32(allowed):
    """Compiled networks read these switches, and up to PyTorch 2.11 at least they fail where the ones of 2.9 that mean the same were set."""
    try:
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = allowed
    except (AttributeError, RuntimeError):  # a PyTorch that has them no more
        torch.backends.cuda.matmul.fp32_precision = torch.backends.cudnn.conv.fp32_precision = "tf32" if allowed else "ieee"


# What a GPU's measurement of calls takes at least: clocks of the host, and a host that runs ahead, are nothing beside it.
ENOUGH_S = 0.02


class Device:
    def __init__(self, kind):
        self.place, self.on_gpu = torch.device(kind), kind == "cuda"
        self.name = f"cuda {torch.cuda.get_device_name()}" if self.on_gpu else kind

    def wait(self):
        """Waits until the device has done what it was asked for."""
        if self.on_gpu:
            torch.cuda.synchronize()

    def memory(self):
        """The GPU's memory: what is in use, by other programs too, as meseta says it, and the most that PyTorch's tensors took."""
        if not self.on_gpu:
            return {}
        free, total = torch.cuda.mem_get_info()
        return {"gpu_memory_bytes": total - free, "gpu_peak_bytes": torch.cuda.max_memory_allocated()}

    def inlet(self, source):
        """A function that gives source on the device. On a GPU that is a copy from pinned memory which the host does not wait for, into the same place each time."""
        if not self.on_gpu:
            return lambda: source
        pinned = source.pin_memory()
        there = torch.empty_like(pinned, device=self.place)
        return lambda: there.copy_(pinned, non_blocking=True)

    def reader(self):
        """A function that takes a loss on the device and gives a number. On a GPU that is the loss of the call before, if there was one: as meseta does, the host waits for
        a step when it has asked for the next one, so that the GPU has always something to do."""
        if not self.on_gpu:
            return lambda loss: loss.item()
        kept, events, calls = [torch.zeros(()).pin_memory() for _ in range(2)], [torch.cuda.Event() for _ in range(2)], itertools.count()

        def read(loss):
            call = next(calls)
            kept[call % 2].copy_(loss.detach(), non_blocking=True)
            events[call % 2].record()
            before = max(0, call - 1) % 2
            events[before].synchronize()
            return kept[before].item()
        return read

    def times(self, run, seconds, least=5):
        """How long run() takes each time, until seconds have passed. On a GPU a launch takes longer than a small operation: many runs are recorded as
        one graph, which takes a millisecond or more."""
        repeats, once = 1, run
        if self.on_gpu:
            beside = torch.cuda.Stream()
            beside.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(beside):  # cuDNN measures its algorithms
                for _ in range(3):
                    run()
            self.wait()
            gc.freeze()  # each capture collects garbage, up to PyTorch 2.8 at least, and is slow where all that is imported is looked through
            while True:
                graph = torch.cuda.CUDAGraph()
                with torch.cuda.graph(graph):
                    for _ in range(repeats):
                        run()
                once = graph.replay
                self.clock(once)
                took = self.clock(once)
                if took >= 1e-3 or repeats >= 4096:
                    break
                repeats = min(4096, math.ceil(repeats * 1.5e-3 / took))
        else:
            run()
        times, end = [], time.perf_counter() + seconds
        while time.perf_counter() < end or len(times) < least:
            times.append(self.clock(once) / repeats)
        return times

    def clock(self, once):
        start = time.perf_counter()
        once()
        self.wait()
        return time.perf_counter() - start
