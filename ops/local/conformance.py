#!/usr/bin/env python3
"""Runs every check of scim2-tester against a running suite, and fails where one finds fault or is skipped.

Two findings are expected. A PATCH that removes a user's `active` is refused with `mutability`, since a user is enabled or disabled. And the
models that the tester makes of /Schemas cannot read `meta` back where a schema lists it, as Microsoft's validator wants.

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
    # A description of the service that cannot be read would leave nothing to check.
    checked = {result.resource_type for result in results}
    return all(is_good(result) for result in results) and {"User", "Group"} <= checked


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(0 if main(*sys.argv[1:]) else 1)
