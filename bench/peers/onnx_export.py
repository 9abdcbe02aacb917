"""Writes a network of the bench contract as an ONNX file for inference of one batch size, by PyTorch's exporter, and prints one JSON
line with what the file does not say."""
import argparse
import json
import warnings

import step_clock
import torch
from torch_models import WORKLOADS


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, choices=list(WORKLOADS))
    parser.add_argument("--batch", type=int, default=0, help="0: the workload's own")
    parser.add_argument("--image", type=int, default=0, help="rows and columns of an image; 0: the workload's own")
    parser.add_argument("--output", required=True)
    args = parser.parse_args()
    build, sample, _, batch, _ = WORKLOADS[args.model]
    batch = args.batch or batch
    torch.manual_seed(1)
    model = build().eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of the exporter that needs no further packages
        torch.onnx.export(model, (torch.randn(batch, *step_clock.sized(sample, args.image)),), args.output, dynamo=False, opset_version=17, input_names=["x"], output_names=["y"])
    print(json.dumps(dict(model=args.model, batch=batch, params=sum(p.numel() for p in model.parameters()), version=torch.__version__)))


main()
