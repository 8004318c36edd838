"""The mails that arrived, by their headers alone."""

import os
from dataclasses import dataclass

# The headers of an invitation are shorter.
HEADERS = 2048


@dataclass(frozen=True)
class Mail:
    to: str
    message_id: str
    # When it was delivered, in seconds since 1970.
    at: float


class Mailbox:
    def __init__(self, maildir):
        self.folder = os.path.join(maildir, "new")
        self.mails = []
        self.seen = set()

    def look(self):
        """The mails that have come since the last look."""
        names = sorted(name for name in os.listdir(self.folder) if name not in self.seen)
        self.seen.update(names)
        new = [self.read(name) for name in names]
        self.mails += new
        return new

    def read(self, name):
        with open(os.path.join(self.folder, name), "rb") as file:
            lines = file.read(HEADERS).decode("utf-8", "replace").splitlines()
        fields = dict(line.split(": ", 1) for line in lines[: lines.index("")] if ": " in line)
        # The catcher puts the time in front, as Maildir has it: 1795539116.806692.
        return Mail(fields["X-Catcher-To"], fields["Message-ID"].strip("<>").split("@")[0], float(name.rsplit(".", 2)[0]))
