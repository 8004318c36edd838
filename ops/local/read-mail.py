"""read-mail.py MAILBOX ADDRESS [FILE]  prints the newest mail to ADDRESS as JSON, if there is one that is newer than FILE.

MAILBOX is a Maildir, or the URL of Mailpit. The JSON has the keys from, to, subject, text (the plain part), html (the HTML part), and
link (the first link in the plain part).
"""

import json
import re
import sys
import urllib.request
from datetime import datetime
from email import policy
from email.parser import BytesParser
from email.utils import getaddresses
from pathlib import Path


def parse(content):
    return BytesParser(policy=policy.default).parsebytes(content)


def maildir_mails(maildir):
    """Yields the time of arrival in seconds since 1970 and the mail, newest first."""
    files = [file for folder in ("new", "cur") for file in (maildir / folder).glob("*")]
    for file in sorted(files, key=lambda file: file.stat().st_mtime_ns, reverse=True):
        yield file.stat().st_mtime, parse(file.read_bytes())


def mailpit_mails(url):
    """Yields the same from the REST API of Mailpit, for the newest 50 mails."""

    def get(path):
        with urllib.request.urlopen(f"{url}/api/v1/{path}", timeout=30) as response:
            return response.read()

    for message in json.loads(get("messages?limit=50"))["messages"]:
        yield datetime.fromisoformat(message["Created"]).timestamp(), parse(get(f"message/{message['ID']}/raw"))


def part(mail, kind):
    body = mail.get_body((kind,))
    return body.get_content() if body else ""


def main():
    mailbox, address = sys.argv[1], sys.argv[2].lower()
    since = Path(sys.argv[3]).stat().st_mtime if len(sys.argv) > 3 else 0
    for arrived_at, mail in mailpit_mails(mailbox) if "://" in mailbox else maildir_mails(Path(mailbox)):
        if arrived_at <= since:
            break
        if address not in (recipient.lower() for _, recipient in getaddresses([mail["To"] or ""])):
            continue
        text = part(mail, "plain")
        link = re.search(r"https?://\S+", text)
        fields = {"from": mail["From"], "to": mail["To"], "subject": mail["Subject"], "text": text, "html": part(mail, "html")}
        json.dump({**fields, "link": link.group() if link else None}, sys.stdout)
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
