"""Kills a process of the suite every two seconds, and has it started again."""

import subprocess
import threading
import time
from collections import Counter
from dataclasses import dataclass

INTERVAL = 2.0

# How often one is chosen, relative to the others.
WEIGHTS = {"identity-store": 5, "scim-api": 5, "invitation-mailer": 5, "group-sync": 5, "postgres": 2, "broker": 1}


@dataclass(frozen=True)
class Kill:
    process: str
    # In seconds since 1970.
    at: float


class Killer(threading.Thread):
    """`strike` is the command that kills and starts. Each process has its turn once; from then on chance decides."""

    def __init__(self, strike, random):
        super().__init__(daemon=True)
        self.strike = strike
        self.random = random
        self.turns = sorted(WEIGHTS)
        random.shuffle(self.turns)
        self.ending = threading.Event()
        self.kills = []
        # For how many seconds the services stood still, so that the broker could be killed.
        self.held = 0.0
        # Which ended although nobody had killed them.
        self.absent = []
        self.failures = []

    @property
    def counts(self):
        return Counter(kill.process for kill in self.kills)

    def has_struck_all(self):
        return not self.turns

    def run(self):
        due = time.monotonic()
        while not self.ending.is_set():
            self.kill(self.turns[0] if self.turns else self.random.choices(list(WEIGHTS), WEIGHTS.values())[0])
            self.turns = self.turns[1:]
            due = max(due + INTERVAL, time.monotonic())
            self.ending.wait(due - time.monotonic())

    def kill(self, process):
        done = subprocess.run([self.strike, process], capture_output=True, text=True)
        for line in done.stdout.splitlines():
            match line.split():
                case ["killed", name, at]:
                    self.kills.append(Kill(name, float(at)))
                case ["held", seconds]:
                    self.held += float(seconds)
                case ["absent", name]:
                    self.absent.append(f"{time.strftime('%H:%M:%S')} {name}")
        if done.returncode:
            self.failures.append(f"{process}: {done.stderr.strip()}")

    def finish(self):
        if self.ident is not None:
            self.ending.set()
            self.join()
