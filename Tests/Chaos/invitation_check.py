"""Invitations against users: what arrived in the mailbox, what the mailer has on record, and who became invited."""

from collections import Counter, defaultdict

from check import Check
from database import rows

# Of the mailer to the mail server, each with one mail at a time, and as many mails again that are just being recorded.
CONNECTIONS = 16

RECORDS = """
select id, user_id, user_version, state, sent_at is not null as sent
from mailer.invitations
order by user_id, user_version
"""

# What a mailer was sending when it ended, from when it took it up until the next one let go of it, in seconds since 1970: in there lies the
# one window in which a mail goes out twice, between the mail server's answer and the commit.
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


def check(url, book, mails, kills):
    """Also returns the mails that were sent twice, each with the seconds from its delivery to the kill that caused that."""
    records = defaultdict(list)
    for row in rows(url, RECORDS):
        records[row["user_id"]].append(row)
    states = {row["id"]: row["state"] for row in rows(url, "select id, state from identity.users")}
    deliveries, recipients = defaultdict(list), defaultdict(set)
    for mail in mails:
        deliveries[mail.message_id].append(mail.at)
        recipients[mail.to].add(mail.message_id)
    missing, wrong = [], []
    people = [person for person in book.people if person.id]
    for person in people:
        arrived = recipients.pop(person.name, set())
        mine = records.pop(person.id, [])
        missing += missing_of(person, arrived, mine, states.get(person.id))
        wrong += wrong_of(person, arrived, mine)
    wrong += [f"{address}: a mail, and no acknowledged user" for address in recipients]
    in_doubt = defaultdict(list)
    for row in rows(url, IN_DOUBT):
        in_doubt[row["id"]].append((row["claimed"], row["released"]))
    twice, unexplained = doubled(deliveries, kills, in_doubt)
    counts = f"of {len(people):,} users; {len(deliveries):,} invitations, {len(mails):,} mails, {len(in_doubt):,} in doubt for a while"
    return twice, [
        Check("users without their invitation", missing, counts),
        Check("invitations that are not as the users are", wrong),
        Check("mails sent twice that no kill of the mailer explains", unexplained),
    ]


def missing_of(person, arrived, records, state):
    least, _ = person.invitations
    if person.deactivations == 0 and not person.is_deleted and not arrived:
        return [f"{person.name}: no mail arrived; on record: {[record['state'] for record in records]}"]
    if len(records) < least:
        return [f"{person.name}: became invited {least} times, {len(records)} on record"]
    # Whoever waits for it now has the one that came of this turn; an earlier one may have been cancelled.
    if state == "invited" and records[-1]["id"] not in arrived:
        return [f"{person.name}: is invited, and the mail of version {records[-1]['user_version']} did not arrive"]
    return []


def wrong_of(person, arrived, records):
    _, most = person.invitations
    problems = []
    if len(records) > most:
        problems.append(f"{person.name}: became invited {most} times at most, {len(records)} on record")
    if not arrived <= {record["id"] for record in records}:
        problems.append(f"{person.name}: a mail that is none of the invitations on record")
    for record in records:
        if record["sent"] and record["id"] not in arrived:
            problems.append(f"{person.name}: on record as sent, and did not arrive")
        elif record["state"] == "revoked" and not (person.deactivations > 0 or person.is_deleted):
            problems.append(f"{person.name}: revoked, though never deactivated")
        elif record["state"] == "accepted" and not person.signed_in:
            problems.append(f"{person.name}: accepted, though never signed in")
        elif record["state"] in ("scheduled", "sending", "bounced", "expired", "failed"):
            problems.append(f"{person.name}: {record['state']}")
    return problems


def doubled(deliveries, kills, in_doubt):
    """Each kill explains as many mails as can have been under way, each of which the mailer has on record as in doubt at that moment."""
    mailer = sorted(kill.at for kill in kills if kill.process == "invitation-mailer")
    twice, unexplained, explained = [], [], Counter()
    pairs = [(*pair, id) for id, times in deliveries.items() for pair in zip(sorted(times), sorted(times)[1:])]
    for first, second, id in sorted(pairs, key=lambda pair: pair[1]):
        # One that was handed over may be stored a moment after its sender's end, but not before that took it up.
        spans = [(claimed, released) for claimed, released in in_doubt.get(id, []) if claimed <= first and released <= second]
        candidates = [
            kill for kill in mailer if explained[kill] < CONNECTIONS and any(claimed <= kill <= released for claimed, released in spans)
        ]
        if candidates:
            explained[candidates[0]] += 1
            twice.append(candidates[0] - first)
        else:
            unexplained.append(f"one that was delivered at {first:.3f} came again {second - first:.3f} s later")
    return twice, unexplained
