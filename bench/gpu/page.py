"""Makes of results.json a page that needs nothing else: tables and pictures, for small screens too. Its head says what a reader wants to know first: whether all
tests passed, how fast training is beside PyTorch's, and which kernels lose most."""
import collections
import html as escaping
import traceback

import gotest
import plot

STYLE = """
:root { color-scheme: light dark }
body { font: 15px/1.45 system-ui, sans-serif; margin: 0 auto; padding: 0 12px 40px; max-width: 1150px }
h1 { font-size: 1.4em } h2 { font-size: 1.15em; margin-top: 1.8em } h3 { font-size: 1em }
.wide { overflow-x: auto } table { border-collapse: collapse; font-size: 13px; white-space: nowrap }
td, th { padding: 3px 9px; border-bottom: 1px solid #8884; text-align: right } th { white-space: normal; vertical-align: bottom; min-width: 3em } th.words { text-align: left } td:first-child, th:first-child { text-align: left }
td.words { text-align: left; white-space: normal; overflow-wrap: anywhere; min-width: 9em } pre { overflow-x: auto; font-size: 12px; background: #8882; padding: 8px }
.ok { color: #009e73 } .failed { color: #d55e00; font-weight: bold } .head { font-size: 1.1em } p.failed, p.ok { font-size: 1.1em; font-weight: bold } svg { max-width: 620px; width: 100%; height: auto }
"""


def e(value):
    return escaping.escape(str(value))


def number(x):
    """Three digits that count."""
    return f"{x:.0f}" if abs(x) >= 100 else f"{x:.3g}"


def percent(part, whole):
    return f"{100 * part / whole:.0f}" if whole else ""


def table(head, rows):
    """Rows of text; a cell (text, class) has a class."""
    def cell(tag, c):
        text, kind = c if isinstance(c, tuple) else (c, "")
        return f'<{tag} class="{kind}">{e(text)}</{tag}>' if kind else f"<{tag}>{e(text)}</{tag}>"
    lines = ["<tr>" + "".join(cell("th", c) for c in head) + "</tr>"] if head else []
    lines += ["<tr>" + "".join(cell("td", c) for c in row) + "</tr>" for row in rows]
    return '<div class="wide"><table>' + "\n".join(lines) + "</table></div>"


def counts(found):
    n = collections.Counter(t["result"] for t in gotest.leaves(found))
    return ", ".join(f"{n[k]} {word}" for k, word in (("pass", "passed"), ("fail", "failed"), ("unfinished", "unfinished"), ("skip", "skipped")) if n[k])


def verdict(r):
    """Whether the tests passed: a class and a sentence."""
    wrong = [f"{name}: {t['name']}" for name, found in r["tests"].items() for t in gotest.leaves(found) if t["result"] in ("fail", "unfinished")]
    missing = [name for name in TESTED if r["parts"][name]["status"] == "not run"]
    broken = [name for name in TESTED if r["parts"][name]["status"] == "failed"]
    passed = sum(t["result"] == "pass" for found in r["tests"].values() for t in gotest.leaves(found))
    if wrong:
        return "failed", f"{len(wrong)} {'test' if len(wrong) == 1 else 'tests'} failed, {passed} passed: {', '.join(wrong[:8])}" + (" and others" if len(wrong) > 8 else "")
    if broken:
        return "failed", f"Not all tests were run, {passed} passed: " + "; ".join(f"{name}: {(r['parts'][name]['reason'].strip().splitlines() or [''])[0]}" for name in broken)
    if missing:
        return "failed", f"Not all tests were run, {passed} passed: there is nothing of {', '.join(missing)}"
    return "ok", f"All {passed} tests passed."


TESTED = ("parity", "training", "driver")


def times(ratio):
    """A ratio as a cell, of which one below 1 is marked."""
    return f"{ratio:.2f}", "ok" if ratio >= 1 else "failed"


def beside(r):
    """A row for each workload, a column for each way to run PyTorch: how many times as fast meseta is."""
    found = ratios(r)
    ways = list(dict.fromkeys(x["variant"] for x in found))
    if not ways:
        return f"<p>Not measured beside PyTorch: {e(r['torch'].get('reason') or r['parts']['steps']['reason'] or 'see below')}</p>"
    rows, share = [], {(p["workload"], p["batch"]): sum(least(s, p) for s in p["profile"]["steps"]) for p in r["profiles"]}
    for workload, batch in dict.fromkeys((x["workload"], x["batch"]) for x in found):
        here = {x["variant"]: x for x in found if (x["workload"], x["batch"]) == (workload, batch)}
        rate = next(iter(here.values()))["meseta_images_per_s_median"]
        rows.append([f"{workload}, batch {batch}", number(rate), possible(share[workload, batch], batch / rate) if (workload, batch) in share else "",
                     *(times(here[w]["ratio"]) if w in here else "" for w in ways)])
    return table(["meseta is × as fast as", "images/s", "% of possible", *ways], rows) + "<p>meseta computes in float32, also beside what rounds more. Possible is what the measured peaks of the GPU allow.</p>"


