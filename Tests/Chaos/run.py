"""The identity provider and the killer at work, at the same time."""

import os
import random
import subprocess
import threading
import time

from book import Book
from identity_provider import IdentityProvider
from killer import WEIGHTS, Killer
from logs import Logs
from mailbox import Mailbox
from tally import Tally
from workforce import SignIns, Workforce

HERE = os.path.dirname(os.path.abspath(__file__))

# How many writes are acknowledged before the first kill.
UNDER_WAY = 50

# How many seconds lie between two lines about the progress.
PROGRESS = 15


class Run:
    """`options` are those of the command; the suite is the one of the environment."""

    def __init__(self, options):
        self.options = options
        self.url, self.token = os.environ["ROLLCALL_SCIM_URL"], os.environ["ROLLCALL_TOKEN"]
        self.database = os.environ["ROLLCALL_DATABASE_URL"]
        self.tally = Tally()
        self.book = Book(options.users, options.groups, self.random("book"))
        self.mailbox = Mailbox(os.environ["ROLLCALL_MAIL_DIR"])
        self.killer = Killer(os.path.join(HERE, "strike"), self.random("killer"))
        self.logs = Logs(os.path.join(options.local, "logs"), [name for name in WEIGHTS if name not in ("postgres", "broker")])
        self.ending = threading.Event()
        self.seconds = 0.0

    def random(self, purpose):
        """Chances of its own for each part, so that none depends on how fast another is."""
        return random.Random(f"{self.options.seed} {purpose}")

    def provider(self, purpose):
        return IdentityProvider(self.url, self.token, self.tally, self.random(purpose))

    def provision(self):
        began = time.monotonic()
        providers = [self.provider(f"worker {number}") for number in range(self.options.workers)]
        sign_ins = SignIns(self.provider("sign-ins"), self.book, self.mailbox)
        workforce = Workforce(
            providers, self.book, self.random("work"), began + self.options.seconds if self.options.seconds else None
        )
        watch = threading.Thread(target=self.watch, args=(began,), daemon=True)
        watch.start()
        sign_ins.start()
        try:
            workforce.run(is_enough=self.killer.has_struck_all)
            sign_ins.finish()
        finally:
            self.ending.set()
            watch.join()
            self.killer.finish()
        self.seconds = time.monotonic() - began

    def watch(self, began):
        """Lets the killer begin when the work is under way, and says now and then how far it has come."""
        while self.tally.writes < UNDER_WAY:
            if self.ending.wait(0.05):
                return
        self.killer.start()
        while not self.ending.wait(PROGRESS):
            print(
                f"  {time.monotonic() - began:4.0f} s  {self.tally.writes} writes acknowledged, {len(self.mailbox.mails)} mails, "
                f"{len(self.killer.kills)} kills",
                flush=True,
            )

    def await_readiness(self, seconds=60):
        """Returns what is still not well after as many seconds."""
        deadline = time.monotonic() + seconds
        while True:
            status = subprocess.run([os.path.join(HERE, "../../status")], capture_output=True, text=True)
            if status.returncode == 0:
                return []
            if time.monotonic() > deadline:
                return [line for line in status.stdout.splitlines()[1:] if " ready " not in line] or [status.stderr.strip()]
            time.sleep(0.5)
