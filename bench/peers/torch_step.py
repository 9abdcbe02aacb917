"""PyTorch eager on the workloads of the bench contract: prints one JSON line for one model, mode and memory layout.

A training step is what a PyTorch user writes: zero_grad, forward, loss, backward, step, and the loss read as a number. The
optimizers are PyTorch's fused ones, its fastest."""
import os

import step_clock

MODELS = ["mnist-cnn", "resnet20"]
args = step_clock.arguments(MODELS)
os.environ["OMP_NUM_THREADS"] = str(args.threads)

import torch  # noqa: E402, the number of threads is read when it loads
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402


def mnist_cnn():
    return nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25), nn.Flatten(),
        nn.Linear(64 * 12 * 12, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10))


def conv_norm(channels, filters, size, stride):
    return nn.Sequential(nn.Conv2d(channels, filters, size, stride, size // 2, bias=False), nn.BatchNorm2d(filters))


class Residual(nn.Module):
    """Two 3x3 convolutions beside a shortcut, which is a 1x1 convolution where the size changes."""

    def __init__(self, channels, filters, stride):
        super().__init__()
        self.first = conv_norm(channels, filters, 3, stride)
        self.second = conv_norm(filters, filters, 3, 1)
        self.shortcut = conv_norm(channels, filters, 1, stride) if stride != 1 else nn.Identity()

    def forward(self, x):
        y = F.relu(self.first(x), inplace=True)
        return F.relu(self.second(y) + self.shortcut(x), inplace=True)


def resnet20():
    layers, channels = [conv_norm(3, 16, 3, 1), nn.ReLU(inplace=True)], 16
    for filters in (16, 32, 64):
        for block in range(3):
            layers.append(Residual(channels, filters, 2 if filters > 16 and block == 0 else 1))
            channels = filters
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def adam(parameters):
    return torch.optim.Adam(parameters, 1e-3, fused=True)


def sgd(rate, decay, nesterov=False):
    return lambda parameters: torch.optim.SGD(parameters, rate, momentum=0.9, weight_decay=decay, nesterov=nesterov, fused=True)


# name: network, one sample as C, H, W, classes, batch, optimizer. A further workload is one more line.
WORKLOADS = {
    "mnist-cnn": (mnist_cnn, (1, 28, 28), 10, 128, adam),
    "resnet20": (resnet20, (3, 32, 32), 10, 128, sgd(0.1, 1e-4)),
}


def main():
    build, sample, classes, batch, optimizer_of = WORKLOADS[args.model]
    batch = args.batch or batch
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    layout = torch.channels_last if args.layout == "channels_last" else torch.contiguous_format
    model = build().to(memory_format=layout)
    x = torch.randn(batch, *sample).contiguous(memory_format=layout)
    labels = torch.randint(0, classes, (batch,))

    if args.mode == "train":
        optimizer = optimizer_of(model.parameters())

        def step():
            optimizer.zero_grad(set_to_none=True)
            loss = F.cross_entropy(model(x), labels)
            loss.backward()
            optimizer.step()
            return loss.item()
    else:
        model.eval()

        def step():
            with torch.inference_mode():
                model(x)
            return 0.0

    step_clock.measure(step, args, batch, params=sum(p.numel() for p in model.parameters()),
                       peer="torch", version=torch.__version__, layout=args.layout)


main()
