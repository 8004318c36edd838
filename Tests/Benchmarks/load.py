"""Load generators: wrk for HTTP requests, pgbench for transactions."""

import json
import os
import resource
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from rows import BULK_OPERATIONS

FOLDER = Path(__file__).resolve().parent
# About the size of a stored user.
DOCUMENT = "x" * 900


@dataclass
class Sample:
    """The result of one load. Latencies are in milliseconds, CPU times in seconds."""

    requests: int
    seconds: float
    p50: float
    p99: float
    # Unexpected responses by status, and failed requests as `connection`.
    errors: dict
    generator_cpu: float
    # By process of the suite, until everything that the load caused is done.
    cpu: dict = field(default_factory=dict)
    # By process and name of the thread.
    parts: dict = field(default_factory=dict)
    # Role, text, calls, rows, milliseconds, WAL bytes and full-page images of each SQL statement.
    statements: list = field(default_factory=list)
    # CPU usage of other processes, in cores.
    others: float = 0

    @property
    def rate(self):
        return self.requests / self.seconds


class LoadFailed(Exception):
    """A load generator failed, or its result is not usable."""


def wrk(url, in_flight, seconds, **environment):
    """Sends the requests of requests.lua over `in_flight` connections. One thread is enough: it uses a third of a core at the highest rate."""
    command = ["wrk", "--threads", "1", "--connections", str(in_flight), "--duration", f"{seconds}s", "--timeout", "30s", "--latency"]
    variables = {f"BENCH_{name}": value for name, value in environment.items()}
    output, cpu = _run([*command, "--script", str(FOLDER / "requests.lua"), url], variables)
    last = output.rstrip().rpartition("\n")[2]
    if not last.startswith("{"):
        raise LoadFailed(f"unexpected output of wrk:\n{output}")
    found = json.loads(last)
    errors = {kind: count for kind, count in found["errors"].items() if count}
    return Sample(found["requests"], found["seconds"], found["p50"], found["p99"], errors, cpu)


def bulk(suite, count, run):
    """Sends bulk requests of 1,000 creates, one after the other. Counts operations; the latencies are those of whole requests."""
    latencies, errors, began = [], {}, time.monotonic()
    for request in range(count):
        users = [_user(f"bulk-{run}-{request}-{number}@example.com") for number in range(BULK_OPERATIONS)]
        operations = [{"method": "POST", "path": "/Users", "bulkId": f"b{n}", "data": user} for n, user in enumerate(users)]
        body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations}
        sent = time.monotonic()
        answer = suite.call("POST", "/Bulk", body, 200)
        latencies.append(1000 * (time.monotonic() - sent))
        for operation in answer["Operations"]:
            if operation["status"] != "201":
                errors[operation["status"]] = errors.get(operation["status"], 0) + 1
    return Sample(count * BULK_OPERATIONS, time.monotonic() - began, _percentile(sorted(latencies), 50), max(latencies), errors, 0)


def _user(name):
    emails = [{"primary": True, "value": name, "type": "work"}]
    schemas = ["urn:ietf:params:scim:schemas:core:2.0:User"]
    return {"schemas": schemas, "userName": name, "displayName": "Ana Silva", "emails": emails, "active": True}


def pgbench(program, suite, in_flight, seconds):
    """Runs transactions that insert a row and an outbox row, from `in_flight` clients."""
    with tempfile.TemporaryDirectory() as folder:
        command = [program, "--no-vacuum", "--protocol", "prepared", "--client", str(in_flight), "--jobs", str(min(2, in_flight))]
        command += ["--time", str(seconds), "--log", "--log-prefix", f"{folder}/log", "--define", f"document={DOCUMENT}"]
        output, cpu = _run([*command, "--file", str(FOLDER / "insert-rows.pgbench"), suite.address], {"PGPASSFILE": str(suite.folder / "pgpass")})
        logs = [line.split() for log in Path(folder).iterdir() for line in log.read_text().splitlines()]
    # The log has latencies in microseconds, and a word for a failed transaction.
    latencies = sorted(int(fields[2]) / 1000 for fields in logs if fields[2].isdigit())
    if not logs:
        return Sample(0, seconds, 0, 0, {}, cpu)
    if not latencies:
        raise LoadFailed(f"pgbench had no successful transaction:\n{output}")
    rate = next(float(line.split()[2]) for line in output.splitlines() if line.startswith("tps = "))
    errors = {"failed": len(logs) - len(latencies)} if len(logs) > len(latencies) else {}
    # The CPU time of the server processes is counted when PostgreSQL has reaped them.
    time.sleep(0.2)
    return Sample(len(latencies), len(latencies) / rate, _percentile(latencies, 50), _percentile(latencies, 99), errors, cpu)


def _percentile(ordered, percent):
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def _run(command, environment):
    """Returns the output and the CPU time in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    variables = {**os.environ, **environment}
    ran = subprocess.run(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if ran.returncode != 0:
        raise LoadFailed(f"{command[0]} failed:\n{ran.stdout}")
    return ran.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
