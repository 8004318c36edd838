"""Puts load on something for some seconds, and says what came of it."""

import json
import os
import resource
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
# As long as a user is in storage.
DOCUMENT = "x" * 900


@dataclass
class Sample:
    """One measurement. Latencies in milliseconds, CPU in seconds."""

    requests: int
    seconds: float
    p50: float
    p99: float
    # By status, and `connection`; what was answered as expected is none.
    errors: dict
    generator_cpu: float
    # By process, of the suite.
    cpu: dict = field(default_factory=dict)
    # What neither the suite nor the load used, as a part of one core.
    others: float = 0

    @property
    def rate(self):
        return self.requests / self.seconds


class LoadFailed(Exception):
    pass


def wrk(url, in_flight, seconds, **environment):
    """Requests as requests.lua makes them, over as many connections as are to be in flight, by one thread: it uses a third of a core
    where it asks for the most."""
    command = ["wrk", "--threads", "1", "--connections", str(in_flight), "--duration", f"{seconds}s", "--timeout", "30s", "--latency"]
    variables = {f"BENCH_{name}": value for name, value in environment.items()}
    output, cpu = _run([*command, "--script", str(FOLDER / "requests.lua"), url], variables)
    last = output.rstrip().rpartition("\n")[2]
    if not last.startswith("{"):
        raise LoadFailed(f"wrk said:\n{output}")
    found = json.loads(last)
    errors = {kind: count for kind, count in found["errors"].items() if count}
    return Sample(found["requests"], found["seconds"], found["p50"], found["p99"], errors, cpu)


def pgbench(program, url, in_flight, seconds):
    """Transactions of a row and an outbox row, from as many clients."""
    with tempfile.TemporaryDirectory() as folder:
        command = [program, "--no-vacuum", "--protocol", "prepared", "--client", str(in_flight), "--jobs", str(min(2, in_flight))]
        command += ["--time", str(seconds), "--log", "--log-prefix", f"{folder}/log", "--define", f"document={DOCUMENT}"]
        output, cpu = _run([*command, "--file", str(FOLDER / "insert-rows.pgbench"), url], {})
        logs = [line.split() for log in Path(folder).iterdir() for line in log.read_text().splitlines()]
    # Microseconds; where a transaction failed there is a word instead.
    latencies = sorted(int(fields[2]) / 1000 for fields in logs if fields[2].isdigit())
    if not logs:
        return Sample(0, seconds, 0, 0, {}, cpu)
    if not latencies:
        raise LoadFailed(f"pgbench said:\n{output}")
    rate = next(float(line.split()[2]) for line in output.splitlines() if line.startswith("tps = "))
    errors = {"failed": len(logs) - len(latencies)} if len(logs) > len(latencies) else {}
    # PostgreSQL knows what the clients' processes used once it has noticed their end.
    time.sleep(0.2)
    return Sample(len(latencies), len(latencies) / rate, _percentile(latencies, 50), _percentile(latencies, 99), errors, cpu)


def _percentile(ordered, percent):
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def _run(command, environment):
    """What it printed, and its CPU time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    variables = {**os.environ, **environment}
    ran = subprocess.run(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if ran.returncode != 0:
        raise LoadFailed(f"{command[0]} failed:\n{ran.stdout}")
    return ran.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
