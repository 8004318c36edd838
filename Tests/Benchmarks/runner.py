"""Measures rows in rounds: a baseline and the rows compared with it in turn, so that other load on the machine affects both."""

import http.client
import json
import random
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import load
from suite import machine_cpu

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
# The number of users that requests cycle through.
SAMPLE = 20_000
# The number of writes before the first measurement.
WARM_UP_WRITES = 30


@dataclass(frozen=True)
class Plan:
    """The number of rounds, and durations in seconds."""

    rounds: int
    read: int
    write: int
    # Writes with one request in flight, which yield few requests per second.
    write_alone: int
    # Includes the time to connect.
    pgbench: int
    # The longest load if there are few responses.
    longest: int
    # After a load, the mailer may send for this long before the rest of its queue is dropped.
    mail_bound: float


FULL = Plan(rounds=5, read=3, write=4, write_alone=5, pgbench=5, longest=16, mail_bound=20)
QUICK = Plan(rounds=3, read=1, write=1, write_alone=1, pgbench=2, longest=4, mail_bound=2)


def reads(rows):
    return [row for row in rows if not row.writes and row.name != "pgbench"]


class BenchmarkRunner:
    def __init__(self, plan, settings, processes, database, backlog):
        self.plan = plan
        self.settings = settings
        self.processes = processes
        self.database = database
        self.backlog = backlog
        self.folder = Path(settings["folder"])
        self.run = 0
        # Durations by row and requests in flight, if the plan's duration is too short.
        self.seconds = {}
        # The time that the consumers needed after each load.
        self.drains = []
        self.users = database.rows(f"select id, user_name from bench.users where not spare order by md5(id::text) limit {SAMPLE}")
        self.spare = database.rows("select id, user_name from bench.users where spare")
        self.groups = {int(size): group for size, group in database.rows("select size, id from bench.groups")}

    def measure(self, rows, in_flight):
        """Measures reads and then writes, each in rounds. Returns the samples by row."""
        samples = {row.name: [] for row in rows}
        reading, writing = reads(rows), [row for row in rows if row not in reads(rows)]
        # Autovacuum processes the rows of earlier loads.
        self._await_none("backend_type = 'autovacuum worker'")
        for _ in range(self.plan.rounds):
            for row in reading:
                samples[row.name].append(self.sample(row, in_flight))
        for _ in range(self.plan.rounds if writing else 0):
            self._reset_broker()
            for row in writing:
                samples[row.name].append(self.sample(row, in_flight))
        return samples

    def _reset_broker(self):
        """Empties the broker, so that the messages of earlier rows do not slow down later ones."""
        self.processes.reset_broker()
        self.backlog.set_baseline(60)
        for user in self.users[:WARM_UP_WRITES]:
            self.run += 1
            patch = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "title", "value": f"Analyst {self.run}"}]}
            self.call("PATCH", f"/Users/{user[0]}", patch, 200)
        self.backlog.drain(bound=60, mail_bound=0)

    def sample(self, row, in_flight, seconds=None):
        if row.baseline is None:
            return self._measure_baseline(row, in_flight, seconds)
        sample = self._measure(row, in_flight, seconds, lambda: self._prepare(row, in_flight))
        if row.writes:
            drain = self.backlog.drain(bound=120, mail_bound=self.plan.mail_bound)
            self.drains.append({"row": row.name, "in_flight": in_flight, "requests": sample.requests, **drain})
        else:
            # The server still executes requests that wrk has abandoned.
            self._await_none("usename = 'scim_api' and state = 'active'")
        return sample

    def _prepare(self, row, in_flight):
        """Returns a function that runs the load once for a number of seconds. Each load needs its own, because a load changes the data."""
        self.run += 1
        if row.group:
            self._restore(row)
        environment = {
            "ROW": row.request,
            "TOKEN": self.settings["token"],
            "USERS": self._write_users(self._select_users(row, in_flight)),
            "RUN": f"{self.settings['started']}-{self.run}",
            "CYCLE": str(2 * in_flight),
            "GROUP": self.groups.get(row.group, ""),
        }
        return partial(load.wrk, self.settings["url"], in_flight, **environment)

    def _measure(self, row, in_flight, seconds, prepare):
        """Returns the sample with the CPU time used during the load.

        If there are too few responses, repeats the load with twice the duration, which later rounds then use too.
        """
        seconds = seconds or self.seconds.get((row.name, in_flight)) or self._seconds(row, in_flight)
        while True:
            run_load = prepare()
            began, machine, before = time.monotonic(), machine_cpu(), self.processes.cpu()
            sample = run_load(seconds)
            after = self.processes.cpu()
            sample.cpu = {name: after[name] - before[name] for name in after}
            known = sum(sample.cpu.values()) + sample.generator_cpu
            sample.others = max(0.0, machine_cpu() - machine - known) / (time.monotonic() - began)
            if sample.requests >= 3 * in_flight or (sample.requests and seconds >= self.plan.longest):
                return sample
            if seconds >= 60:
                raise load.LoadFailed(f"{row.title}: no response within {seconds} seconds")
            seconds *= 2
            self.seconds[row.name, in_flight] = seconds

    def _seconds(self, row, in_flight):
        if row.name == "pgbench":
            return self.plan.pgbench
        if not row.writes:
            return self.plan.read
        return self.plan.write_alone if in_flight == 1 else self.plan.write

    def _measure_baseline(self, row, in_flight, seconds):
        """Suspends the suite during the measurement: the local broker and its clients use CPU even when idle."""
        if row.name == "static":
            run_load = partial(load.wrk, self.settings["static"], in_flight, ROW="static")
        else:
            run_load = partial(load.pgbench, self.settings["pgbench"], self.settings["database"], in_flight)
            self.database.rows("truncate bench.rows, bench.outbox")
        self.processes.pause()
        try:
            return self._measure(row, in_flight, seconds, lambda: run_load)
        finally:
            self.processes.resume()
            # The resumed processes need a moment to catch up.
            time.sleep(0.3)

    def _select_users(self, row, in_flight):
        """Returns the users of the requests: for rows that change and restore users, some in their seeded state; else all, from a random offset."""
        if row.group:
            return self.spare
        start = random.randrange(len(self.users))
        users = self.users[start:] + self.users[:start]
        if row.name != "active":
            return users
        candidates = users[: 8 * in_flight + 1000]
        ids = ",".join(f"'{user[0]}'" for user in candidates)
        found = self.database.rows(f"select id from identity.users where id in ({ids}) and state = 'active'")
        active = {fields[0] for fields in found}
        return [user for user in candidates if user[0] in active][: 2 * in_flight]

    def _write_users(self, users):
        path = self.folder / "run" / "users.txt"
        path.write_text("".join(f"{user[0]} {user[1]}\n" for user in users))
        return str(path)

    def _await_none(self, condition):
        """Waits up to 15 seconds until no server process of PostgreSQL matches the SQL condition."""
        deadline, quiet = time.monotonic() + 15, 0
        while quiet < 3 and time.monotonic() < deadline:
            quiet = quiet + 1 if self.database.value(f"select count(*) from pg_stat_activity where {condition}") == "0" else 0
            time.sleep(0.02)

    def _restore(self, row):
        """Removes the members that an earlier load left in the group."""
        group = self.groups[row.group]
        ids = ",".join(f"'{user[0]}'" for user in self.spare)
        left = self.database.rows(f"select user_id from identity.memberships where group_id = '{group}' and user_id in ({ids})")
        operations = [{"op": "remove", "path": f'members[value eq "{fields[0]}"]'} for fields in left]
        if operations:
            body = {"schemas": [PATCH], "Operations": operations}
            self.call("PATCH", f"/Groups/{group}", body, 204)
            self.backlog.drain(bound=60, mail_bound=0)

    def call(self, method, path, body, expected):
        """Sends one request and returns the parsed body. Raises LoadFailed if the status is not `expected`."""
        url = urlsplit(self.settings["url"])
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
        headers = {"Authorization": f"Bearer {self.settings['token']}", "Content-Type": "application/scim+json"}
        connection.request(method, url.path + path, json.dumps(body) if body else None, headers)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        if response.status != expected:
            raise load.LoadFailed(f"{method} {path} returned {response.status}: {content.decode()}")
        return json.loads(content) if content else None
