"""Tests and measures meseta on a machine with an NVIDIA GPU, and writes results.json and results.html, a page to read anywhere.

First what has to be right: what the machine is, the kernels beside the CPU's, training beside the CPU's, the driver. Then what it is worth: the GPU's peak, training steps
by turns with PyTorch's, where the time of a step goes, single operations. What fails or finds no time is on the page with its reason, and the rest goes on; what has
been found is written down after each piece. The status is 0 if all tests passed and meseta did all that it has kernels for. pack.sh makes an archive of this and all
that it runs."""
import argparse
import collections
import json
import os
import signal
import sys
import tempfile
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
BENCH = os.path.dirname(HERE)
sys.path.insert(0, BENCH)

import gotest  # noqa: E402
import machine  # noqa: E402
import page  # noqa: E402
import pairs  # noqa: E402
import smi  # noqa: E402
import torch_runs  # noqa: E402

# The most important ones first: time may run out. 0 is the workload's own batch.
WORKLOADS = [("resnet50", 256), ("mnist-cnn", 0), ("resnet20", 0), ("resnet9", 0), ("vgg11-bn", 0), ("mobilenet-v2", 0), ("resnet50", 0)]

# Ways to run PyTorch: its name, the mode of torch.compile, the precision, and the seconds that a pair may take at first guess. In their order of importance.
Variant = collections.namedtuple("Variant", "name compiled precision guess")
VARIANTS = [Variant("PyTorch", None, "float32", 8), Variant("PyTorch", None, "tf32", 8), Variant("PyTorch", None, "mixed_bfloat16", 8),
            Variant("PyTorch compiled", "reduce-overhead", "float32", 20), Variant("PyTorch compiled", "reduce-overhead", "mixed_bfloat16", 20),
            Variant("PyTorch compiled", "default", "float32", 20), Variant("PyTorch compiled", "default", "mixed_bfloat16", 20)]

# PyTorch is not asked any more to run in a way, compiled or not, that has failed so often in a row: each time takes seconds, and most likely it is for one reason.
TRIES = 3

LISTS = ["gemm_square", "conv_resnet50", "gemm_dense", "conv_mobilenet-v2", "conv_resnet20", "conv_resnet9", "conv_vgg11-bn", "conv_mnist-cnn"]

# The parts in their order. Of the tests: the compiled test, its pattern, and the part of the budget that it may take.
TESTS = {"parity": ("kernels.test", "GPU|CUDA", .3), "training": ("meseta.test", "GPU|CUDA", .2), "driver": ("gpu.test", ".", .15)}
PARTS = ["doctor", *TESTS, "peak", "steps", "profile", "operations"]

# The driver's tests measure time too; meanwhile PyTorch compiles nothing.
BESIDE_COMPILING = ("parity", "training")

SAME = ("workload", "mode", "batch", "params")  # threads of the host do not compute

# What meseta says where an operator has no kernel for GPUs: a reason, not a failure.
NO_KERNEL = "no kernel"


def arguments():
    parser = argparse.ArgumentParser(prog="run", description=__doc__.split("\n\n")[0])
    parser.add_argument("--torch", help="a Python that has PyTorch for GPUs; without it python3 is asked, `none` asks nobody")
    parser.add_argument("--out", default="results", help="the folder for results.json, results.html and what the tests printed")
    parser.add_argument("--seconds", type=float, default=1, help="of each measured run of steps; operations take a tenth of it each")
    parser.add_argument("--budget", type=float, default=480, help="seconds after which nothing more begins or goes on")
    parser.add_argument("--only", default=",".join(PARTS), help="parts, of " + ", ".join(PARTS))
    parser.add_argument("--pairs", type=int, default=3, help="of each workload and each way to run PyTorch, if there is time")
    parser.add_argument("--models", default=",".join(f"{model}:{batch}" if batch else model for model, batch in WORKLOADS), help="workloads, MODEL or MODEL:BATCH")
    parser.add_argument("--lists", default=",".join(LISTS), help="of single operations, as in bench/inputs")
    parser.add_argument("--tests", help="run the tests of this pattern only")
    parser.add_argument("--quiet", type=float, default=45, help="seconds after which tests that say nothing are ended, and those behind them are run")
    parser.add_argument("--bin", default=os.path.join(os.path.dirname(BENCH), "bin"), help="the folder of meseta-cuda and the compiled tests")
    args = parser.parse_args()
    args.only = args.only.split(",")
    for name in args.only:
        if name not in PARTS:
            parser.error(f"there is no part {name!r}, there are {', '.join(PARTS)}")
    args.models = [(model, int(batch or 0)) for model, _, batch in (word.partition(":") for word in args.models.split(","))]
    args.lists = [name for name in args.lists.split(",") if name]
    return args


