"""PyTorch's scripts, run in a PyTorch that is loaded once (bench/peers/forks.py)."""
import json
import os
import queue
import signal
import subprocess
import tempfile
import threading
import time

import pairs

FORKS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "peers", "forks.py")


def kill(group):
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # it is gone, perhaps its number is another's
        pass


def contents(name):
    try:
        with open(name, errors="replace") as f:
            return f.read()
    except FileNotFoundError:  # it was not begun
        return ""


class Runs:
    """A Python that has loaded PyTorch, and the folder in which it keeps what it has compiled. It is started when it is first wanted, and again when it has ended. Where
    a PyTorch does not take being loaded before, each script loads it."""

    def __init__(self, python, folder):
        self.python, self.folder, self.process, self.child, self.loads = python, folder, None, None, False

    def start(self):
        self.err = tempfile.TemporaryFile("w+")
        try:
            self.process = subprocess.Popen([self.python, FORKS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.err, text=True, start_new_session=True)
        except OSError as e:
            raise pairs.Failed(f"{self.python} does not start: {e}") from None
        self.answers = queue.Queue()
        threading.Thread(target=self.listen, args=(self.process.stdout, self.answers), daemon=True).start()

    @staticmethod
    def listen(out, answers):
        for line in out:
            if line.startswith("{"):
                answers.put(json.loads(line))
        answers.put(None)

    def answer(self, process, key, end):
        a = self.answers.get(timeout=max(0.01, end - time.monotonic()))
        if a is None:
            self.err.seek(0)
            raise pairs.Failed(f"{self.python} {FORKS} ended with {process.wait()}:\n{self.err.read()[-2000:].strip()}")
        return a[key]

    def lines_of(self, script, arguments, seconds):
        """The lines of JSON that a script of bench/peers prints. One that takes longer is ended, with all that it started."""
        command, end = [os.path.join(os.path.dirname(FORKS), script), *arguments], time.monotonic() + seconds
        what = " ".join([self.python, *command])
        environment = {"TORCHINDUCTOR_CACHE_DIR": self.folder, "TORCHINDUCTOR_FX_GRAPH_CACHE": "1", "TORCHINDUCTOR_AUTOGRAD_CACHE": "1"}
        if self.loads:
            return pairs.lines_of([self.python, *command], environment, seconds)
        if self.process is None or self.process.poll() is not None:
            self.start()
        with tempfile.TemporaryDirectory() as folder:
            out, err = os.path.join(folder, "out"), os.path.join(folder, "err")
            request = dict(run=command, out=out, err=err, environment=environment)
            process = self.process
            try:
                try:
                    process.stdin.write(json.dumps(request) + "\n")
                    process.stdin.flush()
                except BrokenPipeError:  # it has ended, and says why
                    pass
                self.child = self.answer(process, "pid", end)
                status = self.answer(process, "status", end)
            except queue.Empty:
                self.close()
                raise pairs.Failed(f"{what} was ended after {seconds:.0f} s", contents(out), ended=True) from None
            except BaseException:
                self.close()
                raise
            kill(self.child)  # what it has left running
            self.child = None
            if status != 0:
                raise pairs.Failed(f"{what} ended with {status}:\n{contents(err)[-2000:].strip()}", contents(out))
            return pairs.parsed(contents(out))

    def line_of(self, script, arguments, seconds):
        lines = self.lines_of(script, arguments, seconds)
        if not lines:
            raise pairs.Failed(f"{script} {' '.join(arguments)} printed no line of JSON")
        return lines[-1]

    def close(self):
        """Ends what runs; another thread that waits for it is told."""
        process, child, self.process, self.child = self.process, self.child, None, None
        if child:
            kill(child)
        if process:
            kill(process.pid)
            process.wait()


class Ahead(threading.Thread):
    """Loads PyTorch in the background, asks it what it is, and then has it compile networks, one after another, so that what it keeps of that is there when they
    are measured. list_of gives, for what it is, pairs of what is compiled and the arguments of torch_step.py."""

    def __init__(self, runs, seconds, list_of):
        super().__init__(daemon=True)
        self.runs, self.seconds, self.list_of = runs, seconds, list_of
        self.about, self.why, self.compiled, self.known, self.ended = None, "", [], threading.Event(), threading.Event()
        self.start()

    def run(self):
        begin = time.monotonic()
        try:
            try:
                self.about = self.runs.line_of("torch_about.py", [], self.seconds)
            except pairs.Failed:
                if time.monotonic() - begin > self.seconds / 2:
                    raise
                self.runs.close()
                self.runs.loads = True
                self.about = self.runs.line_of("torch_about.py", [], self.seconds / 2)
        except Exception as e:
            self.why = str(e) or type(e).__name__
            return
        finally:
            self.known.set()
        failed = 0
        for what, arguments in self.list_of(self.about):
            begin = time.monotonic()
            if self.ended.is_set() or failed == 2 or self.runs.loads:  # what such a run starts could not be ended
                return
            try:
                self.runs.line_of("torch_step.py", arguments, 300)
                self.compiled.append(dict(what=what, seconds=time.monotonic() - begin))
            except Exception:  # the measurement will say why
                failed += 1

    def end(self, patient=True):
        """Waits, if patient, until it is known what PyTorch is, and ends the rest."""
        if patient:
            self.known.wait()
        self.ended.set()
        while self.is_alive():
            self.runs.close()
            self.join(1)
