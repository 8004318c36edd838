"""webhooks.py FOLDER SINK [--quick]  benchmarks webhook deliveries, for ops/bench webhooks.

Throughput: inserts events of many workspaces into the event log while group-sync is stopped, starts it, and measures how many arrive per
second. Delay: creates users at a steady rate, and measures the time from each response to the webhook, alone and beside an endpoint that never
responds. Environment: BENCH_DATABASE, BENCH_ADMIN (the URL of the management API), BENCH_ADMIN_TOKEN, BENCH_SINK (the URL of the sink),
BENCH_CONTROL (the script that stops and starts group-sync), ROLLCALL_SCIM_URL, ROLLCALL_TOKEN. Exits 1 if a target is missed.
"""

import http.client
import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from urllib.parse import urlsplit

MINIMUM_PER_SECOND = 1000
MAXIMUM_DELAY_MS = 250
WORKSPACES = 200
SENDERS = 8
# Of the throughput, while the process starts and opens its connections.
WARM_UP = 500


def sql(text):
    command = ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1"]
    done = subprocess.run([*command, os.environ["BENCH_DATABASE"]], input=text, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"psql: {done.stderr.strip()}")
    return done.stdout.strip()


def wait_until(condition, seconds, name):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"bench: timed out after {seconds} seconds: {name}")
        time.sleep(0.1)


def control(action):
    subprocess.run([os.environ["BENCH_CONTROL"], action], check=True)


