"""The product's copy of the directory, and its sessions, in SQLite."""

import json
import sqlite3
import threading
from contextlib import contextmanager

SCHEMA = """
pragma journal_mode = wal;
create table if not exists progress (one integer primary key check (one = 1), cursor text not null);
create table if not exists workspaces (id text primary key, last_sequence integer not null);
create table if not exists members (workspace text, id text, state text, email text, name text, role text, document text, primary key (workspace, id));
create table if not exists groups (workspace text, id text, name text, primary key (workspace, id));
create table if not exists memberships (workspace text, group_id text, member_id text, primary key (workspace, group_id, member_id));
create table if not exists sessions (id text primary key, workspace text, member_id text, is_open integer);
delete from sessions where not is_open;
"""


class Directory:
    def __init__(self, path):
        self.database = sqlite3.connect(path, check_same_thread=False)
        self.database.row_factory = sqlite3.Row
        self.database.executescript(SCHEMA)
        self.lock = threading.Lock()

    @contextmanager
    def transaction(self):
        """Commits at the end, or changes nothing if the body raises. One thread at a time."""
        with self.lock, self.database:
            yield self.database.execute

    def receive(self, event):
        """Stores the event of a webhook. Returns False if events before it are missing, which the events API has."""
        with self.transaction() as run:
            last = last_sequence(run, event)
            if last is not None and event["sequence"] <= last:
                return True
            is_next = last is not None and event["sequence"] == last + 1
            # A revocation may be sent ahead of other events, and applies at once.
            if is_next or event["type"] == "access-revoked":
                apply(run, event)
            if is_next:
                run("update workspaces set last_sequence = last_sequence + 1 where id = ?", [event["workspace"]])
            return is_next

    def store_page(self, events, cursor):
        """Stores the events that no webhook has brought, and the cursor with them."""
        with self.transaction() as run:
            for event in events:
                if event["sequence"] > (last_sequence(run, event) or 0):
                    apply(run, event)
                    run("insert or replace into workspaces values (?, ?)", [event["workspace"], event["sequence"]])
            run("insert or replace into progress values (1, ?)", [cursor])

    def store_snapshot(self, lines, cursor):
        """Replaces everything. Sessions end, because revocations may have been missed."""
        with self.transaction() as run:
            for table in ("workspaces", "members", "groups", "memberships", "sessions"):
                run(f"delete from {table}")
            for line in lines:
                apply(run, line)
            run("insert or replace into progress values (1, ?)", [cursor])


def last_sequence(run, event):
    """The number of the last stored event of the workspace; None after a snapshot, until a page has the next event."""
    row = run("select last_sequence from workspaces where id = ?", [event["workspace"]]).fetchone()
    return row and row["last_sequence"]


def apply(run, change):
    """Applies an event, or a line of a snapshot. Types that a later version adds change nothing."""
    workspace, member, group = change["workspace"], change.get("member", {}), change.get("group", {})
    match change["type"]:
        case "access-revoked":
            run("delete from sessions where (workspace, member_id) = (?, ?)", [workspace, member["id"]])
            run("update members set state = 'disabled' where (workspace, id) = (?, ?)", [workspace, member["id"]])
        case "member.deleted" | "group.deleted":
            subject = [workspace, (member or group)["id"]]
            run("delete from members where (workspace, id) = (?, ?)", subject)
            run("delete from groups where (workspace, id) = (?, ?)", subject)
            run("delete from memberships where workspace = ? and ? in (group_id, member_id)", subject)
        case "group" | "group.created" | "group.updated":
            run("insert or replace into groups values (?, ?, ?)", [workspace, group["id"], group["displayName"]])
        case "membership":
            run("insert or replace into memberships values (?, ?, ?)", [workspace, group, member])
        case "group.member-added":
            run("insert or replace into memberships values (?, ?, ?)", [workspace, group["id"], member["id"]])
        case "group.member-removed":
            run("delete from memberships where (workspace, group_id, member_id) = (?, ?, ?)", [workspace, group["id"], member["id"]])
        case _ if "state" in member:
            columns = [member.get(name) for name in ("id", "state", "email", "displayName", "role")]
            run("insert or replace into members values (?, ?, ?, ?, ?, ?, ?)", [workspace, *columns, json.dumps(member)])
