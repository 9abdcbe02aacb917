"""Runs PyTorch's scripts one after another, each in a process of its own that begins with PyTorch loaded, which takes seconds: bench/gpu/torch_runs.py asks for them.

A line {"run": [SCRIPT, ARGUMENT, ...], "environment": {...}, "out": FILE, "err": FILE} on standard input starts one; {"pid": N} says that it runs, {"status": N} that it
has ended. This process itself leaves the GPU alone: CUDA does not survive a fork."""
import json
import os
import runpy
import sys
import time
import traceback

begin = time.monotonic()
os.environ.setdefault("OMP_NUM_THREADS", str(os.cpu_count()))

import torch  # noqa: E402, F401, the number of threads is read when it loads

os.environ["MESETA_IMPORTED_S"] = str(time.monotonic() - begin)


def run(request):
    """Becomes the script, in a group of processes of its own."""
    status = 1
    try:
        os.setsid()
        for number, name, flags in ((0, os.devnull, os.O_RDONLY), (1, request["out"], os.O_WRONLY), (2, request["err"], os.O_WRONLY)):
            os.dup2(os.open(name, flags | os.O_CREAT), number)
        os.environ.update(request["environment"])
        sys.argv = request["run"]
        sys.path.insert(0, os.path.dirname(os.path.abspath(sys.argv[0])))
        runpy.run_path(sys.argv[0], run_name="__main__")
        status = 0
    except SystemExit as e:
        status = e.code if isinstance(e.code, int) else int(e.code is not None)
        if isinstance(e.code, str):
            print(e.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)  # nothing of the parent's is to be tidied up


for line in sys.stdin:
    child = os.fork()
    if child == 0:
        run(json.loads(line))
    print(json.dumps({"pid": child}), flush=True)
    status = os.waitpid(child, 0)[1]
    print(json.dumps({"status": os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)}), flush=True)
