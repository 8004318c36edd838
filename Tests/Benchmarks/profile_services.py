"""Profiles the services under load with perf, for ops/bench --profile."""

import shutil
import signal
import subprocess
from collections import Counter

from load import LoadFailed
from processes import SERVICES

SECONDS = 10
IN_FLIGHT = 64


def check():
    """Raises LoadFailed if perf is missing."""
    if not shutil.which("perf"):
        raise LoadFailed("--profile needs perf: apt-get install linux-perf (Debian), linux-tools-generic (Ubuntu)")


def profile(benchmark, rows, folder):
    """Profiles each measured row in a series of its own. Writes ROW-SERVICE.folded to the folder: one line per stack, for flame graphs."""
    folder.mkdir(exist_ok=True)
    written = []
    for row in rows:
        if row.baseline is None or IN_FLIGHT not in row.levels:
            continue
        benchmark.begin_series(rows)
        pids = {str(benchmark.suite.processes.pids[name]): name for name in SERVICES}
        data = folder / f"{row.name}.data"
        command = ["perf", "record", "--quiet", "--freq", "499", "--call-graph", "fp", "--output", str(data), "--pid", ",".join(pids)]
        recording = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            benchmark.sample(row, IN_FLIGHT, seconds=SECONDS)
        finally:
            # perf completes its file on SIGINT.
            recording.send_signal(signal.SIGINT)
            problem = recording.communicate()[1]
        if not data.exists():
            raise LoadFailed(f"perf record failed: {problem}")
        script = ["perf", "script", "--input", str(data), "--fields", "pid,comm,ip,sym"]
        output = subprocess.run(script, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True).stdout
        output = subprocess.run(["swift", "demangle", "--simplified"], input=output, stdout=subprocess.PIPE, text=True, check=True).stdout
        data.unlink()
        for pid, stacks in fold(output).items():
            if pid in pids:
                path = folder / f"{row.name}-{pids[pid]}.folded"
                path.write_text("".join(f"{stack} {count}\n" for stack, count in sorted(stacks.items())))
                written.append(str(path))
    return written


def fold(output):
    """Returns the number of samples by stack for each process id, from the output of perf script. The stacks begin with the name of the thread."""
    found = {}
    for block in output.split("\n\n"):
        lines = block.strip("\n").splitlines()
        if not lines:
            continue
        thread, _, pid = lines[0].strip().rpartition(" ")
        # Each line is an address and a symbol, the innermost first.
        frames = [line.strip().partition(" ")[2].replace(";", ":") or "[unknown]" for line in lines[1:]]
        stack = ";".join([thread.strip(), *reversed(frames)])
        found.setdefault(pid.strip(), Counter())[stack] += 1
    return found
