"""tables.py FOLDER  prints the results in FOLDER (results.json, results-USERS.json, counts.json, peers.json) as tables for ops/docs/performance.md."""

import json
import sys
from pathlib import Path

from compare_peers import ROWS as PEER_ROWS
from compare_peers import ratios as peer_ratios
from processes import SERVICES
from rows import BASELINES, IN_FLIGHT, MEASURED, ROWS

UNITS = {"commands": "SQL commands", "transactions": "transactions", "messages": "Kafka messages", "wake_ups": "wake-ups"}


def markdown(columns, rows):
    lines = [columns, ["---"] * len(columns), *rows]
    return ["| " + " | ".join(map(str, line)) + " |" for line in lines]


def rates(results):
    rows = []
    for row in [*BASELINES, *MEASURED]:
        for level in map(str, IN_FLIGHT):
            if measured := results["rows"].get(row.name, {}).get(level):
                ratio = f"{measured['ratio']:.2g}" if "ratio" in measured else ""
                latency = [f"{measured[key]:,.2g}" if measured[key] < 10 else f"{measured[key]:,.0f}" for key in ("p50_ms", "p99_ms")]
                rows.append([row.title, level, f"{measured['rate']:,.0f}", ratio, *latency, f"{measured['cpu_us']:,.0f}"])
    return markdown(["", "in flight", "per second", "of the baseline", "p50 ms", "p99 ms", "CPU µs"], rows)


def cpu(results):
    rows = []
    for name in ("post", "put", "active", "member-10", "bulk", "get", "user-name", "list"):
        for level in ("1", "64"):
            if measured := results["rows"].get(name, {}).get(level):
                used = measured["cpu_us_by_process"]
                wal = sum(statement["wal_bytes"] for statement in measured["statements"])
                rows.append([ROWS[name].title, level, *(f"{used[process]:,.0f}" for process in [*SERVICES, "postgres", "broker"]), f"{wal:,.0f}"])
    return markdown(["CPU µs per request", "in flight", *SERVICES, "postgres", "broker", "WAL bytes"], rows)


def targets(results):
    return markdown(["target", "measured", ""], [[one["target"], one["measured"], "met" if one["met"] else "**not met**"] for one in results["targets"]])


def comparison(fewer, more):
    rows = []
    for row in MEASURED:
        for level, before in fewer["rows"].get(row.name, {}).items():
            if after := more["rows"].get(row.name, {}).get(level):
                rows.append([row.title, level, f"{before['rate']:,.0f}", f"{after['rate']:,.0f}", f"{after['rate'] / before['rate']:.2f}"])
    return markdown(["", "in flight", f"{fewer['users']:,} users", f"{more['users']:,} users", "ratio"], rows)


def counts(found):
    lines = []
    for kind, counted in found["writes"].items():
        rows = [[name, *(f"{counted[unit][name]:.1f}" for unit in UNITS), f"{counted['cpu_ms'][name]:.1f}"] for name in SERVICES]
        total = counted["total"]
        rows.append(["**sum**", *(f"{total[unit]:.1f}" for unit in UNITS), f"{total['cpu_ms']:.1f}"])
        rows.append(["postgres", "", "", "", f"{counted['wake_ups']['postgres']:.1f}", f"{counted['cpu_ms']['postgres']:.1f}"])
        lines += [f"One {kind}: WAL {counted['wal_bytes']['postgres']:,.0f} bytes", "", *markdown(["", *UNITS.values(), "CPU ms"], rows), ""]
    return lines


def peers(found):
    rows = []
    for row, levels in found["rows"].items():
        for level, servers in levels.items():
            ratios = (f"{ratio:.2f}" for ratio in peer_ratios(servers))
            rows.append([PEER_ROWS[row][0], level, *(f"{measured['rate']:,.0f}" for measured in servers.values()), *ratios])
    names = list(next(iter(next(iter(found["rows"].values())).values())))
    return markdown(["requests per second", "in flight", *names, "to the fastest with a database", "to the fastest"], rows)


def main():
    folder = Path(sys.argv[1])

    def load(name):
        path = folder / name
        return json.loads(path.read_text()) if path.exists() else None

    runs = sorted((json.loads(path.read_text()) for path in folder.glob("results-*[0-9].json")), key=lambda run: run["users"])
    if (latest := load("results.json")) and not runs:
        runs = [latest]
    sections = []
    for run in runs:
        title = f"{run['users']:,} users, commit {run['commit']}, {run['machine']['cores']} cores of {run['machine']['model']}"
        sections += [[title, "", *targets(run)], rates(run), cpu(run)]
    if len(runs) > 1:
        sections.append(comparison(runs[0], runs[-1]))
    if found := load("counts.json"):
        sections.append(counts(found))
    if found := load("peers.json"):
        sections.append(peers(found))
    if not sections:
        sys.exit(f"bench: no results in {folder}: run ops/bench, ops/bench counts or ops/bench peers first")
    print("\n\n".join("\n".join(section) for section in sections))


if __name__ == "__main__":
    main()
