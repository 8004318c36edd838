"""Faults of the network between the parts: in the network namespace of the test, whose only interface is the loopback interface."""

import json
import subprocess

from faults.fault import Fault, require

# Servers to which connections are cut, and the names of their ports in ops/local/places.sh.
SERVERS = {"PostgreSQL": "postgres", "the broker": "kafka", "the mail server": "smtp"}


class SlowNetwork(Fault):
    """Little bandwidth for all connections together, so that packets queue, and some are dropped."""

    name = "slow network"
    LIMITS = ["rate", "4mbit", "burst", "16kb", "latency", "300ms"]
    DURATION = 12

    def inject(self, wait):
        try:
            run("tc", "qdisc", "replace", "dev", "lo", "root", "tbf", *self.LIMITS)
            wait(self.DURATION)
            delayed = sum(discipline.get("overlimits", 0) for discipline in json.loads(run("tc", "-s", "-j", "qdisc", "show", "dev", "lo")))
            require(delayed > 0, "no packet was delayed")
        finally:
            run("tc", "qdisc", "replace", "dev", "lo", "root", "noqueue")


class PacketFilter(Fault):
    """Rules for the packets of all connections."""

    def __init__(self, name, seconds, rules, may_repeat_mails=False):
        self.name = name
        self.seconds = seconds
        self.rules = rules
        self.may_repeat_mails = may_repeat_mails

    def inject(self, wait):
        lines = ["table inet chaos {", "chain faults {", "type filter hook output priority 0", *self.rules, "}", "}", ""]
        try:
            run("nft", "--file", "-", text="\n".join(lines))
            wait(self.seconds)
            require(self.packets() > 0, "no packet was affected")
        finally:
            # Also if the table was not created.
            run("nft", "--file", "-", text="add table inet chaos\ndelete table inet chaos\n")

    @staticmethod
    def packets():
        """The number of packets that met a rule."""
        entries = json.loads(run("nft", "--json", "list", "table", "inet", "chaos"))["nftables"]
        expressions = [expression for entry in entries for expression in entry.get("rule", {}).get("expr", [])]
        return sum(expression["counter"]["packets"] for expression in expressions if "counter" in expression)


def faults(suite):
    """All faults of the network."""
    yield SlowNetwork()
    yield PacketFilter("lossy network", 12, ["meta l4proto tcp numgen random mod 100 < 3 counter drop"])
    for server, port in SERVERS.items():
        directions = [f"tcp {direction} {suite.ports[port]}" for direction in ("dport", "sport")]
        concerns_mails = port in ("postgres", "smtp")
        # Longer than the session timeout of consumers.
        yield PacketFilter(f"no network to {server}", 16, [f"{direction} counter drop" for direction in directions], concerns_mails)
        yield PacketFilter(
            f"connections to {server} reset", 3, [f"{direction} counter reject with tcp reset" for direction in directions], concerns_mails
        )


def run(*command, text=None):
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout
