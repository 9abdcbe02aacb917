"""What nvidia-smi says of the GPU: once, and while it works. Where there is none, its reason is what is kept."""
import statistics
import subprocess
import threading

import pairs

ONCE = ["name", "driver_version", "vbios_version", "memory.total", "clocks.max.sm", "clocks.max.mem", "power.limit", "persistence_mode", "ecc.mode.current"]
MEANWHILE = ["clocks.sm", "clocks.mem", "temperature.gpu", "power.draw", "utilization.gpu"]


def query(fields):
    return ["nvidia-smi", "-i", "0", "--query-gpu=" + ",".join(fields), "--format=csv,noheader,nounits"]


def describe():
    """The GPU as nvidia-smi describes it: units are MiB, MHz and W."""
    try:
        line = pairs.output_of(query(ONCE), seconds=20).strip().splitlines()[0]
    except (pairs.Failed, IndexError) as e:
        return {"reason": str(e) or "nvidia-smi says nothing"}
    return dict(zip(ONCE, (cell.strip() for cell in line.split(","))))


class Watch:
    """Asks for clocks twice a second from its creation on, in the background."""

    def __init__(self):
        self.rows, self.process = [], None
        try:
            self.process = subprocess.Popen([*query(MEANWHILE), "-lms", "500"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        except OSError:
            return
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            try:
                self.rows.append([float(cell) for cell in line.split(",")])
            except ValueError:  # [N/A], of what this GPU does not tell
                continue

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()

    def summary(self):
        """Lowest, median and highest of each while the GPU was at work."""
        busy = [row for row in self.rows if row[-1] > 0]
        return {name: [min(column), statistics.median(column), max(column)] for name, column in zip(MEANWHILE, zip(*busy))}
