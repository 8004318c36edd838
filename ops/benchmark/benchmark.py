"""benchmark.py FOLDER  measures the suite that runs there, for ops/bench, which says in the environment what is where.

Writes results.json and results.svg into the folder, and results-USERS.json, which later runs with other numbers of users are
compared with.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

import measuring
import plot
import report
from load import LoadFailed
from rows import IN_FLIGHT, MEASURED, chosen
from suite import CONSUMERS, PROCESSES, Database, Processes, Work, machine_cpu


def machine(processes):
    """What it is measured on, and what uses it while the suite has nothing to do: parts of one core."""

    seconds = 2
    began, before = machine_cpu(), processes.cpu()
    time.sleep(seconds)
    after, ended = processes.cpu(), machine_cpu()
    idle = {name: (after[name] - before[name]) / seconds for name in PROCESSES}
    models = [line.partition(": ")[2] for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "cores": len(os.sched_getaffinity(0)),
        "model": models[0] if models else platform.machine(),
        "kernel": platform.release(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9),
        "idle_cpu": idle,
        "others_cpu": max(0.0, (ended - began) / seconds - sum(idle.values())),
    }


def check_seed(bench):
    """A seeded user has to read as one that came over SCIM, or what is measured is something else."""

    def shape(value):
        if isinstance(value, dict):
            return {name: shape(part) for name, part in value.items() if name != "groups"}
        return [shape(part) for part in value] if isinstance(value, list) else type(value).__name__

    seeded = bench.call("GET", f"/Users/{bench.users[0][0]}", None, 200)
    sent = {name: value for name, value in seeded.items() if name not in ("id", "meta", "groups")}
    sent |= {"userName": "seeded@example.com", "externalId": "seeded", "active": False}
    came = bench.call("POST", "/Users", sent, 201)
    # In this order, too.
    if json.dumps(shape(came)) != json.dumps(shape(seeded)):
        raise LoadFailed(f"seed.sql makes other users than identity-store:\n{json.dumps(seeded)}\n{json.dumps(came)}")


def header(results):
    host = results["machine"]
    more = ""
    if results["stored_users"] > results["users"] + 1000:
        more = f"; {results['stored_users']:,} users are stored, as many as the group of 100,000 needs"
    lines = [
        f"{host['cores']} cores of {host['model']}, {host['memory_gb']} GB, Linux {host['kernel']}",
        f"commit {results['commit']}, {results['started']}",
        f"{results['users']:,} users and 100 groups{more}",
        f"Medians of {results['rounds']} rounds; while a limit is measured the suite is stopped, so that it has the machine to itself.",
        "The local broker is started anew, empty, before each round of writes: the more it keeps, the less it does.",
        "The mail server stands for somebody else's machine and runs at the lowest priority; the mailer, whose mails can wait, at a low one.",
    ]
    others = statistics.median(level["others_cpu"] for levels in results["rows"].values() for level in levels.values())
    if others > 0.2:
        lines.append(f"NOTE: something else used {others:.1f} of the {host['cores']} cores meanwhile; the figures are lower for it.")
    return lines


def show(results, earlier):
    """Prints all of it; with an earlier run to compare with, that is a target more."""
    print("", *header(results), "", *report.table(results), "", *report.memory(results), sep="\n")
    if results["drains"]:
        print("", *report.keeping_up(results["drains"]), sep="\n")
    if earlier:
        lines, is_close = report.comparison(results, earlier)
        print("", *lines, sep="\n")
        target = "every rate with more users: at least 0.8 of that with fewer"
        results["targets"].append({"target": target, "measured": f"against {earlier['users']:,} users", "met": is_close})
    print()
    for target in results["targets"]:
        print(f"{'met    ' if target['met'] else 'NOT MET'}  {target['target']}: {target['measured']}")


def earlier_run(folder, users):
    """The latest whole run with another number of users."""
    runs = [json.loads(path.read_text()) for path in folder.glob("results-*.json")]
    others = [run for run in runs if run["users"] != users]
    return max(others, key=lambda run: run["started"], default=None)


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--users", type=int, required=True)
    parser.add_argument("--only", default="")
    return parser.parse_args()


def main():
    options = arguments()
    environment = {name.removeprefix("BENCH_").lower(): value for name, value in os.environ.items() if name.startswith("BENCH_")}
    rows = chosen([name for name in options.only.split(",") if name])
    started = datetime.now(timezone.utc)
    processes = Processes(options.folder / "run")
    database = Database(environment["database"])
    work = Work(database, {name: environment[f"port_{name.replace('-', '_')}"] for name in CONSUMERS})
    work.settle(60)
    settings = {**environment, "folder": str(options.folder), "started": str(int(started.timestamp()))}
    plan = measuring.QUICK if options.quick else measuring.FULL
    bench = measuring.Bench(plan, settings, processes, database, work)
    check_seed(bench)
    results = {
        "users": options.users,
        "stored_users": int(database.value("select count(*) from identity.users")),
        "started": started.isoformat(timespec="seconds"),
        "commit": environment["commit"],
        "quick": options.quick,
        "rounds": plan.rounds,
        "machine": machine(processes),
        "rows": {row.name: {} for row in rows},
    }
    before = processes.memory()
    print("Warming up", flush=True)
    for row in measuring.reads(rows):
        bench.sample(row, 16, seconds=1)
    for in_flight in IN_FLIGHT:
        print(f"Measuring with {in_flight} in flight", flush=True)
        for name, samples in bench.measure(rows, in_flight).items():
            results["rows"][name][str(in_flight)] = report.summarise(samples)
    report.add_ratios(results["rows"])
    results["memory"] = {"before": before, "after": processes.memory()}
    results["drains"] = bench.drains
    results["targets"] = report.targets(results)
    show(results, earlier_run(options.folder, options.users))
    results["ended"] = datetime.now(timezone.utc).isoformat(timespec="seconds")
    text = json.dumps(results, indent=2, ensure_ascii=False) + "\n"
    (options.folder / "results.json").write_text(text)
    if not options.only:
        (options.folder / f"results-{options.users}.json").write_text(text)
    (options.folder / "results.svg").write_text(plot.svg(results))
    print(f"\n{options.folder}/results.json\n{options.folder}/results.svg")


if __name__ == "__main__":
    try:
        main()
    except (LoadFailed, RuntimeError, ValueError) as error:
        sys.exit(f"bench: {error}")
