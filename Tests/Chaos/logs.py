"""What the services logged meanwhile as errors."""

import json
import os
from collections import Counter


class Logs:
    """Those of the folder, from the moment at which this was made."""

    def __init__(self, folder, services):
        self.paths = {service: os.path.join(folder, f"{service}.log") for service in services}
        self.starts = {service: os.path.getsize(path) for service, path in self.paths.items()}

    def errors(self):
        """"identity-store: batch failed …" to how often."""
        found = Counter()
        for service, path in self.paths.items():
            with open(path, "rb") as file:
                file.seek(self.starts[service])
                for line in file:
                    if b'"level":"error"' in line or b'"level":"critical"' in line:
                        found[f"{service}: {json.loads(line)['message']}"] += 1
                    elif not line.startswith(b"{") and line.strip():
                        # A crash writes no JSON.
                        found[f"{service}: {line.decode('utf-8', 'replace').strip()[:100]}"] += 1
        return found
