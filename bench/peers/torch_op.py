"""PyTorch on single operations: prints a JSON line for each shape and pass, with the keys of `meseta bench op` that compare_ops.py reads.

Shapes are written as there. Convolutions are aten's, the gradients each by itself."""
import argparse
import json
import os
import re
import statistics

parser = argparse.ArgumentParser()
parser.add_argument("op", choices=["conv", "gemm"])
parser.add_argument("shapes", nargs="+")
parser.add_argument("--seconds", type=float, default=0.3)
parser.add_argument("--threads", type=int, default=os.cpu_count())
parser.add_argument("--layout", default="contiguous", choices=["contiguous", "channels_last"])
parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
parser.add_argument("--precision", default="float32", choices=["float32", "tf32"])
args = parser.parse_args()
os.environ["OMP_NUM_THREADS"] = str(args.threads)

import torch  # noqa: E402, the number of threads is read when it loads
import torch_device  # noqa: E402


def passes_of_conv(s):
    """(pass, operations, function) of a convolution. Padding below and to the right is what oh and ow leave, or the same as above."""
    h, k, stride, gap = s["ih"], s["kh"], s.get("sh", 1), s.get("dh", 0) + 1
    w, l, stride_w, gap_w = s.get("iw", h), s.get("kw", k), s.get("sw", stride), s.get("dw", gap - 1) + 1
    before, groups = (s.get("ph", 0), s.get("pw", s.get("ph", 0))), s.get("g", 1)
    after = list(before)
    for d, (out, size, window, step, dilation) in enumerate(((s.get("oh", 0), h, k, stride, gap), (s.get("ow", s.get("oh", 0)), w, l, stride_w, gap_w))):
        if out:
            after[d] = max(0, (out - 1) * step + (window - 1) * dilation + 1 - size - before[d])
    layout = torch.channels_last if args.layout == "channels_last" else torch.contiguous_format
    # PyTorch pads both sides alike: an image with the further rows is what its users make of such a convolution beforehand.
    x = torch.randn(s.get("mb", 1), s["ic"], h + after[0] - before[0], w + after[1] - before[1]).contiguous(memory_format=layout)
    weights = torch.randn(s["oc"], s["ic"] // groups, k, l).contiguous(memory_format=layout)
    how = [stride, stride_w], list(before), [gap, gap_w], False, [0, 0], groups
    y = torch.ops.aten.convolution(x, weights, None, *how)
    operations = 2 * y.numel() * weights[0].numel()
    diff = torch.randn_like(y)
    yield "forward", operations, lambda: torch.ops.aten.convolution(x, weights, None, *how)
    yield "data", operations, lambda: torch.ops.aten.convolution_backward(diff, x, weights, None, *how, [True, False, False])
    yield "weights", operations, lambda: torch.ops.aten.convolution_backward(diff, x, weights, None, *how, [False, True, False])


def passes_of_gemm(s):
    m, n, k = s["m"], s["n"], s["k"]
    a = torch.randn(k, m).t() if s.get("ta") else torch.randn(m, k)
    b = torch.randn(n, k).t() if s.get("tb") else torch.randn(k, n)
    dst = torch.empty(m, n)
    yield "product", 2 * m * n * k, lambda: torch.mm(a, b, out=dst)


def main():
    device = torch_device.prepare(args)
    torch.set_default_device(device.place)
    for text in args.shapes:
        shape = text.split('n"')[0]
        numbers = {key: int(value) for key, value in re.findall(r"([a-z]+)(\d+)", shape.replace("_", ""))}
        for name, operations, run in (passes_of_conv if args.op == "conv" else passes_of_gemm)(numbers):
            with torch.inference_mode():
                took = statistics.median(device.times(run, args.seconds))
            line = dict(shape=shape, threads=args.threads, layout=args.layout, device=device.name, precision=args.precision, version=torch.__version__, flops=operations,
                        ms_median=took * 1e3, gflops_median=operations / took / 1e9)
            print(json.dumps({**line, "pass": name}), flush=True)


main()
