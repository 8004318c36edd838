"""events.py FOLDER  measures how fast the events API can be read, for ops/bench events.

Reads all stored events in pages of 1,000 over one connection, as a product does that recovers: those of one workspace, those of all workspaces, and
those of one type that does not occur. Then reads a snapshot. Checks that no event is missing or repeated. Writes events.json to the folder.
Exits 1 if a target is missed. Environment: BENCH_URL, the base URL of the events API; BENCH_TOKEN, BENCH_DEPLOYMENT_TOKEN.
"""

import http.client
import json
import os
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

# The least number of events per second.
TARGET = 10_000


class Client:
    def __init__(self, url, token):
        self.address = urlsplit(url)
        self.headers = {"Authorization": f"Bearer {token}"}
        self.connection = http.client.HTTPConnection(self.address.hostname, self.address.port, timeout=60)

    def open(self, path):
        self.connection.request("GET", self.address.path + path, headers=self.headers)
        response = self.connection.getresponse()
        if response.status != 200:
            sys.exit(f"bench: GET {path} returned {response.status}: {response.read()[:500]}")
        return response

    def pages(self, query=""):
        """Yields the pages up to the end, each with its size and the time that it took. Parsing is not counted: it is the product's."""
        cursor, more = "", True
        while more:
            began = time.monotonic()
            body = self.open(f"?limit=1000&after={cursor}{query}").read()
            took = time.monotonic() - began
            page = json.loads(body)
            cursor, more = page["cursor"], page["hasMore"]
            yield page, len(body), took


def check(events, title):
    """Exits if a workspace's events are not complete and in order."""
    last = {}
    for workspace, sequence in events:
        if sequence != last.get(workspace, sequence - 1) + 1:
            sys.exit(f"bench: {title}: event {sequence} of {workspace} follows event {last[workspace]}")
        last[workspace] = sequence


def read(title, client, query=""):
    seconds, size, slowest, events, requests = 0.0, 0, 0.0, [], 0
    for page, length, took in client.pages(query):
        seconds, size, slowest, requests = seconds + took, size + length, max(slowest, took), requests + 1
        events += [(event["workspace"], event["sequence"]) for event in page["events"]]
    check(events, title)
    return {
        "title": title, "events": len(events), "requests": requests, "seconds": seconds, "per_second": len(events) / seconds,
        "megabytes_per_second": size / seconds / 1e6, "slowest_ms": 1000 * slowest,
    }


def read_snapshot(client):
    began = time.monotonic()
    response = client.open("/snapshot")
    lines = size = 0
    last = b""
    for line in response:
        lines, size, last = lines + 1, size + len(line), line
    seconds = time.monotonic() - began
    if json.loads(last)["type"] != "end":
        sys.exit("bench: the snapshot is truncated")
    return {"title": "snapshot", "lines": lines, "seconds": seconds, "per_second": lines / seconds, "megabytes_per_second": size / seconds / 1e6}


def main():
    folder = Path(sys.argv[1])
    url = os.environ["BENCH_URL"]
    workspace, deployment = Client(url, os.environ["BENCH_TOKEN"]), Client(url, os.environ["BENCH_DEPLOYMENT_TOKEN"])
    # The first requests plan the statements and are not counted.
    for client in (workspace, deployment):
        next(client.pages())
    reads = [
        read("one workspace", workspace), read("all workspaces", deployment), read("a type that does not occur", workspace, "&types=group.deleted"),
    ]
    snapshot = read_snapshot(workspace)
    (folder / "events.json").write_text(json.dumps({"reads": reads, "snapshot": snapshot}, indent=2) + "\n")
    for one in reads:
        print(
            f"{one['title']:28} {one['events']:>9,} events in {one['requests']:,} requests, {one['per_second']:>9,.0f} per second, "
            f"{one['megabytes_per_second']:.0f} MB/s, slowest request {one['slowest_ms']:.0f} ms"
        )
    print(f"{'snapshot':28} {snapshot['lines']:>9,} lines in {snapshot['seconds']:.1f} s, {snapshot['megabytes_per_second']:.0f} MB/s")
    met = all(one["per_second"] >= TARGET for one in reads[:2])
    print(f"{'met    ' if met else 'NOT MET'}  {TARGET:,} events per second")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
