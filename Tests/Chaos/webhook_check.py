"""Compares what the webhook endpoint has received with the event log: every event, in order, with one webhook-id each."""

from collections import defaultdict, namedtuple

from check import Check

Arrival = namedtuple("Arrival", "status message workspace sequence type")

LOG = """
select workspace_id as workspace, sequence, type
from directory.events
order by workspace_id, sequence
"""


def arrivals(path):
    """The requests in the ledger of Tests/Benchmarks/webhook_sink.py, in the order of their arrival."""
    with open(path, encoding="utf-8") as file:
        fields = [line.rstrip("\n").split("\t") for line in file if line.endswith("\n")]
    return [Arrival(int(status), message, workspace, int(sequence), kind) for _, status, message, workspace, sequence, kind in fields]


def out_of_order(accepted):
    """Events that arrived for the first time after a later one. Revocations are sent ahead of stuck events."""
    problems, last, seen = [], defaultdict(int), set()
    for arrival in accepted:
        key = (arrival.workspace, arrival.sequence)
        if key in seen or arrival.type == "access-revoked":
            continue
        seen.add(key)
        if arrival.sequence < last[arrival.workspace]:
            problems.append(f"{arrival.type} {arrival.sequence} after {last[arrival.workspace]} in {arrival.workspace}")
        last[arrival.workspace] = max(last[arrival.workspace], arrival.sequence)
    return problems


def check(database, path):
    log = {(row["workspace"], row["sequence"]): row["type"] for row in database.rows(LOG)}
    received = arrivals(path)
    accepted = [arrival for arrival in received if arrival.status == 204 and arrival.sequence]
    events = {(arrival.workspace, arrival.sequence) for arrival in accepted}
    names = defaultdict(set)
    for arrival in received:
        names[arrival.workspace, arrival.sequence].add(arrival.message)
    messages = [message for message in names.values() if len(message) == 1]
    missing = [f"{kind} {sequence} of {workspace}" for (workspace, sequence), kind in log.items() if (workspace, sequence) not in events]
    unknown = [f"{sequence} of {workspace}" for workspace, sequence in events if (workspace, sequence) not in log]
    ambiguous = [f"{key}: {sorted(message)}" for key, message in names.items() if len(message) > 1]
    if len(set.union(set(), *messages)) != len(messages):
        ambiguous.append("two events have the same webhook-id")
    return [
        Check("events that no webhook delivered", missing, f"of {len(log):,}"),
        Check("webhooks of unknown events", unknown),
        Check("events that were delivered out of order", out_of_order(accepted), f"{len(accepted) - len(events):,} repetitions"),
        Check("events with several or shared webhook-ids", ambiguous),
    ]
