"""The steps of the drill that change the servers: each runs commands of the runbook."""

import os
import subprocess
import time

COMMAND = os.path.join(os.path.dirname(os.path.abspath(__file__)), "drill-step")


class Steps:
    """Runs Tests/Drill/drill-step, and remembers how long each step took."""

    def __init__(self):
        # Pairs of a step and its seconds.
        self.durations = []

    def run(self, *step):
        """Returns the output of a step. Raises RuntimeError if it fails."""
        print(f"  {' '.join(step)}", flush=True)
        began = time.monotonic()
        done = subprocess.run([COMMAND, *step], capture_output=True, text=True)
        self.durations.append((" ".join(step), time.monotonic() - began))
        if done.returncode:
            raise RuntimeError(f"the step '{' '.join(step)}' failed: {done.stderr.strip()}")
        return done.stdout.strip()

    def failed_findings(self):
        """The checks of scimctl doctor that fail, as lines."""
        lines = self.run("doctor").splitlines()
        if not lines:
            raise RuntimeError("scimctl doctor printed no findings")
        return [line.removeprefix("fail").strip() for line in lines if line.startswith("fail")]
