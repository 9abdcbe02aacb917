"""Races of meseta and its peers on real data: how accurate is who after what time. race.sh sets up what it needs.

cifar10: resnet20 as in examples/cifar10 for a given time, --limit. The schedule wants to know its end, so how many epochs each contender has is set
beforehand, from how long its first steps take. Evaluations, after each epoch, are outside of the clock.

mnist: mnist-cnn with Adam, a turn for each seed, until --goal of the test images are right at the end of an epoch. Time counts from the start of the process
on: it has the loading of libraries and data, compiling, and the evaluations.

--clock processor counts the processor time of a process with one thread, bound to one processor; in cifar10 all contenders run side by side. What other
programs on the machine do then changes little: they take time, but not of the clock, and share memory and caches. --clock wall is for
calm machines: all threads, one contender after the other, real time.

report prints the table of a file of results, and draws accuracy over time."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import threading
import time

import machine
import plot
from compare import PEERS, TUNED_MALLOC

HERE = os.path.dirname(os.path.abspath(__file__))
NAMES = {"meseta": "meseta", **{peer: PEERS[peer] for peer in ("torch", "keras")}}
BATCH, CIFAR_IMAGES = 128, 50000
TRY_IMAGES = 100 * BATCH  # of each of the two epochs that tell a contender's rate
MOST_EPOCHS = 30  # of mnist


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    tasks = parser.add_subparsers(dest="task", required=True)
    for task, peers, clock in (("cifar10", "torch", "processor"), ("mnist", "torch,keras", "wall")):
        p = tasks.add_parser(task)
        p.add_argument("--meseta", required=True, help="the path of bench/race, built")
        p.add_argument("--torch", help="a Python that has PyTorch")
        p.add_argument("--keras", help="a Python that has Keras and TensorFlow")
        p.add_argument("--peers", default=peers)
        p.add_argument("--data", required=True, help="a folder: CIFAR-10's binary version, or MNIST's IDX files, packed")
        p.add_argument("--results", required=True, help="a file to which lines of JSON are appended")
        p.add_argument("--clock", default=clock, choices=["processor", "wall"])
        p.add_argument("--threads", type=int, default=os.cpu_count(), help="with the clock on the wall")
        p.add_argument("--require", type=float, help="fail where meseta is worse than this: test accuracy less the best peer's, or median time over the fastest peer's")
        if task == "cifar10":
            p.add_argument("--limit", type=float, default=3600, help="seconds")
            p.add_argument("--seeds", type=int, nargs=1, default=[1], metavar="SEED")
        else:
            p.add_argument("--goal", type=float, default=0.99)
            p.add_argument("--seeds", type=lambda text: [int(n) for n in text.split(",")], default=[1, 2, 3])
    p = tasks.add_parser("report")
    p.add_argument("results")
    p.add_argument("--plot", help="an SVG file")
    p.set_defaults(require=None)
    args = parser.parse_args()
    if args.task != "report":
        args.contenders = ["meseta", *args.peers.split(",")]
        for name in args.contenders:
            if name not in NAMES or getattr(args, name) is None:
                parser.error(f"--peers {args.peers}: each is torch or keras, and wants a Python by that option")
        if args.clock == "processor":
            args.threads = 1
            if args.task == "cifar10" and len(os.sched_getaffinity(0)) < len(args.contenders):
                parser.error(f"{len(args.contenders)} contenders side by side want as many processors; --clock wall runs one after the other")
    return args


class Contender:
    """One process that trains. Its lines of JSON are collected as they come, with time_s by the race's clock."""

    def __init__(self, args, name, processor, **options):
        self.args, self.name, self.seed, self.lines = args, name, options["seed"], []
        options = [args.task, *(f"--{key}={value}" for key, value in options.items())]
        command = [args.meseta, *options] if name == "meseta" else [getattr(args, name), os.path.join(HERE, "peers", f"race_{name}.py"), *options]
        if name != "meseta" or args.task == "cifar10":  # meseta has MNIST in it
            command.append("--data=" + args.data)
        pin = (lambda: os.sched_setaffinity(0, {processor})) if args.clock == "processor" else None
        self.errors = open(f"{args.results}.{name}.log", "a")
        self.start = time.monotonic()
        self.process = subprocess.Popen(command, env={**os.environ, **(TUNED_MALLOC if name == "torch" else {})}, preexec_fn=pin,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.errors, text=True)

    def follow(self, recorded):
        for text in self.process.stdout:
            line = json.loads(text)
            wall = time.monotonic() - self.start
            line["time_s"] = wall if self.args.clock == "wall" else line["cpu_s"]
            if self.args.task == "cifar10":
                line["time_s"] -= line["evaluation_s" if self.args.clock == "wall" else "evaluation_cpu_s"]
            self.lines.append(line)
            if recorded:
                record(self.args, "epoch", contender=self.name, seed=self.seed, **line)
        self.process.wait()

    def took_part(self):
        if self.process.returncode != 0:
            sys.exit(f"race.py: {self.name} ended with {self.process.returncode}, see {self.errors.name}")


