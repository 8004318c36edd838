"""The sample product: signs users in to it, and compares its tables with the directory."""

import http.client
import json
import sqlite3
import time
from urllib.parse import quote, urlencode, urlsplit

from identity_provider import RETRY_TIMEOUT, RetriesExhausted

# Each query of the product's database, and the one of the directory that must have the same rows.
TABLES = {
    "users": (
        "select workspace, id, state, email, name, role, document from members",
        """
        select workspace_id as workspace, id, state, email, display_name as name, role, document
        from directory.members
        where state <> 'deleted'
        """,
    ),
    "groups": (
        "select workspace, id, name from groups",
        "select workspace_id as workspace, id, display_name as name from directory.groups where display_name is not null",
    ),
    "memberships": (
        "select workspace, group_id, member_id from memberships",
        "select workspace_id as workspace, group_id, member_id from directory_read.group_members where visible",
    ),
}


class Product:
    """`url` and `path` of the product's SQLite database; `database` is that of the suite."""

    def __init__(self, url, path, database):
        self.address = urlsplit(url).netloc
        self.path = path
        self.database = database
        (workspace,) = database.rows("select id from identity.workspaces where slug = 'acme'")
        self.workspace = workspace["id"]

    def sign_in(self, user):
        """Signs in with the form of the product's page, again until the product has reported it. Raises RetriesExhausted."""
        body = urlencode({"workspace": self.workspace, "member": user.id})
        deadline = time.monotonic() + RETRY_TIMEOUT
        while True:
            connection = http.client.HTTPConnection(self.address, timeout=60)
            try:
                connection.request("POST", "/sign-ins", body, {"Content-Type": "application/x-www-form-urlencoded"})
                status = connection.getresponse().status
            except (OSError, http.client.HTTPException):
                status = 0
            finally:
                connection.close()
            if status == 303:
                user.signed_in = True
                return
            if time.monotonic() > deadline:
                raise RetriesExhausted("/sign-ins of the sample product")
            time.sleep(0.5)

    def rows(self, query):
        """The rows of a query on the product's database, as dictionaries."""
        connection = sqlite3.connect(f"file:{quote(self.path)}?mode=ro", uri=True)
        connection.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in connection.execute(query)]
        finally:
            connection.close()

    def compare(self):
        """For each table: its name, descriptions of the rows that only the product or only the directory has, and the number of rows expected."""
        for table, (own, expected) in TABLES.items():
            own, expected = comparable(self.rows(own)), comparable(self.database.rows(expected))
            differences = [f"missing: {row}" for row in expected - own] + [f"not in the directory: {row}" for row in own - expected]
            yield table, differences, len(expected)


def comparable(rows):
    """The rows as a set."""
    return {json.dumps({**row, "document": without_version(row.get("document"))}, sort_keys=True) for row in rows}


def without_version(document):
    """The attributes of a member. Versions differ, because some changes are no event."""
    return {name: value for name, value in sorted(json.loads(document or "{}").items()) if name != "version"}
