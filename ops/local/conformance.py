#!/usr/bin/env python3
"""Runs all checks of scim2-tester against a running suite, and fails if one fails or is skipped.

Two failures are expected. A PATCH that removes `active` from a user is rejected with `mutability`, because a user is always enabled or
disabled. And the models that the tester generates from /Schemas cannot parse `meta` if a schema lists it, which Microsoft's validator
requires.

usage: conformance.py URL TOKEN
"""

import re
import sys
from collections import Counter

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

GOOD = (Status.SUCCESS, Status.COMPLIANT, Status.ACCEPTABLE)

EXPECTED = re.compile(
    r"Failed to remove attribute '(urn:[^']*:)?active'.*\bactive can't be removed"
    r"|1 validation error for (User\[EnterpriseUser\]|Group)\nmeta\n  Input should be a valid dictionary or instance of Meta\b",
    re.DOTALL,
)


def is_good(result):
    return result.status in GOOD or bool(result.reason and EXPECTED.match(result.reason))


def main(url, token):
    with Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60) as client:
        results = check_server(SyncSCIMClient(client))
    for result in results:
        if not is_good(result):
            print(f"{result.status.name}  {result.title} ({result.resource_type or 'service'}): {result.reason}")
    counts = Counter(result.status.name.lower() for result in results)
    print(f"{len(results)} checks: " + ", ".join(f"{count} {name}" for name, count in sorted(counts.items())))
    # If the discovery endpoints are unreadable, the tester checks nothing.
    checked = {result.resource_type for result in results}
    return all(is_good(result) for result in results) and {"User", "Group"} <= checked


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(0 if main(*sys.argv[1:]) else 1)