def least(step, profile):
    """The seconds that a step takes at least, by the measured peaks."""
    return max(step["flops"] / profile["peak_flops"], step["bytes"] / profile["peak_bytes_per_s"])


def worst(r, most=15):
    """The steps that lose most, as parts of the training step that they belong to."""
    rows = []
    for p in r["profiles"]:
        for s in p["profile"]["steps"]:
            rows.append(((s["seconds"] - least(s, p)) / p["profile"]["seconds"], p, s))
    rows.sort(key=lambda row: -row[0])
    return table(["% of the step lost", "workload", "layer", ("kernel", "words"), "µs", "µs at least", ("operation", "words")],
                 [[f"{100 * lost:.1f}", f"{p['workload']}, {p['batch']}", s["layer"], (s["variant"], "words"), number(s["seconds"] * 1e6), number(least(s, p) * 1e6), (s["op"], "words")]
                  for lost, p, s in rows[:most]]) if rows else "<p>No profile was made.</p>"


def grouped(p, key):
    """A profile's steps by what key gives, the longest first: time, part of the step, rates, and how much of what the peaks allow."""
    groups = collections.OrderedDict()
    for s in p["profile"]["steps"]:
        g = groups.setdefault(key(s), collections.Counter())
        g.update(n=1, seconds=s["seconds"], least=least(s, p), flops=s["flops"], bytes=s["bytes"])
    return [[name, number(g["seconds"] * 1e6), f"{100 * g['seconds'] / p['profile']['seconds']:.1f}", possible(g["least"], g["seconds"]), number(g["flops"] / g["seconds"] / 1e12) if g["flops"] else "",
             number(g["bytes"] / g["seconds"] / 1e9), g["n"]] for name, g in sorted(groups.items(), key=lambda item: -item[1]["seconds"])]


def possible(least, seconds):
    """How much of what is possible that is, in %; less than half is marked."""
    return f"{100 * least / seconds:.0f}", "failed" if 2 * least < seconds else ""


PROFILED = ["µs", "% of the step", "% of possible", "TFLOP/s", "GB/s"]


def profiles(r):
    shown = ""
    for p in r["profiles"]:
        alone = [x for x in r["lines"] if x["kind"] == "run" and x["contender"] == "meseta" and (x["workload"], x["batch"]) == (p["workload"], p["batch"])]
        whole = f", a whole step takes {alone[-1]['batch'] / alone[-1]['images_per_s_median'] * 1e3:.3f} ms" if alone else ""
        low = sum(least(s, p) for s in p["profile"]["steps"])
        shown += f"<h3>{e(p['workload'])}, batch {p['batch']}: {p['profile']['seconds'] * 1e3:.3f} ms, at least {low * 1e3:.3f} by the peaks{whole}</h3>"
        shown += table(["operation", *PROFILED, "steps"], grouped(p, lambda s: s["op"].split(" ")[0]))
        shown += f"<details open><summary>by kernel</summary>{table(['kernel', *PROFILED, 'steps'], grouped(p, lambda s: s['variant']))}</details>"
        steps = [[s["layer"], number(s["seconds"] * 1e6), f"{100 * s['seconds'] / p['profile']['seconds']:.1f}", possible(least(s, p), s["seconds"]),
                  number(s["flops"] / s["seconds"] / 1e12) if s["flops"] else "", number(s["bytes"] / s["seconds"] / 1e9), s["variant"], (s["op"], "words")]
                 for s in sorted(p["profile"]["steps"], key=lambda s: -s["seconds"])]
        shown += f"<details><summary>all steps, the longest first</summary>{table(['layer', *PROFILED, 'kernel', ('operation', 'words')], steps)}</details>"
    if shown:
        shown += ("<p>Each step by events before and after it, which take a microsecond of their own. What is possible is the measured peak of multiply-adds, or of the memory where that "
                  "takes longer; a small step, and what stays in a cache, are no measure.</p>")
    return shown or "<p>Not measured.</p>"


def parts(r):
    rows = []
    for name, p in r["parts"].items():
        tests = r["tests"].get(name)
        rows.append([name, (p["status"], {"ok": "ok", "failed": "failed"}.get(p["status"], "")), f"{p['seconds']:.0f}",
                     ("; ".join(x for x in (counts(tests) if tests else "", p["reason"]) if x), "words")])
    return table(["part", "", "s", ("", "words")], rows)


