"""revocation.py FOLDER  measures how soon the product hears of a revoked access, for `ops/bench directory`.

So many PUTs a second, each of another user, each with `active: false`, sent on time whatever became of those before: from the answer of
each to the moment at which a consumer of directory.events has its `access-revoked`. The environment says what is where, as it does for
benchmark.py. Writes revocation.json into the folder; exits with 1 where the target is missed.
"""

import argparse
import http.client
import json
import os
import sys
import threading
import time
import uuid
from pathlib import Path
from urllib.parse import urlsplit

from confluent_kafka import OFFSET_END, Consumer, TopicPartition
from suite import Database

TOPIC = "directory.events"
TYPE = b"rollcall.directory.access-revoked.v1"
SENDERS = 32
TARGET_MS = 250
# Events that have not come so long after the last answer are missing.
PATIENCE = 30


class Product(threading.Thread):
    """Reads directory.events from now on, and notes when whose access ended."""

    def __init__(self, brokers):
        super().__init__(daemon=True)
        self.heard = {}
        self.doubles = 0
        self.ends = threading.Event()
        # Fetches as a product would that wants to know at once.
        self.consumer = Consumer({"bootstrap.servers": brokers, "group.id": f"bench-{uuid.uuid4()}", "fetch.wait.max.ms": 50, "log_level": 0})
        partitions = self.consumer.list_topics(TOPIC, 30).topics[TOPIC].partitions
        self.consumer.assign([TopicPartition(TOPIC, number, OFFSET_END) for number in partitions])
        self.consumer.poll(2)

    def run(self):
        while not self.ends.is_set():
            message = self.consumer.poll(0.05)
            if message is None or message.error():
                continue
            now = time.monotonic()
            headers = dict(message.headers() or [])
            if headers.get("ce_type") == TYPE:
                member = headers["ce_subject"].decode()
                self.doubles += member in self.heard
                self.heard.setdefault(member, now)
        self.consumer.close()


class Sender(threading.Thread):
    """Sends every n-th PUT at its time."""

    def __init__(self, number, url, token, users, began, rate, answered):
        super().__init__(daemon=True)
        self.address, self.path = urlsplit(url).netloc, urlsplit(url).path
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"}
        self.share = list(enumerate(users))[number::SENDERS]
        self.began, self.rate, self.answered = began, rate, answered
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
            answer = connection.getresponse()
            answer.read()
            ended = time.monotonic()
            if answer.status == 200:
                self.answered[member] = (began, ended)
            else:
                self.failures.append(answer.status)


def percentile(ordered, percent):
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rate", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=30)
    options = parser.parse_args()
    database = Database(os.environ["BENCH_DATABASE"])
    # The first warm the suite up, and are not counted.
    warming = 2 * options.rate
    count = warming + options.rate * options.seconds
    users = [
        (member, name)
        for member, name in database.rows(
            "select u.id, u.user_name from bench.users b join identity.users u using (id) where u.state = 'active' and not b.spare "
            f"order by md5(u.id::text) limit {count}"
        )
    ]
    if len(users) < count:
        sys.exit(f"bench: {count} active users are needed, and there are {len(users)}")
    product = Product(os.environ["BENCH_KAFKA"])
    product.start()
    answered = {}
    began = time.monotonic() + 0.5
    senders = [
        Sender(number, os.environ["BENCH_URL"], os.environ["BENCH_TOKEN"], users, began, options.rate, answered) for number in range(SENDERS)
    ]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    rate = len(answered) / (time.monotonic() - began)
    deadline = time.monotonic() + PATIENCE
    while len(product.heard) < len(answered) and time.monotonic() < deadline:
        time.sleep(0.05)
    product.ends.set()
    product.join()

    measured = [member for member, _ in users[warming:] if member in answered]
    missing = [member for member in measured if member not in product.heard]
    # An event may overtake the answer to the request that caused it.
    after = sorted(max(0.0, 1000 * (product.heard[member] - answered[member][1])) for member in measured if member in product.heard)
    answers = sorted(1000 * (answered[member][1] - answered[member][0]) for member in measured)
    results = {
        "changes": len(measured), "rate": rate, "failures": sum(len(sender.failures) for sender in senders), "missing": len(missing),
        "doubles": product.doubles, "answer_p50_ms": percentile(answers, 50), "answer_p99_ms": percentile(answers, 99),
        "event_p50_ms": percentile(after, 50), "event_p99_ms": percentile(after, 99), "event_most_ms": after[-1],
    }
    (options.folder / "revocation.json").write_text(json.dumps(results, indent=2) + "\n")
    print(f"{results['changes']:,} users disabled by PUT, {rate:.0f} a second; {results['failures']} failed")
    print(f"  the answer          p50 {results['answer_p50_ms']:6.1f} ms   p99 {results['answer_p99_ms']:6.1f} ms")
    print(
        f"  answer to the event p50 {results['event_p50_ms']:6.1f} ms   p99 {results['event_p99_ms']:6.1f} ms   "
        f"most {results['event_most_ms']:.1f} ms"
    )
    met = not missing and not results["failures"] and results["event_p99_ms"] < TARGET_MS
    print(f"{'met    ' if met else 'NOT MET'}  access-revoked within {TARGET_MS} ms of the answer (p99), each once: {len(missing)} missing, ", end="")
    print(f"{product.doubles} twice")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
