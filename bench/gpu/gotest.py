"""Runs a compiled Go test and reads what it says of each test."""
import os
import re
import signal
import subprocess

import pairs

LONGEST = 4000  # characters that are kept of what a test says


def run(binary, pattern, log, seconds, environment, folder):
    """Runs the tests of a pattern in a folder and gives (exit status, a list of what read gives). Where they take longer, they are ended, and the status is None."""
    command = [binary, "-test.v", "-test.run", pattern, f"-test.timeout={max(1, seconds - 2):.0f}s"]
    with open(log, "w") as out:
        try:
            process = subprocess.Popen(command, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                                       cwd=folder, start_new_session=True)
        except OSError as e:
            raise pairs.Failed(f"{binary} does not start: {e}") from None
        try:
            status = process.wait(timeout=seconds)
        except BaseException as e:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if not isinstance(e, subprocess.TimeoutExpired):
                raise
            status = None
    with open(log, errors="replace") as text:
        return status, read(text)


def read(lines):
    """For each test that -test.v tells of: its name, its result (pass, fail, skip, or unfinished), its seconds, and what it said unless it passed."""
    found, said, current = {}, {}, ""
    for line in lines:
        line = line.rstrip("\n")
        if m := re.match(r"=== (?:RUN|CONT|NAME|PAUSE)\s+(\S+)", line):
            current = m.group(1)
            found.setdefault(current, dict(name=current, result="unfinished", seconds=0.0))
        elif m := re.match(r"\s*--- (PASS|FAIL|SKIP): (\S+) \(([\d.]+)s\)", line):
            current = m.group(2)
            found[current] = dict(name=current, result=m.group(1).lower(), seconds=float(m.group(3)))
        elif current and line not in ("PASS", "FAIL"):  # of all tests
            said.setdefault(current, []).append(line)
    for test in found.values():
        if test["result"] != "pass":
            test["said"] = "\n".join(said.get(test["name"], []))[-LONGEST:]
    return list(found.values())
