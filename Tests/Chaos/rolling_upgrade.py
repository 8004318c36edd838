"""Rolls the services from the previous release to this one, back, and forward again, one by one."""

import os
import subprocess
import threading
import time

from check import Check

COMMAND = os.path.join(os.path.dirname(os.path.abspath(__file__)), "roll-service")

# The services that read messages come before those that send them, so that a new message always finds a reader.
ORDER = ["invitation-mailer", "group-sync", "identity-store", "scim-api"]

# Seconds of load between two steps.
INTERVAL = 5.0

STEPS = [
    # The database is migrated under the services of the previous release.
    ["migrate"],
    *([service, "current"] for service in ORDER),
    *([service, "previous"] for service in reversed(ORDER)),
    *([service, "current"] for service in ORDER),
    # What the previous release needs is removed, once none of its processes runs.
    ["contract"],
]


class RollingUpgrade(threading.Thread):
    """Has the interface of FaultInjector, and injects no faults."""

    kills, injected, failed_faults = [], [], []

    def __init__(self):
        super().__init__(daemon=True)
        self.stopping = threading.Event()
        self.finished = threading.Event()
        # Pairs of a step and the seconds that it took.
        self.steps = []
        # Processes that ended on their own.
        self.unexpected_exits = []
        self.failures = []

    @property
    def progress(self):
        return f"{len(self.steps)} of {len(STEPS)} steps"

    def is_complete(self):
        return self.finished.is_set()

    def run(self):
        try:
            for step in STEPS:
                if self.stopping.wait(INTERVAL):
                    return
                if not self.step(step):
                    return
            self.stopping.wait(INTERVAL)
        finally:
            self.finished.set()

    def step(self, step):
        """Makes a step, and returns whether it succeeded."""
        began = time.monotonic()
        done = subprocess.run([COMMAND, *step], capture_output=True, text=True)
        for line in done.stdout.splitlines():
            match line.split():
                case ["absent", name]:
                    self.unexpected_exits.append(f"{time.strftime('%H:%M:%S')} {name}")
        if done.returncode:
            self.failures.append(f"{' '.join(step)}: {done.stderr.strip()}")
            return False
        self.steps.append((" to the release ".join(step) if len(step) > 1 else step[0], time.monotonic() - began))
        return True

    def finish(self):
        if self.ident is not None:
            self.stopping.set()
            self.join()


def checks(upgrade, responses):
    """The checks that only an upgrade must pass: all steps were made, and no request was rejected meanwhile.

    A connection that closes while a request is sent is not a rejection: HTTP clients repeat the request on another one."""
    missing = [" ".join(step) for step in STEPS[len(upgrade.steps) :]]
    rejected = [f"{status}: {count}" for status, count in sorted(responses.items()) if status == 429 or status >= 500]
    return [Check("steps that were not made", missing, f"{len(STEPS)} steps"), Check("rejected requests", rejected)]
