"""benchmark.py FOLDER  benchmarks the suite that runs in FOLDER. ops/bench passes addresses and paths in BENCH_ variables.

Writes results.json and results.svg to the folder, and results-USERS.json: a later run with another number of users is compared
with it.
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

import plot
import report
import runner
from load import LoadFailed
from rows import IN_FLIGHT, select_rows
from suite import CONSUMERS, PROCESSES, Backlog, Database, Processes, machine_cpu


def machine(processes):
    """Describes the machine and its CPU usage, in cores, while the suite is idle."""

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


def check_seed(benchmark):
    """Raises LoadFailed if a seeded user differs in structure from a user created over SCIM."""

    def structure(value):
        if isinstance(value, dict):
            return {name: structure(part) for name, part in value.items() if name != "groups"}
        return [structure(part) for part in value] if isinstance(value, list) else type(value).__name__

    seeded = benchmark.call("GET", f"/Users/{benchmark.users[0][0]}", None, 200)
    body = {name: value for name, value in seeded.items() if name not in ("id", "meta", "groups")}
    body |= {"userName": "seeded@example.com", "externalId": "seeded", "active": False}
    created = benchmark.call("POST", "/Users", body, 201)
    # As text, so that the order of the attributes counts too.
    if json.dumps(structure(created)) != json.dumps(structure(seeded)):
        raise LoadFailed(f"users from seed.sql and from identity-store differ:\n{json.dumps(seeded)}\n{json.dumps(created)}")


def header(results):
    host = results["machine"]
    stored = ""
    if results["stored_users"] > results["users"] + 1000:
        stored = f"; {results['stored_users']:,} users are stored, because the largest group has 100,000 members"
    lines = [
        f"{host['cores']} cores of {host['model']}, {host['memory_gb']} GB, Linux {host['kernel']}",
        f"commit {results['commit']}, {results['started']}",
        f"{results['users']:,} users and 100 groups{stored}",
        f"Medians of {results['rounds']} rounds. The suite is suspended while a baseline is measured, so that the baseline has the whole machine.",
        "The local broker restarts empty before each round of writes, because it slows down as its data grows.",
        "The mail server stands for another machine and runs at the lowest priority. The mailer runs at a low priority.",
    ]
    others = statistics.median(level["others_cpu"] for levels in results["rows"].values() for level in levels.values())
    if others > 0.2:
        lines.append(f"NOTE: other processes used {others:.1f} of the {host['cores']} cores during the measurements, which lowers the figures.")
    return lines


def show(results, earlier):
    """Prints the results. With an earlier run, also compares the rates and adds a target for them."""
    print("", *header(results), "", *report.table(results), "", *report.memory(results), sep="\n")
    if results["drains"]:
        print("", *report.consumer_lag(results["drains"]), sep="\n")
    if earlier:
        lines, is_close = report.comparison(results, earlier)
        print("", *lines, sep="\n")
        target = "every rate with more users: at least 0.8 of the rate with fewer"
        results["targets"].append({"target": target, "measured": f"compared with {earlier['users']:,} users", "met": is_close})
    print()
    for target in results["targets"]:
        print(f"{'met    ' if target['met'] else 'NOT MET'}  {target['target']}: {target['measured']}")


def earlier_run(folder, users):
    """Returns the latest complete run with another number of users, or None."""
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
    rows = select_rows([name for name in options.only.split(",") if name])
    started = datetime.now(timezone.utc)
    processes = Processes(options.folder / "run")
    database = Database(environment["database"])
    backlog = Backlog(database, {name: environment[f"port_{name.replace('-', '_')}"] for name in CONSUMERS})
    backlog.set_baseline(60)
    settings = {**environment, "folder": str(options.folder), "started": str(int(started.timestamp()))}
    plan = runner.QUICK if options.quick else runner.FULL
    benchmark = runner.BenchmarkRunner(plan, settings, processes, database, backlog)
    check_seed(benchmark)
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
    for row in runner.reads(rows):
        benchmark.sample(row, 16, seconds=1)
    for in_flight in IN_FLIGHT:
        print(f"Measuring with {in_flight} requests in flight", flush=True)
        for name, samples in benchmark.measure(rows, in_flight).items():
            results["rows"][name][str(in_flight)] = report.summarise(samples)
    report.add_ratios(results["rows"])
    results["memory"] = {"before": before, "after": processes.memory()}
    results["drains"] = benchmark.drains
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
