"""Waits until everything that was acknowledged has come everywhere."""

import time

from database import rows

# How long nothing may have changed before that is taken for the end.
PATIENCE = 60

UNDONE = """
select
  (select count(*) from identity.outbox) as "events in identity.outbox",
  (select count(*) from directory.outbox) as "events in directory.outbox",
  (select count(*) from mailer.outbox) as "events in mailer.outbox",
  (select count(*) from mailer.invitations where state in ('scheduled', 'sending')) as "invitations to be sent",
  (
    select count(*)
    from identity.users u
    full join mailer.users m on m.workspace_id = u.workspace_id and m.user_id = u.id
    where u.version is distinct from m.version and not (u.id is null and m.state = 'deleted')
  ) as "users of another version in mailer",
  (
    select count(*)
    from identity.users u
    full join directory.members m on m.workspace_id = u.workspace_id and m.id = u.id
    where u.version is distinct from m.version and not (u.id is null and m.state = 'deleted')
  ) as "users of another version in directory",
  (
    select count(*)
    from identity.groups g
    full join directory.groups d on d.workspace_id = g.workspace_id and d.id = g.id
    where g.version is distinct from d.version and not (g.id is null and d.display_name is null)
  ) as "groups of another version in directory"
"""


def undone(url, book):
    """What is still on its way: its name to how many there are."""
    left = rows(url, UNDONE)[0]
    invited = {row["id"] for row in rows(url, "select id from identity.users where state = 'invited'")}
    left["sign-ins without effect"] = sum(person.states == {"active"} and person.id in invited for person in book.people)
    return {name: count for name, count in left.items() if count}


def settle(url, book):
    """Returns how long it took, and what was still undone when it had stopped to change."""
    began = changed = time.monotonic()
    left, was_clear = None, False
    while True:
        before, left = left, undone(url, book)
        now = time.monotonic()
        # Twice in a row: a promotion is for a moment on none of these lists.
        if not left and was_clear:
            return now - began, left
        was_clear = not left
        if left != before:
            changed = now
        elif left and now - changed > PATIENCE:
            return now - began, left
        time.sleep(2)
