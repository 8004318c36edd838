"""read-mail.py MAILDIR ADDRESS [FILE]  prints the newest mail to ADDRESS as JSON, if there is one that is newer than FILE.

The keys: from, to, subject, text (the plain part), html (the other one), link (the first one in the plain part).
"""

import json
import re
import sys
from email import policy
from email.parser import BytesParser
from email.utils import getaddresses
from pathlib import Path


def mails(maildir):
    files = [file for folder in ("new", "cur") for file in (maildir / folder).glob("*")]
    for file in sorted(files, key=lambda file: file.stat().st_mtime_ns, reverse=True):
        with file.open("rb") as stream:
            yield file, BytesParser(policy=policy.default).parse(stream)


def part(mail, kind):
    body = mail.get_body((kind,))
    return body.get_content() if body else ""


def main():
    maildir, address = Path(sys.argv[1]), sys.argv[2].lower()
    since = Path(sys.argv[3]).stat().st_mtime_ns if len(sys.argv) > 3 else 0
    for file, mail in mails(maildir):
        if file.stat().st_mtime_ns <= since:
            break
        if address not in (recipient.lower() for _, recipient in getaddresses([mail["To"] or ""])):
            continue
        text = part(mail, "plain")
        link = re.search(r"https?://\S+", text)
        shown = {"from": mail["From"], "to": mail["To"], "subject": mail["Subject"], "text": text, "html": part(mail, "html")}
        json.dump({**shown, "link": link.group() if link else None}, sys.stdout)
        return 0
    return 1


sys.exit(main())
