"""Makes of results.json a page that needs nothing else: tables and pictures, for small screens too."""
import collections
import html as escaping
import traceback

import plot

STYLE = """
:root { color-scheme: light dark }
body { font: 15px/1.45 system-ui, sans-serif; margin: 0 auto; padding: 0 12px 40px; max-width: 1000px }
h1 { font-size: 1.4em } h2 { font-size: 1.15em; margin-top: 1.8em } h3 { font-size: 1em }
.wide { overflow-x: auto } table { border-collapse: collapse; font-size: 13px; white-space: nowrap }
td, th { padding: 3px 9px; border-bottom: 1px solid #8884; text-align: right } td:first-child, th:first-child { text-align: left }
td.words { text-align: left; white-space: normal; overflow-wrap: anywhere; min-width: 9em } pre { overflow-x: auto; font-size: 12px; background: #8882; padding: 8px }
.ok { color: #009e73 } .failed { color: #d55e00; font-weight: bold } svg { max-width: 620px; width: 100%; height: auto }
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
    n = collections.Counter(t["result"] for t in found)
    return ", ".join(f"{n[k]} {word}" for k, word in (("pass", "passed"), ("fail", "failed"), ("skip", "skipped"), ("unfinished", "unfinished")) if n[k])


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
            rows.append([f"{x['shape']} {x['name']}", x["pass"], x["variant"], number(x["ms_median"] * 1e3), number(x["gflops_median"] / 1e3), f"{100 * x['peak_fraction']:.0f}",
                         percent(x["gflops_median"], x.get("rated_gflops")), number(x["gb_per_s"]), percent(x["gb_per_s"], x["peak_gb_per_s"]), number(peer / 1e3) if peer else "",
                         f"{x['gflops_median'] / peer:.2f}" if peer else ""])
        head = ["shape", "pass", "kernel", "µs", "TFLOP/s", "% of the peak", "% by clocks", "GB/s", "% of memory's", "PyTorch, TFLOP/s", "meseta is ×"]
        shown += f"<details open><summary>{e(name)}</summary>{table(head, rows)}</details>"
    if shown:
        shown += "<p>float32 on both sides. GB/s count operands and results once; small ones come from a cache, and may be above what memory gives.</p>"
    return shown or "<p>Not measured.</p>"


def tests(r):
    shown = ""
    for name, found in r["tests"].items():
        wrong = [t for t in found if t["result"] in ("fail", "unfinished")]
        skipped = [t for t in found if t["result"] == "skip"]
        shown += f"<h3>{e(name)}: {e(counts(found))}</h3>"
        shown += "".join(f'<details open><summary class="failed">{e(t["name"])}: {e(t["result"])}</summary><pre>{e(t["said"])}</pre></details>' for t in wrong)
        if skipped:
            shown += table([], [[t["name"], (t["said"].strip(), "words")] for t in skipped])
        shown += "<details><summary>all</summary>" + table(["test", "", "s"], [[t["name"], t["result"], f"{t['seconds']:.2f}"] for t in found]) + "</details>"
    return shown or "<p>Not run.</p>"


def html(r):
    device = next((g["name"] for g in r["meseta"].get("gpus", [])), r["gpu"].get("name", "no GPU"))
    missing = table([], [[(x["what"], "words"), (x["why"], "words")] for x in r["not_run"]]) if r["not_run"] else "<p>Nothing of what was asked for.</p>"
    body = [f"<h1>meseta on {e(device)}</h1>", parts(r)]
    for head, section in (("The machine", about), ("The peak", peak), ("Training steps", steps), ("Single operations", operations), ("Tests", tests)):
        try:
            shown = section(r)
        except Exception:  # the others are worth reading, and results.json has what this one was to show
            shown = f"<pre>{e(traceback.format_exc())}</pre>"
        body += [f"<h2>{head}</h2>", shown]
    body += ["<h2>Not run</h2>", missing]
    return (f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>meseta on {e(device)}</title><style>{STYLE}</style></head><body>\n" + "\n".join(body) + "\n</body></html>\n")


def text(r):
    """The little that a terminal gets."""
    lines = [f"{name}: {p['status']}" + (f", {counts(r['tests'][name])}" if name in r["tests"] else "") for name, p in r["parts"].items()]
    lines += [f"{x['workload']}, batch {x['batch']}: {number(x['meseta_images_per_s_median'])} images/s, {x['ratio']:.2f} times {x['variant']}" for x in ratios(r)]
    return "\n".join(lines)
