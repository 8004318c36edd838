"""CPU time and memory of the processes of a suite, found by their pid files."""

import os
import re
import signal
from pathlib import Path

SERVICES = ["scim-api", "identity-store", "invitation-mailer", "group-sync"]
# They stand for other machines, so their CPU time is listed but not counted.
UNCOUNTED = ["broker", "mail-sink"]
PROCESSES = [*SERVICES, "postgres", *UNCOUNTED]
# The baseline of reads runs beside the suite and is idle unless it is measured.
READ_BASELINE = "static-json"
TICKS = os.sysconf("SC_CLK_TCK")


class Processes:
    """The processes of the suite and of the read baseline."""

    def __init__(self, run_dir, baseline=None):
        self.run_dir = Path(run_dir)
        self.baseline = baseline
        self.peaks = dict.fromkeys(PROCESSES, 0)
        self.pids = {}

    def read_pids(self):
        """Reads the pid files, which change when a process restarts."""
        self.pids = {name: int((self.run_dir / f"{name}.pid").read_text().split()[0]) for name in PROCESSES}
        if self.baseline:
            self.pids[READ_BASELINE] = self.baseline

    def cpu(self):
        """Returns the CPU time by process in seconds. The time of PostgreSQL includes its running and ended children."""
        used = {}
        for name, pid in self.pids.items():
            user, system, children_user, children_system = _times(pid)
            used[name] = user + system
            if name == "postgres":
                used[name] += children_user + children_system + sum(sum(_times(child)[:2]) for child in children(pid))
        return used

    def memory(self):
        """Returns the current and peak resident memory by process in MB. Memory shared between the processes of PostgreSQL counts once; it has no peak."""
        found = {}
        for name in PROCESSES:
            pid = self.pids[name]
            if name == "postgres":
                shares = [_kilobytes(f"/proc/{process}/smaps_rollup", "Pss") for process in [pid, *children(pid)]]
                found[name] = {"resident": sum(shares) / 1024, "peak": None}
            else:
                status = f"/proc/{pid}/status"
                self.peaks[name] = max(self.peaks[name], _kilobytes(status, "VmHWM") / 1024)
                found[name] = {"resident": _kilobytes(status, "VmRSS") / 1024, "peak": self.peaks[name]}
        return found

    def pause(self):
        """Suspends the broker and the services, which use CPU even when idle."""
        self._signal(signal.SIGSTOP)

    def resume(self):
        self._signal(signal.SIGCONT)

    def _signal(self, number):
        for name in ["broker", *SERVICES]:
            os.kill(self.pids[name], number)


def machine_cpu():
    """Returns the CPU time of the whole machine in seconds."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    # Without idle and I/O wait.
    return (sum(fields) - fields[3] - fields[4]) / TICKS


def children(pid):
    """Returns the processes that a process has started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _times(pid):
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return (0, 0, 0, 0)
    return tuple(int(field) / TICKS for field in fields[11:15])


def _kilobytes(path, field):
    try:
        found = re.search(rf"^{field}:\s+(\d+) kB", Path(path).read_text(), re.MULTILINE)
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(found[1]) if found else 0
