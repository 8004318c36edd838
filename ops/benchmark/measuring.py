"""Measures rows in rounds: a limit and what is held against it in turn, so that what disturbs the machine disturbs both."""

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
# How many users the requests go round.
SAMPLE = 20_000
# So many writes before the first that is measured.
WARMING = 30


@dataclass(frozen=True)
class Plan:
    """How often and how long each is measured, in seconds."""

    rounds: int
    read: int
    write: int
    # With one in flight, where there are few requests a second.
    write_alone: int
    # Connecting counts.
    pgbench: int
    # A load with few answers is put on for so long at most.
    longest: int
    # How long the mailer may go on sending after a load before the rest of its queue is dropped.
    mail_bound: float


FULL = Plan(rounds=5, read=3, write=4, write_alone=5, pgbench=5, longest=16, mail_bound=20)
QUICK = Plan(rounds=3, read=1, write=1, write_alone=1, pgbench=2, longest=4, mail_bound=2)


def reads(rows):
    return [row for row in rows if not row.writes and row.name != "pgbench"]


class Bench:
    def __init__(self, plan, settings, processes, database, work):
        self.plan = plan
        self.settings = settings
        self.processes = processes
        self.database = database
        self.work = work
        self.folder = Path(settings["folder"])
        self.run = 0
        # By row and in flight, where the plan's is too short.
        self.seconds = {}
        # By row and in flight, how long the consumers took after each load.
        self.drains = []
        self.users = database.rows(f"select id, user_name from bench.users where not spare order by md5(id::text) limit {SAMPLE}")
        self.spare = database.rows("select id, user_name from bench.users where spare")
        self.groups = {int(size): group for size, group in database.rows("select size, id from bench.groups")}

    def measure(self, rows, in_flight):
        """Samples by row: first what reads, then what writes, each in so many rounds."""
        samples = {row.name: [] for row in rows}
        reading, writing = reads(rows), [row for row in rows if row not in reads(rows)]
        # It cleans up what earlier loads have left.
        self._await_none("backend_type = 'autovacuum worker'")
        for _ in range(self.plan.rounds):
            for row in reading:
                samples[row.name].append(self.sample(row, in_flight))
        for _ in range(self.plan.rounds if writing else 0):
            self._start_anew()
            for row in writing:
                samples[row.name].append(self.sample(row, in_flight))
        return samples

    def _start_anew(self):
        """So that no row pays for what the broker keeps of the rows before it."""
        self.processes.start_anew()
        self.work.settle(60)
        for user in self.users[:WARMING]:
            self.run += 1
            patch = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "title", "value": f"Analyst {self.run}"}]}
            self.call("PATCH", f"/Users/{user[0]}", patch, 200)
        self.work.drain(bound=60, mail_bound=0)

    def sample(self, row, in_flight, seconds=None):
        if row.limit is None:
            return self._limit(row, in_flight, seconds)
        sample = self._measure(row, in_flight, seconds, lambda: self._prepared(row, in_flight))
        if row.writes:
            drain = self.work.drain(bound=120, mail_bound=self.plan.mail_bound)
            self.drains.append({"row": row.name, "in_flight": in_flight, "requests": sample.requests, **drain})
        else:
            # What nobody waits for any more is still answered.
            self._await_none("usename = 'scim_api' and state = 'active'")
        return sample

    def _prepared(self, row, in_flight):
        """What puts the load on for so many seconds, once; another time would not find what it changes as it was."""
        self.run += 1
        if row.group:
            self._restore(row)
        environment = {
            "ROW": row.request,
            "TOKEN": self.settings["token"],
            "USERS": self._write_users(self._turning(row, in_flight)),
            "RUN": f"{self.settings['started']}-{self.run}",
            "TURN": str(2 * in_flight),
            "GROUP": self.groups.get(row.group, ""),
        }
        return partial(load.wrk, self.settings["url"], in_flight, **environment)

    def _measure(self, row, in_flight, seconds, prepare):
        """The sample, with the CPU that was used meanwhile.

        Where a load is answered too seldom to say anything of it, it lasts longer, then and in later rounds.
        """
        seconds = seconds or self.seconds.get((row.name, in_flight)) or self._seconds(row, in_flight)
        while True:
            put_load = prepare()
            began, machine, before = time.monotonic(), machine_cpu(), self.processes.cpu()
            sample = put_load(seconds)
            after = self.processes.cpu()
            sample.cpu = {name: after[name] - before[name] for name in after}
            known = sum(sample.cpu.values()) + sample.generator_cpu
            sample.others = max(0.0, machine_cpu() - machine - known) / (time.monotonic() - began)
            if sample.requests >= 3 * in_flight or (sample.requests and seconds >= self.plan.longest):
                return sample
            if seconds >= 60:
                raise load.LoadFailed(f"{row.title}: nothing was answered within {seconds} seconds")
            seconds *= 2
            self.seconds[row.name, in_flight] = seconds

    def _seconds(self, row, in_flight):
        if row.name == "pgbench":
            return self.plan.pgbench
        if not row.writes:
            return self.plan.read
        return self.plan.write_alone if in_flight == 1 else self.plan.write

    def _limit(self, row, in_flight, seconds):
        """The suite is stopped meanwhile: the local broker and its clients use CPU also when there is nothing to do."""
        if row.name == "static":
            put_load = partial(load.wrk, self.settings["static"], in_flight, ROW="static")
        else:
            put_load = partial(load.pgbench, self.settings["pgbench"], self.settings["database"], in_flight)
            self.database.rows("truncate bench.rows, bench.outbox")
        self.processes.pause()
        try:
            return self._measure(row, in_flight, seconds, lambda: put_load)
        finally:
            self.processes.resume()
            # They have some catching up to do.
            time.sleep(0.3)

    def _turning(self, row, in_flight):
        """The users of the requests: for changes to and fro some that are as they were seeded, else all, from anywhere on."""
        if row.group:
            return self.spare
        start = random.randrange(len(self.users))
        users = self.users[start:] + self.users[:start]
        if row.name != "active":
            return users
        candidates = users[: 8 * in_flight + 1000]
        listed = ",".join(f"'{user[0]}'" for user in candidates)
        found = self.database.rows(f"select id from identity.users where id in ({listed}) and state = 'active'")
        active = {fields[0] for fields in found}
        return [user for user in candidates if user[0] in active][: 2 * in_flight]

    def _write_users(self, users):
        path = self.folder / "run" / "users.txt"
        path.write_text("".join(f"{user[0]} {user[1]}\n" for user in users))
        return str(path)

    def _await_none(self, which):
        """Until no such process of PostgreSQL's is at work, for a while at most."""
        deadline, quiet = time.monotonic() + 15, 0
        while quiet < 3 and time.monotonic() < deadline:
            quiet = quiet + 1 if self.database.value(f"select count(*) from pg_stat_activity where {which}") == "0" else 0
            time.sleep(0.02)

    def _restore(self, row):
        """Takes those out of the group that an earlier load has left in it."""
        group = self.groups[row.group]
        listed = ",".join(f"'{user[0]}'" for user in self.spare)
        left = self.database.rows(f"select user_id from identity.memberships where group_id = '{group}' and user_id in ({listed})")
        operations = [{"op": "remove", "path": f'members[value eq "{fields[0]}"]'} for fields in left]
        if operations:
            body = {"schemas": [PATCH], "Operations": operations}
            self.call("PATCH", f"/Groups/{group}", body, 204)
            self.work.drain(bound=60, mail_bound=0)

    def call(self, method, path, body, expected):
        """One request; fails unless it is answered as expected."""
        url = urlsplit(self.settings["url"])
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
        headers = {"Authorization": f"Bearer {self.settings['token']}", "Content-Type": "application/scim+json"}
        connection.request(method, url.path + path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if answer.status != expected:
            raise load.LoadFailed(f"{method} {path} was answered {answer.status}: {content.decode()}")
        return json.loads(content) if content else None
