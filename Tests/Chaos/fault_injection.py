"""Kills a process of the suite every two seconds and restarts it, and injects other faults in between."""

import subprocess
import threading
import time
from collections import Counter
from dataclasses import dataclass

from faults.fault import FaultFailed

INTERVAL = 2.0

# Seconds of kills alone before each other fault.
KILLS_BEFORE_FAULT = 4.0

# The relative probability of each process.
WEIGHTS = {"identity-store": 5, "scim-api": 5, "invitation-mailer": 5, "group-sync": 5, "postgres": 2, "broker": 1, "product": 3}


@dataclass(frozen=True)
class Kill:
    process: str
    # In seconds since 1970.
    at: float


@dataclass(frozen=True)
class InjectedFault:
    name: str
    # In seconds since 1970.
    began: float
    ended: float
    # The number of writes that were acknowledged meanwhile.
    writes: int
    may_repeat_mails: bool


class FaultInjector(threading.Thread):
    """Kills each process once, and then some chosen at random. Injects each of `faults` once.

    The program `suite.kill_command` kills and restarts the process it is given. `writes` returns the number of acknowledged writes.
    """

    def __init__(self, suite, faults, random, writes):
        super().__init__(daemon=True)
        self.command = suite.kill_command
        self.faults = faults
        self.random = random
        self.writes = writes
        self.weights = {process: WEIGHTS[process] for process in suite.processes}
        self.remaining = sorted(suite.processes)
        random.shuffle(self.remaining)
        self.due = 0.0
        self.stopping = threading.Event()
        self.kills = []
        self.injected = []
        # The total seconds that the services were suspended before kills of the broker.
        self.suspended = 0.0
        # Processes that ended without being killed.
        self.unexpected_exits = []
        self.failures = []
        # Faults that could not be injected or had no effect.
        self.failed_faults = []

    @property
    def progress(self):
        done = len(self.injected) + len(self.failed_faults)
        return f"{len(self.kills)} kills" + (f", {done} of {len(self.faults)} other faults" if self.faults else "")

    @property
    def counts(self):
        return Counter(kill.process for kill in self.kills)

    def is_complete(self):
        """Whether each process was killed at least once, and each fault was injected."""
        return not self.remaining and len(self.injected) + len(self.failed_faults) == len(self.faults)

    def run(self):
        self.due = time.monotonic()
        for fault in self.faults:
            if self.kill_for(KILLS_BEFORE_FAULT, lambda process: True):
                return
            self.inject(fault)
        while not self.kill_for(INTERVAL, lambda process: True):
            pass

    def inject(self, fault):
        began, writes = time.time(), self.writes()
        try:
            fault.inject(lambda seconds: self.kill_for(seconds, fault.may_kill))
            self.injected.append(InjectedFault(fault.name, began, time.time(), self.writes() - writes, fault.may_repeat_mails))
        except Exception as error:  # FaultFailed, the failure of a command, or a bug in the test.
            # A fault that the end of the test cut short need not have had an effect.
            if not (isinstance(error, FaultFailed) and self.stopping.is_set()):
                self.failed_faults.append(f"{fault.name}: {error}")

    def kill_for(self, seconds, may_kill):
        """Kills processes for some seconds. Returns whether the test has ended meanwhile."""
        end = time.monotonic() + seconds
        while not self.stopping.is_set() and time.monotonic() < end:
            if time.monotonic() >= self.due:
                process = self.next_process(may_kill)
                if process:
                    self.kill(process)
                self.due = max(self.due + INTERVAL, time.monotonic())
            self.stopping.wait(max(0.0, min(self.due, end) - time.monotonic()))
        return self.stopping.is_set()

    def next_process(self, may_kill):
        for process in self.remaining:
            if may_kill(process):
                self.remaining.remove(process)
                return process
        weights = {process: weight for process, weight in self.weights.items() if may_kill(process)}
        return self.random.choices(list(weights), weights.values())[0] if weights else None

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
