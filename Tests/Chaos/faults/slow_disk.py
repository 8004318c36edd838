"""A disk that stalls again and again: the file system below the data of a server is frozen, so that writes and commits wait."""

import subprocess

from faults.fault import Fault, require

# Seconds.
DURATION = 12.0
# A frozen period is as long as this at most, and the pause after it.
LONGEST_STALL = 1.5
PAUSE = 0.2


class SlowDisk(Fault):
    def __init__(self, suite, server, random):
        self.suite = suite
        self.server = server
        self.random = random
        self.name = f"slow disk of {server}"

    def inject(self, wait):
        disk = self.suite.disk(self.server)
        left, stalled = DURATION, 0.0
        while left > 0 and not wait(PAUSE):
            stall = self.random.uniform(0.1, LONGEST_STALL)
            try:
                freeze("--freeze", disk)
                wait(stall)
            finally:
                freeze("--unfreeze", disk)
            stalled += stall
            left -= stall + PAUSE
        require(stalled > 0, "the file system was never frozen")


def freeze(action, disk):
    subprocess.run(["fsfreeze", action, disk], check=True, capture_output=True, text=True)
