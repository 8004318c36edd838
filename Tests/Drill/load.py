"""The load of the drill: users and groups that are provisioned before the backup, after it, and while the servers are destroyed."""

import itertools
import os
import random
import threading
import time

import provisioning
from counts import Counts
from identity_provider import IdentityProvider, RetriesExhausted
from ledger import Ledger
from workers import SignIns, WorkerPool

# The writes between the last archived WAL and the disaster, as a share of the number of users.
WRITES_AT_RISK = 0.3
# The seconds that these writes may take.
RISK_TIMEOUT = 60

# The shares of the users that exist before the backup, and before the last archived WAL.
BEFORE_BACKUP, BEFORE_ARCHIVE_POINT = 0.6, 0.8


class InterruptedProvider(IdentityProvider):
    """Notes when the last write was acknowledged, and gives up instead of retrying once `disaster` is set."""

    def __init__(self, base_url, token, counts, random, disaster):
        super().__init__(base_url, token, counts, random)
        self.disaster = disaster
        self.acknowledged_at = None

    def send(self, method, path, body=None, expected=(200, 204)):
        response = super().send(method, path, body, expected)
        if method != "GET":
            self.acknowledged_at = time.time()
        return response

    def create(self, collection, attribute, value, body):
        resource = super().create(collection, attribute, value, body)
        self.acknowledged_at = time.time()
        return resource

    def check_timeout(self, began, method, path):
        if self.disaster.is_set():
            raise RetriesExhausted(path)
        super().check_timeout(began, method, path)


def sign_in(provider, user):
    """Reports a sign-in. The product reports it again if the outcome is unknown."""
    try:
        with user.writing():
            provisioning.sign_in(provider, user)
    finally:
        user.signed_in = True


class Load:
    """`options` are those of the command line. Environment: ROLLCALL_SCIM_URL and ROLLCALL_TOKEN."""

    def __init__(self, options, suite):
        self.options = options
        self.suite = suite
        self.url, self.token = os.environ["ROLLCALL_SCIM_URL"], os.environ["ROLLCALL_TOKEN"]
        self.counts = Counts()
        self.ledger = Ledger(options.users, options.groups, self.random("ledger"))
        self.disaster = threading.Event()
        # When the last write to a user or group, and the sign-in of a user, were acknowledged, in seconds since 1970.
        self.written, self.signed_in = {}, {}
        self.failure = None

    def random(self, purpose):
        return random.Random(f"{self.options.seed} {purpose}")

    def provider(self, purpose):
        return IdentityProvider(self.url, self.token, self.counts, self.random(purpose))

    def run(self, work):
        """Does the work with several workers, in any order, and starts none after the disaster."""
        work = list(work)
        self.random("order").shuffle(work)
        providers = [
            InterruptedProvider(self.url, self.token, self.counts, self.random(f"worker {number}"), self.disaster)
            for number in range(self.options.workers)
        ]
        WorkerPool(providers, self.ledger, None, None).run_stage(itertools.takewhile(lambda _: not self.disaster.is_set(), work))

    def item(self, change, entry, times=None):
        """The work of one change, which records when its last write was acknowledged."""
        times = self.written if times is None else times

        def do(provider):
            provider.acknowledged_at = None
            try:
                change(provider, entry)
            finally:
                if provider.acknowledged_at is not None:
                    times[entry] = provider.acknowledged_at

        return do

    def users(self, first, last):
        """The users between two shares of all."""
        count = len(self.ledger.users)
        return self.ledger.users[int(first * count) : int(last * count)]

    def before_backup(self):
        self.run(self.item(provisioning.assign, user) for user in self.users(0, BEFORE_BACKUP))
        self.run(self.item(provisioning.push, group) for group in self.ledger.groups[::2])

    def after_backup(self):
        """Returns when the invitations of the users that sign in have arrived, and they have signed in."""
        sign_ins = SignIns(self.provider("sign-ins"), self.suite.product, self.ledger, self.suite.mailbox)
        sign_ins.start()
        earlier = self.users(0, BEFORE_BACKUP)
        self.run(self.item(provisioning.assign, user) for user in self.users(BEFORE_BACKUP, BEFORE_ARCHIVE_POINT))
        self.run(
            [self.item(provisioning.push, group) for group in self.ledger.groups[1::2]]
            + [self.item(provisioning.update, user) for user in earlier if user.plan == "stays" and user.is_updated]
            + [self.item(provisioning.unassign, user) for user in earlier if user.plan in ("leaves", "returns")]
        )
        sign_ins.finish()

    def until_disaster(self):
        """Makes all kinds of changes until the disaster."""
        known = self.users(0, BEFORE_ARCHIVE_POINT)
        arriving = [user for user in known if user.plan == "stays" and not user.signed_in and user.exists]
        changes = (
            [self.item(provisioning.assign, user) for user in self.users(BEFORE_ARCHIVE_POINT, 1)]
            + [self.item(provisioning.change, group) for group in self.ledger.groups]
            + [self.item(provisioning.reassign, user) for user in known if user.plan == "returns"]
            + [self.item(provisioning.delete, user) for user in known if user.plan == "deleted"]
            + [self.item(sign_in, user, self.signed_in) for user in arriving[::2]]
        )
        self.run(changes)
        # The same users again and again, so that the disaster finds writes in flight.
        steady = [user for user in known if user.plan == "stays" and user.exists]
        while not self.disaster.is_set() and steady:
            self.run(self.item(provisioning.change_again, user) for user in steady)

    def start(self):
        """Starts the changes in the background, and returns when some were acknowledged."""
        before, deadline = self.counts.writes, time.monotonic() + RISK_TIMEOUT
        self.thread = threading.Thread(target=self.guarded, daemon=True)
        self.thread.start()
        while self.counts.writes - before < WRITES_AT_RISK * self.options.users:
            if self.failure or time.monotonic() > deadline:
                raise self.failure or RuntimeError(f"only {self.counts.writes - before} writes were acknowledged within {RISK_TIMEOUT} s")
            time.sleep(0.05)

    def guarded(self):
        try:
            self.until_disaster()
        except Exception as error:  # A bug in the drill.
            self.failure = error

    def finish(self):
        """Waits for the requests that were in flight."""
        self.disaster.set()
        self.thread.join()
        if self.failure:
            raise self.failure
