"""A suite under test: its addresses, database, metrics and processes, and what it has not finished yet."""

import http.client
import json
import os
import shlex
import subprocess
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from load import LoadFailed
from processes import SERVICES, Processes

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
STATEMENTS = """
select rolname, left(regexp_replace(query, '\\s+', ' ', 'g'), 160), sum(calls), sum(rows), sum(total_exec_time), sum(wal_bytes), sum(wal_fpi)
from pg_stat_statements
join pg_roles on pg_roles.oid = userid
where dbid = (select oid from pg_database where datname = current_database())
group by 1, 2
"""


class Suite:
    """A suite that ops/run of a clone has set up in a folder, with seeded users, started from its snapshot. Its mail server is the sink.

    `baseline` is the process id of the read baseline, which all suites share.
    """

    def __init__(self, root, folder, baseline=None):
        self.root, self.folder = Path(root), Path(folder)
        settings = _assignments(self.folder / "rollcall.env")
        self.ports = _assignments(self.folder / "ports")
        self.url, self.token = settings["ROLLCALL_SCIM_URL"], settings["ROLLCALL_TOKEN"]
        self.health = {name: self.ports[f"port_{name.replace('-', '_')}_health"] for name in SERVICES}
        self.address = f"postgres://postgres@127.0.0.1:{self.ports['port_postgres']}/rollcall"
        self.processes = Processes(self.folder / "run", baseline)
        self.backlog = Backlog(self)
        self.database = None
        self.restore()

    def restore(self):
        """Restarts the suite with the seeded database and an empty broker, so that earlier loads do not affect the next ones."""
        self._disconnect()
        self._control("restore")
        self.processes.read_pids()
        self.database = Database(self.address, self.folder / "pgpass")
        self.backlog.set_baseline(60)

    def stop(self):
        """Stops all processes of the suite."""
        self._disconnect()
        self._control("stop")

    def _disconnect(self):
        if self.database:
            self.memory()
            self.database.close()
            self.database = None

    def memory(self):
        """Returns the memory by process, of a stopped suite that before the stop. Records the peaks."""
        if self.database:
            self.latest_memory = self.processes.memory()
        return self.latest_memory

    def _control(self, action):
        script = Path(__file__).with_name("control-suite")
        environment = {**os.environ, "ROLLCALL_LOCAL": str(self.folder)}
        subprocess.run([script, str(self.root), action], env=environment, check=True)

    def call(self, method, path, body, expected, connection=None):
        """Sends one request and returns the parsed body. Raises LoadFailed if the status is not `expected`."""
        url = urlsplit(self.url)
        used = connection or http.client.HTTPConnection(url.hostname, url.port, timeout=60)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/scim+json", "User-Agent": "Okta SCIM Client 1.0.0"}
        used.request(method, url.path + path, json.dumps(body) if body else None, headers)
        response = used.getresponse()
        content = response.read()
        if not connection:
            used.close()
        if response.status != expected:
            raise LoadFailed(f"{method} {path} returned {response.status}: {content.decode()}")
        return json.loads(content) if content else None

    def metric(self, service, name):
        """Returns the value of a counter of a service; 0 if it does not exist yet."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.health[service]}/metrics", timeout=10) as response:
            text = response.read().decode()
        return sum(int(float(line.rpartition(" ")[2])) for line in text.splitlines() if line.startswith((name + " ", name + "{")))

    def reset_statements(self):
        self.database.rows("select pg_stat_statements_reset()")

    def statements(self):
        """Returns the SQL statements since the last reset: role, text, calls, rows, milliseconds, WAL bytes and full-page images."""
        return [(*row[:2], *map(float, row[2:])) for row in self.database.rows(STATEMENTS) if row[0] != "postgres"]


def _assignments(path):
    """Returns the variables that a shell file sets."""
    words = [word for line in path.read_text().splitlines() for word in shlex.split(line)]
    return {name: value for name, _, value in (word.partition("=") for word in words)}


class Database:
    """Runs statements in one long-running psql process."""

    END = "-- end of rows"
    SEPARATOR = "\x1f"

    def __init__(self, url, passwords):
        command = ["psql", "--quiet", "--no-psqlrc", "--no-align", "--tuples-only", "--set", "ON_ERROR_STOP=1", "--field-separator", self.SEPARATOR]
        environment = {**os.environ, "PGPASSFILE": str(passwords)}
        self.process = subprocess.Popen([*command, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)

    def rows(self, statement):
        """Returns the rows as lists of strings."""
        self.process.stdin.write(f"{statement};\n\\echo {self.END}\n")
        self.process.stdin.flush()
        rows = []
        for line in self.process.stdout:
            if line.rstrip("\n") == self.END:
                return rows
            rows.append(line.rstrip("\n").split(self.SEPARATOR))
        raise RuntimeError(f"psql ended during: {statement}")

    def value(self, statement):
        return self.rows(statement)[0][0]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Backlog:
    """The unfinished work of a suite: events that are not consumed, and mails that are not sent."""

    # Polling costs CPU time, which is part of the measurement.
    INTERVAL = 0.25

    def __init__(self, suite):
        self.suite = suite
        self.baseline = None

    def set_baseline(self, seconds):
        """Waits until the suite is idle, and takes the counts at that time as those of an empty backlog."""
        previous, deadline = None, time.monotonic() + seconds
        while time.monotonic() < deadline:
            counted = self._counts()
            if counted == previous and not self._mails():
                self.baseline = counted
                return
            previous = counted
            time.sleep(0.5)
        raise RuntimeError(f"the suite is not idle after {seconds} seconds: {previous}, {self._mails()} mails")

    def remaining(self):
        """Returns the number of events that each consumer has not processed and of mails that are not sent, and the number of published events."""
        counted = {name: count - self.baseline[name] for name, count in self._counts().items()}
        published = counted["published"]
        left = {name: max(0, published - counted[name]) for name in ("group-sync", "mailer")}
        return {**left, "mails": self._mails()}, published

    def drain(self, bound):
        """Waits until the backlog is empty and no more events are published.

        Returns the seconds that each consumer needed, and the largest number of mails queued. Raises RuntimeError after `bound` seconds.
        """
        began = time.monotonic()
        took, queued, quiet = dict.fromkeys(("group-sync", "mailer", "mails")), 0, 0
        left, published = self.remaining()
        while True:
            passed = time.monotonic() - began
            queued = max(queued, left["mails"])
            for name, count in left.items():
                if count:
                    took[name] = None
                elif took[name] is None:
                    took[name] = passed
            if passed > bound:
                raise RuntimeError(f"the backlog is not empty {bound} seconds after the load: {left}")
            time.sleep(self.INTERVAL)
            if left["mails"] and not left["group-sync"] and not left["mailer"]:
                left["mails"] = self._mails()
                continue
            before = published
            left, published = self.remaining()
            quiet = quiet + 1 if published == before and not any(left.values()) else 0
            if quiet == 2:
                return {**took, "queued": queued}

    def _mails(self):
        return int(self.suite.database.value("select count(*) from mailer.invitations where state in ('scheduled', 'sending')"))

    def _counts(self):
        return {
            "group-sync": self.suite.metric("group-sync", "rollcall_sync_events_total"),
            "mailer": self.suite.metric("invitation-mailer", 'kafka_messages_received_total{group="invitation-mailer"}'),
            "published": self.suite.metric("identity-store", 'kafka_outbox_published_total{table="identity.outbox"}'),
        }