def create_endpoint(path):
    """Creates an endpoint that receives the events of all workspaces, and waits until group-sync knows it."""
    request = urllib.request.Request(
        f"{os.environ['BENCH_ADMIN']}/webhooks",
        json.dumps({"url": f"{os.environ['BENCH_SINK']}{path}"}).encode(),
        {"Authorization": f"Bearer {os.environ['BENCH_ADMIN_TOKEN']}", "Content-Type": "application/json"},
        method="POST",
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        endpoint = json.load(response)["id"]
    wait_until(lambda: sql(f"select 1 from directory.webhook_endpoints where id = '{endpoint}';") == "1", 60, "group-sync knows the endpoint")


def seed(events):
    """Inserts events of WORKSPACES workspaces, as group-sync would."""
    sql(
        f"""
        create temporary table seeded as
        select gen_random_uuid() as workspace_id from generate_series(1, {WORKSPACES});
        insert into directory.event_sequences (workspace_id, last_sequence) select workspace_id, {events // WORKSPACES} from seeded;
        with log as (
          update directory.event_log set last_position = last_position + {events} returning last_position - {events} as before
        )
        insert into directory.events (position, workspace_id, sequence, id, type, data)
        select
          log.before + row_number() over (order by n, workspace_id), workspace_id, n, workspace_id || '/' || n, 'member.updated',
          json_build_object(
            'workspace', workspace_id, 'type', 'member.updated', 'sequence', n, 'changedAt', '2026-01-31T09:30:00.000Z',
            'member', json_build_object(
              'id', workspace_id, 'userName', 'ana.lopez@example.com', 'displayName', 'Ana López', 'state', 'active', 'role', 'editor',
              'department', repeat('Platform ', 40), 'version', n))::text
        from log, seeded, generate_series(1, {events // WORKSPACES}) n;
        analyze directory.events, directory.event_sequences;
        """
    )


def arrivals(path):
    """Time, workspace and sequence of each accepted webhook in the ledger."""
    with open(path, encoding="utf-8") as file:
        lines = [line.split("\t") for line in file if line.endswith("\n")]
    return [(float(fields[0]), fields[3], int(fields[4]), fields[5].strip()) for fields in lines if fields[1] == "204"]


def measure_throughput(path, events):
    create_endpoint("/")
    control("stop")
    seed(events)
    before = len(arrivals(path))
    control("start")
    wait_until(lambda: len(arrivals(path)) - before >= events, 300, "all events are delivered")
    received = arrivals(path)[before:]
    times = sorted(when for when, *_ in received)
    last, unordered = {}, 0
    for _, workspace, sequence, _ in received:
        unordered += sequence < last.get(workspace, 0)
        last[workspace] = sequence
    rate = (len(times) - WARM_UP) / (times[-1] - times[WARM_UP])
    return {"events": events, "received": len(received), "a_second": round(rate), "out_of_order": unordered}


class Sender(threading.Thread):
    """Creates every SENDERS-th user when it is due."""

    def __init__(self, number, names, began, rate, responses):
        super().__init__(daemon=True)
        self.address, self.path = urlsplit(os.environ["ROLLCALL_SCIM_URL"]).netloc, urlsplit(os.environ["ROLLCALL_SCIM_URL"]).path.rstrip("/")
        self.headers = {"Authorization": f"Bearer {os.environ['ROLLCALL_TOKEN']}", "Content-Type": "application/scim+json"}
        self.share = list(enumerate(names))[number::SENDERS]
        self.began, self.rate, self.responses = began, rate, responses

    def run(self):
        connection = http.client.HTTPConnection(self.address, timeout=60)
        for number, name in self.share:
            time.sleep(max(0, self.began + number / self.rate - time.monotonic()))
            body = {
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name, "active": True,
                "emails": [{"value": name, "type": "work", "primary": True}],
            }
            connection.request("POST", f"{self.path}/Users", json.dumps(body), self.headers)
            response = connection.getresponse()
            response.read()
            if response.status != 201:
                sys.exit(f"bench: POST /Users was answered with {response.status}")
            self.responses.append(time.time())


def measure_delay(path, prefix, rate, seconds):
    """The p50 and p99, in milliseconds, from the n-th response to the n-th webhook of the first endpoint."""
    count = rate * seconds
    names = [f"{prefix}{n}@example.com" for n in range(count)]
    before = len(arrivals(path))
    responses = []
    began = time.monotonic() + 0.5
    senders = [Sender(number, names, began, rate, responses) for number in range(SENDERS)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    if len(responses) != count:
        sys.exit(f"bench: {count - len(responses)} of {count} users were not created")
    wait_until(lambda: len(arrivals(path)) - before >= count, 60, "all webhooks have arrived")
    received = sorted(when for when, *_ in arrivals(path)[before:])
    # All events are of one workspace and arrive in order, so that the n-th response belongs to the n-th webhook but for concurrent requests.
    delays = sorted(max(0.0, 1000 * (arrival - response)) for arrival, response in zip(received, sorted(responses)))
    return {"p50_ms": delays[len(delays) // 2], "p99_ms": delays[int(len(delays) * 0.99)]}


def main():
    folder, path = sys.argv[1], sys.argv[2]
    events, seconds = (10_000, 5) if "--quick" in sys.argv else (40_000, 20)
    throughput = measure_throughput(path, events)
    print(f"webhooks: {throughput['a_second']} per second; {throughput['events']} due, {throughput['received']} received")
    measure_delay(path, "warm", 50, 2)
    alone = measure_delay(path, "alone", 50, seconds)
    create_endpoint("/hang")
    beside = measure_delay(path, "beside", 50, seconds)
    added = beside["p99_ms"] - alone["p99_ms"]
    print(f"response to webhook, alone:                  p50 {alone['p50_ms']:6.1f} ms   p99 {alone['p99_ms']:6.1f} ms")
    print(f"response to webhook, beside a dead endpoint: p50 {beside['p50_ms']:6.1f} ms   p99 {beside['p99_ms']:6.1f} ms")
    with open(os.path.join(folder, "webhooks.json"), "w", encoding="utf-8") as file:
        json.dump({"throughput": throughput, "alone": alone, "beside_dead": beside}, file, indent=2)
    failures = []
    if throughput["received"] != throughput["events"]:
        failures.append("events were lost or repeated")
    if throughput["out_of_order"]:
        failures.append("events arrived out of order")
    if throughput["a_second"] < MINIMUM_PER_SECOND:
        failures.append(f"fewer than {MINIMUM_PER_SECOND} webhooks per second")
    if added > MAXIMUM_DELAY_MS:
        failures.append(f"a dead endpoint delays the others by more than {MAXIMUM_DELAY_MS} ms (p99)")
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


sys.exit(main())
