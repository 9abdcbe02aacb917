"""What the peers' scripts share: how a step is timed, and the line they print, with the keys of `meseta bench step --json`."""
import argparse
import json
import os
import statistics
import time


# The workloads of the bench contract.
MODELS = ["mnist-cnn", "resnet20", "resnet9", "vgg11-bn", "resnet50", "mobilenet-v2"]


def arguments(models=MODELS, layouts=False, files=False):
    """The command line: layouts for PyTorch, which has a choice of memory layouts, of compiling, of devices and of precision, files for one that runs a file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True, choices=models)
    parser.add_argument("--mode", default="train", choices=["train", "infer"])
    parser.add_argument("--batch", type=int, default=0, help="0: the workload's own")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--image", type=int, default=0, help="rows and columns of an image; 0: the workload's own")
    if layouts:
        parser.add_argument("--layout", default="channels_last", choices=["contiguous", "channels_last"])
        parser.add_argument("--compile", nargs="?", const="default", choices=["default", "reduce-overhead"], help="the mode of torch.compile")
        parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
        parser.add_argument("--precision", default="float32", choices=["float32", "tf32", "mixed_bfloat16", "mixed_float16"])
    if files:
        parser.add_argument("--file", required=True)
        parser.add_argument("--params", type=int, required=True, help="trainable parameters, for the line")
    return parser.parse_args()


def sized(sample, image):
    """A sample's shape, height and width being its last two numbers, with images of another size."""
    return (*sample[:-2], image, image) if image else sample


def since_process_start():
    """Seconds since this process was started, imports included, also where another one had them done before (forks.py) (Linux)."""
    with open("/proc/self/stat") as f:
        ticks = int(f.read().rsplit(")", 1)[1].split()[19])
    with open("/proc/uptime") as f:
        return float(f.read().split()[0]) - ticks / os.sysconf("SC_CLK_TCK") + float(os.environ.get("MESETA_IMPORTED_S", 0))


def peak_rss_bytes():
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith("VmHWM"))


def measure(step, args, batch, steps_in_call=1, device="cpu", precision="float32", at_end=dict, enough=0.0, **identity):
    """Calls step(), which works off steps_in_call batches and returns the loss, for args.seconds, and prints the line; at_end gives more of it.

    The first call and three more are left out of the times, and so are those of half a second where times are of as many calls in a row as take enough seconds, as on
    devices whose clocks rise with their work."""
    loss = step()
    first = since_process_start()
    calls, warm = 0, time.perf_counter() + (0.5 if enough else 0)
    while calls < 3 or time.perf_counter() < warm:
        step()
        calls += 1
    times, end = [], time.perf_counter() + args.seconds
    while time.perf_counter() < end or len(times) < 3:
        start, calls = time.perf_counter(), 0
        while calls == 0 or time.perf_counter() - start < enough:
            loss = step()
            calls += 1
        times.append((time.perf_counter() - start) / calls / steps_in_call)
    line = dict(workload=args.model, mode=args.mode, batch=batch, threads=args.threads, device=device, precision=precision,
                loss=loss, images_per_s_median=batch / statistics.median(times), images_per_s_best=batch / min(times),
                step_ms_min=min(times) * 1e3, peak_rss_bytes=peak_rss_bytes(), first_step_s=first, **identity, **at_end())
    print(json.dumps(line), flush=True)
