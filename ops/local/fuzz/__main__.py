"""fuzz  throws malformed requests at a running edge, and fails where it answers one by a 5xx, dies, hangs, or keeps memory.

Settings in the environment: ROLLCALL_SCIM_URL, FUZZ_TOKEN (of a workspace of its own), FUZZ_PID (the edge's process). The same seed
makes the same requests.
"""

import argparse
import asyncio
import os
import random
import sys
import time
from urllib.parse import urlsplit

from connection import Connection, Fault
from making import Making

# How much more memory the process may have at the end than after the warm-up, beside a tenth: what allocators keep and give back.
SLACK = 48 << 20
# How many connections there are at once: enough that the edge is always busy while some wait for identity-store or for a slow request.
WORKERS = 32


def resident(pid):
    """The memory of the process that is its own, in bytes."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
        for line in rollup:
            if line.startswith(("Private_Dirty:",)):
                return int(line.split()[1]) << 10
    raise ProcessLookupError(pid)


class Run:
    def __init__(self, url, token, pid, count, seed):
        self.address = urlsplit(url)
        self.token, self.pid, self.count, self.seed = token, pid, count, seed
        self.next = 0
        self.statuses = {}
        self.faults = []
        self.slowest = 0.0

    def take(self):
        """The next lot of requests: several good in form on one connection, or one that ends it."""
        if self.next >= self.count or len(self.faults) >= 20:
            return None
        number = self.next
        making = Making(random.Random(f"{self.seed}/{number}"), self.address, self.token)
        lot = making.lot()
        self.next += len(lot)
        return number, lot

    def note(self, number, request, status):
        self.statuses[status] = self.statuses.get(status, 0) + 1
        # /Me is 501, since a token is no user's (RFC 7644 §3.11), and so is a Transfer-Encoding other than chunked (RFC 9112 §6.1). Nothing else
        # may be the server's fault.
        if status >= 500 and not (status == 501 and (b"/Me" in request.text or b"transfer-encoding" in request.text.lower())):
            self.fault(number, request, f"was answered {status}")
        elif request.is_refused and status < 400:
            self.fault(number, request, f"is beyond a bound and was answered {status}")

    def fault(self, number, request, problem):
        self.faults.append(f"request {number} ({request.kind}) {problem}: {request.text[:600]!r}")

    async def work(self):
        while taken := self.take():
            number, lot = taken
            began = time.monotonic()
            connection = Connection(self.address.hostname, self.address.port)
            try:
                answers = await connection.exchange(lot)
                for request, status in answers:
                    self.note(number, request, status)
            except Fault as fault:
                self.fault(number, fault.request, str(fault))
            self.slowest = max(self.slowest, time.monotonic() - began)

    async def until(self, count):
        total, self.count = self.count, min(count, self.count)
        await asyncio.gather(*(self.work() for _ in range(WORKERS)))
        self.count = total


async def main():
    parser = argparse.ArgumentParser(prog="fuzz")
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", default=str(random.SystemRandom().randrange(1 << 32)))
    options = parser.parse_args()
    pid = int(os.environ["FUZZ_PID"])
    run = Run(os.environ["ROLLCALL_SCIM_URL"], os.environ["FUZZ_TOKEN"], pid, options.requests, options.seed)
    print(f"seed {options.seed}", flush=True)
    began = time.monotonic()
    memory = []
    try:
        # The first third warms up; what is kept at the end is held against what was kept then, and half-way.
        for part in (options.requests // 3, 2 * options.requests // 3, options.requests):
            await run.until(part)
            await asyncio.sleep(2)
            memory.append(resident(pid))
            print(f"{run.next} requests, {time.monotonic() - began:.0f} s, {memory[-1] >> 20} MiB", flush=True)
        grown = memory[-1] - memory[0]
        if grown > SLACK + memory[0] // 10:
            run.faults.append(f"the edge holds {grown >> 20} MiB more than after the warm-up")
    except (FileNotFoundError, ProcessLookupError):
        run.faults.append("the edge's process is gone")
    print("answers: " + ", ".join(f"{count} x {status or 'none'}" for status, count in sorted(run.statuses.items())))
    print(f"slowest lot {run.slowest * 1000:.0f} ms")
    for fault in run.faults:
        print(f"FAULT {fault}", file=sys.stderr)
    return 1 if run.faults else 0


sys.exit(asyncio.run(main()))
