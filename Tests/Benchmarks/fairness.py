"""fairness.py  measures how a flood from one workspace affects another workspace, for ops/bench fairness.

One workspace sends reads and writes at a moderate, steady rate. The other one floods half of the time: as many requests as wrk can send
over 64 connections. Environment: BENCH_URL; BENCH_STEADY_TOKEN and BENCH_FLOOD_TOKEN, the tokens of the two workspaces.
"""

import argparse
import http.client
import json
import os
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

# Requests per second of the steady workspace.
RATES = {"read": 20, "write": 5}
# The largest p99 during a flood, relative to the p99 without one.
TARGET = 1.5


class SteadyClient:
    """An open-loop client: it sends at a fixed rate and measures each latency from the time the request was due."""

    def __init__(self, url, kind, token, users):
        self.url, self.kind, self.users = urlsplit(url), kind, users
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"}
        self.errors, self.count = {}, 0
        self.connections = threading.local()

    def connection(self):
        if not hasattr(self.connections, "own"):
            self.connections.own = http.client.HTTPConnection(self.url.hostname, self.url.port, timeout=60)
        return self.connections.own

    def call(self, method, path, body=None):
        connection = self.connection()
        connection.request(method, self.url.path + path, json.dumps(body) if body else None, self.headers)
        response = connection.getresponse()
        text = response.read()
        return response.status, text

    def send_one(self, number, due, latencies):
        user = self.users[number % len(self.users)]
        if self.kind == "read":
            status, _ = self.call("GET", f"/Users/{user}")
        else:
            operation = {"op": "replace", "path": "title", "value": f"title {number}"}
            status, _ = self.call("PATCH", f"/Users/{user}", {
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation]})
        latencies.append((time.monotonic() - due) * 1000)
        if status >= 300:
            self.errors[status] = self.errors.get(status, 0) + 1

    def run(self, seconds):
        """Sends for that many seconds and returns the latencies in milliseconds."""
        latencies, began, threads = [], time.monotonic(), 4
        total = int(seconds * RATES[self.kind])

        def work(first):
            for number in range(first, total, threads):
                due = began + number / RATES[self.kind]
                time.sleep(max(0, due - time.monotonic()))
                self.send_one(self.count + number, due, latencies)

        workers = [threading.Thread(target=work, args=(first,)) for first in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        self.count += total
        return latencies


def create_users(url, token, count):
    client = SteadyClient(url, "write", token, [])
    ids = []
    for number in range(count):
        status, text = client.call("POST", "/Users", {"userName": f"steady-{time.time_ns()}-{number}@steady.example"})
        if status != 201:
            sys.exit(f"bench: POST /Users returned {status}: {text[:300]}")
        ids.append(json.loads(text)["id"])
    return ids


def start_flood(url, token, seconds, run):
    """Starts wrk at the lowest priority, because it stands for another machine."""
    command = ["nice", "-n", "19", "wrk", "--threads", "1", "--connections", "64", "--duration", f"{seconds}s", "--timeout", "30s", "--script",
               str(Path(__file__).resolve().parent / "flood.lua"), url]
    return subprocess.Popen(command, env={**os.environ, "BENCH_TOKEN": token, "BENCH_RUN": str(run)}, stdout=subprocess.PIPE, text=True)


def percentile(values, percent):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def measure(clients, seconds):
    """Runs all clients at the same time. Returns their latencies by kind."""
    latencies = {}

    def run(client):
        latencies[client.kind] = client.run(seconds)

    workers = [threading.Thread(target=run, args=(client,)) for client in clients]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return latencies


def main():
    parser = argparse.ArgumentParser(prog="ops/bench fairness")
    parser.add_argument("--seconds", type=int, default=20, help="duration of each measurement, alone and during the flood")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--check", action="store_true", help="exit 1 if the target is missed")
    options = parser.parse_args()
    url, steady_token, flood_token = (os.environ[f"BENCH_{name}"] for name in ("URL", "STEADY_TOKEN", "FLOOD_TOKEN"))
    users = create_users(url, steady_token, 50)
    clients = [SteadyClient(url, kind, steady_token, users) for kind in RATES]
    measure(clients, 3)
    alone, flooded, flood_rates = {kind: [] for kind in RATES}, {kind: [] for kind in RATES}, []
    flood_cpu = 0.0
    for number in range(options.rounds):
        for kind, latencies in measure(clients, options.seconds).items():
            alone[kind] += latencies
        flood = start_flood(url, flood_token, options.seconds + 2, f"{time.time_ns()}-{number}")
        time.sleep(1)
        for kind, latencies in measure(clients, options.seconds).items():
            flooded[kind] += latencies
        flood_rates += [line.split()[-1] for line in flood.communicate()[0].splitlines() if line.startswith("Requests/sec")]
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        # The usage of a child is added when it has ended, so this is the total of all rounds.
        flood_cpu = (used.ru_utime + used.ru_stime) / ((number + 1) * (options.seconds + 2))
    print(f"\nFlood: {', '.join(flood_rates)} responses per second over 64 connections, including 429;")
    print(f"wrk uses {flood_cpu:.1%} of a core")
    print(f"{'':8}{'alone':>22}{'during the flood':>22}{'ratio':>16}")
    print(f"{'':8}{'p50':>11}{'p99':>11}{'p50':>11}{'p99':>11}{'p50':>8}{'p99':>8}")
    is_met = True
    for client in clients:
        kind = client.kind
        values = [percentile(samples[kind], percent) for samples in (alone, flooded) for percent in (50, 99)]
        ratios = [values[2] / values[0], values[3] / values[1]]
        is_met = is_met and ratios[1] <= TARGET
        print(f"{kind:8}" + "".join(f"{value:>8.2f} ms" for value in values) + "".join(f"{ratio:>8.2f}" for ratio in ratios))
        if client.errors:
            is_met = False
            print(f"        errors of the steady workspace: {client.errors}")
    print(f"\n{'met    ' if is_met else 'NOT MET'}  p99 during the flood at most {TARGET} times the p99 alone, and no errors")
    return 1 if options.check and not is_met else 0


if __name__ == "__main__":
    sys.exit(main())
