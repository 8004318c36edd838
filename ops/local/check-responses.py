#!/usr/bin/env python3
"""check-responses.py FILE  compares the responses that the end-to-end tests recorded with ops/openapi.yaml.

Fails if a response has a path, method, status, header, media type or body that is not documented, or is an internal error. Prints the number
of responses, and the operations and responses that no test covers.
"""

import base64
import json
import sys
from collections import Counter

from openapi_document import Document


def main():
    document = Document()
    seen, problems, count = set(), Counter(), 0
    with open(sys.argv[1], encoding="utf-8") as lines:
        for line in lines:
            response = json.loads(line)
            method, path, status = response["method"], response["path"], response["status"]
            body = base64.b64decode(response["body"]) if response.get("body") is not None else None
            found = document.response_problems(method, path, status, response["headers"], body)
            if status == 500:
                found = [*found, f"internal error: {(body or b'')[:300].decode(errors='replace')}"]
            documented = document.path_of(path)
            for problem in found:
                problems[f"{method} {documented or path} {status}: {problem}"] += 1
            if not found and documented:
                seen.add((documented, method, str(status)))
            count += 1
    for problem, times in problems.most_common(100):
        print(f"{problem} ({times} responses)", file=sys.stderr)
    uncovered = [
        f"{method.upper()} {path}"
        for path, method, operation in document.operations()
        if not any((path, method.upper(), status) in seen for status in operation["responses"])
    ]
    print(f"{count} responses, {len(seen)} kinds; no response of {len(uncovered)} operations: {', '.join(uncovered) or '-'}")
    if not count:
        print("no responses were recorded", file=sys.stderr)
    return 1 if problems or not count else 0


sys.exit(main())
