"""A Python whose PyTorch takes the CPU for a GPU, so that what PyTorch's scripts do on GPUs runs where there is none: test.sh gives it to run.py as --torch.

standin.py SCRIPT ARGUMENT... What it cannot show is what only CUDA refuses, and speed: a graph's replay sleeps for as long as its capture took."""
import os
import runpy
import sys
import time
import types

import torch

real_device = torch.device


def device(kind):
    """The CPU for a script that asks for the GPU, which it does once; PyTorch itself gets what it is used to."""
    torch.device = real_device
    return real_device({"cuda": "cpu"}.get(kind, kind))


class Event:
    """An event or a stream: everything has happened when it is asked for."""

    def __init__(self, *_, **__):
        self.recorded = False

    def record(self, *_):
        self.recorded = True

    def synchronize(self):
        pass

    wait_stream = wait_event = record

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


class Graph:
    """Captures nothing, but for how long it takes."""

    took = 0.0

    def replay(self):
        time.sleep(self.took)


class Capture:
    def __init__(self, graph):
        self.graph = graph

    def __enter__(self):
        self.start = time.perf_counter()

    def __exit__(self, *_):
        self.graph.took = time.perf_counter() - self.start


class Autocast(torch.autocast):
    def __init__(self, device_type, *rest, **named):
        assert device_type == "cuda", device_type
        super().__init__("cpu", *rest, **named)


class Scaler(torch.amp.GradScaler):
    def __init__(self, device="cuda", **named):
        assert device == "cuda", device
        super().__init__("cpu", **named)


def pin_memory(tensor):
    """A copy of the same strides."""
    copy = torch.empty_strided(tensor.size(), tensor.stride(), dtype=tensor.dtype)
    return copy.copy_(tensor)


properties = types.SimpleNamespace(name="stand-in GPU", major=9, minor=0, total_memory=1 << 34, multi_processor_count=4)
torch.device, torch.autocast, torch.amp.GradScaler, torch.Tensor.pin_memory = device, Autocast, Scaler, pin_memory
for name, value in dict(synchronize=lambda *_: None, current_stream=lambda *_: Event(), stream=lambda s: s, Stream=Event, Event=Event,
                        CUDAGraph=Graph, graph=Capture, get_device_properties=lambda *_: properties, get_device_name=lambda *_: properties.name,
                        mem_get_info=lambda *_: (1 << 33, 1 << 34), max_memory_allocated=lambda *_: 1 << 20).items():
    assert hasattr(torch.cuda, name), name
    setattr(torch.cuda, name, value)

sys.argv = sys.argv[1:]
sys.path.insert(0, os.path.dirname(os.path.abspath(sys.argv[0])))
runpy.run_path(sys.argv[0], run_name="__main__")
