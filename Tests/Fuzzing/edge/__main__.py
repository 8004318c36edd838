"""Sends malformed requests to a running scim-api, for ops/fuzz edge.

Fails if a response is missing or a 5xx, or the process ends or its memory grows. The same seed yields the same requests. Environment:
ROLLCALL_SCIM_URL; FUZZ_TOKEN, the token of a separate workspace; FUZZ_PID, the process id of scim-api.
"""

import argparse
import asyncio
import os
import random
import sys
import time
from urllib.parse import urlsplit

from connection import Connection, RequestFailure
from request_generator import RequestGenerator

# The allowed memory growth after the warm-up in bytes, in addition to 10 percent. Allocators keep some freed memory.
MEMORY_TOLERANCE = 48 << 20
# The number of concurrent connections: enough to keep scim-api busy while some wait for identity-store or send slowly.
WORKERS = 32


def resident(pid):
    """Returns the private memory of the process in bytes."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
        for line in rollup:
            if line.startswith("Private_Dirty:"):
                return int(line.split()[1]) << 10
    raise ProcessLookupError(pid)


class Run:
    def __init__(self, url, token, pid, count, seed):
        self.address = urlsplit(url)
        self.token, self.pid, self.count, self.seed = token, pid, count, seed
        self.next = 0
        self.statuses = {}
        self.failures = []
        self.slowest = 0.0

    def next_batch(self):
        """Returns the next batch for one connection and its number: several well-formed requests, or one that ends the connection."""
        if self.next >= self.count or len(self.failures) >= 20:
            return None
        number = self.next
        batch = RequestGenerator(random.Random(f"{self.seed}/{number}"), self.address, self.token).batch()
        self.next += len(batch)
        return number, batch

    def check(self, number, request, status):
        self.statuses[status] = self.statuses.get(status, 0) + 1
        # 501 is correct for /Me, because a token belongs to no user (RFC 7644 §3.11), and for a Transfer-Encoding other than chunked
        # (RFC 9112 §6.1). Every other 5xx is a failure.
        if status >= 500 and not (status == 501 and (b"/Me" in request.text or b"transfer-encoding" in request.text.lower())):
            self.fail(number, request, f"returned {status}")
        elif request.must_fail and status < 400:
            self.fail(number, request, f"exceeds a size limit and returned {status}")

    def fail(self, number, request, problem):
        self.failures.append(f"request {number} ({request.kind}) {problem}: {request.text[:600]!r}")

    async def work(self):
        while item := self.next_batch():
            number, batch = item
            began = time.monotonic()
            connection = Connection(self.address.hostname, self.address.port)
            try:
                for request, status in await connection.exchange(batch):
                    self.check(number, request, status)
            except RequestFailure as failure:
                self.fail(number, failure.request, str(failure))
            self.slowest = max(self.slowest, time.monotonic() - began)

    async def run_until(self, count):
        """Sends requests until `count` have been sent in total."""
        total, self.count = self.count, min(count, self.count)
        await asyncio.gather(*(self.work() for _ in range(WORKERS)))
        self.count = total


async def main():
    parser = argparse.ArgumentParser(prog="ops/fuzz edge")
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", default=str(random.SystemRandom().randrange(1 << 32)))
    options = parser.parse_args()
    pid = int(os.environ["FUZZ_PID"])
    run = Run(os.environ["ROLLCALL_SCIM_URL"], os.environ["FUZZ_TOKEN"], pid, options.requests, options.seed)
    print(f"seed {options.seed}", flush=True)
    began = time.monotonic()
    memory = []
    try:
        # The first third is the warm-up. The memory at the end is compared with the memory after it.
        for part in (options.requests // 3, 2 * options.requests // 3, options.requests):
            await run.run_until(part)
            await asyncio.sleep(2)
            memory.append(resident(pid))
            print(f"{run.next} requests, {time.monotonic() - began:.0f} s, {memory[-1] >> 20} MiB", flush=True)
        grown = memory[-1] - memory[0]
        if grown > MEMORY_TOLERANCE + memory[0] // 10:
            run.failures.append(f"scim-api uses {grown >> 20} MiB more than after the warm-up")
    except (FileNotFoundError, ProcessLookupError):
        run.failures.append("the scim-api process has ended")
    print("responses: " + ", ".join(f"{count} x {status or 'none'}" for status, count in sorted(run.statuses.items())))
    print(f"slowest batch {run.slowest * 1000:.0f} ms")
    for failure in run.failures:
        print(f"FAILED {failure}", file=sys.stderr)
    return 1 if run.failures else 0


sys.exit(asyncio.run(main()))
