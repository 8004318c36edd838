"""The suite under measurement: what its processes use, and whether they have done what they were given."""

import os
import re
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

SERVICES = ["scim-api", "identity-store", "invitation-mailer", "group-sync"]
# Who takes in what, and says how much.
CONSUMERS = ["identity-store", "invitation-mailer", "group-sync"]
PROCESSES = ["postgres", "broker", *SERVICES, "mail-sink"]
# The limit of reads runs beside the suite; it does nothing unless it is measured.
LIMIT = "static-json"
TICKS = os.sysconf("SC_CLK_TCK")


class Processes:
    """The suite's processes and the limit's, by their pid files."""

    def __init__(self, run_dir):
        self.run_dir = Path(run_dir)
        self.peaks = dict.fromkeys(PROCESSES, 0)
        self.find()

    def find(self):
        """Reads the pid files, which change when a process is started anew."""
        self.pids = {name: int((self.run_dir / f"{name}.pid").read_text().split()[0]) for name in [*PROCESSES, LIMIT]}

    def start_anew(self):
        """Broker and services, the broker empty."""
        self.memory()
        subprocess.run([Path(__file__).with_name("fresh-broker")], check=True)
        self.find()

    def cpu(self):
        """Seconds of CPU by process so far; PostgreSQL's with those of its children, living and gone."""
        used = {}
        for name, pid in self.pids.items():
            user, system, children_user, children_system = _times(pid)
            used[name] = user + system
            if name == "postgres":
                used[name] += children_user + children_system + sum(sum(_times(child)[:2]) for child in _children(pid))
        return used

    def memory(self):
        """Resident memory by process in MB, now and at most. What PostgreSQL's processes share counts once, and only now."""
        found = {}
        for name in PROCESSES:
            pid = self.pids[name]
            if name == "postgres":
                shares = [_kilobytes(f"/proc/{process}/smaps_rollup", "Pss") for process in [pid, *_children(pid)]]
                found[name] = {"resident": sum(shares) / 1024, "peak": None}
            else:
                status = f"/proc/{pid}/status"
                self.peaks[name] = max(self.peaks[name], _kilobytes(status, "VmHWM") / 1024)
                found[name] = {"resident": _kilobytes(status, "VmRSS") / 1024, "peak": self.peaks[name]}
        return found

    def pause(self):
        """Stops what would use CPU though there is nothing to do; PostgreSQL goes on."""
        self._signal(signal.SIGSTOP)

    def resume(self):
        self._signal(signal.SIGCONT)

    def _signal(self, number):
        for name in ["broker", *SERVICES]:
            os.kill(self.pids[name], number)


def machine_cpu():
    """Seconds of CPU that the machine has spent so far, on whatever."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    # All but idle and waiting for the disk.
    return (sum(fields) - fields[3] - fields[4]) / TICKS


def _times(pid):
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return (0, 0, 0, 0)
    return tuple(int(field) / TICKS for field in fields[11:15])


def _children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _kilobytes(path, field):
    try:
        found = re.search(rf"^{field}:\s+(\d+) kB", Path(path).read_text(), re.MULTILINE)
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(found[1]) if found else 0


class Database:
    """Statements over one psql that stays."""

    END = "-- end of answer"

    def __init__(self, url):
        command = ["psql", "--quiet", "--no-psqlrc", "--no-align", "--tuples-only", "--set", "ON_ERROR_STOP=1", url]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def rows(self, statement):
        """The rows of its answer, as lists of text."""
        self.process.stdin.write(f"{statement};\n\\echo {self.END}\n")
        self.process.stdin.flush()
        rows = []
        for line in self.process.stdout:
            if line.rstrip("\n") == self.END:
                return rows
            rows.append(line.rstrip("\n").split("|"))
        raise RuntimeError(f"psql ended at: {statement}")

    def value(self, statement):
        return self.rows(statement)[0][0]


class Work:
    """What the suite has still to do: events that are not published, read or taken in, and mails that are not sent."""

    def __init__(self, database, ports):
        self.database = database
        self.ports = ports
        self.start = None

    def settle(self, seconds):
        """Takes the moment at which nothing moves as the state in which all is done."""
        previous, deadline = None, time.monotonic() + seconds
        while time.monotonic() < deadline:
            counted = self._counts()
            if counted == previous and not any(self._waiting().values()):
                self.start = counted
                return
            previous = counted
            time.sleep(0.5)
        raise RuntimeError(f"the suite does not come to rest: {previous}, {self._waiting()}")

    def left(self):
        """By consumer how much it has before it, and `mails`."""
        waiting = self._waiting()
        counted = {name: count - self.start[name] for name, count in self._counts().items()}
        events = waiting["identity"] + counted["published"]
        return {
            "group-sync": max(0, events - counted["group-sync"]) + waiting["directory"],
            "mailer": max(0, events - counted["mailer"]),
            "mails": waiting["mails"],
        }

    def drain(self, bound, mail_bound):
        """Waits until all is done, for mails at most `mail_bound` seconds; those left then are taken from the queue.

        Returns by consumer after how many seconds it was done, and about the mails: how many there were, were sent and were left.
        """
        began = time.monotonic()
        left = self.left()
        took, most = dict.fromkeys(("group-sync", "mailer", "mails")), left["mails"]
        quiet = 0
        while quiet < 2:
            passed = time.monotonic() - began
            quiet = quiet + 1 if not any(left.values()) else 0
            most = max(most, left["mails"])
            for name, count in left.items():
                if count:
                    took[name] = None
                elif took[name] is None:
                    took[name] = passed
            if left["mails"] and not (left["mailer"] or left["group-sync"]) and passed > mail_bound:
                removed = self.database.rows("delete from mailer.invitations where state in ('scheduled', 'sending') returning 1")
                return {**took, "queued": most, "removed": len(removed), "mails": None, "bound": passed}
            if passed > bound:
                raise RuntimeError(f"not done {bound} seconds after the load: {left}")
            time.sleep(0.03)
            left = self.left()
        return {**took, "queued": most, "removed": 0}

    def _waiting(self):
        fields = self.database.rows(
            "select (select count(*) from identity.outbox), (select count(*) from directory.outbox), "
            "(select count(*) from mailer.invitations where state in ('scheduled', 'sending'))"
        )[0]
        return dict(zip(("identity", "directory", "mails"), map(int, fields)))

    def _counts(self):
        return {
            "group-sync": self._metric("group-sync", "rollcall_sync_events_total"),
            "mailer": self._metric("invitation-mailer", 'kafka_messages_received_total{group="invitation-mailer"}'),
            "published": self._metric("identity-store", 'kafka_outbox_published_total{table="identity.outbox"}'),
        }

    def _metric(self, service, name):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[service]}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        return sum(int(float(line.rpartition(" ")[2])) for line in text.splitlines() if line.startswith(name + " "))
