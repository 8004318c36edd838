#!/usr/bin/env python3
"""webhook_sink.py PORT FILE  a minimal HTTP server that receives webhooks, for ops/bench and ops/chaos.

Appends a line to FILE for each request, before it responds: time, status, webhook-id, workspace, sequence (0 for a test) and type. Paths:
/ responds 204; /flaky responds 503 to the first attempt at one event in a thousand; /hang never responds and writes no line.
"""

import asyncio
import json
import sys
import time
import zlib

RESPONSES = {204: b"HTTP/1.1 204 No Content\r\n\r\n", 503: b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"}


class Ledger:
    def __init__(self, path):
        self.file = open(path, "a", encoding="utf-8", buffering=1 << 16)
        self.rejected = set()

    def status(self, path, message):
        if path == "/flaky" and zlib.crc32(message.encode()) % 1000 == 0 and message not in self.rejected:
            self.rejected.add(message)
            return 503
        return 204

    def write(self, status, message, body):
        content = json.loads(body)
        data = content["data"]
        workspace, sequence = data.get("workspace", "-"), data.get("sequence", 0)
        self.file.write(f"{time.time():.6f}\t{status}\t{message}\t{workspace}\t{sequence}\t{content['type']}\n")

    async def flush(self):
        while True:
            self.file.flush()
            await asyncio.sleep(0.1)


class Connection(asyncio.Protocol):
    def __init__(self, ledger):
        self.ledger = ledger
        self.buffer = b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.buffer += data
        while self.process_next():
            pass

    def process_next(self):
        """Processes one request of the buffer. Returns False if the buffer has no complete one."""
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        lines = self.buffer[:end].decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        length = int(headers.get("content-length", 0))
        body = self.buffer[end + 4 : end + 4 + length]
        if len(body) < length:
            return False
        self.buffer = self.buffer[end + 4 + length :]
        path = lines[0].split(" ")[1].partition("?")[0]
        if path != "/hang":
            status = self.ledger.status(path, headers["webhook-id"])
            self.ledger.write(status, headers["webhook-id"], body)
            self.transport.write(RESPONSES[status])
        return True


async def main():
    port, path = int(sys.argv[1]), sys.argv[2]
    ledger = Ledger(path)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(ledger), "127.0.0.1", port, backlog=1024)
    async with server:
        await asyncio.gather(server.serve_forever(), ledger.flush())


asyncio.run(main())
