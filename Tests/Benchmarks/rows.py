"""The rows of the benchmark: the measured requests and their baselines."""

from dataclasses import dataclass

IN_FLIGHT = [1, 16, 64]
BULK_OPERATIONS = 1000


@dataclass(frozen=True)
class Row:
    name: str
    title: str
    # The row whose rate, with as many requests in flight, is 1.0; None for a baseline.
    baseline: str | None = None
    # The name of the request in requests.lua.
    request: str | None = None
    # The size of the group whose members change.
    group: int | None = None
    # The numbers of requests in flight.
    levels: tuple = tuple(IN_FLIGHT)

    @property
    def writes(self):
        return self.baseline == "pgbench"


BASELINES = [
    Row("static", "static JSON, Hummingbird alone", request="static"),
    Row("pgbench", "row and outbox row, pgbench"),
]
MEASURED = [
    Row("get", "GET user by id", "static", "get"),
    Row("user-name", "GET userName eq", "static", "user-name"),
    Row("list", "GET list of 100", "static", "list"),
    Row("post", "POST user", "pgbench", "post"),
    Row("put", "PUT user", "pgbench", "put"),
    Row("active", "PATCH active", "pgbench", "active"),
    Row("member-10", "PATCH member, group of 10", "pgbench", "member", 10),
    Row("member-10000", "PATCH member, group of 10,000", "pgbench", "member", 10_000),
    Row("member-100000", "PATCH member, group of 100,000", "pgbench", "member", 100_000),
    # The rate is that of operations, the latency that of requests.
    Row("bulk", "POST Bulk, 1,000 creates each", "pgbench", levels=(1,)),
]
ROWS = {row.name: row for row in [*BASELINES, *MEASURED]}


def select_rows(names):
    """Returns the named rows and their baselines in order, or all rows if there are no names. Raises ValueError for an unknown name."""
    unknown = [name for name in names if name not in ROWS]
    if unknown:
        raise ValueError(f"unknown row '{unknown[0]}'; the rows are: {', '.join(ROWS)}")
    wanted = set(names or ROWS)
    wanted |= {ROWS[name].baseline for name in wanted if ROWS[name].baseline}
    return [row for row in ROWS.values() if row.name in wanted]