def about(r):
    m, gpu, torch, doctor = r["machine"], r["gpu"], r["torch"], r["meseta"]
    rows = [("packed from", r["packed"])] if r["packed"] else []
    rows += [("began", f"{r['began']}, took {r['took_s']:.0f} s of {r['budget_s']:.0f}")]
    rows += [("GPU", f"{g['name']}, compute capability {g['compute_capability']}, {g['memory_bytes'] / 2**30:.1f} GiB") for g in doctor.get("gpus", [])]
    if doctor:
        rows.append(("driver's library", ", CUDA ".join(x for x in (doctor.get("driver", {}).get("library", ""), doctor.get("driver", {}).get("cuda", "")) if x) or doctor["gpu"]))
        rows.append(("meseta", f"{doctor['version']}, {doctor['go']}"))
    rows += [(f"nvidia-smi: {key}", value) for key, value in gpu.items()]
    rows += [(f"meanwhile: {key}, lowest, median, highest", ", ".join(f"{x:g}" for x in values)) for key, values in r["clocks"].items()]
    rows.append(("PyTorch", torch.get("reason") or ", ".join(f"{key} {value}" for key, value in torch.items())))
    if r["compiled_ahead"]:
        rows.append(("compiled while tests ran", ", ".join(f"{x['what']} in {x['seconds']:.0f} s" for x in r["compiled_ahead"])))
    if m:
        rows.append(("host", f"{m['processor']}, {m['processors']} processors, {m['memory']}, kernel {m['kernel']}"))
    return table([], [(key, (value, "words")) for key, value in rows])


def peak(r):
    p = r["peak"]
    if not p:
        return "<p>Not measured.</p>"
    return table(["", "by its clocks", "measured", "measured, %"], [
        ["float32, TFLOP/s", number(p.get("rated_gflops", 0) / 1e3), number(p["peak_gflops"] / 1e3), percent(p["peak_gflops"], p.get("rated_gflops"))],
        ["memory, GB/s", number(p.get("rated_gb_per_s", 0)), number(p["peak_gb_per_s"]), percent(p["peak_gb_per_s"], p.get("rated_gb_per_s"))]])


def ratios(r):
    """The lines of pairs, those of a workload together."""
    found = [line for line in r["lines"] if line["kind"] == "ratio"]
    order = list(dict.fromkeys((x["workload"], x["batch"]) for x in found))
    return sorted(found, key=lambda x: order.index((x["workload"], x["batch"])))


def steps(r):
    found, shown = ratios(r), ""
    if found:
        bars = collections.OrderedDict()
        for x in found:
            bars.setdefault(f"{x['workload']}, {x['batch']}", []).append((x["variant"], x["ratio"]))
        shown = plot.bars("training: how many times as fast as the peer meseta is", bars, mark=1)
        shown += table(["workload", "batch", "peer", "meseta, images/s", "peer, images/s", "meseta is ×", "lowest to highest pair", "pairs", "GPU's memory, MiB", "first step after, s"],
                       [[x["workload"], x["batch"], x["variant"], number(x["meseta_images_per_s_median"]), number(x["peer_images_per_s_median"]), f"{x['ratio']:.2f}",
                         f"{min(x['ratios']):.2f} to {max(x['ratios']):.2f}", len(x["ratios"]), f"{x['meseta_gpu_memory_bytes'] / 2**20:.0f} : {x['peer_gpu_memory_bytes'] / 2**20:.0f}",
                         f"{x['meseta_first_step_s']:.1f} : {x['peer_first_step_s']:.1f}"] for x in found])
        shown += "<p>A ratio is the median of the pairs' ratios, one process each by turns. The GPU's memory is all that is in use, by the driver and other programs too.</p>"
    alone = [x for x in r["lines"] if x["kind"] == "run" and x["contender"] == "meseta" and not any((y["workload"], y["batch"]) == (x["workload"], x["batch"]) for y in found)]
    if alone:
        shown += table(["meseta alone", "batch", "images/s, median", "best", "step, ms, best", "GPU's memory, MiB", "first step after, s"],
                       [[x["workload"], x["batch"], number(x["images_per_s_median"]), number(x["images_per_s_best"]), number(x["step_ms_min"]),
                         f"{x.get('gpu_memory_bytes', 0) / 2**20:.0f}", f"{x['first_step_s']:.1f}"] for x in alone])
    return shown or "<p>Not measured.</p>"


