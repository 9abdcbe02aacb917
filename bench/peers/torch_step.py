"""PyTorch on the workloads of the bench contract: prints one JSON line for one model, mode and memory layout.

A training step is what a PyTorch user writes: zero_grad, forward, loss, backward, step, and the loss read as a number. The
optimizers are PyTorch's fused ones, its fastest. With --compile the network goes through torch.compile, which wants a C++ compiler."""
import os

import step_clock

args = step_clock.arguments(layouts=True)
os.environ["OMP_NUM_THREADS"] = str(args.threads)

import torch  # noqa: E402, the number of threads is read when it loads
from torch.nn import functional as F  # noqa: E402
from torch_models import WORKLOADS  # noqa: E402


def main():
    build, sample, classes, batch, optimizer_of = WORKLOADS[args.model]
    batch = args.batch or batch
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    layout = torch.channels_last if args.layout == "channels_last" else torch.contiguous_format
    model = build().to(memory_format=layout)
    x = torch.randn(batch, *step_clock.sized(sample, args.image)).contiguous(memory_format=layout)
    labels = torch.randint(0, classes, (batch,))
    network = torch.compile(model) if args.compile else model

    if args.mode == "train":
        optimizer = optimizer_of(model.parameters())

        def step():
            optimizer.zero_grad(set_to_none=True)
            loss = F.cross_entropy(network(x), labels)
            loss.backward()
            optimizer.step()
            return loss.item()
    else:
        model.eval()
        # torch.compile takes inference_mode for a change of its input and compiles again at times; no_grad is as fast there.
        without_gradients = torch.no_grad if args.compile else torch.inference_mode

        def step():
            with without_gradients():
                network(x)
            return 0.0

    step_clock.measure(step, args, batch, params=sum(p.numel() for p in model.parameters()),
                       peer="torch compiled" if args.compile else "torch", version=torch.__version__, layout=args.layout)


main()
