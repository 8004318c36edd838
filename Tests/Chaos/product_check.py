"""Checks the tables of the sample product, which follows the directory with webhooks and cursors and is killed like every other process."""

import re
from collections import Counter

from check import Check

SESSIONS = """
select s.workspace, s.member_id, m.state
from sessions s
left join members m on m.workspace = s.workspace and m.id = s.member_id
where s.is_open
"""


def counts(log):
    """What the product has read, from the lines of its log."""
    found = Counter()
    for line in log:
        if match := re.search(rb"read (\d+) events after the cursor", line):
            found["events"] += int(match[1])
        elif b"read a snapshot" in line:
            found["snapshots"] += 1
    return [("events read by cursor", found["events"]), ("snapshots", found["snapshots"])]


def check(product):
    sessions = product.rows(SESSIONS)
    wrong = [f"{row['member_id']} is {row['state'] or 'deleted'}" for row in sessions if row["state"] != "active"]
    return [
        *(
            Check(f"{table} that differ between product and directory", differences, f"of {size:,}")
            for table, differences, size in product.compare()
        ),
        Check("product sessions of people who are not active", wrong, f"of {len(sessions):,}"),
    ]
