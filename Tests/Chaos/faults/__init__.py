"""The faults that ops/chaos injects beside the kills, one file each. See ops/docs/reliability.md for what is expected of the suite."""

from faults import network
from faults.clock import ClockSteps
from faults.full_disk import FullDisk
from faults.slow_disk import SlowDisk
from faults.suspension import Suspension
from suite import PROCESSES


def create(names, suite, random):
    """Returns the faults of a comma-separated list of kinds, in a random order."""
    kinds = {
        "suspend": lambda: [Suspension(suite, process) for process in PROCESSES],
        "suspend-one": lambda: [Suspension(suite, random.choice(["invitation-mailer", "group-sync"]))],
        "network": lambda: network.faults(suite),
        "slow-disk": lambda: [SlowDisk(suite, server, random) for server in ("postgres", "broker")],
        "full-disk": lambda: [FullDisk(suite)],
        "clock": lambda: [ClockSteps(suite)],
    }
    found = [fault for name in names.split(",") if name for fault in kinds[name]()]
    random.shuffle(found)
    return found
