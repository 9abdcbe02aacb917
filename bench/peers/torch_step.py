"""PyTorch on the workloads of the bench contract: prints one JSON line for one model, mode, memory layout, device and precision.

A training step is what a PyTorch user writes: zero_grad, forward, loss, backward, step, and the loss read as a number. The
optimizers are PyTorch's fused ones, its fastest. With --compile the network goes through torch.compile, which wants a C++ compiler.

On a GPU each step begins with a batch of bytes in pinned memory of the host, which become numbers from 0 to 1 there, and the loss is read when the next step
has been asked for, both as meseta's Fit does; cuDNN measures its algorithms. float32 is that of IEEE 754; tf32 rounds what is multiplied to 10 bits; mixed_… is
autocast, with a scaled loss where it is of float16."""
import contextlib
import os

import step_clock

args = step_clock.arguments(layouts=True)
os.environ["OMP_NUM_THREADS"] = str(args.threads)

import torch  # noqa: E402, the number of threads is read when it loads
import torch_device  # noqa: E402
from torch.nn import functional as F  # noqa: E402
from torch_models import WORKLOADS  # noqa: E402


def batches(device, batch, shape, classes, layout):
    """A function that gives a batch and its labels on the device, always the same ones."""
    labels = device.inlet(torch.randint(0, classes, (batch,)))
    if not device.on_gpu:
        x = torch.randn(batch, *shape).contiguous(memory_format=layout)
        return lambda: (x, labels())
    octets = device.inlet(torch.randint(0, 256, (batch, *shape), dtype=torch.uint8).contiguous(memory_format=layout))
    x = torch.empty_like(octets(), dtype=torch.float32)
    return lambda: (torch.div(octets(), 255, out=x), labels())


def main():
    build, sample, classes, batch, optimizer_of = WORKLOADS[args.model]
    batch = args.batch or batch
    device = torch_device.prepare(args)
    layout = torch.channels_last if args.layout == "channels_last" else torch.contiguous_format
    model = build().to(device.place, memory_format=layout)
    fetch = batches(device, batch, step_clock.sized(sample, args.image), classes, layout)
    network = torch.compile(model, mode=args.compile) if args.compile else model
    half = {"mixed_bfloat16": torch.bfloat16, "mixed_float16": torch.float16}.get(args.precision)
    mixed = (lambda: torch.autocast(args.device, half)) if half else contextlib.nullcontext

    if args.mode == "train":
        optimizer, read = optimizer_of(model.parameters()), device.reader()
        scaler = scaler_of(args.device) if args.precision == "mixed_float16" else None

        def step():
            x, labels = fetch()
            optimizer.zero_grad(set_to_none=True)
            with mixed():
                loss = F.cross_entropy(network(x), labels)
            if scaler:
                scaler.scale(loss).backward()
                scaler.step(optimizer)
                scaler.update()
            else:
                loss.backward()
                optimizer.step()
            return read(loss)
    else:
        model.eval()
        # torch.compile takes inference_mode for a change of its input and compiles again at times; no_grad is as fast there.
        without_gradients = torch.no_grad if args.compile else torch.inference_mode

        def step():
            x, _ = fetch()
            with without_gradients(), mixed():
                network(x)
            device.wait()
            return 0.0

    peer = {None: "torch", "default": "torch compiled"}.get(args.compile, f"torch compiled, {args.compile}")
    step_clock.measure(step, args, batch, device=device.name, precision=args.precision, at_end=device.memory, enough=torch_device.ENOUGH_S if device.on_gpu else 0,
                       params=sum(p.numel() for p in model.parameters()), peer=peer, version=torch.__version__, layout=args.layout)


def scaler_of(device):
    """What keeps gradients of float16 from vanishing; before PyTorch 2.3 only CUDA had one."""
    return torch.amp.GradScaler(device) if hasattr(torch.amp, "GradScaler") else torch.cuda.amp.GradScaler()


main()
