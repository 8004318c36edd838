"""A full disk: a file takes all space of PostgreSQL's file system, and is removed again."""

import errno
import os

from faults.fault import Fault, require

# Seconds that the disk stays full, and that PostgreSQL may take until it needs space.
DURATION = 10
NOTICED_WITHIN = 60

REPORT = b"No space left on device"


class FullDisk(Fault):
    """PostgreSQL rejects statements that need space. If it cannot write its log (WAL), it ends, and is started again when there is space."""

    name = "full disk of PostgreSQL"
    may_repeat_mails = True

    def __init__(self, suite):
        self.suite = suite

    def inject(self, wait):
        path = os.path.join(self.suite.disk("postgres"), "fill")
        log = os.path.join(self.suite.folder, "logs", "postgres.log")
        before = os.path.getsize(log)
        try:
            # Again and again, because PostgreSQL removes files that it no longer needs.
            ended = False
            for _ in range(NOTICED_WITHIN):
                fill(path)
                ended = wait(1)
                if ended or has_line(log, before):
                    break
            require(ended or has_line(log, before), "PostgreSQL did not need space")
            for _ in range(DURATION):
                fill(path)
                if wait(1):
                    break
        finally:
            if os.path.exists(path):
                os.remove(path)
            self.await_recovery()

    def await_recovery(self):
        """Waits until PostgreSQL accepts connections. If it has ended, starts it again, as the supervisor of an operator does."""
        try:
            self.suite.call("process_await", "postgres", "60")
        except RuntimeError:
            self.suite.call("suite_restart", "postgres")


def fill(path):
    """Extends a file by all the space that is left."""
    with open(path, "ab") as file:
        free = os.statvfs(path)
        size = free.f_bavail * free.f_frsize
        while size >= free.f_frsize:
            try:
                os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, size)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                size //= 2


def has_line(log, start):
    with open(log, "rb") as file:
        file.seek(start)
        return REPORT in file.read()
