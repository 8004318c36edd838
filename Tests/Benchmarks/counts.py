"""counts.py ROOT FOLDER  counts what one write costs an idle suite, for ops/bench counts.

Sends lone writes at a steady pace, each long after the previous one is finished, and subtracts what the suite does in an equally
long idle period. Prints a table for each kind of write and writes counts.json to the folder.
"""

import argparse
import http.client
import json
import os
import statistics
import sys
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

from counters import StatementLog, ThreadCounters, segments
from load import LoadFailed
from processes import SERVICES
from suite import PATCH, Suite

WRITES = {"post": "POST user", "active": "PATCH active", "member": "PATCH member, group of 10"}
# The goal for one POST, everything until its mail is recorded and all topics are written.
GOALS = {"commands": 24, "transactions": 6, "messages": 6, "wake_ups": 60}
UNITS = ["commands", "transactions", "messages", "kafka_requests", "sql_requests", "wake_ups", "librdkafka_wake_ups", "cpu_ms"]
REQUESTS = 5
SPACING = 2.0


class Counting:
    """Sends writes to a suite and reads its counters."""

    def __init__(self, suite):
        self.suite = suite
        self.threads = ThreadCounters(suite.processes.pids)
        self.connection = None
        self.number = 0
        self.users = suite.database.rows("select id from bench.users where not spare order by md5(id::text) limit 1000")
        self.spare = suite.database.rows("select id from bench.users where spare")
        self.group = suite.database.value("select id from bench.groups where size = 10")

    def write(self, kind):
        self.number += 1
        if kind == "post":
            name = f"counted-{self.number}@example.com"
            emails = [{"primary": True, "value": name, "type": "work"}]
            body = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name, "displayName": "Ana Silva", "emails": emails}
            self.suite.call("POST", "/Users", body, 201, self.connection)
        elif kind == "active":
            operation = {"op": "replace", "value": {"active": False}}
            self._patch(f"/Users/{self.users[self.number][0]}", operation, 200)
        else:
            operation = {"op": "add", "path": "members", "value": [{"value": self.spare[self.number][0]}]}
            self._patch(f"/Groups/{self.group}", operation, 204)

    def _patch(self, path, operation, status):
        self.suite.call("PATCH", path, {"schemas": [PATCH], "Operations": [operation]}, status, self.connection)

    def period(self, kind):
        """Runs a period with writes of a kind, or an idle one. Returns what it used by unit and process."""
        url = urlsplit(self.suite.url)
        self.connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
        self._read()
        before, wal = self._totals(), self._wal()
        for _ in range(REQUESTS):
            due = time.monotonic() + SPACING
            # Warms the caches of scim-api. Idle periods have the same reads, so they do not count.
            self._read()
            if kind:
                self.write(kind)
            time.sleep(max(0, due - time.monotonic()))
        after, used = self._totals(), {}
        self.connection.close()
        for unit, totals in after.items():
            used[unit] = {name: count - before[unit][name] for name, count in totals.items()}
        used["wal_bytes"] = {"postgres": self._wal() - wal}
        waiting = int(self.suite.database.value("select count(*) from mailer.invitations where state in ('scheduled', 'sending')"))
        if waiting:
            raise LoadFailed(f"{waiting} invitations are not sent {SPACING} s after their request")
        return used

    def _read(self):
        self.suite.call("GET", "/Users?count=0", None, 200, self.connection)

    def statements(self, kind):
        """Returns the SQL commands of a period as tuples of role, transaction and text."""
        with StatementLog(self.suite.database, self.suite.folder / "logs" / "postgres.log") as log:
            self.period(kind)
            return log.commands()

    def _totals(self):
        sent = {name: self.suite.metric(name, "kafka_messages_sent_total") for name in SERVICES}
        pids = {name: self.suite.processes.pids[name] for name in SERVICES}
        ports = {"kafka_requests": self.suite.ports["port_kafka"], "sql_requests": self.suite.ports["port_postgres"]}
        requests = {unit: segments(pids, port) for unit, port in ports.items()}
        return {**self.threads.read(), "messages": sent, **requests}

    def _wal(self):
        """Returns the WAL bytes of the statements of the services."""
        return sum(row[5] for row in self.suite.statements())


