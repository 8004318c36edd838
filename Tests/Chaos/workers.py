"""The identity provider's requests in flight, as threads that take one piece of work after the other."""

import threading
import time
from functools import partial
from itertools import cycle

import provisioning
from identity_provider import GivenUp, Refused


class Workforce:
    """Carries out the work in three stages, within each of which it comes in any order; a resource has one piece in each.

    Where it is done before `end`, changes go on; without an `end`, until `is_enough()`. Nothing new is begun after `end`."""

    def __init__(self, providers, book, random, end):
        self.providers = providers
        self.book = book
        self.random = random
        self.end = end
        self.lock = threading.Lock()
        self.failure = None

    def run(self, is_enough):
        people, groups = self.book.people, self.book.groups
        self.carry_out(partial(provisioning.assign, person=person) for person in people)
        self.carry_out(
            self.shuffled(
                [partial(provisioning.push, group=group) for group in groups]
                + [partial(provisioning.update, person=person) for person in people if person.fate == "stays" and person.is_updated]
                + [partial(provisioning.unassign, person=person) for person in people if person.fate in ("leaves", "returns")]
            )
        )
        self.carry_out(
            self.shuffled(
                [partial(provisioning.change, group=group) for group in groups]
                + [partial(provisioning.reassign, person=person) for person in people if person.fate == "returns"]
                + [partial(provisioning.delete, person=person) for person in people if person.fate == "deleted"]
            )
        )
        self.carry_out(self.changes_until(is_enough))

    def changes_until(self, is_enough):
        people = [person for person in self.book.people if person.fate != "deleted" and person.exists]
        for person in cycle(people):
            if self.end is None and is_enough():
                return
            yield partial(provisioning.change_again, person=person)

    def shuffled(self, work):
        self.random.shuffle(work)
        return work

    def carry_out(self, work):
        """Returns when all of it is done, or begun and then `end` has come."""
        work = iter(work)
        threads = [threading.Thread(target=self.toil, args=(provider, work), daemon=True) for provider in self.providers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self.failure:
            raise self.failure

    def toil(self, provider, work):
        while self.failure is None and (self.end is None or time.monotonic() < self.end):
            with self.lock:
                piece = next(work, None)
            if piece is None:
                return
            try:
                piece(provider)
            except (GivenUp, Refused):
                pass  # Counted, and the entry of the book is in doubt.
            except Exception as error:  # A mistake here, not in the suite.
                self.failure = error


class SignIns(threading.Thread):
    """People who sign in once they have their mail."""

    def __init__(self, provider, book, mailbox):
        super().__init__(daemon=True)
        self.provider = provider
        self.book = book
        self.mailbox = mailbox
        self.ending = threading.Event()
        self.failure = None

    def run(self):
        try:
            is_last = False
            while not is_last:
                is_last = self.ending.wait(0.5)
                for mail in self.mailbox.look():
                    person = self.book.by_email.get(mail.to)
                    if person and person.signs_in and not person.signed_in:
                        self.sign_in(person)
        except Exception as error:
            self.failure = error

    def sign_in(self, person):
        try:
            provisioning.sign_in(self.provider, person)
        except (GivenUp, Refused):
            person.is_in_doubt = True

    def finish(self):
        """Lets those sign in who have their mail by now."""
        self.ending.set()
        self.join()
        if self.failure:
            raise self.failure
