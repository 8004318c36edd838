"""The book: what the identity provider was told of each user and group, by acknowledged writes alone."""

from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock


@dataclass(eq=False)
class Entry:
    name: str
    id: str | None = None
    is_deleted: bool = False
    # A write whose outcome the identity provider never heard of: the entry can't be checked.
    is_in_doubt: bool = False

    @contextmanager
    def writing(self):
        """Around a write and its entry in the book."""
        self.is_in_doubt = True
        yield
        self.is_in_doubt = False

    @property
    def exists(self):
        return self.id is not None and not self.is_deleted


@dataclass(eq=False)
class Person(Entry):
    """What is planned for a user, and what was acknowledged."""

    number: int = 0
    # Held by whoever has the person in hand, where more than one may want to.
    turn: Lock = field(default_factory=Lock)
    # "stays", "leaves" (is deactivated), "returns" (and reactivated), or "deleted".
    fate: str = "stays"
    is_updated: bool = False
    signs_in: bool = False

    title: str | None = None
    active: bool = True
    deactivations: int = 0
    reactivations: int = 0
    # The sign-in was acknowledged.
    signed_in: bool = False

    @property
    def display_name(self):
        return f"Person {self.number}"

    @property
    def states(self):
        """The states that the store may have the user in. A sign-in that met a deactivation may have come before or after it."""
        if not self.active:
            return {"disabled"}
        if not self.signed_in:
            return {"invited"}
        return {"active"} if self.deactivations == 0 else {"active", "invited"}

    @property
    def invitations(self):
        """How often the person became invited: at least, and at most."""
        most = 1 + self.reactivations
        return (1 if self.signed_in else most), most


@dataclass(eq=False)
class Group(Entry):
    planned: list = field(default_factory=list)
    # What is done with it later: "shrinks", "renamed", "pushed" (all members again), or "deleted".
    fate: str = "renamed"
    members: set = field(default_factory=set)

    @property
    def member_ids(self):
        """A deleted user is in no group."""
        return {person.id for person in self.members if not person.is_deleted}


class Book:
    def __init__(self, users, groups, random):
        self.people = [self.person(number, random) for number in range(1, users + 1)]
        self.groups = [self.group(number, users, groups, random) for number in range(1, groups + 1)]
        self.by_email = {person.name: person for person in self.people}

    @staticmethod
    def person(number, random):
        fate = random.choices(["stays", "leaves", "returns", "deleted"], [82, 8, 8, 2])[0]
        return Person(
            f"person{number}@example.com",
            number=number,
            fate=fate,
            is_updated=random.random() < 0.2,
            signs_in=fate != "deleted" and random.random() < 0.4,
        )

    def group(self, number, users, groups, random):
        size = random.randint(1, max(2, 2 * users // groups))
        return Group(
            f"Team {number}",
            planned=random.sample(self.people, min(size, users)),
            fate=random.choices(["shrinks", "renamed", "pushed", "deleted"], [40, 25, 30, 5])[0],
        )
