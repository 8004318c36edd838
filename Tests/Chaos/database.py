"""Questions to the suite's database."""

import json
import subprocess


def rows(url, query):
    """The rows as dictionaries."""
    command = ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1", "--dbname", url]
    wrapped = f"select coalesce(json_agg(answer), '[]') from ({query}) as answer"
    done = subprocess.run([*command, "--command", wrapped], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"psql: {done.stderr.strip()}")
    return json.loads(done.stdout)