def record(args, kind, **what):
    with open(args.results, "a") as f:
        f.write(json.dumps({"kind": kind, **what}) + "\n")


def together(args, options, recorded):
    """Runs all contenders at once, or one after the other by the clock on the wall; options gives those of each by name."""
    all_of, running = [], []
    for name, processor in zip(args.contenders, sorted(os.sched_getaffinity(0)) * len(args.contenders)):
        c = Contender(args, name, processor, threads=args.threads, seed=args.seeds[0], **options(name))
        thread = threading.Thread(target=c.follow, args=(recorded,))
        thread.start()
        all_of.append(c)
        running.append(thread)
        if args.clock == "wall":
            thread.join()
    for thread in running:
        thread.join()
    for c in all_of:
        c.took_part()
    return all_of


def cifar10(args):
    epochs = {}
    for c in together(args, lambda _: dict(epochs=2, images=TRY_IMAGES), False):
        first, second = (line["time_s"] for line in c.lines)
        step, start = (second - first) * BATCH / TRY_IMAGES, 2 * first - second
        epochs[c.name] = max(1, int((args.limit - start) / (step * -(-CIFAR_IMAGES // BATCH))))
    record(args, "race", task="cifar10", clock=args.clock, threads=args.threads, limit_s=args.limit, epochs=epochs)
    together(args, lambda name: dict(epochs=epochs[name]), True)


def mnist(args):
    record(args, "race", task="mnist", clock=args.clock, threads=args.threads, goal=args.goal)
    processor = min(os.sched_getaffinity(0))
    for turn, seed in enumerate(args.seeds):
        for name in args.contenders if turn % 2 == 0 else args.contenders[::-1]:
            load = machine.Load()
            c = Contender(args, name, processor, threads=args.threads, seed=seed, goal=args.goal, epochs=MOST_EPOCHS)
            c.follow(True)
            c.took_part()
            record(args, "end", contender=name, seed=seed, foreign_cpus=round(load.foreign_cpus(), 2))


def report(path, picture):
    """Prints the table of the file's last race, draws its first seed, and gives the figure of merit, which --require is about; None while there is none yet."""
    with open(path) as f:
        lines = [json.loads(text) for text in f]
    begin = max(i for i, line in enumerate(lines) if line["kind"] == "race")
    race, epochs = lines[begin], [line for line in lines[begin:] if line["kind"] == "epoch"]
    if race["task"] == "mnist":  # turns that were not cut short
        ended = {(line["contender"], line["seed"]) for line in lines[begin:] if line["kind"] == "end"}
        epochs = [line for line in epochs if (line["contender"], line["seed"]) in ended]
    clock = "processor time, one thread" if race["clock"] == "processor" else f"{race['threads']} threads"
    if picture:
        seed, curves = epochs[0]["seed"], {}
        for line in epochs:
            if line["seed"] == seed:
                curves.setdefault(NAMES[line["contender"]], []).append((line["time_s"] / 60, 100 * line["test_accuracy"]))
        with open(picture, "w") as f:
            f.write(plot.svg(f"{race['task']}: test accuracy, %", f"minutes ({clock})", curves, logarithmic=False))
    return {"cifar10": report_cifar10, "mnist": report_mnist}[race["task"]](race, epochs, clock)


def report_cifar10(race, epochs, clock):
    marks = [race["limit_s"] * part for part in (0.25, 0.5, 0.75)]
    print(f"\n`resnet20` on CIFAR-10, {race['limit_s'] / 60:g} minutes of {clock}:\n")
    print("| | epochs | minutes | loss, training | accuracy, training, % | " + " | ".join(f"test after {m / 60:g} minutes, %" for m in marks) + " | test at the end, % |")
    print("|---|" + "---:|" * (5 + len(marks)))
    ends = {}
    for name in dict.fromkeys(line["contender"] for line in epochs):
        mine = [line for line in epochs if line["contender"] == name]
        last = mine[-1]
        at = [next((f"{100 * line['test_accuracy']:.1f}" for line in reversed(mine) if line["time_s"] <= m < last["time_s"]), "") for m in marks]
        print(f"| {NAMES[name]} | {last['epoch']} of {race['epochs'][name]} | {last['time_s'] / 60:.1f} | {last['loss']:.3f} | {100 * last['accuracy']:.2f} | "
              + " | ".join(at) + f" | **{100 * last['test_accuracy']:.2f}** |")
        ends[name] = last["test_accuracy"]
    if len(ends) < 2 or "meseta" not in ends:
        return None  # the race is on
    margin = ends["meseta"] - max(accuracy for name, accuracy in ends.items() if name != "meseta")
    print(f"\nmeseta's accuracy less the best peer's: {100 * margin:+.2f} %.")
    return margin


def report_mnist(race, epochs, clock):
    print(f"\n`mnist-cnn` on MNIST until {100 * race['goal']:g} % of the test images are right, {clock}:\n")
    print("| | seeds | epochs | seconds, median | lowest to highest | seconds an epoch |\n|---|---:|---|---:|---:|---:|")
    medians = {}
    for name in dict.fromkeys(line["contender"] for line in epochs):
        ends, took = {}, []
        for line in (line for line in epochs if line["contender"] == name):
            if line["seed"] in ends:
                took.append(line["time_s"] - ends[line["seed"]]["time_s"])
            ends[line["seed"]] = line
        if missed := [seed for seed, line in ends.items() if line["test_accuracy"] < race["goal"]]:
            sys.exit(f"race.py: {NAMES[name]} did not get there with the seeds {missed}")
        times = [line["time_s"] for line in ends.values()]
        medians[name] = statistics.median(times)
        print(f"| {NAMES[name]} | {len(ends)} | {', '.join(str(line['epoch']) for line in ends.values())} | **{medians[name]:.1f}** | "
              f"{min(times):.1f} to {max(times):.1f} | {f'{statistics.median(took):.1f}' if took else ''} |")
    if len(medians) < 2 or "meseta" not in medians:
        return None
    part = medians["meseta"] / min(time_s for name, time_s in medians.items() if name != "meseta")
    print(f"\nmeseta's time is {part:.2f} of the fastest peer's.")
    return part


def main():
    args = arguments()
    if args.task == "report":
        report(args.results, args.plot)
        return
    record(args, "machine", **machine.describe())
    {"cifar10": cifar10, "mnist": mnist}[args.task](args)
    merit = report(args.results, None)
    if args.require is not None and (merit < args.require if args.task == "cifar10" else merit > args.require):
        sys.exit(f"race.py: {merit:.4f}, {args.require:g} is wanted")


if __name__ == "__main__":
    main()
