"""Kills a process of the suite every two seconds and restarts it."""

import subprocess
import threading
import time
from collections import Counter
from dataclasses import dataclass

INTERVAL = 2.0

# The relative probability of each process.
WEIGHTS = {"identity-store": 5, "scim-api": 5, "invitation-mailer": 5, "group-sync": 5, "postgres": 2, "broker": 1}


@dataclass(frozen=True)
class Kill:
    process: str
    # In seconds since 1970.
    at: float


class FaultInjector(threading.Thread):
    """Kills each process once, and then processes chosen at random. `command` is a program that kills and restarts the process it is given."""

    def __init__(self, command, random):
        super().__init__(daemon=True)
        self.command = command
        self.random = random
        self.remaining = sorted(WEIGHTS)
        random.shuffle(self.remaining)
        self.stopping = threading.Event()
        self.kills = []
        # The total seconds that the services were suspended before kills of the broker.
        self.suspended = 0.0
        # Processes that ended without being killed.
        self.unexpected_exits = []
        self.failures = []

    @property
    def progress(self):
        return f"{len(self.kills)} kills"

    @property
    def counts(self):
        return Counter(kill.process for kill in self.kills)

    def is_complete(self):
        """Whether each process was killed at least once."""
        return not self.remaining

    def run(self):
        due = time.monotonic()
        while not self.stopping.is_set():
            self.kill(self.remaining[0] if self.remaining else self.random.choices(list(WEIGHTS), WEIGHTS.values())[0])
            self.remaining = self.remaining[1:]
            due = max(due + INTERVAL, time.monotonic())
            self.stopping.wait(due - time.monotonic())

    def kill(self, process):
        done = subprocess.run([self.command, process], capture_output=True, text=True)
        for line in done.stdout.splitlines():
            match line.split():
                case ["killed", name, at]:
                    self.kills.append(Kill(name, float(at)))
                case ["suspended", seconds]:
                    self.suspended += float(seconds)
                case ["absent", name]:
                    self.unexpected_exits.append(f"{time.strftime('%H:%M:%S')} {name}")
        if done.returncode:
            self.failures.append(f"{process}: {done.stderr.strip()}")

    def finish(self):
        if self.ident is not None:
            self.stopping.set()
            self.join()
