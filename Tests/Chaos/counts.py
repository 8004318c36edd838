"""What is counted while the identity provider is at work."""

import threading
import time
from collections import Counter


class Tally:
    def __init__(self):
        self.lock = threading.Lock()
        self.began = time.monotonic()
        self.answers = Counter()
        # Why requests were sent again.
        self.repeated = Counter()
        self.adopted = 0
        self.conflicts = 0
        # Each acknowledged write: seconds until its answer, from the first attempt on, and what it was.
        self.acknowledged = []
        self.given_up = []
        self.unexpected = []
        self.stale_reads = []

    def answer(self, status):
        with self.lock:
            self.answers[status] += 1

    def repeat(self, reason):
        with self.lock:
            self.repeated[reason] += 1

    def adopt(self):
        """A look-up found what a lost answer would have told of."""
        with self.lock:
            self.adopted += 1

    def conflict(self):
        """409 to a repeated creation: the first attempt had been carried out."""
        with self.lock:
            self.conflicts += 1

    def acknowledge(self, what, began):
        with self.lock:
            self.acknowledged.append((time.monotonic() - began, what))

    def note(self, kind, text):
        """kind: "given_up", "unexpected" or "stale_reads"."""
        with self.lock:
            getattr(self, kind).append(f"{time.strftime('%H:%M:%S')} {text}")

    @property
    def writes(self):
        return len(self.acknowledged)
