"""Compares the delivered mails and the invitations in the mailer's tables with the users that became invited."""

from collections import Counter, defaultdict

from check import Check

# The most mails that one kill of the mailer, or another fault, can cause to be sent twice: one for each connection to the mail server, and as
# many that are sent but not yet committed.
MAILS_PER_FAULT = 16

INVITATIONS = """
select id, user_id, user_version, state, sent_at is not null as sent
from mailer.invitations
order by user_id, user_version
"""

# The invitations that a mailer was sending when it was killed or lost its database session: from the claim by that mailer until the release by the next one, in seconds
# since 1970. A mail can be sent twice only in this period, if the mailer is killed between the response of the mail server and the commit.
IN_DOUBT = """
select
  h.invitation_id as id,
  (
    select extract(epoch from max(claim.at))
    from mailer.invitation_history claim
    where claim.workspace_id = h.workspace_id and claim.invitation_id = h.invitation_id and claim.state = 'sending' and claim.id < h.id
  ) as claimed,
  extract(epoch from h.at) as released
from mailer.invitation_history h
where h.reason like 'the mailer ended while sending it%'
"""


def check(database, ledger, mails, injector):
    """Returns the seconds from the delivery of each duplicated mail to the fault that caused it, and the checks."""
    invitations = defaultdict(list)
    for row in database.rows(INVITATIONS):
        invitations[row["user_id"]].append(row)
    states = {row["id"]: row["state"] for row in database.rows("select id, state from identity.users")}
    deliveries, recipients = defaultdict(list), defaultdict(set)
    for mail in mails:
        deliveries[mail.message_id].append(mail.at)
        recipients[mail.to].add(mail.message_id)
    missing, wrong = [], []
    users = [user for user in ledger.users if user.id]
    for user in users:
        delivered = recipients.pop(user.name, set())
        own = invitations.pop(user.id, [])
        missing += missing_problems(user, delivered, own, states.get(user.id))
        wrong += wrong_problems(user, delivered, own)
    wrong += [f"{address}: received a mail, but is not an acknowledged user" for address in recipients]
    in_doubt = defaultdict(list)
    for row in database.rows(IN_DOUBT):
        in_doubt[row["id"]].append((row["claimed"], row["released"]))
    duplicates, unexplained = find_duplicates(deliveries, causes(injector), in_doubt)
    counts = f"of {len(users):,} users; {len(deliveries):,} invitations, {len(mails):,} mails, {len(in_doubt):,} interrupted"
    return duplicates, [
        Check("users without an invitation", missing, counts),
        Check("invitations that do not match their user", wrong),
        Check("duplicate mails not explained by a fault", unexplained),
    ]


def missing_problems(user, delivered, invitations, state):
    least, _ = user.invitations
    if user.deactivations == 0 and not user.is_deleted and not delivered:
        return [f"{user.name}: no mail was delivered; the invitations are {[invitation['state'] for invitation in invitations]}"]
    if len(invitations) < least:
        return [f"{user.name}: became invited {least} times, but has {len(invitations)} invitations"]
    # The latest invitation of an invited user must be delivered; an earlier one may have been cancelled.
    if state == "invited" and invitations[-1]["id"] not in delivered:
        return [f"{user.name}: is invited, but the mail of version {invitations[-1]['user_version']} was not delivered"]
    return []


def wrong_problems(user, delivered, invitations):
    _, most = user.invitations
    problems = []
    if len(invitations) > most:
        problems.append(f"{user.name}: became invited at most {most} times, but has {len(invitations)} invitations")
    if not delivered <= {invitation["id"] for invitation in invitations}:
        problems.append(f"{user.name}: received a mail without an invitation")
    for invitation in invitations:
        if invitation["sent"] and invitation["id"] not in delivered:
            problems.append(f"{user.name}: recorded as sent, but was not delivered")
        elif invitation["state"] == "revoked" and not (user.deactivations > 0 or user.is_deleted):
            problems.append(f"{user.name}: revoked, but never deactivated")
        elif invitation["state"] == "accepted" and not user.signed_in:
            problems.append(f"{user.name}: accepted, but never signed in")
        elif invitation["state"] in ("scheduled", "sending", "bounced", "expired", "failed"):
            problems.append(f"{user.name}: {invitation['state']}")
    return problems


def causes(injector):
    """The kills of the mailer, which are moments, and the other faults that may repeat mails, as pairs of times in the order of their begin."""
    kills = [(kill.at, kill.at) for kill in injector.kills if kill.process == "invitation-mailer"]
    return sorted(kills + [(fault.began, fault.ended) for fault in injector.injected if fault.may_repeat_mails])


def explains(cause, first, spans):
    """Whether the mail was in doubt when the fault happened."""
    began, ended = cause
    if any(claimed <= ended and began <= released for claimed, released in spans):
        return True
    # If only the connection to the mail server was lost, there is no record: the mailer tries again. A kill has no duration.
    return began < ended and began - 1 <= first <= ended + 1


def find_duplicates(deliveries, causes, in_doubt):
    """Assigns each mail that was delivered twice to a fault during the period in which it was in doubt.

    Returns the seconds from the first delivery to that fault, and descriptions of the mails that no fault explains.
    """
    duplicates, unexplained, explained = [], [], Counter()
    pairs = [(*pair, id) for id, times in deliveries.items() for pair in zip(sorted(times), sorted(times)[1:])]
    for first, second, id in sorted(pairs, key=lambda pair: pair[1]):
        # The mail server may store the mail a moment after the fault, but not before the claim.
        spans = [(claimed, released) for claimed, released in in_doubt.get(id, []) if claimed <= first and released <= second]
        candidates = [cause for cause in causes if explained[cause] < MAILS_PER_FAULT and explains(cause, first, spans)]
        if candidates:
            explained[candidates[0]] += 1
            duplicates.append(max(0.0, candidates[0][0] - first))
        else:
            unexplained.append(f"a mail delivered at {first:.3f} was delivered again {second - first:.3f} s later")
    return duplicates, unexplained
