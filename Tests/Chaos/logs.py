"""The errors that the services log during the test."""

import json
from collections import Counter


def errors(lines_by_service):
    """Counts messages such as "identity-store: batch failed". lines_by_service: log lines, as bytes, by service."""
    counts = Counter()
    for service, lines in lines_by_service.items():
        for line in lines:
            if b'"level":"error"' in line or b'"level":"critical"' in line:
                counts[f"{service}: {json.loads(line)['message']}"] += 1
            elif not line.startswith(b"{") and line.strip():
                # A crash report is not JSON.
                counts[f"{service}: {line.decode('utf-8', 'replace').strip()[:100]}"] += 1
    return counts
