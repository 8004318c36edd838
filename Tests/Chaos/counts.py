"""Counters of requests, responses and retries."""

import threading
import time
from collections import Counter


class Counts:
    def __init__(self):
        self.lock = threading.Lock()
        self.responses = Counter()
        # The number of retries by reason.
        self.retries = Counter()
        self.recovered = 0
        self.conflicts = 0
        # For each acknowledged write, the seconds from the first attempt to the response, and its name.
        self.acknowledged = []
        self.given_up = []
        self.unexpected = []
        self.stale_reads = []

    def count_response(self, status):
        with self.lock:
            self.responses[status] += 1

    def count_retry(self, reason):
        with self.lock:
            self.retries[reason] += 1

    def count_recovered(self):
        """Counts a resource that an attempt without a response had created."""
        with self.lock:
            self.recovered += 1

    def count_conflict(self):
        """Counts a 409 to a repeated creation, because an earlier attempt had succeeded."""
        with self.lock:
            self.conflicts += 1

    def acknowledge(self, name, began):
        with self.lock:
            self.acknowledged.append((time.monotonic() - began, name))

    def record(self, kind, text):
        """kind: "given_up", "unexpected" or "stale_reads"."""
        with self.lock:
            getattr(self, kind).append(f"{time.strftime('%H:%M:%S')} {text}")

    @property
    def writes(self):
        return len(self.acknowledged)
