#!/usr/bin/env python3
"""compare-product.py SERVER DATABASE WORKSPACE  compares the tables of the sample product with the directory of a workspace.

SERVER is the base URL of Rollcall, DATABASE the SQLite file of the product, WORKSPACE the id of the workspace. ROLLCALL_TOKEN is a token of the
workspace with the scope directory. Prints the number of users, groups and visible memberships as JSON if all are equal. Otherwise prints the differences and exits 1.
"""

import json
import os
import sqlite3
import sys
import urllib.parse
import urllib.request

STATES = ("invited", "active", "disabled")
MEMBERS = "select id, state, email, name, role from members where workspace = ?"
GROUPS = "select id, name from groups where workspace = ?"
MEMBERSHIPS = "select group_id, member_id from memberships where workspace = ?"


def get(server, path, **parameters):
    request = urllib.request.Request(f"{server}/api/v2/{path}?{urllib.parse.urlencode(parameters)}")
    request.add_header("Authorization", f"Bearer {os.environ['ROLLCALL_TOKEN']}")
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


def read_all(server, path, name, **parameters):
    """All items of a list with pages."""
    while True:
        page = get(server, path, limit=200, **parameters)
        yield from page[name]
        if "nextCursor" not in page:
            return
        parameters["cursor"] = page["nextCursor"]


def directory(server):
    """The users, groups and visible memberships of the directory, each as a set of rows."""
    columns = ("id", "state", "email", "displayName", "role")
    people = [person for state in STATES for person in read_all(server, "directory/members", "members", state=state)]
    groups = list(read_all(server, "directory/groups", "groups"))
    memberships = {
        (group["id"], member["id"]) for group in groups for member in read_all(server, f"directory/groups/{group['id']}/members", "members")
    }
    return {tuple(person.get(column) for column in columns) for person in people}, {(group["id"], group["displayName"]) for group in groups}, memberships


def product(path, workspace):
    """The same of the product's tables, of one moment."""
    database = sqlite3.connect(f"file:{urllib.parse.quote(path)}?mode=ro", uri=True)
    database.execute("begin")
    try:
        return tuple(set(database.execute(query, [workspace])) for query in (MEMBERS, GROUPS, MEMBERSHIPS))
    finally:
        database.close()


def main():
    server, path, workspace = sys.argv[1:]
    names = ("users", "groups", "memberships")
    counts, differences = {}, []
    for name, expected, found in zip(names, directory(server), product(path, workspace)):
        counts[name] = len(expected)
        differences += [f"{name}: the product lacks {row}" for row in expected - found]
        differences += [f"{name}: the product has {row}" for row in found - expected]
    print("\n".join(differences) or json.dumps(counts))
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
