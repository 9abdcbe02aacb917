"""PyTorch on the workloads of the bench contract: prints one JSON line for one model, mode, memory layout, device and precision.

A training step is what a PyTorch user writes: zero_grad, forward, loss, backward, step, and the loss read as a number. The
optimizers are PyTorch's fused ones, its fastest. With --compile the network goes through torch.compile, which wants a C++ compiler.

On a GPU each step begins with a batch in pinned memory of the host, as meseta's does with one in the host's memory; cuDNN measures its algorithms.
float32 is that of IEEE 754; tf32 rounds what is multiplied to 10 bits; mixed_… is autocast, with a scaled loss where it is of float16."""
import contextlib
import os

import step_clock

args = step_clock.arguments(layouts=True)
os.environ["OMP_NUM_THREADS"] = str(args.threads)

import torch  # noqa: E402, the number of threads is read when it loads
import torch_device  # noqa: E402
from torch.nn import functional as F  # noqa: E402
from torch_models import WORKLOADS  # noqa: E402


def main():
    build, sample, classes, batch, optimizer_of = WORKLOADS[args.model]
    batch = args.batch or batch
    device = torch_device.prepare(args)
    layout = torch.channels_last if args.layout == "channels_last" else torch.contiguous_format
    model = build().to(device.place, memory_format=layout)
    source = torch.randn(batch, *step_clock.sized(sample, args.image)).contiguous(memory_format=layout)
    source_labels = torch.randint(0, classes, (batch,))
    x, labels = source, source_labels
    if device.on_gpu:
        source, source_labels = source.pin_memory(), source_labels.pin_memory()
        x, labels = torch.empty_like(source, device=device.place, memory_format=layout), torch.empty_like(source_labels, device=device.place)
    network = torch.compile(model, mode=args.compile) if args.compile else model
    half = {"mixed_bfloat16": torch.bfloat16, "mixed_float16": torch.float16}.get(args.precision)
    mixed = (lambda: torch.autocast(args.device, half)) if half else contextlib.nullcontext
    scaler = torch.amp.GradScaler(args.device, enabled=args.precision == "mixed_float16")

    def fetch():
        if device.on_gpu:
            x.copy_(source, non_blocking=True)
            labels.copy_(source_labels, non_blocking=True)

    if args.mode == "train":
        optimizer = optimizer_of(model.parameters())

        def step():
            fetch()
            optimizer.zero_grad(set_to_none=True)
            with mixed():
                loss = F.cross_entropy(network(x), labels)
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
            return loss.item()
    else:
        model.eval()
        # torch.compile takes inference_mode for a change of its input and compiles again at times; no_grad is as fast there.
        without_gradients = torch.no_grad if args.compile else torch.inference_mode

        def step():
            fetch()
            with without_gradients(), mixed():
                network(x)
            device.wait()
            return 0.0

    peer = {None: "torch", "default": "torch compiled"}.get(args.compile, f"torch compiled, {args.compile}")
    step_clock.measure(step, args, batch, device=device.name, precision=args.precision, at_end=device.memory,
                       params=sum(p.numel() for p in model.parameters()), peer=peer, version=torch.__version__, layout=args.layout)


main()
