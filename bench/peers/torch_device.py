"""Where PyTorch's scripts compute: the device, its arithmetic, and what it is asked."""
import time

import torch


def prepare(args):
    """The device that the command line names, with threads, seed and the arithmetic of float32 set."""
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    if args.device == "cuda":
        # Compiled networks read these switches, and refuse those of PyTorch 2.9 that mean the same.
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = args.precision != "float32"
        torch.backends.cudnn.benchmark = True
    elif args.precision == "tf32":
        raise SystemExit("a CPU has no tf32")
    return Device(args.device)


class Device:
    def __init__(self, kind):
        self.place, self.on_gpu = torch.device(kind), kind == "cuda"
        self.name = f"cuda {torch.cuda.get_device_name()}" if self.on_gpu else kind

    def wait(self):
        """Waits until the device has done what it was asked for."""
        if self.on_gpu:
            torch.cuda.synchronize()

    def memory(self):
        """The GPU's memory in use, by other programs too, as meseta says it."""
        if not self.on_gpu:
            return {}
        free, total = torch.cuda.mem_get_info()
        return {"gpu_memory_bytes": total - free}

    def times(self, run, seconds, least=5):
        """How long run() takes each time, until seconds have passed. On a GPU a launch takes longer than a small operation: many runs are recorded as
        one graph, which takes a millisecond or more."""
        repeats, once = 1, run
        if self.on_gpu:
            beside = torch.cuda.Stream()
            with torch.cuda.stream(beside):  # cuDNN measures its algorithms
                for _ in range(3):
                    run()
            self.wait()
            while True:
                graph = torch.cuda.CUDAGraph()
                with torch.cuda.graph(graph):
                    for _ in range(repeats):
                        run()
                once = graph.replay
                self.clock(once)
                if self.clock(once) >= 1e-3:
                    break
                repeats *= 4
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
