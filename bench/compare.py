"""Runs meseta and its peers by turns on the same work and prints the ratios. compare.sh sets up what it needs.

Every peer is measured in pairs with meseta, one process each, one directly after the other and in changing order, because
the machine's speed drifts: a ratio within a pair means something where two rates an hour apart do not. A peer that can run in
several ways (memory layouts, malloc) is tried once in each, and the fastest is paired; --all-variants pairs each. The peer to beat
is the one with the lowest median ratio. Other programs' use of the processors is measured too: PyTorch and ONNX Runtime suffer more
from it than meseta, because their threads wait for each other in a loop, so ratios of a busy machine flatter meseta."""
import argparse
import collections
import itertools
import json
import os
import statistics
import sys
import tempfile

import machine
import pairs
import plot

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "peers")

# glibc gives big tensors back to the kernel after every use; told not to, PyTorch saves the page faults.
TUNED_MALLOC = {"MALLOC_MMAP_THRESHOLD_": "4000000000", "MALLOC_TRIM_THRESHOLD_": "8000000000", "MALLOC_TOP_PAD_": "67108864"}

# How programs are held to an instruction set below the machine's own. ONNX Runtime, TensorFlow and compiled PyTorch know no such thing for all of their code.
HELD = {"avx2": {"MESETA_ISA": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"}}

# What each peer is called in the tables, and which modes it knows.
PEERS = {"torch": "PyTorch", "torch-compiled": "PyTorch compiled", "keras": "Keras on TensorFlow", "onnxruntime": "ONNX Runtime"}
MODES = {"onnxruntime": ["infer"]}

# What is measured; of batch, threads and image, rows of an image, 0 is the workload's own or all.
Work = collections.namedtuple("Work", "model mode batch threads image")


def numbers(text):
    return [int(n) for n in text.split(",")]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--meseta", required=True, help="the command's path")
    parser.add_argument("--peers", default="torch", help="of " + ", ".join(PEERS))
    parser.add_argument("--torch", help="a Python that has PyTorch and ONNX Runtime")
    parser.add_argument("--keras", help="a Python that has Keras and TensorFlow")
    parser.add_argument("--models", default="mnist-cnn,resnet20,resnet9,vgg11-bn,resnet50,mobilenet-v2")
    parser.add_argument("--modes", default="train,infer")
    parser.add_argument("--batch", type=numbers, default=[0], help="a number, or several as 1,8,64 to see the growth; 0: the workload's own")
    parser.add_argument("--threads", type=numbers, default=[os.cpu_count()], help="a number, or several")
    parser.add_argument("--image", type=numbers, default=[0], help="rows and columns of an image, or several; 0: the workload's own")
    parser.add_argument("--isa", choices=HELD, help="hold meseta and PyTorch to this instruction set")
    parser.add_argument("--plot", help="an SVG file for the rates, where one of batch, threads and image is several numbers")
    parser.add_argument("--seconds", type=float, default=4, help="of each run")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--all-variants", action="store_true", help="pair every layout and malloc, not only the fastest")
    parser.add_argument("--quiet", type=float, help="before each pair, wait up to a minute until others use at most so many processors")
    parser.add_argument("--results", help="a file to which a line of JSON is appended for the machine, every run and every ratio")
    parser.add_argument("--require", default="", help="fail below these ratios to the fastest peer: 1.5, or mnist-cnn=2.2,1.0 where the last is for all others")
    parser.add_argument("--require-memory", default="", help="fail where meseta's peak memory is more than this part of the leanest peer's; likewise")
    args = parser.parse_args()
    args.peers = args.peers.split(",")
    for peer in args.peers:
        if peer not in PEERS:
            parser.error(f"there is no peer {peer!r}, there are {', '.join(PEERS)}")
        python = "keras" if peer == "keras" else "torch"
        if getattr(args, python) is None:
            parser.error(f"{peer} needs --{python}")
    if args.isa and args.peers != ["torch"]:
        parser.error("--isa holds torch only, no other peer")
    if args.plot and ("," in args.models + args.modes or sorted(map(len, (args.batch, args.threads, args.image)))[:2] != [1, 1]):
        parser.error("--plot wants one model, one mode, and several numbers of one of --batch, --threads and --image")
    try:
        args.require, args.require_memory = requirements(args.require), requirements(args.require_memory)
    except ValueError:
        parser.error("--require and --require-memory want a number, or a list such as mnist-cnn=2.2,resnet20=1.6")
    return args


def requirements(text):
    """A function from a model to what is required of it, which gives None where nothing is; a number by itself is for all others."""
    limits = {model: float(limit) for model, _, limit in (item.rpartition("=") for item in text.split(",") if item)}
    return lambda model: limits.get(model, limits.get(""))


def variants(args, peer, work, scratch):
    """(name, command, further environment) of each way in which a peer can run."""
    name, size = PEERS[peer], ["--batch", str(work.batch)] + (["--image", str(work.image)] if work.image else [])
    if peer == "keras":
        return [(name, [args.keras, os.path.join(HERE, "keras_step.py"), *size], {})]
    if peer == "onnxruntime":
        file = os.path.join(scratch, "network.onnx")
        export = [args.torch, os.path.join(HERE, "onnx_export.py"), "--model", work.model, *size, "--output", file]
        params = pairs.line_of(export)["params"]
        return [(name, [args.torch, os.path.join(HERE, "onnx_step.py"), "--file", file, "--params", str(params)], {})]
    command = [args.torch, os.path.join(HERE, "torch_step.py"), *size] + (["--compile"] if peer == "torch-compiled" else [])
    return [(f"{name}, {layout}{tuned}", [*command, "--layout", layout], environment)
            for layout in ("contiguous", "channels_last") for tuned, environment in (("", {}), (", tuned malloc", TUNED_MALLOC))]


def record(args, kind, **what):
    """Appends a line to the file of results."""
    if args.results:
        with open(args.results, "a") as f:
            f.write(json.dumps({"kind": kind, **what}) + "\n")


def run(args, name, command, environment, work, seconds):
    """One process, one measured line."""
    command = command + ["--model", work.model, "--mode", work.mode, "--seconds", str(seconds), "--threads", str(work.threads)]
    load = machine.Load()
    line = pairs.line_of(command, {**environment, **HELD.get(args.isa, {})})
    line["foreign_cpus"] = round(load.foreign_cpus(), 2)
    record(args, "run", contender=name, image=work.image, **line)
    return line


def pairs_with(args, peer, work):
    """(meseta's line, the peer's line) of each pair."""
    ours = "meseta", [args.meseta, "bench", "step", "--json", "--batch", str(work.batch), "--image", str(work.image)], {}
    measured = []
    for i in range(args.pairs):
        if args.quiet is not None:
            machine.wait_quiet(args.quiet, 60)
        order = (ours, peer) if i % 2 == 0 else (peer, ours)
        pair = {c[0]: run(args, *c, work, args.seconds) for c in order}
        mine, theirs = pair["meseta"], pair[peer[0]]
        pairs.same_work(mine, theirs, peer[0])
        measured.append((mine, theirs))
    return measured


def paired(args, peer, work, scratch):
    """The variants of a peer that are worth pairs: the fastest of one short run each, or all."""
    ways = variants(args, peer, work, scratch)
    if args.all_variants or len(ways) == 1:
        return ways
    return [max(ways, key=lambda way: run(args, *way, work, args.seconds / 2)["images_per_s_median"])]


def compare(args, work, scratch):
    """Prints the table of some work and returns a list of what it records of each peer, the one to beat first."""
    rows, ours_all = [], []
    for name in args.peers:
        if work.mode not in MODES.get(name, [work.mode]):
            continue
        for way in paired(args, name, work, scratch):
            measured = pairs_with(args, way, work)
            ours_all += [mine for mine, _ in measured]
            rows.append((way[0], name, measured))
    if not rows:
        return []
    foreign = statistics.mean(line["foreign_cpus"] for *_, measured in rows for pair in measured for line in pair)
    image = f" images of {work.image}×{work.image}," if work.image else ""
    isa = f", {args.isa}" if args.isa else ""
    print(f"\n`{work.model}`, {'training' if work.mode == 'train' else 'inference'}, batch {ours_all[0]['batch']},{image} threads {work.threads}{isa}; "
          f"{args.pairs} pairs of {args.seconds:g} s, others used {foreign:.2f} processors:\n")
    print("| | images/s, median | best | peak memory, MiB | first step after, s | meseta is × (median of pairs) | lowest to highest pair | meseta's memory is × |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    print_row("meseta", ours_all, "", "", "")
    results = []
    for name, kind, measured in rows:
        theirs, found = [line for _, line in measured], pairs.ratio_of(measured)
        memory = found["meseta_peak_rss_bytes"] / found["peer_peak_rss_bytes"]
        print_row(name, theirs, f"{found['ratio']:.2f}", f"{min(found['ratios']):.2f} to {max(found['ratios']):.2f}", f"{memory:.2f}")
        result = dict(workload=work.model, mode=work.mode, batch=theirs[0]["batch"], threads=work.threads, image=work.image, peer=PEERS[kind], variant=name,
                      memory=memory, foreign_cpus=foreign, **found)
        record(args, "ratio", **result)
        results.append(result)
    results.sort(key=lambda r: r["ratio"])
    print(f"\nThe fastest peer is {results[0]['variant']}; meseta is {results[0]['ratio']:.2f} times as fast.", flush=True)
    return results


def print_row(name, lines, *ratios):
    rate, best = pairs.middle(lines, "images_per_s_median"), max(line["images_per_s_best"] for line in lines)
    digits = 0 if rate >= 100 else 1
    cells = [name, f"{rate:.{digits}f}", f"{best:.{digits}f}", f"{pairs.middle(lines, 'peak_rss_bytes') / 2**20:.0f}", f"{pairs.middle(lines, 'first_step_s'):.2f}", *ratios]
    print("| " + " | ".join(cells) + " |", flush=True)


def draw(args, results):
    """Rates over the one of batch, threads and image that is several numbers."""
    by = max(("batch", "threads", "image"), key=lambda name: len(getattr(args, name)))
    curves = {}
    for r in results:
        curves.setdefault("meseta", {})[r[by]] = r["meseta_images_per_s_median"]
        curves.setdefault(r["peer"], {})[r[by]] = r["peer_images_per_s_median"]
    title = f"{args.models}, {'training' if args.modes == 'train' else 'inference'}: images a second"
    words = {"batch": "images in a batch", "threads": "threads", "image": "rows of an image"}
    with open(args.plot, "w") as f:
        f.write(plot.svg(title, words[by], {name: sorted(points.items()) for name, points in curves.items()}))


def main():
    args = arguments()
    record(args, "machine", isa=args.isa, **machine.describe())
    missed, everything = [], []
    with tempfile.TemporaryDirectory() as scratch:
        for work in itertools.starmap(Work, itertools.product(args.models.split(","), args.modes.split(","), args.batch, args.threads, args.image)):
            results = compare(args, work, scratch)
            if not results:
                continue
            everything += results
            ratio, memory = results[0]["ratio"], max(r["memory"] for r in results)
            least, most = args.require(work.model), args.require_memory(work.model)
            if least is not None and ratio < least:
                missed.append(f"{work.model} {work.mode}: {ratio:.3f} of the fastest peer's rate, at least {least:g} is wanted")
            if most is not None and memory > most:
                missed.append(f"{work.model} {work.mode}: {memory:.3f} of the leanest peer's memory, at most {most:g} is wanted")
    if args.plot and everything:
        draw(args, everything)
    if missed:
        sys.exit("compare.py: " + "; ".join(missed))


if __name__ == "__main__":
    try:
        main()
    except pairs.Failed as e:
        sys.exit(f"compare.py: {e}")
