"""The targets of ops/bench."""

from processes import SERVICES
from rows import MEASURED, ROWS

# CPU microseconds per POST with 64 in flight.
POST_CPU = {"scim-api": 300, "identity-store": 250, "invitation-mailer": 400, "group-sync": 80, "postgres": 450}
LARGER_GROUPS = ["member-10000", "member-100000"]


def targets(results):
    """Returns each target with the measured value and whether it is met, without targets for rows that were not measured."""
    rows, found = results["rows"], []

    def measured(name, in_flight):
        return rows.get(name, {}).get(str(in_flight))

    def at_most(limit, target, value, unit="", digits=1):
        found.append({"target": f"{target}: at most {limit:,}{unit}", "measured": f"{value:,.{digits}f}{unit}", "met": value <= limit})

    def at_least(limit, target, value, unit="", digits=2):
        found.append({"target": f"{target}: at least {limit:,}{unit}", "measured": f"{value:,.{digits}f}{unit}", "met": value >= limit})

    if alone := measured("post", 1):
        at_most(6, "POST, 1 in flight: p50", alone["p50_ms"], " ms")
        at_most(6, "POST, 1 in flight: CPU of services and PostgreSQL", alone["cpu_us"] / 1000, " ms")
    if post := measured("post", 64):
        for name, limit in POST_CPU.items():
            at_most(limit, f"POST, 64 in flight: CPU of {name}", post["cpu_us_by_process"][name], " µs", 0)
        if post["statements"]:
            at_most(6000, "POST, 64 in flight: WAL", sum(statement["wal_bytes"] for statement in post["statements"]), " bytes", 0)
        at_least(0.3, "POST, 64 in flight: ratio to pgbench", post["ratio"])
        at_most(100, "POST, 64 in flight: p99", post["p99_ms"], " ms", 0)
        for name in ("put", "active"):
            if write := measured(name, 64):
                at_least(1, f"{ROWS[name].title}, 64 in flight: ratio to the rate of POST", write["rate"] / post["rate"])
    for name in ("get", "user-name"):
        if read := measured(name, 64):
            at_least(0.35, f"{ROWS[name].title}, 64 in flight: ratio to static JSON", read["ratio"])
    if read := measured("get", 64):
        static = measured("static", 64)["cpu_us_by_process"]["static-json"]
        at_most(2.4, "GET user by id, 64 in flight: CPU of scim-api, ratio to static JSON", read["cpu_us_by_process"]["scim-api"] / static, digits=2)
    if page := measured("list", 16):
        at_least(1000, "GET list of 100, 16 in flight", page["rate"], " per second", 0)
    if bulk := measured("bulk", 1):
        at_least(1000, "POST Bulk", bulk["rate"], " operations per second", 0)
    for in_flight in (1, 16, 64):
        small = measured("member-10", in_flight)
        for name in LARGER_GROUPS:
            if small and (large := measured(name, in_flight)):
                target = f"PATCH member, {in_flight} in flight: rate in a group of 10, ratio to a group of {ROWS[name].group:,}"
                at_most(1.5, target, small["rate"] / large["rate"], digits=2)
    for name in SERVICES:
        at_most(100, f"{name}: resident memory", results["memory"]["after"][name]["peak"], " MB", 0)
    at_most(3, "all services at rest", 100 * sum(results["machine"]["idle_cpu"][name] for name in SERVICES), " % of a core")
    slowest = [max(drain["group-sync"], drain["mailer"]) for drain in results["drains"] if drain["row"] in {row.name for row in MEASURED}]
    if slowest:
        at_most(2, "lag of group-sync and the mailer after a load", max(slowest), " s")
    at_most(0, "errors", sum(level["errors"] for levels in rows.values() for level in levels.values()), digits=0)
    return found
