"""benchmark.py ROOT FOLDER  benchmarks the suite that ops/run of the clone ROOT has set up in FOLDER. ops/bench passes paths in BENCH_ variables.

Writes results.json and results.svg to the folder, and results-USERS.json: a later run with another number of users is compared
with it. With --against, alternates with the suite of another clone and prints both.
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
import profile_services
import report
import runner
import targets
from load import LoadFailed
from processes import PROCESSES, machine_cpu
from rows import IN_FLIGHT, select_rows
from suite import Suite


def machine(processes, seconds):
    """Describes the machine and its CPU usage, in cores, while the suite is idle."""

    time.sleep(seconds / 4)
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

    seeded = benchmark.suite.call("GET", f"/Users/{benchmark.users[0][0]}", None, 200)
    body = {name: value for name, value in seeded.items() if name not in ("id", "meta", "groups")}
    body |= {"userName": "seeded@example.com", "externalId": "seeded", "active": False}
    created = benchmark.suite.call("POST", "/Users", body, 201)
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
        "Each series starts with the seeded database and an empty broker. CPU is measured until all mails are out and all events are consumed.",
        "The broker and the mail server stand for other machines: their CPU is not counted. Mail server and mailer run at a low priority.",
    ]
    others = statistics.median(level["others_cpu"] for levels in results["rows"].values() for level in levels.values())
    if others > 0.2:
        lines.append(f"NOTE: other processes used {others:.1f} of the {host['cores']} cores during the measurements, which lowers the figures.")
    return lines


def show(results, earlier):
    """Prints the results. With an earlier run, also compares the rates and adds a target for them."""
    print("", *header(results), "", *report.table(results), "", *report.cpu(results), "", *report.memory(results), sep="\n")
    if results["drains"]:
        print("", *report.consumer_lag(results["drains"]), sep="\n")
    print("", *report.parts(results, "post", "64"), "", *report.statements(results, "post", "64"), sep="\n")
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
    runs = [json.loads(path.read_text()) for path in folder.glob("results-*[0-9].json")]
    others = [run for run in runs if run["users"] != users]
    return max(others, key=lambda run: run["started"], default=None)


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("root", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--users", type=int, required=True)
    parser.add_argument("--only", default="")
    parser.add_argument("--against", type=Path)
    parser.add_argument("--profile", action="store_true")
    return parser.parse_args()


def prepare(options, environment, started):
    """Starts the suites one after the other and returns a runner for each, with its results so far."""
    plan = runner.QUICK if options.quick else runner.FULL
    clones = [(options.root, options.folder, environment["commit"])]
    if options.against:
        clones.append((options.against, options.folder / "against", environment["commit_against"]))
    programs = {"static": environment["static"], "pgbench": environment["pgbench"]}
    runners, found = [], []
    for root, folder, commit in clones:
        suite = Suite(root, folder, int(environment["static_pid"]))
        benchmark = runner.BenchmarkRunner(plan, programs, suite, int(started.timestamp()))
        check_seed(benchmark)
        suite.backlog.drain(60)
        runners.append(benchmark)
        found.append({
            "users": options.users,
            "stored_users": int(suite.database.value("select count(*) from identity.users")),
            "started": started.isoformat(timespec="seconds"),
            "commit": commit,
            "quick": options.quick,
            "rounds": plan.rounds,
            "machine": machine(suite.processes, plan.idle),
            "memory": {"before": suite.memory()},
            "rows": {},
        })
        if options.against:
            suite.stop()
    return runners, found


def main():
    options = arguments()
    environment = {name.removeprefix("BENCH_").lower(): value for name, value in os.environ.items() if name.startswith("BENCH_")}
    rows = select_rows([name for name in options.only.split(",") if name])
    if options.profile:
        profile_services.check()
    runners, found = prepare(options, environment, datetime.now(timezone.utc))
    for in_flight in IN_FLIGHT:
        print(f"Measuring with {in_flight} requests in flight", flush=True)
        for results, samples in zip(found, runner.measure(runners, rows, in_flight)):
            for name, measured in samples.items():
                results["rows"].setdefault(name, {})[str(in_flight)] = report.summarise(measured)
    for benchmark, results in zip(runners, found):
        report.add_ratios(results["rows"])
        results["memory"]["after"] = benchmark.suite.memory()
        results["drains"] = benchmark.drains
        results["targets"] = targets.targets(results)
        results["ended"] = datetime.now(timezone.utc).isoformat(timespec="seconds")
    show(found[0], earlier_run(options.folder, options.users))
    if options.against:
        show(found[1], None)
        print("", *report.pairs(*found), sep="\n")
        (options.folder / "results-against.json").write_text(text_of(found[1]))
    (options.folder / "results.json").write_text(text_of(found[0]))
    if not options.only:
        (options.folder / f"results-{options.users}.json").write_text(text_of(found[0]))
    (options.folder / "results.svg").write_text(plot.svg(found[0]))
    print(f"\n{options.folder}/results.json\n{options.folder}/results.svg")
    if options.profile:
        print(*profile_services.profile(runners[0], rows, options.folder / "profiles"), sep="\n")


def text_of(results):
    return json.dumps(results, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    try:
        main()
    except (LoadFailed, RuntimeError, ValueError) as error:
        sys.exit(f"bench: {error}")
