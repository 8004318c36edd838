"""Compares the delivered mails with the invitations of the restored suite, and decides which mails are expected to be lost or sent twice."""

from collections import Counter, defaultdict

from check import Check

# The invitations that were recorded as sent. Others may have been sent, too, also those that a restored database does not have yet: the mailer
# makes them again, with the same ids, from events that it has not processed.
SENT = "select id from mailer.invitations where sent_at is not null"

INVITATIONS = """
select id, user_id, state, sent_at is not null as sent
from mailer.invitations
order by user_id, user_version
"""


def sent(database):
    return {row["id"] for row in database.rows(SENT)}


def check(database, ledger, mails, moments, sent_when_restored):
    """Returns the number of mails whose invitation is lost, of mails that were sent twice, and the checks."""
    invitations, recorded = defaultdict(list), set()
    for row in database.rows(INVITATIONS):
        invitations[row["user_id"]].append(row)
        recorded.add(row["id"])
    states = {row["id"]: row["state"] for row in database.rows("select id, state from identity.users")}
    delivered = {mail.message_id for mail in mails}
    addresses = {mail.to for mail in mails}
    missing, wrong = [], []
    users = [user for user in ledger.users if user.exists]
    for user in users:
        own = invitations[user.id]
        # Somebody who was deactivated may have been so before the mail was sent.
        if user.name not in addresses and user.deactivations == 0:
            missing.append(f"{user.name}: no mail was delivered; the invitations are {[invitation['state'] for invitation in own]}")
        elif states.get(user.id) == "invited" and not (own and own[-1]["id"] in delivered):
            missing.append(f"{user.name}: is invited, but the mail of the last invitation was not delivered")
        if len(own) > user.invitations[1]:
            wrong.append(f"{user.name}: became invited at most {user.invitations[1]} times, but has {len(own)} invitations")
        wrong += [f"{user.name}: recorded as sent, but was not delivered" for row in own if row["sent"] and row["id"] not in delivered]
        wrong += [f"{user.name}: {row['state']}" for row in own if row["state"] in ("scheduled", "sending", "bounced", "failed")]
    wrong += [f"{address}: received a mail, but is not assigned" for address in addresses if address not in ledger.by_email]
    # Mails of the lost history.
    forgotten = [mail for mail in mails if mail.message_id not in recorded]
    wrong += [
        f"{mail.to}: the invitation of a mail of {mail.at:.3f} is lost, which was sent before the restored moment"
        for mail in forgotten
        if moments.restored is None or mail.at <= max(moments.restored, moments.archived)
    ]
    repeated = [id for id, count in Counter(mail.message_id for mail in mails).items() if count > 1]
    wrong += [f"{id}: the mail was sent twice, although it was recorded as sent" for id in repeated if id in sent_when_restored]
    return len(forgotten), len(repeated), [
        Check("users without an invitation", missing, f"of {len(users):,} users"),
        Check("mails that do not match the invitations", wrong, f"{len(mails):,} mails"),
    ]
