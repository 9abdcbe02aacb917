"""PyTorch on the real data of bench/race.sh: prints a line of JSON for each epoch, with the keys of bench/race.

Networks are those of torch_models.py in channels_last, with first weights as meseta's; the optimizers are PyTorch's fused ones. Images stay bytes in memory;
a batch is picked, augmented and made numbers by a few operations on whole tensors (input_cpu_s says what they took)."""
import json
import math
import time

import race_common

args = race_common.arguments()

import numpy as np  # noqa: E402, the number of threads is read when it loads
import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402
from torch_models import WORKLOADS  # noqa: E402

BATCH, PADDING, CUTOUT = 128, 4, 8
RATE, DECAY, WARM_UP = 0.1, 5e-4, 400  # of resnet20; Adam has its own rate


def initialise(model):
    """First weights as meseta's and Keras's layers have them: He's normal distribution where a batch norm follows, else Glorot's uniform one."""
    he = any(isinstance(m, nn.BatchNorm2d) for m in model.modules())
    for m in model.modules():
        if isinstance(m, nn.Conv2d) and he:
            # Cut off at twice the standard deviation, which is .8796 of that before.
            deviation = math.sqrt(2 / m.weight[0].numel()) / 0.87962566103423978
            nn.init.trunc_normal_(m.weight, std=deviation, a=-2 * deviation, b=2 * deviation)
        elif isinstance(m, (nn.Conv2d, nn.Linear)):
            nn.init.xavier_uniform_(m.weight)
        if isinstance(m, (nn.Conv2d, nn.Linear)) and m.bias is not None:
            nn.init.zeros_(m.bias)


class Images:
    """Images [N,H,W,C] of bytes and their labels. Augmented ones have a margin of zeros."""

    def __init__(self, images, labels, augmented):
        self.labels, self.augmented, self.side = torch.from_numpy(labels.astype(np.int64)), augmented, images.shape[1]
        margin = [(0, 0), (PADDING, PADDING), (PADDING, PADDING), (0, 0)] if augmented else [(0, 0)] * 4
        self.images = torch.from_numpy(np.pad(images, margin))
        self.windows = self.images.unfold(1, self.side, 1).unfold(2, self.side, 1) if augmented else None  # [N,9,9,C,H,W]

    def batch(self, index):
        """Numbers [N,C,H,W] from 0 to 1 in channels_last, and labels."""
        if not self.augmented:
            x = self.images[index]
        else:
            n = len(index)
            down, right = torch.randint(0, 2 * PADDING + 1, (2, n))
            x = self.windows.permute(0, 1, 2, 4, 5, 3)[index, down, right]
            x = torch.where(torch.rand(n, 1, 1, 1) < 0.5, x.flip(2), x)
            middle, at = torch.randint(0, self.side, (2, n, 1)), torch.arange(self.side)
            row, column = ((at >= m - CUTOUT // 2) & (at < m + CUTOUT // 2) for m in middle)
            x.masked_fill_((row[:, :, None] & column[:, None, :])[..., None], 0)
        return x.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last).float().div_(255), self.labels[index]


def rate(step, steps):
    """The cosine of examples/cifar10, with its warm-up."""
    return RATE * 0.5 * (1 + math.cos(math.pi * step / steps)) * min(1, step / WARM_UP)


def evaluate(model, images):
    model.eval()
    loss = right = 0
    with torch.inference_mode():
        for index in torch.arange(len(images.labels)).split(BATCH):
            x, labels = images.batch(index)
            logits = model(x)
            loss += F.cross_entropy(logits, labels, reduction="sum").item()
            right += (logits.argmax(1) == labels).sum().item()
    model.train()
    return loss / len(images.labels), right / len(images.labels)


def main():
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    cifar = args.task == "cifar10"
    (x, y), test = race_common.data(args)
    train, test = Images(x, y, cifar), Images(*test, False)
    model = WORKLOADS["resnet20" if cifar else "mnist-cnn"][0]()
    initialise(model)
    model = model.to(memory_format=torch.channels_last)
    parameters = list(model.parameters())
    if cifar:
        optimizer = torch.optim.SGD(parameters, RATE, momentum=0.9, nesterov=True, fused=True)
    else:
        optimizer = torch.optim.Adam(parameters, 1e-3, eps=1e-7, fused=True)
    steps, step, inputs, clock = args.epochs * math.ceil(len(y) / BATCH), 0, 0.0, race_common.Clock()
    for epoch in range(args.epochs):
        loss_sum, right = torch.zeros(()), torch.zeros((), dtype=torch.int64)
        for index in torch.randperm(len(y)).split(BATCH):
            began = time.process_time()
            images, labels = train.batch(index)
            inputs += time.process_time() - began
            if cifar:
                now = optimizer.param_groups[0]["lr"] = rate(step, steps)
                torch._foreach_mul_([p.data for p in parameters], 1 - now * DECAY)  # decoupled, as meseta's and Keras's
            optimizer.zero_grad(set_to_none=True)
            logits = model(images)
            loss = F.cross_entropy(logits, labels)
            loss.backward()
            optimizer.step()
            step += 1
            with torch.no_grad():
                loss_sum += loss * len(index)
                right += (logits.argmax(1) == labels).sum()
        with clock.evaluation():
            test_loss, test_accuracy = evaluate(model, test)
        print(json.dumps(dict(epoch=epoch + 1, steps=step, loss=loss_sum.item() / len(y), accuracy=right.item() / len(y), test_loss=test_loss,
                              test_accuracy=test_accuracy, **clock.times(), input_cpu_s=inputs)), flush=True)
        if args.goal and test_accuracy >= args.goal:
            return


main()