def per_write(idle, busy):
    """Returns the medians over the rounds of what one write used more than an idle period, by unit and process."""
    return {
        unit: {
            name: statistics.median((used[unit][name] - rest[unit][name]) / REQUESTS for rest, used in zip(idle, busy))
            for name in busy[0][unit]
        }
        for unit in busy[0]
    }


def sql_per_write(idle, busy):
    """Returns commands and transactions of one write by service, and the commands by text."""
    commands, transactions, texts = {}, {}, {}
    for service in SERVICES:
        role = service.replace("-", "_")
        rest, used = ([entry for entry in entries if entry[0] == role] for entries in (idle, busy))
        commands[service] = (len(used) - len(rest)) / REQUESTS
        transactions[service] = (len({entry[1] for entry in used}) - len({entry[1] for entry in rest})) / REQUESTS
        counted = Counter(entry[2] for entry in used)
        counted.subtract(entry[2] for entry in rest)
        texts[service] = {text: count / REQUESTS for text, count in counted.most_common() if count}
    return {"commands": commands, "transactions": transactions, "texts": texts}


def table(title, counted):
    lines = [f"{title:24}" + "".join(f"{unit.replace('_', ' '):>20}" for unit in UNITS)]
    for name in counted["wake_ups"]:
        cells = [counted[unit].get(name) for unit in UNITS]
        lines.append(f"{name:24}" + "".join(f"{'' if cell is None else format(cell, '.1f'):>20}" for cell in cells))
    lines.append(f"{'services':24}" + "".join(f"{counted['total'][unit]:>20.1f}" for unit in UNITS))
    lines.append(f"WAL {counted['wal_bytes']['postgres']:,.0f} bytes; CPU of services and PostgreSQL {counted['total']['cpu_with_postgres_ms']:.1f} ms")
    return lines


def measure(counting, rounds):
    """Returns the counts by kind of write, and those of an idle second."""
    for kind in WRITES:
        counting.write(kind)
    time.sleep(10)
    idle, busy = [], {kind: [] for kind in WRITES}
    for _ in range(rounds):
        idle.append(counting.period(None))
        for kind, periods in busy.items():
            periods.append(counting.period(kind))
        # Work that a service does some seconds later, once for all, is in no period.
        time.sleep(10)
    idle_statements, results = counting.statements(None), {}
    for kind, periods in busy.items():
        counted = {**per_write(idle, periods), **sql_per_write(idle_statements, counting.statements(kind))}
        counted["total"] = {unit: sum(counted[unit][name] for name in SERVICES) for unit in UNITS}
        counted["total"]["cpu_with_postgres_ms"] = counted["total"]["cpu_ms"] + counted["cpu_ms"]["postgres"]
        results[kind] = counted
    seconds = REQUESTS * SPACING
    rest = {unit: {name: statistics.median(used[unit][name] for used in idle) / seconds for name in idle[0][unit]} for unit in ("wake_ups", "librdkafka_wake_ups", "cpu_ms")}
    return results, rest


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("root", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    results, rest = measure(Counting(Suite(options.root, options.folder)), 1 if options.quick else 3)
    for kind, title in WRITES.items():
        print("", *table(title, results[kind]), sep="\n")
        for service, texts in results[kind]["texts"].items():
            print(*(f"  {service:20}{count:5.1f}  {text}" for text, count in texts.items()), sep="\n")
    print("\nat rest, per second    " + ", ".join(f"{name} {rest['wake_ups'][name]:.0f} wake-ups {rest['cpu_ms'][name]:.1f} ms" for name in rest["wake_ups"]))
    total = results["post"]["total"]
    print()
    for unit, goal in GOALS.items():
        print(f"{'met    ' if total[unit] <= goal else 'NOT MET'}  POST user: at most {goal} {unit.replace('_', ' ')}: {total[unit]:.1f}")
    text = json.dumps({"commit": os.environ["BENCH_COMMIT"], "writes": results, "idle": rest}, indent=2, ensure_ascii=False) + "\n"
    (options.folder / "counts.json").write_text(text)
    print(f"\n{options.folder}/counts.json")


if __name__ == "__main__":
    try:
        main()
    except (LoadFailed, RuntimeError) as error:
        sys.exit(f"bench: {error}")
