"""Queries on the database of the suite."""

import json
import subprocess


class Database:
    def __init__(self, psql):
        """psql: the command that starts psql with a connection, as a list of arguments."""
        self.command = [*psql, "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1", "--command"]

    def rows(self, query):
        """Returns the rows as dictionaries. Raises RuntimeError if the query fails."""
        as_json = f"select coalesce(json_agg(result), '[]') from ({query}) as result"
        done = subprocess.run([*self.command, as_json], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"psql: {done.stderr.strip()}")
        return json.loads(done.stdout)
