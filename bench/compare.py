"""Runs meseta and its peers by turns on the same work and prints the ratios. compare.sh sets up what it needs.

Every peer is measured in pairs with meseta, one process each, one directly after the other and in changing order, because
the machine's speed drifts: a ratio within a pair means something where two rates an hour apart do not. The peer to beat is
the PyTorch variant of the highest median rate."""
import argparse
import json
import os
import statistics
import subprocess
import sys

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "peers")

# glibc gives big tensors back to the kernel after every use; told not to, PyTorch saves the page faults.
TUNED_MALLOC = {"MALLOC_MMAP_THRESHOLD_": "4000000000", "MALLOC_TRIM_THRESHOLD_": "8000000000", "MALLOC_TOP_PAD_": "67108864"}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--meseta", required=True, help="the command's path")
    parser.add_argument("--torch", help="a Python that has PyTorch; without it PyTorch is left out")
    parser.add_argument("--keras", help="a Python that has Keras and TensorFlow; without it Keras is left out")
    parser.add_argument("--models", default="mnist-cnn,resnet20")
    parser.add_argument("--modes", default="train,infer")
    parser.add_argument("--batch", type=int, default=0, help="0: the workload's own")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--seconds", type=float, default=4, help="of each run")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--results", help="a file to which every run's line is appended")
    parser.add_argument("--require", type=float, help="fail where the median ratio to the best PyTorch is below this")
    return parser.parse_args()


def contenders(args):
    """(name, command, further environment) of each peer."""
    peers = []
    if args.torch:
        for layout in ("contiguous", "channels_last"):
            command = [args.torch, os.path.join(HERE, "torch_step.py"), "--layout", layout]
            peers.append((f"torch eager, {layout}", command, {}))
            peers.append((f"torch eager, {layout}, tuned malloc", command, TUNED_MALLOC))
    if args.keras:
        peers.append(("keras on tensorflow", [args.keras, os.path.join(HERE, "keras_step.py")], {}))
    return peers


def run(args, name, command, environment, model, mode):
    """One process, one measured line."""
    command = command + ["--model", model, "--mode", mode, "--seconds", str(args.seconds), "--threads", str(args.threads)]
    if args.batch:
        command += ["--batch", str(args.batch)]
    done = subprocess.run(command, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"compare.py: {' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    line = json.loads(done.stdout.strip().splitlines()[-1])
    if args.results:
        with open(args.results, "a") as f:
            f.write(json.dumps({"contender": name, **line}) + "\n")
    return line


def compare(args, model, mode, peers):
    """Prints the table of one workload and returns the median ratio to the best PyTorch, or None without PyTorch."""
    ours = ("meseta", [args.meseta, "bench", "step", "--json"], {})
    rows, ours_all = [], []
    print(f"\n{model}, {mode}, {args.threads} threads, {args.pairs} pairs of {args.seconds:g} s", flush=True)
    for peer in peers:
        pairs = []
        for i in range(args.pairs):
            order = (ours, peer) if i % 2 == 0 else (peer, ours)
            pair = {c[0]: run(args, *c, model, mode) for c in order}
            mine, theirs = pair["meseta"], pair[peer[0]]
            for key in ("workload", "mode", "batch", "params", "threads"):
                if mine[key] != theirs[key]:
                    sys.exit(f"compare.py: not the same work: {key} is {mine[key]} for meseta and {theirs[key]} for {peer[0]}")
            pairs.append((mine, theirs))
        ours_all += [mine for mine, _ in pairs]
        rows.append((peer[0], pairs))
    print("| | images/s, median | images/s, best | MiB | first step, s | meseta is × (median of pairs) | lowest to highest pair |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    print_row("meseta", ours_all, "", "")
    best = None
    for name, pairs in rows:
        ratios = [mine["images_per_s_median"] / theirs["images_per_s_median"] for mine, theirs in pairs]
        ratio = statistics.median(ratios)
        rate = print_row(name, [theirs for _, theirs in pairs], f"{ratio:.3f}", f"{min(ratios):.3f} to {max(ratios):.3f}")
        if name.startswith("torch") and (best is None or rate > best[0]):
            best = rate, name, ratio
    if best is None:
        return None
    print(f"best PyTorch: {best[1]}; meseta is {best[2]:.3f} times as fast", flush=True)
    return best[2]


def print_row(name, lines, ratio, spread):
    def median(key):
        return statistics.median(line[key] for line in lines)
    rate, best = median("images_per_s_median"), max(line["images_per_s_best"] for line in lines)
    print(f"| {name} | {rate:.1f} | {best:.1f} | {median('peak_rss_bytes') / 2**20:.0f} | {median('first_step_s'):.2f} | {ratio} | {spread} |", flush=True)
    return rate


def main():
    args = arguments()
    peers = contenders(args)
    if not peers:
        sys.exit("compare.py: no peer; give --torch or --keras")
    slow = []
    for model in args.models.split(","):
        for mode in args.modes.split(","):
            ratio = compare(args, model, mode, peers)
            if args.require and ratio is not None and ratio < args.require:
                slow.append(f"{model} {mode}: {ratio:.3f}")
    if slow:
        sys.exit(f"compare.py: below {args.require} of the best PyTorch: {'; '.join(slow)}")


main()
