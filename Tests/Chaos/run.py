"""One run of the test: provisions with several workers while processes are killed."""

import os
import random
import threading
import time

import faults
from counts import Counts
from fault_injection import FaultInjector
from identity_provider import IdentityProvider
from ledger import Ledger
from rolling_upgrade import RollingUpgrade
from workers import SignIns, WorkerPool

# The number of acknowledged writes before the first kill.
WRITES_BEFORE_KILLS = 50

# Seconds between progress messages.
PROGRESS_INTERVAL = 15


class Run:
    """`options` are those of the command line. Environment: ROLLCALL_SCIM_URL and ROLLCALL_TOKEN."""

    def __init__(self, options, suite):
        self.options = options
        self.suite = suite
        self.url, self.token = os.environ["ROLLCALL_SCIM_URL"], os.environ["ROLLCALL_TOKEN"]
        self.counts = Counts()
        self.ledger = Ledger(options.users, options.groups, self.random("ledger"))
        self.fault_injector = RollingUpgrade() if options.upgrade else self.injector()
        self.stopping = threading.Event()
        self.seconds = 0.0

    def injector(self):
        others = faults.create(self.options.faults, self.suite, self.random("other faults"))
        return FaultInjector(self.suite, others, self.random("faults"), lambda: self.counts.writes)

    def random(self, purpose):
        """Returns a random number generator for one part of the test, so that its choices do not depend on the timing of the others."""
        return random.Random(f"{self.options.seed} {purpose}")

    def provider(self, purpose):
        return IdentityProvider(self.url, self.token, self.counts, self.random(purpose))

    def provision(self):
        began = time.monotonic()
        providers = [self.provider(f"worker {number}") for number in range(self.options.workers)]
        sign_ins = SignIns(self.provider("sign-ins"), self.suite.product, self.ledger, self.suite.mailbox)
        end = began + self.options.seconds if self.options.seconds else None
        workers = WorkerPool(providers, self.ledger, self.random("work"), end)
        monitor = threading.Thread(target=self.monitor, args=(began,), daemon=True)
        monitor.start()
        sign_ins.start()
        try:
            workers.run(is_done=self.fault_injector.is_complete)
            sign_ins.finish()
        finally:
            self.stopping.set()
            monitor.join()
            self.fault_injector.finish()
        self.seconds = time.monotonic() - began

    def monitor(self, began):
        """Starts the fault injector after the first writes, and prints the progress."""
        while self.counts.writes < WRITES_BEFORE_KILLS:
            if self.stopping.wait(0.05):
                return
        self.fault_injector.start()
        while not self.stopping.wait(PROGRESS_INTERVAL):
            print(
                f"  {time.monotonic() - began:4.0f} s  {self.counts.writes} writes acknowledged, {len(self.suite.mailbox.mails)} mails, "
                f"{self.fault_injector.progress}",
                flush=True,
            )

    def await_readiness(self, seconds=60):
        """Waits until every process is ready. Returns those that are not ready in time."""
        deadline = time.monotonic() + seconds
        while True:
            not_ready = self.suite.not_ready()
            if not not_ready or time.monotonic() > deadline:
                return not_ready
            time.sleep(0.5)
