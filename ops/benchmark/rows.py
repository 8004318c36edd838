"""What is measured, and what each is held against."""

from dataclasses import dataclass

IN_FLIGHT = [1, 16, 64]


@dataclass(frozen=True)
class Row:
    name: str
    title: str
    # The row whose rate, at as many in flight, is 1.0; none where this is one of those.
    limit: str | None = None
    # Of requests.lua.
    request: str | None = None
    # Members of the group that is changed.
    group: int | None = None

    @property
    def writes(self):
        return self.limit == "pgbench"


LIMITS = [
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
]
ROWS = {row.name: row for row in [*LIMITS, *MEASURED]}


def chosen(names):
    """The rows of those names and the limits that they need, in order; all of them for none."""
    unknown = [name for name in names if name not in ROWS]
    if unknown:
        raise ValueError(f"there is no row '{unknown[0]}'; there are: {', '.join(ROWS)}")
    wanted = set(names or ROWS)
    wanted |= {ROWS[name].limit for name in wanted if ROWS[name].limit}
    return [row for row in ROWS.values() if row.name in wanted]
