"""Plays the identity provider and the killer against a running suite, then checks the books. See ops/chaos."""

import argparse
import os
import sys

import directory_check
import invitation_check
import store_check
from check import Check
from killer import WEIGHTS
from report import Report, quantile
from run import Run
from settling import settle


def arguments():
    parser = argparse.ArgumentParser(prog="chaos")
    for name in ("users", "groups", "workers", "seed"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--build", required=True)
    parser.add_argument("--local", required=True)
    return parser.parse_args()


def describe(run, report, requests, repeated, strangers, twice, errors):
    tally, killer, took = run.tally, run.killer, run.seconds
    waits = [seconds for seconds, _ in tally.acknowledged]
    slowest, which = max(tally.acknowledged, default=(0.0, "none"))
    report.section(
        "The identity provider",
        [
            ("seconds", took),
            ("requests answered", sum(requests.values())),
            ("by status", requests),
            *((f"sent again: {reason}", count) for reason, count in sorted(repeated.items())),
            ("created by an attempt whose answer was lost", tally.adopted),
            ("409 to the next attempt", tally.conflicts),
            ("writes acknowledged", tally.writes),
            ("a second", tally.writes / took),
            ("seconds until acknowledged, median", quantile(waits, 0.5)),
            ("99 of 100 within", quantile(waits, 0.99)),
            ("the slowest", slowest),
            ("which was", which),
            ("users and groups stored, and never acknowledged", len(strangers)),
        ],
    )
    report.section(
        "The kills, all with SIGKILL",
        [
            *((name, killer.counts[name]) for name in WEIGHTS if name != "broker"),
            ("broker, when it had written down what it acknowledged", killer.counts["broker"]),
            ("seconds that the services were held for that", killer.held),
            ("logged as errors", errors),
        ],
    )
    report.section(
        "The mails",
        [
            ("delivered", len(run.mailbox.mails)),
            ("of these twice, the mailer having been killed in between", len(twice)),
            ("seconds from their first delivery to that kill, at most", max(twice, default=None)),
        ],
    )


def main():
    options = arguments()
    report = Report(f"{options.users} users, {options.groups} groups, seed {options.seed}, {options.build} build")
    print(report.title, flush=True)
    run = Run(options)
    run.provision()
    print("  waiting until everything has come everywhere", flush=True)
    unwell = run.await_readiness()
    waited, left = settle(run.database, run.book)
    run.mailbox.look()
    # Before the books are read, which takes requests of its own.
    requests, repeated = dict(run.tally.answers), dict(run.tally.repeated)
    strangers, store = store_check.check(run.provider("reader"), run.database, run.book, run.tally.stale_reads)
    twice, invitations = invitation_check.check(run.database, run.book, run.mailbox.mails, run.killer.kills)
    errors = run.logs.errors()
    describe(run, report, requests, repeated, strangers, twice, errors)
    report.checks = [
        *store,
        *invitations,
        *directory_check.check(run.database),
        Check("things that did not come to an end", [f"{name}: {count}" for name, count in left.items()], f"after {waited:.0f} s"),
        Check("messages that went to the dead letters", [error for error in errors if "dead letters" in error]),
        Check("requests given up", run.tally.given_up),
        Check("answers that were not to be expected", run.tally.unexpected),
        Check("processes that ended without being killed", run.killer.absent),
        Check("processes that did not start again or are not well", run.killer.failures + unwell),
    ]
    report.print()
    report.write(os.path.join(options.local, "results.json"), run.killer.kills)
    return 0 if report.passes else 1


sys.exit(main())
