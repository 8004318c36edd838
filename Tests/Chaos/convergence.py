"""Waits until every acknowledged write has taken effect in all services."""

import time

# Gives up if nothing has changed for this many seconds.
QUIET_TIMEOUT = 60

PENDING = """
select
  (select count(*) from identity.outbox) as "events in identity.outbox",
  (select count(*) from directory.outbox) as "events in directory.outbox",
  (select count(*) from mailer.outbox) as "events in mailer.outbox",
  (select count(*) from mailer.invitations where state in ('scheduled', 'sending')) as "invitations to send",
  (
    select count(*)
    from identity.users u
    full join mailer.users m on m.workspace_id = u.workspace_id and m.user_id = u.id
    where u.version is distinct from m.version and not (u.id is null and m.state = 'deleted')
  ) as "users with another version in mailer",
  (
    select count(*)
    from identity.users u
    full join directory.members m on m.workspace_id = u.workspace_id and m.id = u.id
    where u.version is distinct from m.version and not (u.id is null and m.state = 'deleted')
  ) as "users with another version in directory",
  (
    select count(*)
    from identity.groups g
    full join directory.groups d on d.workspace_id = g.workspace_id and d.id = g.id
    where g.version is distinct from d.version and not (g.id is null and d.display_name is null)
  ) as "groups with another version in directory",
  (
    select coalesce(sum(s.last_sequence - coalesce(c.last_sequence, 0)), 0)::int8
    from directory.webhook_endpoints e
    join directory.event_sequences s on s.workspace_id = e.owner_id
    left join directory.webhook_cursors c on c.owner_id = e.owner_id and c.endpoint_id = e.id and c.workspace_id = s.workspace_id
    where s.last_sequence > coalesce(c.last_sequence, 0)
  ) as "events that a webhook endpoint has not received"
"""


def pending(suite, ledger):
    """Returns the number of unfinished items by name, without those that are zero."""
    database = suite.database
    counts = database.rows(PENDING)[0]
    invited = {row["id"] for row in database.rows("select id from identity.users where state = 'invited'")}
    counts["sign-ins without effect"] = sum(user.states == {"active"} and user.id in invited for user in ledger.users)
    counts = {name: count for name, count in counts.items() if count}
    # The product comes last, because its events do.
    if suite.product and not counts:
        differences = sum(len(differences) for _, differences, _ in suite.product.compare())
        counts = {"rows of the sample product that differ": differences} if differences else {}
    return counts


def await_convergence(suite, ledger):
    """Returns the seconds waited, and what was still pending when nothing changed any more."""
    began = changed = time.monotonic()
    remaining, was_empty = None, False
    while True:
        before, remaining = remaining, pending(suite, ledger)
        now = time.monotonic()
        # Twice in a row, because a promotion command in Kafka is in none of these counts.
        if not remaining and was_empty:
            return now - began, remaining
        was_empty = not remaining
        if remaining != before:
            changed = now
        elif remaining and now - changed > QUIET_TIMEOUT:
            return now - began, remaining
        time.sleep(2)
