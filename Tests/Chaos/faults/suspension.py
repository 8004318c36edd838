"""Suspends a process with SIGSTOP for longer than the session timeout, as a paused virtual machine would be."""

import os
import signal

from faults.fault import Fault, require
from suite import SERVICES

# Seconds. The session timeout of consumers is 12 s, so the broker removes a suspended consumer from its group.
DURATION = 16


class Suspension(Fault):
    def __init__(self, suite, process):
        self.suite = suite
        self.process = process
        self.name = f"suspend {process}"
        self.may_repeat_mails = process in ("postgres", "invitation-mailer")

    def may_kill(self, process):
        # A kill of the broker suspends and resumes all services.
        return self.process in SERVICES and process not in (self.process, "broker")

    def inject(self, wait):
        pids = [self.suite.pid(self.process)]
        try:
            os.kill(pids[0], signal.SIGSTOP)
            # Those of PostgreSQL. The others have none.
            for child in children(pids[0]):
                pids.append(child)
                send(child, signal.SIGSTOP)
            wait(DURATION)
            require(state(pids[0]) == "T", f"{self.process} was not suspended to the end")
        finally:
            for pid in reversed(pids):
                send(pid, signal.SIGCONT)


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(child) for child in file.read().split()]


def send(pid, number):
    """Sends a signal, unless the process has ended."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def state(pid):
    """The state of a process: T if it is suspended, Z if it has ended."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "Z"
