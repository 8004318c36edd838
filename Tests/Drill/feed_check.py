"""Follows the events API with a cursor, as a product does, across the disaster."""

import json
import os
import urllib.error
import urllib.request
from urllib.parse import quote, urlsplit

LAST_SEQUENCE = """
select s.last_sequence as last
from directory.event_sequences s
join identity.workspaces w on w.id = s.workspace_id
where w.slug = 'acme'
"""


class Feed:
    """Reads the events of the workspace. Environment: ROLLCALL_SCIM_URL, and ROLLCALL_EVENTS_TOKEN of the scope events."""

    def __init__(self):
        parts = urlsplit(os.environ["ROLLCALL_SCIM_URL"])
        self.url = f"{parts.scheme}://{parts.netloc}/api/v2/events"
        self.token = os.environ["ROLLCALL_EVENTS_TOKEN"]
        self.cursor = self.page("latest")[1]["cursor"]

    def page(self, cursor):
        """Returns the status and the content of the page after a cursor."""
        request = urllib.request.Request(f"{self.url}?limit=1000&after={quote(cursor)}", headers={"Authorization": f"Bearer {self.token}"})
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def check_gone(self):
        """Describes what is wrong if the cursor is not rejected, after the database was lost."""
        status, _ = self.page(self.cursor)
        return [] if status == 410 else [f"the cursor got {status}"]

    def check_complete(self, database):
        """Describes what is wrong with the events after the cursor: it stays valid, and they have numbers without gaps up to the last."""
        cursor, sequences, has_more = self.cursor, [], True
        while has_more:
            status, page = self.page(cursor)
            if status != 200:
                return [f"the cursor got {status}"]
            sequences += [event["data"]["sequence"] for event in page["events"]]
            cursor, has_more = page["cursor"], page["hasMore"]
        (row,) = database.rows(LAST_SEQUENCE)
        if not sequences:
            return ["there are no events after the cursor"]
        expected = list(range(sequences[0], row["last"] + 1))
        return [] if sequences == expected else [f"{len(sequences)} events from {sequences[0]} to {sequences[-1]}, expected up to {row['last']}"]
