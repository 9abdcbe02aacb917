"""Runs a compiled Go test and reads what it says of each test. One that hangs, ends the process or loses the GPU does not keep the others from being run."""
import os
import re
import signal
import subprocess
import time

import pairs

LONGEST = 4000  # characters that are kept of what a test says

# What the errors of a GPU that answers no more say (gpu/error.go, gpu/device.go): what that process tests afterwards fails with it.
LOST = re.compile("the memory of the GPU is gone|the GPU was lost when")

# The longest list of tests that have been run and are to be skipped, in characters: Linux takes 128 KiB.
SKIPPED = 60000


def run(binary, pattern, log, seconds, environment, folder, quiet, look):
    """Runs the tests of a pattern in a folder for at most so many seconds and gives (why they were not run to their end, or "", a list of what read gives).

    A process that says nothing for quiet seconds is ended. As long as tests stopped others, those are run in another process. look is called every few seconds with
    the list so far."""
    end, known, done, why = time.monotonic() + seconds, {}, set(), ""
    open(log, "w").close()
    while True:
        begin, before = os.path.getsize(log), len(done)
        # With test2json a test within another is told of when it is over, and not when the other one is.
        command = [binary, "-test.v=test2json", "-test.run", pattern, f"-test.timeout={seconds + 60:.0f}s"] + (["-test.skip", skip(done, known)] if done else [])

        def read_on():
            with open(log, errors="replace") as text:
                text.seek(begin)
                return read(text)
        status, why = process(command, log, end, quiet, environment, folder, lambda: look(list(merged(known, read_on()).values())))
        found = read_on()
        stoppers, spoilt = stopped(found, status)
        known = merged(known, [t for t in found if t["name"] not in spoilt])
        done |= {t["name"] for t in leaves(found) if t["name"] not in spoilt}
        if status == 0 or not stoppers or len(done) == before or end - time.monotonic() < 3:
            break
    if not why and status != 0 and not any(t["result"] in ("fail", "unfinished") for t in known.values()):
        why = f"the compiled test ended with {status}"
    return why, list(known.values())


def process(command, log, end, quiet, environment, folder, look):
    """Runs one process and gives (its status, why it was ended or "")."""
    with open(log, "a") as out:
        try:
            p = subprocess.Popen(command, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, cwd=folder, start_new_session=True)
        except OSError as e:
            raise pairs.Failed(f"{command[0]} does not start: {e}") from None
    size, spoke, looked, why = 0, time.monotonic(), time.monotonic(), ""
    try:
        while p.poll() is None and not why:
            time.sleep(0.05)
            now = time.monotonic()
            if os.path.getsize(log) > size:
                size, spoke = os.path.getsize(log), now
            if now > end:
                why = "there was no more time for them"
            elif now - spoke > quiet:
                why = f"one said nothing for {quiet:.0f} s"
            if now - looked > 5:
                looked = now
                look()
        if why:
            p.send_signal(signal.SIGQUIT)  # Go says what it was doing
            p.wait(timeout=3)
    except subprocess.TimeoutExpired:
        pass
    finally:
        try:
            os.killpg(p.pid, signal.SIGKILL)  # with all that it has started
        except ProcessLookupError:
            pass
        p.wait()
    return (None if why else p.returncode), why


def leaves(found):
    """The tests that have none below them."""
    parents = {t["name"].rpartition("/")[0] for t in found}
    return [t for t in found if t["name"] not in parents]


def stopped(found, status):
    """The names of tests that kept others from being run, and of those that failed for that alone."""
    lost = [t["name"] for t in leaves(found) if t["result"] == "fail" and LOST.search(t.get("said", ""))]
    unfinished = [t["name"] for t in leaves(found) if t["result"] == "unfinished"]
    return (unfinished + lost[:1] if status != 0 else []), set(lost[1:])


def merged(known, found):
    """What is known of each test by its name, with what was found later. Of a test that was run twice, as those are that have others below them, the worse counts."""
    known = dict(known)
    order = ["skip", "pass", "unfinished", "fail"]
    for t in found:
        old = known.get(t["name"])
        if old is None or order.index(t["result"]) >= order.index(old["result"]):
            known[t["name"]] = dict(t, seconds=t["seconds"] + (old["seconds"] if old else 0))
    return known


def skip(done, known):
    """A pattern of -test.skip of the tests that were run: of all, or, where that is too long, of those that did not pass."""
    def exactly(names):
        return "|".join("/".join(f"^{re.escape(part)}$" for part in name.split("/")) for name in sorted(names))
    pattern = exactly(done)
    return pattern if len(pattern) <= SKIPPED else exactly(name for name in done if known[name]["result"] in ("fail", "unfinished"))


def read(lines):
    """For each test that -test.v tells of: its name, its result (pass, fail, skip, or unfinished), its seconds, and what it said unless it passed."""
    found, said, current = {}, {}, ""
    for line in "".join(lines).replace("\x16", "\n").split("\n"):  # test2json's mark of what is the framework's own
        if m := re.match(r"=== (?:RUN|CONT|NAME|PAUSE)\s+(\S+)", line):
            current = m.group(1)
            found.setdefault(current, dict(name=current, result="unfinished", seconds=0.0))
        elif m := re.match(r"\s*--- (PASS|FAIL|SKIP): (\S+) \(([\d.]+)s\)", line):
            current = m.group(2)
            found[current] = dict(name=current, result=m.group(1).lower(), seconds=float(m.group(3)))
        elif current and line not in ("", "PASS", "FAIL") and not line.startswith("==="):  # of all tests
            said.setdefault(current, []).append(line)
    for test in found.values():
        if test["result"] != "pass":
            test["said"] = "\n".join(said.get(test["name"], []))[-LONGEST:]
    return list(found.values())
