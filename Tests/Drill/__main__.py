"""Runs the backup drill against a running suite and checks the result. See ops/drill --help."""

import argparse
import os
import sys
import time
from types import SimpleNamespace

# The client, the ledger and the checks of the chaos test.
# Before the standard library, which also has a module `mailbox`.
sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../Chaos"))

import directory_check
import losses
import mail_check
import product_check
import store_check
from check import Check
from convergence import await_convergence
from feed_check import Feed
from load import Load
from losses import Moments
from report import Report
from steps import Steps
from suite import LocalSuite
from synchronization import synchronize


def arguments():
    parser = argparse.ArgumentParser(prog="drill")
    parser.add_argument("--destroy", choices=["postgres", "kafka", "both"], required=True)
    for name in ("users", "groups", "workers", "seed"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--build", required=True, help="the build configuration, for the title of the report")
    parser.add_argument("--local", required=True, help="the folder of the suite, to which the results are written")
    return parser.parse_args()


class Drill:
    def __init__(self, options):
        self.options = options
        self.steps = Steps()
        self.suite = LocalSuite(options.local)
        self.load = Load(options, self.suite)
        self.checks = []
        self.loses_postgres = options.destroy != "kafka"
        self.loses_kafka = options.destroy != "postgres"

    def check(self, name, problems, note=""):
        self.checks.append(Check(name, problems, note))

    def converge(self, description, users):
        """Waits until every write has taken effect. `users`: those whose sign-ins must have an effect."""
        waited, pending = await_convergence(self.suite, SimpleNamespace(users=users))
        self.check(f"unfinished work {description}", [f"{name}: {count}" for name, count in pending.items()], f"after {waited:.0f} s")

    def run(self):
        self.fill()
        self.destroy()
        self.restore()
        self.compare()
        self.repair()

    def fill(self):
        """Provisions until everything is archived, and remembers what a product would: its cursor."""
        self.steps.run("archive")
        print("  provisioning", flush=True)
        self.load.before_backup()
        self.steps.run("base-backup")
        print("  provisioning", flush=True)
        self.load.after_backup()
        self.converge("before the backup is complete", self.load.ledger.users)
        self.feed = Feed()
        self.archived = time.time()
        self.steps.run("archive-point")

    def destroy(self):
        """Destroys the servers while requests are in flight."""
        print("  changing users and groups", flush=True)
        self.load.start()
        self.destroyed = time.time()
        self.steps.run("destroy", self.options.destroy)
        self.load.finish()
        # The mails of the lost history.
        self.suite.mailbox.poll()

    def restore(self):
        restored = self.steps.run("restore", self.options.destroy)
        self.moments = Moments(self.archived, float(restored) if self.loses_postgres else None, self.loses_kafka)
        self.recorded_mails = mail_check.sent(self.suite.database)
        self.steps.run("start")
        self.steps.run("rebuild")

    def compare(self):
        """Finds what was lost, before anybody repairs it."""
        ledger = self.load.ledger
        certain = [user for user in ledger.users if not user.is_in_doubt and not (self.loses_kafka and user in self.load.signed_in)]
        self.converge("after the restore", certain)
        self.losses = losses.find(self.load.provider("reader"), self.suite.database, self.load, self.moments)
        self.check("acknowledged writes and sign-ins lost unexpectedly", self.losses.unexpected, f"of {self.losses.compared:,} users and groups")
        if self.loses_postgres:
            self.check("cursors of the events API that are not rejected", self.feed.check_gone())
        else:
            self.check("events missing after a cursor of the events API", self.feed.check_complete(self.suite.database))

    def repair(self):
        """Sends what was lost again, as identity providers and products do, and compares everything."""
        load, suite = self.load, self.suite
        print("  sending again what was lost", flush=True)
        provider = load.provider("synchronization")
        self.sent = synchronize(provider, suite.database, load.ledger)
        self.converge("after the identity provider's full cycle", load.ledger.users)
        suite.mailbox.poll()
        _, store = store_check.check(provider, suite.database, load.ledger, load.counts.stale_reads)
        self.forgotten, self.repeated, mails = mail_check.check(
            suite.database, load.ledger, suite.mailbox.mails, self.moments, self.recorded_mails
        )
        failed = [line for line in self.steps.failed_findings() if not (self.loses_kafka and line.startswith("skipped-messages"))]
        self.checks += [
            *store,
            *mails,
            *directory_check.check(suite.database),
            *product_check.check(suite.product, load.url.removesuffix("/api/v2/scim")),
            Check("requests given up", load.counts.given_up),
            Check("unexpected responses", load.counts.unexpected),
            Check("findings of scimctl doctor that fail", failed),
        ]

    def report(self):
        options, found = self.options, self.losses
        report = Report(
            f"{options.destroy} destroyed, {options.users} users, {options.groups} groups, seed {options.seed}, {options.build} build"
        )
        restored = self.moments.restored
        report.section("Steps in seconds", self.steps.durations)
        report.section(
            "Lost, as expected",
            [
                ("acknowledged writes", self.load.counts.writes),
                ("seconds from the restored moment to the disaster", self.destroyed - restored if restored else None),
                ("users and groups whose writes came after the last archived WAL", len(found.expected_writes) if restored else None),
                ("sign-ins on Kafka that were not processed yet", len(found.expected_sign_ins) if self.loses_kafka else None),
                ("users and groups whose last request was not answered", found.unanswered),
                ("mails whose invitation is lost, sent after the restored moment", self.forgotten),
                ("mails sent twice, not recorded as sent at the restored moment", self.repeated),
            ],
        )
        report.section("Repaired", [("users and groups sent again", self.sent[0]), ("sign-ins reported again", self.sent[1])])
        report.checks = self.checks
        report.print()
        report.write(os.path.join(options.local, f"results-{options.destroy}.json"))
        return report.passes


def main():
    options = arguments()
    print(f"Backup drill: {options.destroy} destroyed, {options.users} users, {options.groups} groups, seed {options.seed}", flush=True)
    drill = Drill(options)
    drill.run()
    return 0 if drill.report() else 1


if __name__ == "__main__":
    sys.exit(main())
