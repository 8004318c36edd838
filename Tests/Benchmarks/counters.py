"""Exact counters of a running suite: wake-ups and CPU time of its threads, requests on its connections, SQL commands and transactions."""

import re
import subprocess
import time
from pathlib import Path

from processes import children

# A line of the server's log that statement_log() turns on: role, virtual transaction id, statement.
STATEMENT = re.compile(r"rollcall-statement (\w+) (\d+/\d+) LOG:  (?:execute (?P<name>[^:]*)|statement): (?P<text>.*)")


class ThreadCounters:
    """Wake-ups and CPU time of processes, summed over their threads. A thread that has ended keeps its last value."""

    def __init__(self, pids):
        self.pids = pids
        self.seen = {}

    def read(self):
        """Returns what the processes have done so far: units by process.

        A wake-up is a voluntary context switch. Those of librdkafka's threads are separate, because the local broker answers empty fetches at once,
        so that they poll it, more often after each message.
        """
        self._update()
        totals = {unit: dict.fromkeys(self.pids, 0) for unit in ("wake_ups", "librdkafka_wake_ups", "cpu_ms")}
        for (name, _), (thread, switches, nanoseconds) in self.seen.items():
            totals["librdkafka_wake_ups" if thread == "librdkafka" else "wake_ups"][name] += switches
            totals["cpu_ms"][name] += nanoseconds / 1e6
        return totals

    def parts(self):
        """Returns the CPU seconds so far by process and name of the thread, without its number: librdkafka, event loops and others."""
        self._update()
        parts = {}
        for (name, _), (thread, _, nanoseconds) in self.seen.items():
            parts[name, thread] = parts.get((name, thread), 0) + nanoseconds / 1e9
        return parts

    def _update(self):
        for name, pid in self.pids.items():
            for process in [pid, *children(pid)] if name == "postgres" else [pid]:
                for task in _tasks(process):
                    counted = _counted(task)
                    if counted:
                        self.seen[name, task] = counted


def _tasks(pid):
    try:
        return list(Path(f"/proc/{pid}/task").iterdir())
    except (FileNotFoundError, ProcessLookupError):
        return []


def _counted(task):
    """Returns the name, the voluntary context switches and the CPU nanoseconds of a thread, or None if it has ended."""
    try:
        name = (task / "comm").read_text().strip()
        status = (task / "status").read_text()
        nanoseconds = int((task / "schedstat").read_text().split()[0])
    except (FileNotFoundError, ProcessLookupError):
        return None
    part = "librdkafka" if name.startswith("rdk:") else re.sub(r"[-#: ]*\d+$", "", name)
    return part, int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", status, re.MULTILINE)[1]), nanoseconds


def segments(pids, port):
    """Returns the TCP segments with data that each process has sent to a port so far: nearly one for each request or pipeline.

    Connections that have closed are missing, so a difference is exact while connections stay open.
    """
    command = ["ss", "--tcp", "--info", "--numeric", "--no-header", "--oneline", "--processes", f"dport = :{port}"]
    lines = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    sent = dict.fromkeys(pids, 0)
    for line in lines:
        owners, count = re.findall(r"pid=(\d+)", line), re.search(r"data_segs_out:(\d+)", line)
        for name, pid in pids.items():
            if str(pid) in owners and count:
                sent[name] += int(count[1])
    return sent


class StatementLog:
    """The SQL commands of a period, from the log of the server, with their role and transaction.

    pg_stat_statements counts commands, but not the transactions of a role: a pipeline without `begin` is one too.
    """

    SETTINGS = {"log_line_prefix": "'rollcall-statement %u %v '", "log_statement": "'all'", "log_parameter_max_length": "0"}

    def __init__(self, database, path):
        self.database = database
        self.path = Path(path)

    def __enter__(self):
        for name, value in self.SETTINGS.items():
            self.database.rows(f"alter system set {name} = {value}")
        self._reload("rollcall-statement %u %v ")
        self.start = self.path.stat().st_size
        return self

    def __exit__(self, *_):
        for name in self.SETTINGS:
            self.database.rows(f"alter system reset {name}")
        self.database.rows("select pg_reload_conf()")

    def commands(self):
        """Returns the commands since the start as tuples of role, transaction, and text. Does not contain those of the superuser."""
        with self.path.open(encoding="utf-8", errors="replace") as log:
            log.seek(self.start)
            found = [STATEMENT.match(line) for line in log]
        return [(line[1], line[2], _label(line)) for line in found if line and line[1] != "postgres"]

    def _reload(self, prefix):
        """Waits until the server processes use the new settings: they read them before their next command."""
        self.database.rows("select pg_reload_conf()")
        deadline = time.monotonic() + 10
        while self.database.value("show log_line_prefix").strip() != prefix.strip():
            if time.monotonic() > deadline:
                raise RuntimeError("PostgreSQL did not apply the settings of the statement log")
            time.sleep(0.05)


def _label(line):
    name = (line["name"] or "").strip()
    return name if name and name != "<unnamed>" else line["text"].strip()[:60]
