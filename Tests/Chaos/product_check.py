"""Checks the tables of the sample product, which follows the directory with webhooks and cursors and is killed like every other process."""

import json
import os
import re
import urllib.request
from collections import Counter

from check import Check

APP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../ops/examples/product/app.py")

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


def undocumented(server):
    """The requests in the source of the product that the OpenAPI document of the server does not describe."""
    with open(APP, encoding="utf-8") as file:
        calls = re.findall(r'call\("([A-Z]+)", "([^"]+)"', file.read())
    try:
        with urllib.request.urlopen(f"{server}/api/openapi.json", timeout=60) as response:
            paths = json.load(response)["paths"]
    except OSError as error:
        return [f"/api/openapi.json: {error}"]
    found = [f"{method} {path}" for method, path in calls if method.lower() not in paths.get(path, {})]
    return found if calls else ["the source has no requests"]


def check(product, server):
    sessions = product.rows(SESSIONS)
    wrong = [f"{row['member_id']} is {row['state'] or 'deleted'}" for row in sessions if row["state"] != "active"]
    return [
        *(
            Check(f"{table} that differ between product and directory", differences, f"of {size:,}")
            for table, differences, size in product.compare()
        ),
        Check("requests of the product that are not in the OpenAPI document", undocumented(server)),
        Check("product sessions of people who are not active", wrong, f"of {len(sessions):,}"),
    ]
