"""What the peers of bench/race share: the command line, the data, and the times of a line."""
import argparse
import contextlib
import gzip
import os
import time


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("task", choices=["mnist", "cifar10"])
    parser.add_argument("--data", required=True, help="a folder: MNIST's IDX files, packed, or CIFAR-10's binary version")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--images", type=int, default=0, help="train on so many images only; 0: all")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--goal", type=float, default=0, help="end with the epoch that reaches this test accuracy; 0: none")
    args = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(args.threads)
    return args


def data(args):
    """(images [N,H,W,C] of bytes, labels) to train on, and to test on."""
    import numpy as np  # not before the number of threads is set

    def idx(name, header):
        with gzip.open(os.path.join(args.data, name + "-ubyte.gz")) as f:
            return np.frombuffer(f.read(), np.uint8)[header:]

    def cifar(*names):
        records = np.concatenate([np.fromfile(os.path.join(args.data, name + ".bin"), np.uint8).reshape(-1, 3073) for name in names])
        return np.ascontiguousarray(records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)), records[:, 0]

    if args.task == "mnist":
        train, test = ((idx(name + "-images-idx3", 16).reshape(-1, 28, 28, 1), idx(name + "-labels-idx1", 8)) for name in ("train", "t10k"))
    else:
        train, test = cifar(*(f"data_batch_{i}" for i in range(1, 6))), cifar("test_batch")
    n = args.images or len(train[0])
    return (train[0][:n], train[1][:n]), test


class Clock:
    """Times of the whole process since its start, evaluations included, which are also counted by themselves."""

    def __init__(self):
        self.evaluation_s = self.evaluation_cpu_s = 0.0

    @contextlib.contextmanager
    def evaluation(self):
        began, began_cpu = time.perf_counter(), time.process_time()
        yield
        self.evaluation_s += time.perf_counter() - began
        self.evaluation_cpu_s += time.process_time() - began_cpu

    def times(self):
        return dict(cpu_s=time.process_time(), evaluation_cpu_s=self.evaluation_cpu_s, evaluation_s=self.evaluation_s)
