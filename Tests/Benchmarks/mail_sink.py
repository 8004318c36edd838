#!/usr/bin/env python3
"""mail_sink.py PORT FILE  a minimal SMTP server for benchmarks: discards every mail and writes the counts to FILE as JSON.

It does not support pipelining. It counts distinct Message-IDs, so that lost and duplicated mails show.
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
        while self.process_next():
            pass

    def process_next(self):
        """Processes one command or one mail of the buffer. Returns False if the buffer has no complete one."""
        if self.in_data:
            end = self.buffer.find(b"\r\n.\r\n")
            if end < 0:
                return False
            self.count(self.buffer[:end])
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
            self.transport.write(b"354 Start mail input\r\n")
        elif verb == b"QUIT":
            self.transport.write(b"221 2.0.0 bye\r\n")
            self.transport.close()
        else:
            self.transport.write(b"250 2.0.0 OK\r\n")
        return True

    def count(self, mail):
        start = mail.find(b"Message-ID: <")
        self.counts[mail[start + 13 : mail.find(b">", start)]] += 1


async def write_counts(counts, path):
    """Replaces the file twice a second."""
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
        await asyncio.gather(server.serve_forever(), write_counts(counts, path))


asyncio.run(main())
