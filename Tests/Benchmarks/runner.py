"""Measures rows in series: the baselines and the rows in turn, so that other load on the machine affects all of them.

Each series starts with the seeded database and an empty broker. With several suites, their series alternate.
"""

import random
import time
from dataclasses import dataclass
from functools import partial

import load
from counters import ThreadCounters
from processes import machine_cpu
from suite import PATCH

# The number of users that requests cycle through.
SAMPLE = 20_000
# The number of writes before the first measurement.
WARM_UP_WRITES = 30


@dataclass(frozen=True)
class Plan:
    """The number of rounds, and durations in seconds."""

    rounds: int
    # Whether each round is a series of its own, or all rounds with one number of requests in flight are one series.
    fresh_rounds: bool
    read: int
    write: int
    # Writes with one request in flight, which yield few requests per second.
    write_alone: int
    # Includes the time to connect.
    pgbench: int
    bulks: int
    # The longest load if there are few responses.
    longest: int
    # The idle period whose CPU time is measured.
    idle: int


FULL = Plan(rounds=5, fresh_rounds=True, read=3, write=4, write_alone=5, pgbench=5, bulks=2, longest=16, idle=20)
QUICK = Plan(rounds=3, fresh_rounds=False, read=1, write=1, write_alone=1, pgbench=1, bulks=1, longest=4, idle=5)


class BenchmarkRunner:
    """Measures one suite. `programs` has the URL of the static JSON and the path of pgbench."""

    def __init__(self, plan, programs, suite, started):
        self.plan = plan
        self.programs = programs
        self.suite = suite
        self.started = started
        self.run = 0
        # Durations by row and requests in flight, if the plan's duration is too short.
        self.seconds = {}
        # The time that the consumers needed after each load.
        self.drains = []
        database = suite.database
        self.users = database.rows(f"select id, user_name from bench.users where not spare order by md5(id::text) limit {SAMPLE}")
        self.spare = database.rows("select id, user_name from bench.users where spare")
        self.groups = {int(size): group for size, group in database.rows("select size, id from bench.groups")}

    def begin_series(self, rows):
        """Restores the suite and warms it up."""
        self.suite.restore()
        for row in rows:
            if row.baseline == "static":
                self.sample(row, 16, seconds=1)
        for user in self.users[:WARM_UP_WRITES]:
            self.run += 1
            patch = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "title", "value": f"Analyst {self.run}"}]}
            self.suite.call("PATCH", f"/Users/{user[0]}", patch, 200)
        self.suite.backlog.drain(bound=60)
        self._await_none("backend_type = 'autovacuum worker'")

    def sample(self, row, in_flight, seconds=None):
        if row.baseline is None:
            return self._measure_baseline(row, in_flight, seconds)
        sample = self._measure(row, in_flight, seconds, lambda: self._prepare(row, in_flight))
        if not row.writes:
            # The server still executes requests that wrk has abandoned.
            self._await_none("usename = 'scim_api' and state = 'active'")
        return sample

    def _prepare(self, row, in_flight):
        """Returns a function that runs the load once for a number of seconds. Each load needs its own, because a load changes the data."""
        self.run += 1
        run = f"{self.started}-{self.run}"
        if row.name == "bulk":
            return lambda _: load.bulk(self.suite, self.plan.bulks, run)
        if row.group:
            self._restore(row)
        environment = {
            "ROW": row.request,
            "TOKEN": self.suite.token,
            "USERS": self._write_users(self._select_users(row, in_flight)),
            "RUN": run,
            "CYCLE": str(2 * in_flight),
            "GROUP": self.groups.get(row.group, ""),
        }
        return partial(load.wrk, self.suite.url, in_flight, **environment)

    def _measure(self, row, in_flight, seconds, prepare):
        """Returns the sample with the CPU time and the SQL statements of the load, until everything it caused is done and all mails are out.

        If there are too few responses, repeats the load with twice the duration, which later rounds then use too.
        """
        seconds = seconds or self.seconds.get((row.name, in_flight)) or self._seconds(row, in_flight)
        processes, threads = self.suite.processes, ThreadCounters(self.suite.processes.pids)
        while True:
            run_load = prepare()
            self.suite.reset_statements()
            parts = threads.parts()
            began, machine, before = time.monotonic(), machine_cpu(), processes.cpu()
            sample = run_load(seconds)
            known = sum(processes.cpu().values()) - sum(before.values()) + sample.generator_cpu
            sample.others = max(0.0, machine_cpu() - machine - known) / (time.monotonic() - began)
            if row.writes:
                drain = self.suite.backlog.drain(bound=300)
                self.drains.append({"row": row.name, "in_flight": in_flight, "requests": sample.requests, **drain})
            after = processes.cpu()
            sample.cpu = {name: after[name] - before[name] for name in after}
            sample.parts = {part: used - parts.get(part, 0) for part, used in threads.parts().items()}
            sample.statements = self.suite.statements()
            if row.name == "bulk" or sample.requests >= 3 * in_flight or (sample.requests and seconds >= self.plan.longest):
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
            run_load = partial(load.wrk, self.programs["static"], in_flight, ROW="static")
        else:
            run_load = partial(load.pgbench, self.programs["pgbench"], self.suite, in_flight)
            self.suite.database.rows("truncate bench.rows, bench.outbox")
        self.suite.processes.pause()
        try:
            return self._measure(row, in_flight, seconds, lambda: run_load)
        finally:
            self.suite.processes.resume()
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
        found = self.suite.database.rows(f"select id from identity.users where id in ({ids}) and state = 'active'")
        active = {fields[0] for fields in found}
        return [user for user in candidates if user[0] in active][: 2 * in_flight]

    def _write_users(self, users):
        path = self.suite.folder / "run" / "users.txt"
        path.write_text("".join(f"{user[0]} {user[1]}\n" for user in users))
        return str(path)

    def _await_none(self, condition):
        """Waits up to 15 seconds until no server process of PostgreSQL matches the SQL condition."""
        deadline, quiet = time.monotonic() + 15, 0
        while quiet < 3 and time.monotonic() < deadline:
            quiet = quiet + 1 if self.suite.database.value(f"select count(*) from pg_stat_activity where {condition}") == "0" else 0
            time.sleep(0.02)

    def _restore(self, row):
        """Removes the members that an earlier load left in the group."""
        group = self.groups[row.group]
        ids = ",".join(f"'{user[0]}'" for user in self.spare)
        left = self.suite.database.rows(f"select user_id from identity.memberships where group_id = '{group}' and user_id in ({ids})")
        operations = [{"op": "remove", "path": f'members[value eq "{fields[0]}"]'} for fields in left]
        if operations:
            self.suite.call("PATCH", f"/Groups/{group}", {"schemas": [PATCH], "Operations": operations}, 204)
            self.suite.backlog.drain(bound=60)


def measure(runners, rows, in_flight):
    """Measures all rows with a number of requests in flight, alternating between the runners. Returns the samples by runner and row."""
    plan = runners[0].plan
    chosen = [row for row in rows if in_flight in row.levels]
    samples = [{row.name: [] for row in chosen} for _ in runners]
    for number in range(plan.rounds):
        order = list(enumerate(runners))
        # A, B, B, A, A, B: a steady change of the machine's speed affects both alike.
        for index, runner in order if number % 2 == 0 else reversed(order):
            if number == 0 or plan.fresh_rounds or len(runners) > 1:
                runner.begin_series(rows)
            for row in chosen:
                samples[index][row.name].append(runner.sample(row, in_flight))
            if len(runners) > 1:
                runner.suite.stop()
    return samples
