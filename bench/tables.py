"""Prints the ratios in files of results that compare.py wrote as one table, a row for each workload and peer; those of a workload stand together.

  python3 bench/tables.py results.jsonl [more.jsonl ...] [train|infer]"""
import json
import sys

HEAD = ["", "batch", "peer", "meseta, images/s", "peer, images/s", "meseta is × (median of pairs)", "lowest to highest pair", "peak memory, MiB", "first step after, s"]


def cells(r):
    return [f"`{r['workload']}`", str(r["batch"]), r["variant"], rate(r["meseta_images_per_s_median"]), rate(r["peer_images_per_s_median"]), f"**{r['ratio']:.2f}**",
            f"{min(r['ratios']):.2f} to {max(r['ratios']):.2f}", f"{r['meseta_peak_rss_bytes'] / 2**20:.0f} : {r['peer_peak_rss_bytes'] / 2**20:.0f} = {r['memory']:.2f}",
            f"{r['meseta_first_step_s']:.2f} : {r['peer_first_step_s']:.2f}"]


def rate(images):
    return f"{images:.0f}" if images >= 100 else f"{images:.1f}"


def main():
    modes = [word for word in sys.argv[1:] if word in ("train", "infer")]
    files = [word for word in sys.argv[1:] if word not in modes]
    if not files:
        sys.exit(__doc__)
    lines = []
    for name in files:
        with open(name) as f:
            lines += [json.loads(line) for line in f]
    ratios = [r for r in lines if r["kind"] == "ratio" and r["mode"] in (modes or ["train", "infer"])]
    order = list(dict.fromkeys((r["workload"], r["batch"], r["threads"]) for r in ratios))
    print("| " + " | ".join(HEAD) + " |")
    print("|---|---:|---|" + "---:|" * (len(HEAD) - 3))
    for r in sorted(ratios, key=lambda r: order.index((r["workload"], r["batch"], r["threads"]))):
        print("| " + " | ".join(cells(r)) + " |")


main()
