"""Records the rates of PyTorch's schedulers for what Keras does not have, for torch_test.go.

    pip install torch
    python make_torch_goldens.py   # writes torch.json beside it
"""

import itertools
import json
import pathlib
import warnings

import torch

CASES = {
    "StepLR": dict(step_size=[1, 10], gamma=[0.1, 0.7]),
    "OneCycleLR": dict(max_lr=[0.1], total_steps=[10, 97], pct_start=[0.3, 0.45], anneal_strategy=["cos", "linear"], div_factor=[25.0, 4.0], final_div_factor=[1e4, 1.0], three_phase=[False, True]),
    "CyclicLR": dict(base_lr=[0.001], max_lr=[0.006], step_size_up=[4, 20], mode=["triangular", "triangular2", "exp_range"], gamma=[0.99]),
}
STEPS = 97


def rates(name, arguments):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    if name != "StepLR":
        arguments = arguments | {"cycle_momentum": False}
    scheduler = getattr(torch.optim.lr_scheduler, name)(optimizer, **arguments)
    steps = min(STEPS, arguments.get("total_steps", STEPS))
    for step in range(steps):
        yield optimizer.param_groups[0]["lr"]
        if step + 1 < steps:
            optimizer.step()
            scheduler.step()


def cases(name):
    choices = CASES[name]
    for values in itertools.product(*choices.values()):
        arguments = dict(zip(choices, values))
        yield {"arguments": arguments, "rates": list(rates(name, arguments))}


def main():
    warnings.simplefilter("ignore")
    lines = [f'"torch": {json.dumps(torch.__version__)}']
    for name in CASES:
        body = ",\n".join(json.dumps(item, separators=(",", ":"), allow_nan=False) for item in cases(name))
        lines.append(f"{json.dumps(name)}: [\n{body}\n]")
    (pathlib.Path(__file__).parent / "torch.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


main()
