#!/usr/bin/env python3
"""An SMTP server for tests that stores mails in a Maildir and can inject faults.

    mail-catcher.py [options] PORT MAILDIR

PORT 0 selects a free port. When it listens, it prints "listening on 127.0.0.1:2525".

Stores each mail unchanged after headers that describe its delivery: X-Catcher-From and X-Catcher-To (the envelope),
X-Catcher-Connection (the number of the connection), X-Catcher-TLS and X-Catcher-User.

Reads the faults from the file given by --faults before every reply, so that they can change while the server runs. The file is JSON:

    {"recipient": "451 4.3.0 later", "times": 2, "to": "ana@"}

- "connection", "sender", "recipient", "content": the fault at that stage: a reply ("450 …", "550 …"), "drop" (closes the connection), or
  "stall" (sends no reply).
- "lost-answer": true: stores the mail, and closes the connection without a reply.
- "delay": seconds before each reply to the content of a mail.
- "times": only for this number of commands. "to": only for recipients that contain this text.
"""

import argparse
import asyncio
import itertools
import json
import os
import signal
import socket
import ssl
import sys
import time

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


class Faults:
    """The faults in the current content of the file."""

    def __init__(self, path):
        self.path = path
        self.text = None
        self.faults = {}
        self.left = None

    def next_fault(self, stage, recipients=()):
        """Returns the fault for a command and decrements "times", or returns None."""
        self.read()
        if stage not in self.faults or self.left == 0:
            return None
        filter = self.faults.get("to")
        if filter and not any(filter in recipient for recipient in recipients):
            return None
        if self.left is not None:
            self.left -= 1
        return self.faults[stage]

    def read(self):
        if not self.path:
            return
        try:
            with open(self.path, encoding="utf-8") as file:
                text = file.read()
        except FileNotFoundError:
            text = ""
        if text != self.text:
            self.text = text
            self.faults = json.loads(text) if text.strip() else {}
            self.left = self.faults.get("times")


class Maildir:
    """Writes mails atomically to new/."""

    def __init__(self, path):
        self.path = path
        self.names = (f"{time.time():.6f}.{os.getpid()}_{n}.catcher" for n in itertools.count())
        for folder in ("tmp", "new", "cur"):
            os.makedirs(os.path.join(path, folder), exist_ok=True)

    def add(self, content):
        name = next(self.names)
        written = os.path.join(self.path, "tmp", name)
        with open(written, "wb") as file:
            file.write(content)
        os.rename(written, os.path.join(self.path, "new", name))


class Catcher:
    """The handler for aiosmtpd: stores mails and injects faults."""

    def __init__(self, maildir, faults):
        self.maildir = maildir
        self.faults = faults

    async def handle_MAIL(self, server, session, envelope, address, options):
        reply = await self.inject(server, self.faults.next_fault("sender"))
        if reply is None:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return reply or "250 2.1.0 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        reply = await self.inject(server, self.faults.next_fault("recipient", [address]))
        if reply is None:
            envelope.rcpt_tos.append(address)
        return reply or "250 2.1.5 OK"

    async def handle_DATA(self, server, session, envelope):
        delay = self.faults.faults.get("delay", 0)
        if delay:
            await asyncio.sleep(delay)
        reply = await self.inject(server, self.faults.next_fault("content", envelope.rcpt_tos))
        if reply is not None:
            return reply
        self.maildir.add(self.delivery(server, session, envelope) + envelope.original_content)
        if self.faults.next_fault("lost-answer", envelope.rcpt_tos):
            await self.inject(server, "drop")
        return "250 2.0.0 OK: kept"

    def delivery(self, server, session, envelope):
        lines = [
            f"X-Catcher-From: {envelope.mail_from}",
            *(f"X-Catcher-To: {recipient}" for recipient in envelope.rcpt_tos),
            f"X-Catcher-Connection: {server.number}",
            f"X-Catcher-TLS: {server.transport.get_extra_info('cipher', ['none'])[0]}",
            f"X-Catcher-User: {session.auth_data or 'none'}",
        ]
        return "".join(f"{line}\r\n" for line in lines).encode()

    async def inject(self, server, fault):
        if fault == "drop":
            server.transport.abort()
            raise ConnectionResetError("closed by an injected fault")
        if fault == "stall":
            await asyncio.sleep(3600)
        return fault


class Connection(SMTP):
    """A numbered connection of a client, which can be rejected with a fault."""

    numbers = itertools.count(1)

    def connection_made(self, transport):
        if not hasattr(self, "number"):
            self.number = next(self.numbers)
        super().connection_made(transport)

    async def _handle_client(self):
        fault = self.event_handler.faults.next_fault("connection")
        if fault in ("drop", "stall"):
            await self.event_handler.inject(self, fault)
        elif fault:
            await self.push(fault)
            self.transport.close()
        else:
            await super()._handle_client()


def authenticator(user, password):
    def check(server, session, envelope, mechanism, auth_data):
        if isinstance(auth_data, LoginPassword) and (auth_data.login, auth_data.password) == (user.encode(), password.encode()):
            return AuthResult(success=True, auth_data=user)
        return AuthResult(success=False, handled=False)

    return check


def arguments():
    parser = argparse.ArgumentParser(description="An SMTP server for tests that stores mails in a Maildir and can inject faults.")
    parser.add_argument("port", type=int, metavar="PORT", help="0 selects a free port")
    parser.add_argument("maildir", metavar="MAILDIR")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--faults", metavar="FILE", help="the faults, as JSON")
    parser.add_argument("--tls", choices=["none", "starttls", "required", "implicit"], default="none")
    parser.add_argument("--certificate", metavar="FILE", help="certificate chain, PEM")
    parser.add_argument("--key", metavar="FILE", help="private key, PEM")
    parser.add_argument("--user", metavar="NAME:PASSWORD", help="require authentication as this user")
    return parser.parse_args()


async def serve(options):
    context = None
    if options.tls != "none":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(options.certificate, options.key)
    catcher = Catcher(Maildir(options.maildir), Faults(options.faults))
    settings = {"hostname": "catcher.invalid", "ident": "mail catcher", "enable_SMTPUTF8": True}
    if options.user:
        name, _, password = options.user.partition(":")
        settings.update(authenticator=authenticator(name, password), auth_required=True, auth_require_tls=options.tls == "required")
    if options.tls in ("starttls", "required"):
        settings.update(tls_context=context, require_starttls=options.tls == "required")
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(catcher, loop=loop, **settings),
        options.host,
        options.port,
        family=socket.AF_INET,
        ssl=context if options.tls == "implicit" else None,
    )
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    # The parent process may have blocked the signals, and a blocked mask is inherited.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM, signal.SIGINT))
    print(f"listening on {options.host}:{server.sockets[0].getsockname()[1]}", flush=True)
    await stop.wait()
    server.close()


if __name__ == "__main__":
    try:
        asyncio.run(serve(arguments()))
    except OSError as error:
        sys.exit(f"mail-catcher: {error}")
