#!/usr/bin/env python3
"""mail_sink.py PORT FILE  takes mails over SMTP as fast as they come, keeps none, and writes how many there were into FILE as JSON.

For measuring the mailer: it speaks just enough SMTP for that, with pipelining left out, and counts each Message-ID, so that nothing lost and
nothing doubled goes unnoticed.
"""

import asyncio
import collections
import json
import os
import sys


class Session(asyncio.Protocol):
    def __init__(self, counts):
        self.counts = counts
        self.buffer = b""
        self.in_data = False

    def connection_made(self, transport):
        self.transport = transport
        transport.write(b"220 sink.invalid ESMTP\r\n")

    def data_received(self, data):
        self.buffer += data
        while self.step():
            pass

    def step(self):
        """Takes one command, or one mail, from what has come; False where it is not there whole."""
        if self.in_data:
            end = self.buffer.find(b"\r\n.\r\n")
            if end < 0:
                return False
            self.keep(self.buffer[:end])
            self.buffer = self.buffer[end + 5 :]
            self.in_data = False
            self.transport.write(b"250 2.0.0 OK\r\n")
            return True
        line, separator, rest = self.buffer.partition(b"\r\n")
        if not separator:
            return False
        self.buffer = rest
        verb = line[:4].upper()
        if verb == b"EHLO":
            self.transport.write(b"250-sink.invalid\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n")
        elif verb == b"DATA":
            self.in_data = True
            self.transport.write(b"354 go on\r\n")
        elif verb == b"QUIT":
            self.transport.write(b"221 2.0.0 bye\r\n")
            self.transport.close()
        else:
            self.transport.write(b"250 2.0.0 OK\r\n")
        return True

    def keep(self, mail):
        start = mail.find(b"Message-ID: <")
        self.counts[mail[start + 13 : mail.find(b">", start)]] += 1


async def report(counts, path):
    while True:
        with open(path + ".new", "w", encoding="utf-8") as file:
            json.dump({"mails": sum(counts.values()), "message_ids": len(counts)}, file)
        os.rename(path + ".new", path)
        await asyncio.sleep(0.5)


async def main():
    port, path = int(sys.argv[1]), sys.argv[2]
    counts = collections.Counter()
    server = await asyncio.get_running_loop().create_server(lambda: Session(counts), "127.0.0.1", port)
    async with server:
        await asyncio.gather(server.serve_forever(), report(counts, path))


asyncio.run(main())
