"""Runs the chaos test against a running suite and checks the result. See ops/chaos --help."""

import argparse
import os
import signal
import sys

import directory_check
import invitation_check
import logs
import product_check
import rolling_upgrade
import store_check
import webhook_check
from check import Check
from convergence import await_convergence
from report import Report, quantile
from run import Run
from suite import SERVICES, ComposeSuite, LocalSuite


def arguments():
    parser = argparse.ArgumentParser(prog="chaos")
    for name in ("users", "groups", "workers", "seed"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--faults", default="", help="kinds of faults beside the kills, separated by commas")
    parser.add_argument("--upgrade", action="store_true", help="roll the services between two releases instead of killing processes")
    parser.add_argument("--compose", action="store_true", help="the suite runs in containers")
    parser.add_argument("--build", required=True, help="the build configuration, for the title of the report")
    parser.add_argument("--local", required=True, help="the folder of the suite, to which results.json is written")
    return parser.parse_args()


def describe(run, report, requests, retries, unacknowledged, duplicates, errors):
    counts, injector, seconds = run.counts, run.fault_injector, run.seconds
    latencies = [latency for latency, _ in counts.acknowledged]
    slowest, slowest_write = max(counts.acknowledged, default=(0.0, "none"))
    report.section(
        "Requests of the identity provider",
        [
            ("seconds", seconds),
            ("responses", sum(requests.values())),
            ("by status", requests),
            *((f"retried: {reason}", count) for reason, count in sorted(retries.items())),
            ("created by an attempt without a response", counts.recovered),
            ("409 to a retried creation", counts.conflicts),
            ("acknowledged writes", counts.writes),
            ("acknowledged writes per second", counts.writes / seconds),
            ("seconds until acknowledged, median", quantile(latencies, 0.5)),
            ("seconds until acknowledged, p99", quantile(latencies, 0.99)),
            ("seconds until acknowledged, maximum", slowest),
            ("slowest write", slowest_write),
            ("stored users and groups that were never acknowledged", len(unacknowledged)),
        ],
    )
    if run.options.upgrade:
        report.section("Upgrade", [*injector.steps, ("errors in the logs", errors)])
    else:
        report.section(
            "Kills with SIGKILL",
            [
                *((name, injector.counts[name]) for name in injector.weights),
                ("seconds that the services were suspended for the broker", injector.suspended),
                ("errors in the logs", errors),
            ],
        )
        report.section(
            "Other faults: seconds, and writes acknowledged meanwhile",
            [(fault.name, f"{fault.ended - fault.began:.1f} s, {fault.writes:,} writes") for fault in injector.injected],
        )
    report.section(
        "Mails",
        [
            ("delivered", len(run.suite.mailbox.mails)),
            ("duplicates caused by a fault", len(duplicates)),
            ("seconds from first delivery to that fault, maximum", max(duplicates, default=None)),
        ],
    )


def main():
    options = arguments()
    # So that faults end and are undone.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    report = Report(f"{options.users} users, {options.groups} groups, seed {options.seed}, {options.build} build")
    print(report.title, flush=True)
    suite = ComposeSuite() if options.compose else LocalSuite(options.local)
    run = Run(options, suite)
    run.provision()
    print("  waiting until every write has taken effect", flush=True)
    not_ready = run.await_readiness()
    waited, pending = await_convergence(suite, run.ledger)
    suite.mailbox.poll()
    # Copied now, because the store check sends requests too.
    requests, retries = dict(run.counts.responses), dict(run.counts.retries)
    unacknowledged, store = store_check.check(run.provider("reader"), suite.database, run.ledger, run.counts.stale_reads)
    duplicates, invitations = invitation_check.check(suite.database, run.ledger, suite.mailbox.mails, run.fault_injector)
    errors = logs.errors({service: suite.log_lines(service) for service in SERVICES})
    describe(run, report, requests, retries, unacknowledged, duplicates, errors)
    if suite.product:
        report.section("Sample product", product_check.counts(suite.log_lines("product")))
    report.checks = [
        *store,
        *invitations,
        *directory_check.check(suite.database),
        *(webhook_check.check(suite.database, suite.webhooks) if suite.webhooks else []),
        *(product_check.check(suite.product, run.url.removesuffix("/api/v2/scim")) if suite.product else []),
        Check("unfinished work", [f"{name}: {count}" for name, count in pending.items()], f"after {waited:.0f} s"),
        Check("dead letters", [error for error in errors if "dead letters" in error]),
        *(rolling_upgrade.checks(run.fault_injector, requests) if options.upgrade else []),
        Check("requests given up", run.counts.given_up),
        Check("unexpected responses", run.counts.unexpected),
        Check("processes that ended without being killed", run.fault_injector.unexpected_exits),
        Check("faults that failed or had no effect", run.fault_injector.failed_faults, f"{len(run.fault_injector.injected)} injected"),
        Check("processes that did not restart or are not ready", run.fault_injector.failures + not_ready),
    ]
    report.print()
    report.write(os.path.join(options.local, "results.json"), run.fault_injector)
    return 0 if report.passes else 1


if __name__ == "__main__":
    sys.exit(main())