def operations(r):
    lists, shown = collections.OrderedDict(), ""
    for line in r["operations"]:
        lists.setdefault(line["list"], []).append(line)
    squares = {"meseta": [], "PyTorch": []}
    for x in lists.get("gemm_square", []):
        n = int(x["shape"].split("n")[0].removeprefix("m"))
        squares["meseta"].append((n, x["gflops_median"]))
        if x.get("peer_gflops_median"):
            squares["PyTorch"].append((n, x["peer_gflops_median"]))
    squares = {name: sorted(points) for name, points in squares.items() if points}
    if squares and all(len(points) > 1 for points in squares.values()):
        shown += plot.svg("square products: GFLOP/s", "rows and columns", squares)
    for name, lines in lists.items():
        rows = []
        for x in lines:
            peer = x.get("peer_gflops_median")
            share = max(x["peak_fraction"], x["gb_per_s"] / x["peak_gb_per_s"])
            rows.append([f"{x['shape']} {x['name']}", x["pass"], x["variant"], number(x["ms_median"] * 1e3), possible(share, 1), number(x["gflops_median"] / 1e3), f"{100 * x['peak_fraction']:.0f}",
                         percent(x["gflops_median"], x.get("rated_gflops")), number(x["gb_per_s"]), percent(x["gb_per_s"], x["peak_gb_per_s"]), number(peer / 1e3) if peer else "",
                         times(x["gflops_median"] / peer) if peer else ""])
        head = ["shape", "pass", "kernel", "µs", "% of possible", "TFLOP/s", "% of the peak", "% by clocks", "GB/s", "% of memory's", "PyTorch, TFLOP/s", "meseta is ×"]
        shown += f"<details open><summary>{e(name)}</summary>{table(head, rows)}</details>"
    if shown:
        shown += "<p>float32 on both sides. GB/s count operands and results once; small ones come from a cache, and may be above what memory gives.</p>"
    return shown or "<p>Not measured.</p>"


def tests(r):
    shown = ""
    for name, found in r["tests"].items():
        wrong = [t for t in gotest.leaves(found) if t["result"] in ("fail", "unfinished")]
        skipped = [t for t in found if t["result"] == "skip"]
        shown += f"<h3>{e(name)}: {e(counts(found))}</h3>"
        shown += "".join(f'<details open><summary class="failed">{e(t["name"])}: {e(t["result"])}</summary><pre>{e(t["said"])}</pre></details>' for t in wrong)
        if skipped:
            shown += table([], [[t["name"], (t["said"].strip(), "words")] for t in skipped])
        shown += "<details><summary>all</summary>" + table(["test", "", "s"], [[t["name"], t["result"], f"{t['seconds']:.2f}"] for t in found]) + "</details>"
    return shown or "<p>Not run.</p>"


def section(show, r):
    try:
        return show(r)
    except Exception:  # the others are worth reading, and results.json has what this one was to show
        return f"<pre>{e(traceback.format_exc())}</pre>"


def missing(r):
    return table([], [[(x["what"], "words"), (x["why"], "words")] for x in r["not_run"]]) if r["not_run"] else "<p>Nothing of what was asked for.</p>"


def head(r):
    kind, sentence = verdict(r)
    failures = f'<p class="failed">Beside the tests failed: {e(", ".join(r["failures"]))}</p>' if r["failures"] else ""
    unfinished = [name for name, p in r["parts"].items() if p["reason"] in ("ended before", "ended while it ran")]
    ended = f'<p class="failed">It was ended before its end: there is not all of {e(", ".join(unfinished))}.</p>' if unfinished else ""
    broken = "".join(f'<p class="failed">{e(name)} failed: {e((p["reason"].strip().splitlines() or [""])[-1])}</p>' for name, p in r["parts"].items() if p["status"] == "failed" and name not in TESTED)
    return f'<p class="{kind}">{e(sentence)}</p>{broken}{failures}{ended}'


def html(r):
    device = next((g["name"] for g in r["meseta"].get("gpus", [])), r["gpu"].get("name", "no GPU"))
    body = [f"<h1>meseta on {e(device)}</h1>", section(head, r)]
    for name, show in (("Training beside PyTorch", beside), ("Where a step loses most", worst), ("What was done", parts), ("The machine", about), ("The peak", peak), ("Training steps", steps),
                       ("Where the time of a step goes", profiles), ("Single operations", operations), ("Tests", tests), ("Not run", missing)):
        body += [f"<h2>{name}</h2>", section(show, r)]
    return (f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>meseta on {e(device)}</title><style>{STYLE}</style></head><body>\n" + "\n".join(body) + "\n</body></html>\n")


def text(r):
    """The little that a terminal gets."""
    lines = [verdict(r)[1]]
    lines += [f"{name}: {p['status']}" + (f", {counts(r['tests'][name])}" if name in r["tests"] else "") for name, p in r["parts"].items()]
    lines += [f"{x['workload']}, batch {x['batch']}: {number(x['meseta_images_per_s_median'])} images/s, {x['ratio']:.2f} times {x['variant']}" for x in ratios(r)]
    return "\n".join(lines)
