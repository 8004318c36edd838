"""The suite under test: as local processes that ops/run started, or as containers of compose.yaml."""

import os
import subprocess

from database import Database
from mail_server import Maildir, Mailpit
from product import Product

HERE = os.path.dirname(os.path.abspath(__file__))
SERVICES = ["identity-store", "scim-api", "invitation-mailer", "group-sync"]
PROCESSES = [*SERVICES, "postgres", "broker"]


class LocalSuite:
    """The processes of ops/run. Environment: the variables of rollcall.env, with a ROLLCALL_DATABASE_URL without password."""

    kill_command = os.path.join(HERE, "kill-process")
    processes = [*PROCESSES, "product"]

    def __init__(self, folder):
        self.folder = folder
        self.database = Database(["psql", "--dbname", os.environ["ROLLCALL_DATABASE_URL"]])
        self.mailbox = Maildir(os.environ["ROLLCALL_MAIL_DIR"])
        # What the webhook endpoint has received.
        self.webhooks = os.path.join(folder, "webhooks.tsv")
        # The suite of a release before 0.3 has no sample product.
        url = os.environ.get("ROLLCALL_PRODUCT_URL")
        self.product = Product(url, os.environ["ROLLCALL_PRODUCT_DATABASE"], self.database) if url else None
        logged = [*SERVICES, "product"] if self.product else SERVICES
        self.log_files = {name: os.path.join(folder, "logs", f"{name}.log") for name in logged}
        # The logs of the test start here.
        self.log_offsets = {service: os.path.getsize(path) for service, path in self.log_files.items()}

    def log_lines(self, process):
        with open(self.log_files[process], "rb") as file:
            file.seek(self.log_offsets[process])
            return file.readlines()

    def call(self, function, *arguments):
        """Calls a function of ops/local/suite.sh and returns what it prints. Raises RuntimeError if it fails."""
        done = subprocess.run([os.path.join(HERE, "suite-function"), function, *arguments], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{function} {' '.join(arguments)}: {done.stderr.strip() or 'failed'}")
        return done.stdout.strip()

    def pid(self, process):
        return int(self.call("process_pid", process))

    @property
    def ports(self):
        """The ports by the names of ops/local/places.sh."""
        with open(os.path.join(self.folder, "ports"), encoding="utf-8") as file:
            return {name.removeprefix("port_"): int(port) for name, port in (line.strip().split("=") for line in file)}

    def disk(self, server):
        """The file system with the data of PostgreSQL or the broker. Raises RuntimeError if it has none of its own."""
        disk = os.path.dirname(os.path.realpath(os.path.join(self.folder, server)))
        if not os.path.ismount(disk):
            raise RuntimeError(f"{disk} is not a file system of its own")
        return disk

    def not_ready(self):
        """Describes the processes that are not ready."""
        status = subprocess.run([os.path.join(HERE, "../../ops/status")], capture_output=True, text=True)
        if status.returncode == 0:
            return []
        lines = [line for line in status.stdout.splitlines()[1:] if self.product or not line.startswith("product ")]
        return [line for line in lines if " ready " not in line] or ([status.stderr.strip()] if status.stderr.strip() else [])


class ComposeSuite:
    """The containers of compose.yaml. Environment: COMPOSE_FILE, COMPOSE_PROJECT_NAME, ROLLCALL_MAILPIT_URL."""

    kill_command = os.path.join(HERE, "kill-container")
    processes = PROCESSES
    # There is no container of the sample product.
    product = None

    def __init__(self):
        psql = ["psql", "--username", "postgres", "--dbname", "rollcall"]
        self.database = Database(["docker", "compose", "exec", "-T", "postgres", *psql])
        self.mailbox = Mailpit(os.environ["ROLLCALL_MAILPIT_URL"])
        # The containers reach no server of this machine.
        self.webhooks = None

    def log_lines(self, service):
        logs = ["docker", "compose", "logs", "--no-color", "--no-log-prefix", service]
        return subprocess.run(logs, capture_output=True, check=True).stdout.splitlines()

    def not_ready(self):
        """Describes the containers that are not running or not healthy."""
        command = ["docker", "compose", "ps", "--all", "--format", "{{.Service}} {{.State}} {{.Health}}"]
        found = subprocess.run(command, capture_output=True, text=True)
        if found.returncode:
            return [found.stderr.strip()]
        expected = [*SERVICES, "postgres", "kafka"]
        states = dict(line.split(" ", 1) for line in found.stdout.splitlines())
        return [f"{service}: {states.get(service, 'missing')}" for service in expected if states.get(service) != "running healthy"]
