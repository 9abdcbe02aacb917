"""Runs meseta's and PyTorch's single operations by turns and prints the ratios. `compare.sh ops` sets up what it needs.

PyTorch's convolutions run in both memory layouts, and the faster one of each shape, pass and turn counts."""
import argparse
import math
import os
import statistics
import sys

import machine
import pairs

HERE = os.path.dirname(os.path.abspath(__file__))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--meseta", required=True, help="the command's path")
    parser.add_argument("--torch", required=True, help="a Python that has PyTorch")
    parser.add_argument("--list", required=True, help="a name in bench/inputs")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--seconds", type=float, default=0.2, help="of each shape and pass")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--require", type=float, help="fail where a median ratio is below this")
    return parser.parse_args()


def lines_of(command):
    """The lines of JSON of a command, by shape and pass."""
    return {(line["shape"], line["pass"]): line for line in pairs.lines_of(command)}


def main():
    args = arguments()
    op = args.list.split("_")[0]
    with open(os.path.join(HERE, "inputs", args.list)) as f:
        shapes = [s for s in (line.split("#")[0].strip() for line in f) if s]
    how = ["--seconds", str(args.seconds), "--threads", str(args.threads)]
    ours = [args.meseta, "bench", "op", op, *shapes, *how, "--json"]
    theirs = [[args.torch, os.path.join(HERE, "peers", "torch_op.py"), op, *shapes, *how, "--layout", layout]
              for layout in (["contiguous", "channels_last"] if op == "conv" else ["contiguous"])]
    load, turns = machine.Load(), []
    for turn in range(args.turns):
        commands = [ours, *theirs] if turn % 2 == 0 else [*theirs, ours]
        results = [lines_of(command) for command in commands]
        mine = results.pop(0 if turn % 2 == 0 else -1)
        turns.append((mine, {key: min((r[key] for r in results), key=lambda line: line["ms_median"]) for key in mine}))
    print(f"{args.list}, threads {args.threads}; {args.turns} turns of {args.seconds:g} s, others used {load.foreign_cpus():.2f} processors:\n")
    print("| shape | pass | meseta, GFLOP/s | of the peak, % | PyTorch, GFLOP/s | meseta is × (median of turns) | lowest to highest turn |")
    print("|---|---|---:|---:|---:|---:|---:|")
    slow, by_pass = [], {}
    for key in turns[0][0]:
        for mine, line in ((t[0][key], t[1][key]) for t in turns):
            pairs.same_work(mine, line, "PyTorch", ["shape", "flops"])
        ratios = [t[1][key]["ms_median"] / t[0][key]["ms_median"] for t in turns]
        rate, fraction, peer = (statistics.median(t[i][key][name] for t in turns) for i, name in ((0, "gflops_median"), (0, "peak_fraction"), (1, "gflops_median")))
        ratio = statistics.median(ratios)
        by_pass.setdefault(key[1], []).append(math.log(ratio))
        print(f"| `{key[0]}` | {key[1]} | {rate:.0f} | {100 * fraction:.0f} | {peer:.0f} | {ratio:.2f} | {min(ratios):.2f} to {max(ratios):.2f} |")
        if args.require and ratio < args.require:
            slow.append(f"{key[0]} {key[1]}: {ratio:.3f}")
    print("\nGeometric means: " + ", ".join(f"{name} {math.exp(statistics.mean(logs)):.2f}" for name, logs in by_pass.items()) + ".")
    if slow:
        sys.exit(f"compare_ops.py: below {args.require:g} of PyTorch: {'; '.join(slow)}")


try:
    main()
except pairs.Failed as e:
    sys.exit(f"compare_ops.py: {e}")
