"""fairness.py  measures what one workspace feels of another that floods, for ops/bench fairness.

One sends reads and writes at a modest, steady pace; the other, half of the time, as much as wrk can over 64 connections. Settings in
the environment: BENCH_URL, BENCH_CALM and BENCH_FLOOD, the two workspaces' tokens.
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

URL = urlsplit(os.environ["BENCH_URL"])
# How many of each a second.
PACE = {"read": 20, "write": 5}
# What the calm one's p99 may come to, as a multiple of what it is alone.
TARGET = 1.5


class Calm:
    """A client that sends at its pace whatever comes back, and counts from when it was to send."""

    def __init__(self, kind, token, users):
        self.kind, self.users = kind, users
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"}
        self.latencies, self.errors, self.count = [], {}, 0
        self.connections = threading.local()

    def connection(self):
        if not hasattr(self.connections, "own"):
            self.connections.own = http.client.HTTPConnection(URL.hostname, URL.port, timeout=60)
        return self.connections.own

    def call(self, method, path, body=None):
        connection = self.connection()
        connection.request(method, URL.path + path, json.dumps(body) if body else None, self.headers)
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, text

    def one(self, number, due, latencies):
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
        """The latencies of so many seconds, in milliseconds."""
        latencies, began, threads = [], time.monotonic(), 4
        total = int(seconds * PACE[self.kind])

        def work(first):
            for number in range(first, total, threads):
                due = began + number / PACE[self.kind]
                time.sleep(max(0, due - time.monotonic()))
                self.one(self.count + number, due, latencies)

        workers = [threading.Thread(target=work, args=(first,)) for first in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        self.count += total
        return latencies


def make_users(token, count):
    calm = Calm("write", token, [])
    ids = []
    for number in range(count):
        status, text = calm.call("POST", "/Users", {"userName": f"calm-{time.time_ns()}-{number}@calm.example"})
        if status != 201:
            sys.exit(f"bench: a user could not be made: {status} {text[:300]}")
        ids.append(json.loads(text)["id"])
    return ids


def flood(token, seconds, run):
    # It stands for another machine, and takes what is left of this one.
    command = ["nice", "-n", "19", "wrk", "--threads", "1", "--connections", "64", "--duration", f"{seconds}s", "--timeout", "30s", "--script",
               str(Path(__file__).resolve().parent / "flood.lua"), os.environ["BENCH_URL"]]
    return subprocess.Popen(command, env={**os.environ, "BENCH_TOKEN": token, "BENCH_RUN": str(run)}, stdout=subprocess.PIPE, text=True)


def percentile(values, percent):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def measure(clients, seconds):
    found = {}

    def one(client):
        found[client.kind] = client.run(seconds)

    workers = [threading.Thread(target=one, args=(client,)) for client in clients]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=20, help="how long each of the rounds is, alone and beside the flood")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--check", action="store_true", help="exit with 1 where the target is missed")
    options = parser.parse_args()
    calm_token, flood_token = os.environ["BENCH_CALM"], os.environ["BENCH_FLOOD"]
    users = make_users(calm_token, 50)
    clients = [Calm(kind, calm_token, users) for kind in PACE]
    measure(clients, 3)
    alone, beside, rates = {kind: [] for kind in PACE}, {kind: [] for kind in PACE}, []
    flood_cpu = 0.0
    for number in range(options.rounds):
        for kind, latencies in measure(clients, options.seconds).items():
            alone[kind] += latencies
        flooding = flood(flood_token, options.seconds + 2, f"{time.time_ns()}-{number}")
        time.sleep(1)
        for kind, latencies in measure(clients, options.seconds).items():
            beside[kind] += latencies
        rates += [line.split()[-1] for line in flooding.communicate()[0].splitlines() if line.startswith("Requests/sec")]
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        # A child's is known once it has ended; the rounds' add up.
        flood_cpu = (used.ru_utime + used.ru_stime) / ((number + 1) * (options.seconds + 2))
    print(f"\nThe flood: {', '.join(rates)} answers a second, those by 429 included, over 64 connections;")
    print(f"its generator takes {flood_cpu:.1%} of a core")
    print(f"{'':8}{'alone':>22}{'beside the flood':>22}{'ratio':>16}")
    print(f"{'':8}{'p50':>11}{'p99':>11}{'p50':>11}{'p99':>11}{'p50':>8}{'p99':>8}")
    is_met = True
    for client in clients:
        kind = client.kind
        values = [percentile(samples[kind], percent) for samples in (alone, beside) for percent in (50, 99)]
        ratios = [values[2] / values[0], values[3] / values[1]]
        is_met = is_met and ratios[1] <= TARGET
        print(f"{kind:8}" + "".join(f"{value:>8.2f} ms" for value in values) + "".join(f"{ratio:>8.2f}" for ratio in ratios))
        if client.errors:
            is_met = False
            print(f"        errors of the calm one: {client.errors}")
    print(f"\n{'met    ' if is_met else 'NOT MET'}  p99 beside a flood at most {TARGET} times what it is alone, and no errors")
    return 1 if options.check and not is_met else 0


sys.exit(main())
