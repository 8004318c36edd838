"""Finds the acknowledged writes that a restored suite does not have, and decides which of these losses are expected."""

from dataclasses import dataclass, field

from store_check import list_all, user_problems


@dataclass
class Moments:
    """Seconds since 1970, by the clock of this machine, on which PostgreSQL runs too."""

    # When all WAL was archived. What was acknowledged before must not be lost.
    archived: float
    # The last transaction that was restored; None if PostgreSQL was not destroyed.
    restored: float | None
    kafka_lost: bool

    def may_lose(self, acknowledged):
        """Whether a write that was acknowledged at this time may be lost: it was committed after the last archived WAL."""
        return self.restored is not None and acknowledged is not None and acknowledged > max(self.restored, self.archived)


@dataclass
class Losses:
    """Descriptions of what is lost."""

    expected_writes: list = field(default_factory=list)
    expected_sign_ins: list = field(default_factory=list)
    unexpected: list = field(default_factory=list)
    # Entries whose last write has no response: the identity provider sends it again.
    unanswered: int = 0
    compared: int = 0


def find(provider, database, load, moments):
    """Compares the restored store with the ledger of acknowledged writes."""
    users = list_all(provider, "Users")
    groups = list_all(provider, "Groups", "&excludedAttributes=members")
    states = {row["id"]: row["state"] for row in database.rows("select id, state from identity.users")}
    losses = Losses()
    late = {entry for entry, acknowledged in load.written.items() if moments.may_lose(acknowledged)}
    for user in load.ledger.users:
        if user.is_in_doubt:
            losses.unanswered += 1
        elif user.id:
            losses.compared += 1
            add_user(losses, user, users.get(user.id), states.get(user.id), load, late, moments)
    uncertain = {user.id for user in load.ledger.users if user in late or user.is_in_doubt}
    for group in load.ledger.groups:
        if group.is_in_doubt:
            losses.unanswered += 1
        elif group.id:
            losses.compared += 1
            stored = provider.send("GET", f"/Groups/{group.id}").json if group.id in groups else None
            problems = group_problems(group, stored, uncertain)
            (losses.expected_writes if group in late else losses.unexpected).extend(problems)
    return losses


def add_user(losses, user, stored, state, load, late, moments):
    problems = user_problems(user, stored, state)
    if not problems:
        return
    if user in late:
        losses.expected_writes += problems
    elif stored and moments.kafka_lost and user in load.signed_in and state == "invited" and len(problems) == 1:
        # The sign-in was on Kafka, and not processed yet.
        losses.expected_sign_ins += problems
    else:
        losses.unexpected += problems


def group_problems(group, stored, uncertain):
    """`uncertain`: the ids of users whose own last write may be lost, or was not answered."""
    if group.is_deleted:
        return [f"{group.name}: deleted but still stored"] if stored else []
    if stored is None:
        return [f"{group.name}: {group.id} is not stored"]
    problems = [] if stored["displayName"] == group.name else [f"{group.name}: stored with the name {stored['displayName']}"]
    found = {member["value"] for member in stored.get("members", [])}
    different = (found ^ group.member_ids) - uncertain
    return problems + [f"{group.name}: member {user} differs" for user in sorted(different)]
