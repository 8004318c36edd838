"""The threads of the test: workers that provision users and groups, and a thread that reports sign-ins."""

import threading
import time
from functools import partial
from itertools import cycle

import provisioning
from identity_provider import RetriesExhausted, UnexpectedResponse


class WorkerPool:
    """Provisions in three stages. Within a stage, work runs in any order, and each resource has at most one item.

    After the last stage, workers make further changes until `end`, or without an `end` until `is_done()`. No work starts after `end`.
    """

    def __init__(self, providers, ledger, random, end):
        self.providers = providers
        self.ledger = ledger
        self.random = random
        self.end = end
        self.lock = threading.Lock()
        self.failure = None

    def run(self, is_done):
        users, groups = self.ledger.users, self.ledger.groups
        self.run_stage(partial(provisioning.assign, user=user) for user in users)
        self.run_stage(
            self.shuffled(
                [partial(provisioning.push, group=group) for group in groups]
                + [partial(provisioning.update, user=user) for user in users if user.plan == "stays" and user.is_updated]
                + [partial(provisioning.unassign, user=user) for user in users if user.plan in ("leaves", "returns")]
            )
        )
        self.run_stage(
            self.shuffled(
                [partial(provisioning.change, group=group) for group in groups]
                + [partial(provisioning.reassign, user=user) for user in users if user.plan == "returns"]
                + [partial(provisioning.delete, user=user) for user in users if user.plan == "deleted"]
            )
        )
        self.run_stage(self.further_changes(is_done))

    def further_changes(self, is_done):
        users = [user for user in self.ledger.users if user.plan != "deleted" and user.exists]
        for user in cycle(users):
            if self.end is None and is_done():
                return
            yield partial(provisioning.change_again, user=user)

    def shuffled(self, work):
        self.random.shuffle(work)
        return work

    def run_stage(self, work):
        """Returns when all work is done, or when `end` has passed and the started work is done."""
        work = iter(work)
        threads = [threading.Thread(target=self.run_worker, args=(provider, work), daemon=True) for provider in self.providers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self.failure:
            raise self.failure

    def run_worker(self, provider, work):
        while self.failure is None and (self.end is None or time.monotonic() < self.end):
            with self.lock:
                item = next(work, None)
            if item is None:
                return
            try:
                item(provider)
            except (RetriesExhausted, UnexpectedResponse):
                pass  # Already recorded, and the ledger entry is in doubt.
            except Exception as error:  # A bug in the test.
                self.failure = error


# Every tenth user signs in to the sample product, which reports it and waits for the outcome.
PRODUCT_SIGN_INS = 10


class SignIns(threading.Thread):
    """Reports the sign-in of users whose invitation has arrived, or signs them in to the sample product, if there is one."""

    def __init__(self, provider, product, ledger, mailbox):
        super().__init__(daemon=True)
        self.provider = provider
        self.product = product
        self.ledger = ledger
        self.mailbox = mailbox
        self.stopping = threading.Event()
        self.failure = None

    def run(self):
        try:
            is_last = False
            while not is_last:
                is_last = self.stopping.wait(0.5)
                for mail in self.mailbox.poll():
                    user = self.ledger.by_email.get(mail.to)
                    if user and user.signs_in and not user.signed_in:
                        self.sign_in(user)
        except Exception as error:
            self.failure = error

    def sign_in(self, user):
        try:
            if self.product and user.number % PRODUCT_SIGN_INS == 0:
                self.product.sign_in(user)
            else:
                provisioning.sign_in(self.provider, user)
        except (RetriesExhausted, UnexpectedResponse):
            user.is_in_doubt = True

    def finish(self):
        """Reports the sign-ins for the mails that have arrived, and stops."""
        self.stopping.set()
        self.join()
        if self.failure:
            raise self.failure
