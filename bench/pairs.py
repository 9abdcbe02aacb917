"""What the comparisons share: processes that print lines of JSON, and what is made of pairs of them."""
import json
import os
import signal
import statistics
import subprocess

# What both lines of a pair have to agree in.
SAME = ("workload", "mode", "batch", "params", "threads")


class Failed(Exception):
    """A process that could not do its work, or did other work than it should have; the text says why, out is what it had printed, and ended says that it took too long."""

    def __init__(self, why, out="", ended=False):
        super().__init__(why)
        self.out, self.ended = out, ended


def output_of(command, environment={}, seconds=None):
    """Runs a command and gives what it prints. One that takes longer is ended, with all that it started."""
    try:
        process = subprocess.Popen(command, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, start_new_session=True)
    except OSError as e:
        raise Failed(f"{' '.join(command)} does not start: {e}") from None
    try:
        out, err = process.communicate(timeout=seconds)
    except BaseException as e:
        os.killpg(process.pid, signal.SIGKILL)
        out, _ = process.communicate()
        if isinstance(e, subprocess.TimeoutExpired):
            raise Failed(f"{' '.join(command)} was ended after {seconds:.0f} s", out, ended=True) from None
        raise
    if process.returncode != 0:
        raise Failed(f"{' '.join(command)} ended with {process.returncode}:\n{err[-2000:].strip()}", out)
    return out


def lines_of(command, environment={}, seconds=None):
    """The lines of JSON that a command prints."""
    return parsed(output_of(command, environment, seconds))


def parsed(out):
    """The lines of JSON in what a command printed; the last one may have been cut off."""
    return [json.loads(line) for line in out.splitlines() if line.startswith("{") and line.endswith("}")]


def line_of(command, environment={}, seconds=None):
    """The line of JSON that a command ends with."""
    lines = lines_of(command, environment, seconds)
    if not lines:
        raise Failed(f"{' '.join(command)} printed no line of JSON")
    return lines[-1]


def same_work(mine, theirs, peer, keys=SAME):
    """Fails where two lines are not of the same work."""
    for key in keys:
        if mine[key] != theirs[key]:
            raise Failed(f"not the same work: {key} is {mine[key]} for meseta and {theirs[key]} for {peer}")


def middle(lines, key):
    return statistics.median(line[key] for line in lines)


def ratio_of(pairs):
    """What pairs of (meseta's line, the peer's line) say: each ratio of rates, their median, and the medians that it is of."""
    mine, theirs = [m for m, _ in pairs], [t for _, t in pairs]
    ratios = [m["images_per_s_median"] / t["images_per_s_median"] for m, t in pairs]
    return dict(ratios=ratios, ratio=statistics.median(ratios), version=theirs[0]["version"],
                **{f"{who}_{key}": middle(lines, key) for who, lines in (("meseta", mine), ("peer", theirs))
                   for key in ("images_per_s_median", "peak_rss_bytes", "first_step_s")})
