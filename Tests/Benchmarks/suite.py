"""The suite under test: resource usage of its processes, its database, and its backlog."""

import os
import re
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

SERVICES = ["scim-api", "identity-store", "invitation-mailer", "group-sync"]
# The services that consume events and count them in metrics.
CONSUMERS = ["identity-store", "invitation-mailer", "group-sync"]
PROCESSES = ["postgres", "broker", *SERVICES, "mail-sink"]
# The baseline of reads runs beside the suite and is idle unless it is measured.
READ_BASELINE = "static-json"
TICKS = os.sysconf("SC_CLK_TCK")


class Processes:
    """The processes of the suite and of the read baseline, found by their pid files."""

    def __init__(self, run_dir):
        self.run_dir = Path(run_dir)
        self.peaks = dict.fromkeys(PROCESSES, 0)
        self.read_pids()

    def read_pids(self):
        """Reads the pid files, which change when a process restarts."""
        self.pids = {name: int((self.run_dir / f"{name}.pid").read_text().split()[0]) for name in [*PROCESSES, READ_BASELINE]}

    def reset_broker(self):
        """Restarts the broker with no data, and the services."""
        self.memory()
        subprocess.run([Path(__file__).with_name("reset-broker")], check=True)
        self.read_pids()

    def cpu(self):
        """Returns the CPU time by process in seconds. The time of PostgreSQL includes its running and ended children."""
        used = {}
        for name, pid in self.pids.items():
            user, system, children_user, children_system = _times(pid)
            used[name] = user + system
            if name == "postgres":
                used[name] += children_user + children_system + sum(sum(_times(child)[:2]) for child in _children(pid))
        return used

    def memory(self):
        """Returns the current and peak resident memory by process in MB. Memory shared between the processes of PostgreSQL counts once; it has no peak."""
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
        """Suspends the broker and the services, which use CPU even when idle."""
        self._signal(signal.SIGSTOP)

    def resume(self):
        self._signal(signal.SIGCONT)

    def _signal(self, number):
        for name in ["broker", *SERVICES]:
            os.kill(self.pids[name], number)


def machine_cpu():
    """Returns the CPU time of the whole machine in seconds."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    # Without idle and I/O wait.
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
    """Runs statements in one long-running psql process."""

    END = "-- end of rows"

    def __init__(self, url):
        command = ["psql", "--quiet", "--no-psqlrc", "--no-align", "--tuples-only", "--set", "ON_ERROR_STOP=1", url]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def rows(self, statement):
        """Returns the rows as lists of strings."""
        self.process.stdin.write(f"{statement};\n\\echo {self.END}\n")
        self.process.stdin.flush()
        rows = []
        for line in self.process.stdout:
            if line.rstrip("\n") == self.END:
                return rows
            rows.append(line.rstrip("\n").split("|"))
        raise RuntimeError(f"psql ended during: {statement}")

    def value(self, statement):
        return self.rows(statement)[0][0]


class Backlog:
    """The unfinished work of the suite: events that are not yet published or consumed, and mails that are not yet sent."""

    def __init__(self, database, ports):
        self.database = database
        self.ports = ports
        self.baseline = None

    def set_baseline(self, seconds):
        """Waits until the suite is idle, and takes the counts at that time as those of an empty backlog."""
        previous, deadline = None, time.monotonic() + seconds
        while time.monotonic() < deadline:
            counted = self._counts()
            if counted == previous and not any(self._waiting().values()):
                self.baseline = counted
                return
            previous = counted
            time.sleep(0.5)
        raise RuntimeError(f"the suite is not idle after {seconds} seconds: {previous}, {self._waiting()}")

    def remaining(self):
        """Returns the number of events that each consumer has not processed, and of `mails` that are not sent."""
        waiting = self._waiting()
        counted = {name: count - self.baseline[name] for name, count in self._counts().items()}
        events = waiting["identity"] + counted["published"]
        return {
            "group-sync": max(0, events - counted["group-sync"]) + waiting["directory"],
            "mailer": max(0, events - counted["mailer"]),
            "mails": waiting["mails"],
        }

    def drain(self, bound, mail_bound):
        """Waits until the backlog is empty. Deletes the mails that are not sent after `mail_bound` seconds.

        Returns the seconds that each consumer needed, and the number of mails queued and removed. Raises RuntimeError after `bound` seconds.
        """
        began = time.monotonic()
        left = self.remaining()
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
                raise RuntimeError(f"the backlog is not empty {bound} seconds after the load: {left}")
            time.sleep(0.03)
            left = self.remaining()
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
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[service]}/metrics", timeout=10) as response:
            text = response.read().decode()
        return sum(int(float(line.rpartition(" ")[2])) for line in text.splitlines() if line.startswith(name + " "))
