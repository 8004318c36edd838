"""The delivered mails: from the Maildir of the mail catcher, or from Mailpit."""

import json
import os
import urllib.request
from dataclasses import dataclass
from datetime import datetime

# The headers of an invitation are shorter.
HEADER_BYTES = 2048
# Messages per request to Mailpit.
PAGE = 200


@dataclass(frozen=True)
class Mail:
    to: str
    message_id: str
    # The time of delivery in seconds since 1970.
    at: float


class Maildir:
    def __init__(self, maildir):
        self.folder = os.path.join(maildir, "new")
        self.mails = []
        self.seen = set()

    def poll(self):
        """Returns the mails that have arrived since the last call."""
        names = sorted(name for name in os.listdir(self.folder) if name not in self.seen)
        self.seen.update(names)
        new = [self.read(name) for name in names]
        self.mails += new
        return new

    def read(self, name):
        with open(os.path.join(self.folder, name), "rb") as file:
            lines = file.read(HEADER_BYTES).decode("utf-8", "replace").splitlines()
        fields = dict(line.split(": ", 1) for line in lines[: lines.index("")] if ": " in line)
        # The file name starts with the time, as in 1795539116.806692.
        return Mail(fields["X-Catcher-To"], message_name(fields["Message-ID"]), float(name.rsplit(".", 2)[0]))


class Mailpit:
    """Reads the message list of Mailpit's REST API, which has the newest message first."""

    def __init__(self, url):
        self.url = url
        self.mails = []
        self.seen = set()

    def poll(self):
        """Returns the mails that have arrived since the last call."""
        new, start = [], 0
        while True:
            page = self.page(start)
            unseen = [message for message in page if message["ID"] not in self.seen]
            self.seen.update(message["ID"] for message in unseen)
            new += unseen
            if len(unseen) < PAGE:
                break
            start += PAGE
        mails = [self.mail(message) for message in reversed(new)]
        self.mails += mails
        return mails

    def page(self, start):
        with urllib.request.urlopen(f"{self.url}/api/v1/messages?start={start}&limit={PAGE}", timeout=30) as response:
            return json.load(response)["messages"]

    @staticmethod
    def mail(message):
        return Mail(message["To"][0]["Address"], message_name(message["MessageID"]), datetime.fromisoformat(message["Created"]).timestamp())


def message_name(message_id):
    """The part of a Message-ID before the host name."""
    return message_id.strip("<>").split("@")[0]
