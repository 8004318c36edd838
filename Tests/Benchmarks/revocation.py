"""revocation.py ROOT FOLDER  measures the latency of access revocations, for ops/bench directory.

Sends PUTs with `active: false` at a fixed rate, each for another user, and measures the time from each response until a consumer of
directory.events has received the `access-revoked` event. Starts the seeded suite of the clone ROOT, and writes revocation.json to the folder.
Exits 1 if the target is missed.
"""

import argparse
import http.client
import json
import sys
import threading
import time
import uuid
from pathlib import Path
from urllib.parse import urlsplit

from confluent_kafka import OFFSET_END, Consumer, TopicPartition
from suite import Suite

TOPIC = "directory.events"
TYPE = b"rollcall.directory.access-revoked.v2"
SENDERS = 32
TARGET_MS = 150
# An event is missing if it has not arrived this many seconds after the last response.
EVENT_TIMEOUT = 30


class EventReader(threading.Thread):
    """Consumes directory.events from the end of the topic and records when each `access-revoked` event arrives."""

    def __init__(self, brokers):
        super().__init__(daemon=True)
        self.received = {}
        self.duplicates = 0
        self.stopping = threading.Event()
        # A short fetch wait, as in a product that needs low latency.
        self.consumer = Consumer({"bootstrap.servers": brokers, "group.id": f"bench-{uuid.uuid4()}", "fetch.wait.max.ms": 50, "log_level": 0})
        partitions = self.consumer.list_topics(TOPIC, 30).topics[TOPIC].partitions
        self.consumer.assign([TopicPartition(TOPIC, number, OFFSET_END) for number in partitions])
        self.consumer.poll(2)

    def run(self):
        while not self.stopping.is_set():
            message = self.consumer.poll(0.05)
            if message is None or message.error():
                continue
            now = time.monotonic()
            headers = dict(message.headers() or [])
            if headers.get("ce_type") == TYPE:
                member = headers["ce_subject"].decode()
                self.duplicates += member in self.received
                self.received.setdefault(member, now)
        self.consumer.close()


class Sender(threading.Thread):
    """Sends every SENDERS-th PUT when it is due."""

    def __init__(self, number, url, token, users, began, rate, responses):
        super().__init__(daemon=True)
        self.address, self.path = urlsplit(url).netloc, urlsplit(url).path
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"}
        self.share = list(enumerate(users))[number::SENDERS]
        self.began, self.rate, self.responses = began, rate, responses
        self.failures = []

    def run(self):
        connection = http.client.HTTPConnection(self.address, timeout=60)
        for number, (member, name) in self.share:
            time.sleep(max(0, self.began + number / self.rate - time.monotonic()))
            body = {
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name, "active": False,
                "name": {"givenName": "Ana", "familyName": "Silva"}, "emails": [{"value": name, "type": "work", "primary": True}],
            }
            began = time.monotonic()
            connection.request("PUT", f"{self.path}/Users/{member}", json.dumps(body), self.headers)
            response = connection.getresponse()
            response.read()
            ended = time.monotonic()
            if response.status == 200:
                self.responses[member] = (began, ended)
            else:
                self.failures.append(response.status)


def percentile(ordered, percent):
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("root", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rate", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=30)
    options = parser.parse_args()
    suite = Suite(options.root, options.folder)
    # The first requests warm up the suite and are not counted.
    warm_up = 2 * options.rate
    count = warm_up + options.rate * options.seconds
    users = [
        (member, name)
        for member, name in suite.database.rows(
            "select u.id, u.user_name from bench.users b join identity.users u using (id) where u.state = 'active' and not b.spare "
            f"order by md5(u.id::text) limit {count}"
        )
    ]
    if len(users) < count:
        sys.exit(f"bench: {count} active users are needed, but there are only {len(users)}")
    reader = EventReader(f"127.0.0.1:{suite.ports['port_kafka']}")
    reader.start()
    responses = {}
    began = time.monotonic() + 0.5
    senders = [Sender(number, suite.url, suite.token, users, began, options.rate, responses) for number in range(SENDERS)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    rate = len(responses) / (time.monotonic() - began)
    deadline = time.monotonic() + EVENT_TIMEOUT
    while len(reader.received) < len(responses) and time.monotonic() < deadline:
        time.sleep(0.05)
    reader.stopping.set()
    reader.join()

    measured = [member for member, _ in users[warm_up:] if member in responses]
    missing = [member for member in measured if member not in reader.received]
    # An event may arrive before the response to its request.
    delays = sorted(max(0.0, 1000 * (reader.received[member] - responses[member][1])) for member in measured if member in reader.received)
    latencies = sorted(1000 * (responses[member][1] - responses[member][0]) for member in measured)
    results = {
        "changes": len(measured), "rate": rate, "failures": sum(len(sender.failures) for sender in senders), "missing": len(missing),
        "duplicates": reader.duplicates, "response_p50_ms": percentile(latencies, 50), "response_p99_ms": percentile(latencies, 99),
        "event_p50_ms": percentile(delays, 50), "event_p99_ms": percentile(delays, 99), "event_max_ms": delays[-1],
    }
    (options.folder / "revocation.json").write_text(json.dumps(results, indent=2) + "\n")
    print(f"{results['changes']:,} users disabled by PUT, {rate:.0f} per second; {results['failures']} failed")
    print(f"  response            p50 {results['response_p50_ms']:6.1f} ms   p99 {results['response_p99_ms']:6.1f} ms")
    print(
        f"  response to event   p50 {results['event_p50_ms']:6.1f} ms   p99 {results['event_p99_ms']:6.1f} ms   "
        f"max {results['event_max_ms']:.1f} ms"
    )
    met = not missing and not results["failures"] and results["event_p99_ms"] < TARGET_MS
    print(f"{'met    ' if met else 'NOT MET'}  access-revoked within {TARGET_MS} ms of the response (p99): {len(missing)} missing, ", end="")
    print(f"{reader.duplicates} duplicates")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
