"""The ledger: the state of each user and group according to the writes that the suite has acknowledged."""

from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock


@dataclass(eq=False)
class Entry:
    name: str
    id: str | None = None
    is_deleted: bool = False
    # The outcome of a write is unknown, so the checks skip this entry.
    is_in_doubt: bool = False

    @contextmanager
    def writing(self):
        """Surrounds a write and its update of the ledger; the entry stays in doubt if the write raises."""
        self.is_in_doubt = True
        yield
        self.is_in_doubt = False

    @property
    def exists(self):
        return self.id is not None and not self.is_deleted


@dataclass(eq=False)
class User(Entry):
    """The planned changes of a user, and the acknowledged state."""

    number: int = 0
    # Held during changes that several threads could make at the same time.
    lock: Lock = field(default_factory=Lock)
    # "stays", "leaves" (deactivated), "returns" (deactivated and reactivated), or "deleted".
    plan: str = "stays"
    is_updated: bool = False
    signs_in: bool = False

    title: str | None = None
    active: bool = True
    deactivations: int = 0
    reactivations: int = 0
    # A sign-in was acknowledged.
    signed_in: bool = False

    @property
    def display_name(self):
        return f"User {self.number}"

    @property
    def states(self):
        """The allowed states in the store. A sign-in that is concurrent with a deactivation may take effect before or after it."""
        if not self.active:
            return {"disabled"}
        if not self.signed_in:
            return {"invited"}
        return {"active"} if self.deactivations == 0 else {"active", "invited"}

    @property
    def invitations(self):
        """The minimum and maximum number of times that the user became invited."""
        most = 1 + self.reactivations
        return (1 if self.signed_in else most), most


@dataclass(eq=False)
class Group(Entry):
    planned: list = field(default_factory=list)
    # The later change: "shrinks", "renamed", "pushed" (all members again), or "deleted".
    plan: str = "renamed"
    members: set = field(default_factory=set)

    @property
    def member_ids(self):
        """The ids of the members that are not deleted; a deleted user is in no group."""
        return {user.id for user in self.members if not user.is_deleted}


class Ledger:
    def __init__(self, users, groups, random):
        self.users = [self.user(number, random) for number in range(1, users + 1)]
        self.groups = [self.group(number, users, groups, random) for number in range(1, groups + 1)]
        self.by_email = {user.name: user for user in self.users}

    @staticmethod
    def user(number, random):
        plan = random.choices(["stays", "leaves", "returns", "deleted"], [82, 8, 8, 2])[0]
        return User(
            f"user{number}@example.com",
            number=number,
            plan=plan,
            is_updated=random.random() < 0.2,
            signs_in=plan != "deleted" and random.random() < 0.4,
        )

    def group(self, number, users, groups, random):
        size = random.randint(1, max(2, 2 * users // groups))
        return Group(
            f"Team {number}",
            planned=random.sample(self.users, min(size, users)),
            plan=random.choices(["shrinks", "renamed", "pushed", "deleted"], [40, 25, 30, 5])[0],
        )
