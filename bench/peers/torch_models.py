"""The networks of the bench contract in PyTorch, each layer for layer what package models builds, with its optimizer.

They are written out, not taken from torchvision, so that nothing but PyTorch is needed; torchvision's ResNet-50 and MobileNetV2
have the same parameters."""
import torch
from torch import nn
from torch.nn import functional as F


def mnist_cnn():
    return nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25), nn.Flatten(),
        nn.Linear(64 * 12 * 12, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10))


def conv_norm(channels, filters, size, stride=1, groups=1, bias=False):
    return nn.Sequential(nn.Conv2d(channels, filters, size, stride, size // 2, groups=groups, bias=bias), nn.BatchNorm2d(filters))


def conv_norm_relu(channels, filters, size=3, stride=1, groups=1, bias=False, activation=nn.ReLU):
    return nn.Sequential(*conv_norm(channels, filters, size, stride, groups, bias), activation(inplace=True))


class Sum(nn.Module):
    """What a branch gives, added to its input or to what a projection makes of that, then perhaps ReLU."""

    def __init__(self, branch, projection=None, relu=True):
        super().__init__()
        self.branch, self.projection, self.relu = branch, projection or nn.Identity(), relu

    def forward(self, x):
        y = self.branch(x) + self.projection(x)
        return F.relu(y, inplace=True) if self.relu else y


class Scale(nn.Module):
    def forward(self, x):
        return x * 0.125


def averaged(layers, channels, classes, *between):
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), *between, nn.Linear(channels, classes))


def resnet20():
    layers, channels = [conv_norm_relu(3, 16)], 16
    for filters in (16, 32, 64):
        for block in range(3):
            stride = 2 if filters > 16 and block == 0 else 1
            branch = nn.Sequential(conv_norm_relu(channels, filters, 3, stride), conv_norm(filters, filters, 3))
            layers.append(Sum(branch, conv_norm(channels, filters, 1, stride) if stride != 1 else None))
            channels = filters
    return averaged(layers, 64, 10)


def resnet9():
    def pooled(channels, filters):
        return nn.Sequential(conv_norm_relu(channels, filters), nn.MaxPool2d(2))

    def residual(channels):
        return Sum(nn.Sequential(conv_norm_relu(channels, channels), conv_norm_relu(channels, channels)), relu=False)

    return nn.Sequential(
        conv_norm_relu(3, 64), pooled(64, 128), residual(128), pooled(128, 256), pooled(256, 512), residual(512),
        nn.MaxPool2d(4), nn.Flatten(), nn.Linear(512, 10, bias=False), Scale())


def vgg11_bn():
    layers, channels = [], 3
    for stage in ((64,), (128,), (256, 256), (512, 512), (512, 512)):
        for filters in stage:
            layers.append(conv_norm_relu(channels, filters, bias=True))
            channels = filters
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(512, 10))


def resnet50():
    layers, channels = [conv_norm_relu(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1)], 64
    for stage, blocks in enumerate((3, 4, 6, 3)):
        filters = 64 << stage
        for block in range(blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            branch = nn.Sequential(conv_norm_relu(channels, filters, 1), conv_norm_relu(filters, filters, 3, stride),
                                   conv_norm(filters, 4 * filters, 1))
            layers.append(Sum(branch, conv_norm(channels, 4 * filters, 1, stride) if block == 0 else None))
            channels = 4 * filters
    return averaged(layers, channels, 1000)


def mobilenet_v2():
    layers, channels = [conv_norm_relu(3, 32, 3, 2, activation=nn.ReLU6)], 32
    for expansion, filters, blocks, first in ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)):
        for block in range(blocks):
            stride, inner = first if block == 0 else 1, expansion * channels
            branch = [conv_norm_relu(channels, inner, 1, activation=nn.ReLU6)] if expansion > 1 else []
            branch += [conv_norm_relu(inner, inner, 3, stride, inner, activation=nn.ReLU6), conv_norm(inner, filters, 1)]
            branch = nn.Sequential(*branch)
            layers.append(Sum(branch, relu=False) if stride == 1 and channels == filters else branch)
            channels = filters
    layers.append(conv_norm_relu(channels, 1280, 1, activation=nn.ReLU6))
    return averaged(layers, 1280, 1000, nn.Dropout(0.2))


def fused(optimizer, parameters, **arguments):
    """The optimizer as one kernel for all parameters, or, in a PyTorch that has none of it (of SGD before 2.3), as few."""
    try:
        return optimizer(parameters, fused=True, **arguments)
    except (TypeError, RuntimeError):
        return optimizer(parameters, foreach=True, **arguments)


def adam(parameters):
    return fused(torch.optim.Adam, list(parameters), lr=1e-3)


def sgd(rate, decay, nesterov=False):
    return lambda parameters: fused(torch.optim.SGD, list(parameters), lr=rate, momentum=0.9, weight_decay=decay, nesterov=nesterov)


# name: network, one sample as C, H, W, classes, batch, optimizer. A further workload is one more line.
WORKLOADS = {
    "mnist-cnn": (mnist_cnn, (1, 28, 28), 10, 128, adam),
    "resnet20": (resnet20, (3, 32, 32), 10, 128, sgd(0.1, 1e-4)),
    "resnet9": (resnet9, (3, 32, 32), 10, 128, sgd(0.1, 5e-4, nesterov=True)),
    "vgg11-bn": (vgg11_bn, (3, 32, 32), 10, 64, sgd(0.05, 5e-4)),
    "resnet50": (resnet50, (3, 224, 224), 1000, 8, sgd(0.1, 1e-4)),
    "mobilenet-v2": (mobilenet_v2, (3, 96, 96), 1000, 32, sgd(0.05, 4e-5)),
}
