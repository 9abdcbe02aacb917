"""What the comparisons say of the machine: what it is, and how much of it other programs used meanwhile (Linux)."""
import os
import platform
import resource
import time


def describe():
    """What a figure cannot be read without, as a dictionary."""
    def field(path, name):
        with open(path) as f:
            return next((line.split(":", 1)[1].strip() for line in f if line.startswith(name)), "")
    flags = field("/proc/cpuinfo", "flags").split()
    return dict(processor=field("/proc/cpuinfo", "model name"), processors=os.cpu_count(), avx2="avx2" in flags, avx512="avx512f" in flags,
                memory=field("/proc/meminfo", "MemTotal"), kernel=platform.release(), nice=os.nice(0),
                time=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))


class Load:
    """Processor time that others use from its creation on: those of all processors less what our finished children used."""

    def __init__(self):
        self.start, self.busy, self.own = time.monotonic(), busy_seconds(), children_seconds()

    def foreign_cpus(self):
        """Processors' worth of time that others had, on average. It counts to 10 ms."""
        used = busy_seconds() - self.busy - (children_seconds() - self.own)
        return max(0.0, used / (time.monotonic() - self.start))


def busy_seconds():
    """Time that all processors were busy or taken by other guests of the host (user, nice, system, irq, softirq, steal of proc(5))."""
    with open("/proc/stat") as f:
        ticks = [int(t) for t in f.readline().split()[1:9]]
    return sum(ticks[i] for i in (0, 1, 2, 5, 6, 7)) / os.sysconf("SC_CLK_TCK")


def children_seconds():
    """Time that the children used which have ended."""
    r = resource.getrusage(resource.RUSAGE_CHILDREN)
    return r.ru_utime + r.ru_stime


def wait_quiet(most, patience):
    """Waits until others use at most so many processors over a second; gives up after patience seconds and goes on."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        load = Load()
        time.sleep(1)
        if load.foreign_cpus() <= most:
            return
