"""Steps of the clock of one service after the other, with libfaketime. Monotonic clocks, which timeouts use, do not step."""

import glob
import os
import shutil
import subprocess
import time
import urllib.request
from email.utils import parsedate_to_datetime

from faults.fault import Fault, require
from suite import SERVICES

# Seconds. Longer than ROLLCALL_REQUEST_DEADLINE, so that a service with a wrong clock rejects every command or none.
STEP = 40
# Seconds between two steps.
DURATION = 5

LIBRARY = "/usr/lib/*/faketime/libfaketimeMT.so.1"
CLOCK_WAITS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clock_waits.c")


class ClockSteps(Fault):
    name = "clock steps"

    def __init__(self, suite):
        self.suite = suite

    def inject(self, wait):
        libraries = self.libraries()
        try:
            for service in SERVICES:
                self.set_clock(service, 0)
                with open(self.environment(service), "w", encoding="utf-8") as file:
                    file.write(
                        f"LD_PRELOAD={libraries}\nFAKETIME_TIMESTAMP_FILE={self.clock(service)}\nFAKETIME_CACHE_DURATION=1\n"
                        "FAKETIME_DONT_FAKE_MONOTONIC=1\nNO_FAKE_STAT=1\n"
                    )
                self.suite.call("suite_restart", service)
            for service in SERVICES:
                for seconds in (STEP, -STEP):
                    self.set_clock(service, seconds)
                    if wait(DURATION):
                        return
                    error = self.time_of(service) - time.time()
                    require(abs(error - seconds) < STEP / 2, f"the clock of {service} stepped by {error:.0f} s instead of {seconds} s")
                self.set_clock(service, 0)
        finally:
            for service in SERVICES:
                if os.path.exists(self.environment(service)):
                    os.remove(self.environment(service))
                    self.suite.call("suite_restart", service)

    def libraries(self):
        """The libraries to preload: libfaketime and its corrections, which are compiled with the compiler of the Swift toolchain."""
        found = glob.glob(LIBRARY)
        require(found, "the package faketime is not installed")
        compiler = os.path.join(os.path.dirname(os.path.realpath(shutil.which("swift"))), "clang")
        corrections = os.path.join(self.suite.folder, "run", "clock_waits.so")
        subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", corrections, CLOCK_WAITS], check=True, capture_output=True)
        return f"{corrections}:{found[0]}"

    def clock(self, service):
        return os.path.join(self.suite.folder, "run", f"{service}.clock")

    def environment(self, service):
        """The file with variables that ops/local/suite.sh adds to the environment of a service."""
        return os.path.join(self.suite.folder, "run", f"{service}.environment")

    def set_clock(self, service, seconds):
        """Sets the difference to the clock of the machine. Renames the file, so that the service never reads half of it."""
        path = self.clock(service)
        with open(f"{path}.new", "w", encoding="utf-8") as file:
            file.write(f"{seconds:+d}\n")
        os.replace(f"{path}.new", path)

    def time_of(self, service):
        """The time of a service in seconds since 1970: that of the response of its health server."""
        port = self.suite.call("health_port", service)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/livez", timeout=10) as response:
            return parsedate_to_datetime(response.headers["Date"]).timestamp()
