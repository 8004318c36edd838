"""compare_peers.py ROOT FOLDER  compares Rollcall with other SCIM servers, for ops/bench peers.

All servers hold 1,000 users. Each row is measured on every server in turn, with 1 and 16 requests in flight. Prints a table with the
ratios of Rollcall to the fastest other server, and to the fastest one with a database, and writes peers.json to the folder.
"""

import argparse
import json
import os
import random
import socket
import statistics
import sys
from datetime import datetime, timezone
from pathlib import Path

import load
from load import LoadFailed
from peer_servers import IN_MEMORY, PEERS, Peer, Rollcall, install
from suite import Suite

# Title, request of requests.lua, size of the group, and the target with 16 in flight: the ratio to the fastest peer with a database.
ROWS = {
    "get": ("GET user by id", "get", None, 15),
    "user-name": ("GET userName eq", "user-name", None, 15),
    "list": ("GET list of 100", "list", None, 20),
    "post": ("POST user", "post", None, 1.5),
    "active": ("PATCH active", "active", None, 1.5),
    "member-10": ("PATCH member, group of 10", "member", 10, None),
    "member-1000": ("PATCH member, group of 1,000", "member", 1000, None),
}
IN_FLIGHT = [1, 16]


def sample(server, row, in_flight, seconds, run, folder):
    _, request, group, _ = ROWS[row]
    # Rows that change users change them back, so they use few; the others use all, from a random offset.
    users = server.spare if group else server.users
    start = random.randrange(len(users))
    path = folder / "users.txt"
    path.write_text("".join(f"{user[0]} {user[1]}\n" for user in users[start:] + users[:start]))
    environment = {
        "ROW": request, "TOKEN": server.token, "USERS": str(path), "RUN": run, "CYCLE": str(2 * in_flight), "PAGES": "9", "PLAIN": "1",
        "GROUP": server.groups[group] if group else "", "REMOVE": "value" if server.removes_by_value else "filter",
    }
    measured = load.wrk(server.url, in_flight, seconds, **environment)
    server.settle()
    return measured


def measure(servers, rows, rounds, seconds, folder):
    """Returns the rates, latencies and errors by row, requests in flight and server."""
    found = {row: {str(level): {} for level in IN_FLIGHT} for row in rows}
    started, run = int(datetime.now(timezone.utc).timestamp()), 0
    for level in IN_FLIGHT:
        print(f"Measuring with {level} requests in flight", flush=True)
        for row in rows:
            samples = {server.name: [] for server in servers}
            for number in range(rounds):
                for server in servers if number % 2 == 0 else reversed(servers):
                    run += 1
                    samples[server.name].append(sample(server, row, level, seconds, f"{started}-{run}", folder))
            found[row][str(level)] = {name: summarise(measured) for name, measured in samples.items()}
    return found


def summarise(samples):
    middle = {key: statistics.median(getattr(one, key) for one in samples) for key in ("rate", "p50", "p99")}
    return {**middle, "errors": {kind: count for one in samples for kind, count in one.errors.items()}}


def ratios(servers):
    """Returns the ratios of Rollcall's rate to the fastest peer with a database, and to the fastest peer."""
    rates = {name: measured["rate"] for name, measured in servers.items() if name != Rollcall.name}
    stored = max(rate for name, rate in rates.items() if name not in IN_MEMORY)
    return tuple(servers[Rollcall.name]["rate"] / fastest for fastest in (stored, max(rates.values())))


def table(found, names):
    columns = "".join(f"{name:>21}" for name in [*names, "to a database", "to all"])
    lines = [f"{'requests per second':32}{'in flight':>9}{columns}"]
    met = []
    for row, levels in found.items():
        title, _, _, target = ROWS[row]
        for level, servers in levels.items():
            stored, fastest = ratios(servers)
            rates = "".join(f"{servers[name]['rate']:>21,.0f}" for name in names)
            lines.append(f"{title:32}{level:>9}{rates}{stored:>21.2f}{fastest:>21.2f}")
            lines += [f"  {name}: unexpected responses {servers[name]['errors']}" for name in names if servers[name]["errors"]]
            if target and level == "16":
                outcome = "met    " if stored >= target else "NOT MET"
                met.append(f"{outcome}  {title}, 16 in flight: at least {target} times the fastest peer with a database: {stored:.2f}")
    return [*lines, "", *met]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("root", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    rows = [row for row in options.only.split(",") if row] or list(ROWS)
    if unknown := [row for row in rows if row not in ROWS]:
        raise ValueError(f"unknown row '{unknown[0]}'; the rows are: {', '.join(ROWS)}")
    folder = options.folder / "peers"
    folder.mkdir(exist_ok=True)
    # Not in the folder of the suite, which is removed after each run.
    python = options.root / ".local" / "peers-venv" / "bin" / "python"
    install(python, options.folder / "logs" / "peers.log")
    suite = Suite(options.root, options.folder)
    peers = []
    try:
        for name in PEERS:
            peers.append(Peer(name, folder, python, suite, free_port()))
            peers[-1].start()
            print(f"{name} is running: {PEERS[name][0]}", flush=True)
        rollcall = Rollcall(suite)
        found = measure([rollcall, *peers], rows, 1 if options.quick else 3, 1 if options.quick else 3, folder)
    finally:
        for peer in peers:
            peer.stop()
    print("", *table(found, ["Rollcall", *PEERS]), sep="\n")
    results = {"commit": os.environ["BENCH_COMMIT"], "started": datetime.now(timezone.utc).isoformat(timespec="seconds"), "rows": found}
    (options.folder / "peers.json").write_text(json.dumps(results, indent=2) + "\n")
    print(f"\n{options.folder}/peers.json")


if __name__ == "__main__":
    try:
        main()
    except (LoadFailed, RuntimeError, ValueError) as error:
        sys.exit(f"bench: {error}")