class NoTime(Exception):
    """The budget is spent."""


class Bench:
    def __init__(self, args):
        self.args, self.begin = args, time.monotonic()
        self.meseta, self.out, self.torch = os.path.join(args.bin, "meseta-cuda"), os.path.abspath(args.out), None
        self.took, self.measured, self.refused, self.failed, self.batches = {}, {}, {}, collections.Counter(), {}
        self.scratch = tempfile.TemporaryDirectory()
        self.ahead = None
        self.results = dict(packed=packed(), began=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), budget_s=args.budget, arguments=sys.argv[1:], machine={}, gpu={}, meseta={}, torch={},
                            parts={name: dict(status="not run", reason="ended before" if name in args.only else "left out by --only", seconds=0.0) for name in PARTS}, tests={}, peak={}, lines=[],
                            profiles=[], operations=[], compiled_ahead=[], not_run=[], failures=[])
        os.makedirs(self.out, exist_ok=True)
        self.watch = smi.Watch()

    def left(self):
        """Seconds that processes may still take; two are for the page."""
        return self.args.budget - 2 - (time.monotonic() - self.begin)

    def may_take(self, most, least=1.0):
        if self.left() < least:
            raise NoTime(f"there were {max(0, self.left()):.0f} s left of the budget of {self.args.budget:.0f} s, about {least:.0f} are wanted")
        return min(most, self.left())

    def save(self):
        r = self.results
        r["took_s"], r["clocks"] = time.monotonic() - self.begin, self.watch.summary()
        for name, text in (("results.json", lambda: json.dumps(r, indent=1)), ("results.html", lambda: page.html(r))):
            with open(os.path.join(self.out, name + ".part"), "w", encoding="utf-8") as f:
                f.write(text())
            os.replace(os.path.join(self.out, name + ".part"), os.path.join(self.out, name))

    def variants(self):
        return variants_of(self.results["torch"]) if self.torch else VARIANTS[:1]

    def part(self, name, work):
        """Does a part, whatever becomes of it. A second call goes on with it."""
        if name not in self.args.only:
            return
        p, begin = self.results["parts"][name], time.monotonic()
        status, reason = "ok", ""
        if p["status"] == "not run":
            p["reason"] = "ended while it ran"
        self.save()
        try:
            work()
        except NoTime as e:
            status, reason = "not run", str(e)
        except pairs.Failed as e:
            status, reason = "failed", str(e)
        except Exception:  # of this program: the other parts go on
            status, reason = "failed", traceback.format_exc()
        except BaseException as e:  # ended from outside
            p.update(status="failed", reason=str(e) or type(e).__name__, seconds=p["seconds"] + time.monotonic() - begin)
            raise
        if p["status"] != "failed":
            p.update(status=status, reason=reason)
        p["seconds"] += time.monotonic() - begin
        print(f"{name}: {status} after {p['seconds']:.0f} s{': ' if reason else ''}{reason}", flush=True)
        self.save()

    def without(self, what, why):
        """Notes what was not measured. Only where meseta has no kernel, or there was no time, is that no failure."""
        self.results["not_run"].append(dict(what=what, why=why))
        print(f"not run: {what}: {why.strip().splitlines()[-1]}", flush=True)

    def refuse(self, what, e):
        self.without(what, str(e))
        if NO_KERNEL not in str(e) and not (getattr(e, "ended", False) and self.left() < 1):
            self.results["failures"].append(what)

    def doctor(self):
        r = self.results
        self.look_for_torch()
        r["gpu"], r["machine"] = smi.describe(), machine.describe()
        r["meseta"] = json.loads(pairs.output_of([self.meseta, "doctor", "--json"], seconds=self.may_take(60)))
        if not r["meseta"].get("gpus"):
            raise pairs.Failed(f"no GPU that meseta can use: {r['meseta'].get('gpu', '')}")
        pairs.output_of([self.meseta, "doctor", "--device", "cuda"], seconds=self.may_take(60))  # has it compute something

    def look_for_torch(self):
        """Begins to load PyTorch, which takes seconds or a minute, and has it compile while tests run, which measure nothing."""
        if self.args.torch == "none":
            self.results["torch"] = {"reason": "left out by --torch none"}
            return

        def compiled(about):
            return [(f"{model}, batch {batch}, {title(v)}" if batch else f"{model}, {title(v)}", self.torch_arguments(model, batch, v, 0.01))
                    for v in variants_of(about) if v.compiled and "steps" in self.args.only for model, batch in self.args.models]
        self.ahead = torch_runs.Ahead(torch_runs.Runs(self.args.torch or "python3", self.scratch.name), self.may_take(120), compiled)

    def end_ahead(self, patient=True):
        """Notes PyTorch's versions, or why it is left out; it compiles nothing any more by itself."""
        if not self.ahead:
            return
        ahead, self.ahead = self.ahead, None
        ahead.end(patient)
        self.results["compiled_ahead"] = ahead.compiled
        if ahead.about:
            self.torch, self.results["torch"] = ahead.runs, ahead.about
        else:
            ahead.runs.close()
            self.results["torch"] = {"reason": ahead.why}

    def tests(self, name):
        binary, pattern, share = TESTS[name]
        seconds = self.may_take(share * self.args.budget, least=5)
        if name not in BESIDE_COMPILING:
            self.end_ahead()
        # A library that is named has to be there: tests do not skip for want of a GPU then.
        driver = {"MESETA_LIBCUDA": os.environ.get("MESETA_LIBCUDA", "libcuda.so.1")}
        folder = os.path.join(os.path.dirname(BENCH), os.path.splitext(binary)[0])  # a package's, with what its tests read

        def look(found):
            self.results["tests"][name] = found
            self.save()
        why, found = gotest.run(os.path.abspath(os.path.join(self.args.bin, binary)), self.args.tests or pattern, os.path.join(self.out, f"{name}.txt"), seconds, driver,
                                folder if os.path.isdir(folder) else self.out, self.args.quiet, look)
        look(found)
        results = collections.Counter(t["result"] for t in gotest.leaves(found))
        wrong = results["fail"] + results["unfinished"]
        if wrong or why:
            raise pairs.Failed("; ".join(x for x in (f"{wrong} of {sum(results.values())} tests failed; {name}.txt has what they printed" if wrong else "",
                                                     f"not all tests were run: {why}; {results['pass']} had passed" if why else "") if x))
        if not results["pass"]:
            raise pairs.Failed("no test ran")

    def peak(self):
        self.results["peak"] = pairs.line_of([self.meseta, "bench", "peak", "--device", "cuda", "--json"], seconds=self.may_take(60))

    def run_ours(self, model, batch):
        line = pairs.line_of([self.meseta, "bench", "step", "--json", "--device", "cuda", "--model", model, "--batch", str(batch), "--seconds", str(self.args.seconds)],
                             seconds=self.may_take(60))
        self.results["lines"].append(dict(kind="run", contender="meseta", image=0, **line))
        self.batches[model, batch] = line["batch"]
        return line

    @staticmethod
    def torch_arguments(model, batch, v, seconds):
        return ["--device", "cuda", "--layout", "channels_last", "--model", model, "--batch", str(batch), "--seconds", str(seconds), "--precision", v.precision,
                *(["--compile", v.compiled] if v.compiled else [])]

    def run_torch(self, model, batch, v):
        line = self.torch.line_of("torch_step.py", self.torch_arguments(model, batch, v, self.args.seconds), self.may_take(120 if v.compiled else 45))
        self.results["lines"].append(dict(kind="run", contender=title(v), image=0, **line))
        return line

    def steps(self, turns):
        """Pairs of one step each of ours and PyTorch's: turns are (number, variant). Without PyTorch ours are measured alone."""
        for turn, v in turns:
            for model, batch in self.args.models:
                what = f"{model}, batch {batch}" if batch else model
                key = model, batch, v
                if (model, batch) in self.refused or key in self.refused or self.failed[v.compiled] >= TRIES:
                    continue
                begin = time.monotonic()
                try:
                    self.may_take(0, least=self.took.get(key, v.guess if self.torch else 4))
                    self.pair(turn, model, batch, v, what)
                    self.took[key] = time.monotonic() - begin
                except NoTime as e:
                    if not self.measured.get(key):
                        self.refused[key] = True
                        self.without(f"steps of {what} beside {title(v)}" if self.torch else f"steps of {what}", str(e))
                except Exception:  # of this program
                    self.refused[key] = True
                    self.refuse(f"steps of {what} beside {title(v)}", traceback.format_exc())

    def pair(self, turn, model, batch, v, what):
        """Adds a pair to those of a workload and a way to run PyTorch, ours first or last by turns."""
        lines = {}
        for who in ("meseta", "torch") if turn % 2 == 0 else ("torch", "meseta"):
            if who == "torch" and not self.torch:
                continue
            try:
                lines[who] = self.run_ours(model, batch) if who == "meseta" else self.run_torch(model, batch, v)
            except pairs.Failed as e:
                if who == "meseta":
                    self.refused[model, batch] = True
                    self.refuse(f"steps of {what}", e)
                else:
                    slow = [w for w in self.variants() if w.compiled == v.compiled] if e.ended else [v]  # in another precision it would hardly be faster
                    self.refused.update({(model, batch, w): True for w in slow})
                    self.failed[v.compiled] += 1
                    self.without(f"{title(v)} on {what}" + ("; it is not tried again" if self.failed[v.compiled] == TRIES or len(slow) > 1 else ""), str(e))
                return
        key = model, batch, v
        self.measured.setdefault(key, []).append((lines["meseta"], lines.get("torch")))
        if self.torch:
            try:
                pairs.same_work(lines["meseta"], lines["torch"], title(v), SAME)
            except pairs.Failed as e:
                self.refused[key] = True
                self.refuse(f"{title(v)} on {what}", e)
                return
            self.failed[v.compiled] = 0
            self.note_ratio(key)
        self.save()

    def note_ratio(self, key):
        """Writes down what the pairs so far say, in place of what was said before."""
        (model, batch, v), measured = key, self.measured[key]
        mine, theirs = zip(*measured)
        ratio = dict(kind="ratio", workload=model, mode="train", batch=theirs[0]["batch"], threads=0, image=0, peer=v.name, variant=title(v), precision=v.precision,
                     **pairs.ratio_of(measured), meseta_gpu_memory_bytes=pairs.middle(mine, "gpu_memory_bytes"), peer_gpu_memory_bytes=pairs.middle(theirs, "gpu_memory_bytes"))
        ratio["memory"] = ratio["meseta_peak_rss_bytes"] / ratio["peer_peak_rss_bytes"]
        identity = ("kind", "workload", "batch", "variant")
        self.results["lines"] = [line for line in self.results["lines"] if any(line.get(k) != ratio[k] for k in identity)] + [ratio]

    def profile(self):
        """Where the time of a training step goes."""
        for (model, _), batch in self.batches.items():
            try:
                self.may_take(0, least=5)
                line = pairs.line_of([self.meseta, "inspect", model, "--plan", "--profile", "--batch", str(batch), "--device", "cuda", "--json"], seconds=self.may_take(100))
            except NoTime as e:
                self.without(f"the profile of {model}, batch {batch}", str(e))
                continue
            except (pairs.Failed, ValueError) as e:
                self.refuse(f"the profile of {model}, batch {batch}", e)
                continue
            self.results["profiles"].append(dict(workload=model, batch=batch, **line))
            self.save()

    def operations(self, lists):
        for name in lists:
            op, file = os.path.basename(name).split("_")[0], name if os.path.sep in name else os.path.join(BENCH, "inputs", name)
            try:
                with open(file) as f:
                    shapes = [s for s in (line.split("#")[0].strip() for line in f) if s]
                seconds = self.args.seconds / 10
                self.may_take(0, least=5)
                ours = pairs.lines_of([self.meseta, "bench", "op", op, "--list", file, "--device", "cuda", "--json", "--seconds", str(seconds)], seconds=self.may_take(60))
            except NoTime as e:
                self.without(f"operations of {name}", str(e))
                continue
            except pairs.Failed as e:
                self.refuse(f"operations of {name}", e)
                ours = pairs.parsed(e.out)
            theirs = self.torch_operations(name, op, shapes, seconds) if self.torch and ours else {}
            for line in ours:
                peer = theirs.get((line["shape"], line["pass"]))
                self.results["operations"].append(dict(list=os.path.basename(name), **line, **({"peer_gflops_median": peer["gflops_median"]} if peer else {})))
            self.save()

    def torch_operations(self, name, op, shapes, seconds):
        """PyTorch's lines of a list by shape and pass, with its float32."""
        layout = "channels_last" if op == "conv" else "contiguous"
        try:
            lines = self.torch.lines_of("torch_op.py", [op, *shapes, "--device", "cuda", "--layout", layout, "--seconds", str(seconds)], self.may_take(60, least=2))
        except NoTime as e:
            self.without(f"operations of {name} in PyTorch", str(e))
            return {}
        except pairs.Failed as e:
            self.without(f"operations of {name} in PyTorch", str(e))
            lines = pairs.parsed(e.out)
        return {(line["shape"], line["pass"]): line for line in lines}

    def all(self):
        self.part("doctor", self.doctor)
        for name in TESTS:
            self.part(name, lambda: self.tests(name))
        self.end_ahead()
        self.part("peak", self.peak)
        first, *others = ([(n, v) for v in self.variants()] for n in range(self.args.pairs))
        eager = sum(v.compiled is None for _, v in first)
        self.part("steps", lambda: self.steps(first[:1]))
        self.part("profile", self.profile)
        self.part("operations", lambda: self.operations(self.args.lists[:2]))
        self.part("steps", lambda: self.steps(first[1:eager + 1]))
        self.part("operations", lambda: self.operations(self.args.lists[2:]))
        self.part("steps", lambda: self.steps(first[eager + 1:] + [turn for turns in others for turn in turns]))

    def close(self):
        self.watch.stop()
        self.end_ahead(patient=False)
        if self.torch:
            self.torch.close()
        self.scratch.cleanup()
        self.save()

    def status(self):
        return 1 if self.results["failures"] or any(p["status"] == "failed" for p in self.results["parts"].values()) or \
            any(self.results["parts"][name]["status"] != "ok" for name in ("doctor", *TESTS) if name in self.args.only) else 0


def variants_of(about):
    """Those that the GPU is made for: TF32 and bfloat16 came with compute capability 8.0."""
    if float(about["capability"]) >= 8:
        return VARIANTS
    return [v._replace(precision=v.precision.replace("mixed_bfloat16", "mixed_float16")) for v in VARIANTS if v.precision != "tf32"]


def packed():
    """What pack.sh was run on; nothing in a clone."""
    try:
        with open(os.path.join(os.path.dirname(BENCH), "packed")) as f:
            return f.read().strip()
    except OSError:
        return ""


def title(v):
    mode = f", {v.compiled}" if v.compiled not in (None, "default") else ""
    return f"{v.name}{mode}, {v.precision}"


def interrupted(number, _):
    raise SystemExit(f"run: ended by signal {number}")


def main():
    args = arguments()
    signal.signal(signal.SIGTERM, interrupted)
    bench = Bench(args)
    try:
        bench.all()
    finally:
        bench.close()
        print(page.text(bench.results))
        print(f"{bench.out}/results.html and results.json, after {bench.results['took_s']:.0f} s")
    sys.exit(bench.status())


if __name__ == "__main__":
    main()
