"""The SCIM servers of ops/bench peers: other projects, and Rollcall with the same interface."""

import http.client
import json
import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from load import LoadFailed
from suite import PATCH

FOLDER = Path(__file__).resolve().parent / "peers"
TOKEN = "token-of-the-peers"
USERS = 1000
# Users in no group, whom requests add and remove.
SPARE = 256
GROUPS = [10, 1000]
# Project, its storage and guarantees, and the options of gunicorn. scim2-server keeps its data in the memory of one process.
DJANGO = ["--workers", "4", "--threads", "4", "django.core.wsgi:get_wsgi_application()"]
PEERS = {
    "django-scim2": ("PostgreSQL; no mail, no events", DJANGO),
    "django-scim2-server": ("PostgreSQL; no mail, no events", DJANGO),
    "scim2-server": ("in memory, lost at exit; no mail, no events", ["--workers", "1", "--threads", "16", "in_memory:application"]),
}
# Its rates are shown, but the targets compare with servers that keep their data.
IN_MEMORY = {"scim2-server"}
# Removes a member by value, because django-scim2 does not support filters here; the others follow the RFC.
REMOVES_BY_VALUE = {"django-scim2"}


def install(python, log):
    """Creates the virtual environment of the peers, with exact versions, if it does not exist or the versions have changed."""
    environment = python.parent.parent
    installed, wanted = environment / "requirements.txt", FOLDER / "requirements.txt"
    if installed.exists() and installed.read_text() == wanted.read_text():
        return
    with log.open("w") as output:
        subprocess.run(["python3", "-m", "venv", "--clear", environment], stdout=output, stderr=output, check=True)
        command = [python, "-m", "pip", "install", "--disable-pip-version-check", "--quiet", "--no-deps", "--require-hashes", "--requirement", wanted]
        subprocess.run(command, stdout=output, stderr=output, check=True)
    installed.write_text(wanted.read_text())


class Peer:
    """A server of another project, run by gunicorn, with its own database in the PostgreSQL server of the suite."""

    def __init__(self, name, folder, python, suite, port):
        self.name, self.port, self.python = name, port, python
        self.url = f"http://127.0.0.1:{port}" + ("/v2" if name == "scim2-server" else "/scim/v2")
        self.token = TOKEN
        self.removes_by_value = name in REMOVES_BY_VALUE
        self.database = "peer_" + name.replace("-", "_")
        self.folder = folder / name
        self.environment = {
            **os.environ, "PEER": name, "PEER_TOKEN": TOKEN, "PEER_DATABASE": self.database, "PEER_PORT": suite.ports["port_postgres"],
            "PGPASSFILE": str(suite.folder / "pgpass"), "DJANGO_SETTINGS_MODULE": "settings", "PYTHONPATH": f"{FOLDER}:{self.folder}",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        (self.folder / "generated").mkdir(parents=True, exist_ok=True)
        (self.folder / "generated" / "__init__.py").touch()
        if name != "scim2-server":
            suite.database.rows("set client_min_messages = warning")
            suite.database.rows(f"drop database if exists {self.database}")
            suite.database.rows(f"create database {self.database}")
            if name == "django-scim2":
                self._django("makemigrations", "accounts")
            self._django("migrate")
        self.server = None

    def _django(self, *command):
        run = subprocess.run(
            [self.python, "-m", "django", *command], env=self.environment, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if run.returncode:
            raise LoadFailed(f"{self.name}: {run.stdout}")

    def start(self):
        """Starts the server, creates the users and groups over SCIM, and returns when they exist."""
        command = [self.python, "-m", "gunicorn", "--bind", f"127.0.0.1:{self.port}", "--keep-alive", "75", "--log-level", "warning"]
        log = (self.folder / "log").open("w")
        self.server = subprocess.Popen([*command, *PEERS[self.name][1]], env=self.environment, cwd=self.folder, stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        while True:
            try:
                self.call("GET", "/Users?startIndex=1&count=1", None, 200)
                break
            except OSError as error:
                if self.server.poll() is not None or time.monotonic() > deadline:
                    raise LoadFailed(f"{self.name} did not start: {(self.folder / 'log').read_text()}") from error
                time.sleep(0.1)
        names = [f"user{number}@example.com" for number in range(USERS + SPARE)]
        with ThreadPoolExecutor(4) as pool:
            created = [(user, name) for user, name in zip(pool.map(self._create, names), names)]
        self.users, self.spare = created[:USERS], created[USERS:]
        self.groups = {size: self._create_group(size) for size in GROUPS}

    def _create(self, name):
        user = {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name, "name": {"givenName": "Ana", "familyName": "Silva"},
            "emails": [{"primary": True, "value": name, "type": "work"}], "displayName": "Ana Silva", "externalId": f"00u-{name}", "active": True,
        }
        return self.call("POST", "/Users", user, 201)["id"]

    def _create_group(self, size):
        schemas = ["urn:ietf:params:scim:schemas:core:2.0:Group"]
        group = self.call("POST", "/Groups", {"schemas": schemas, "displayName": f"Group of {size}"}, 201)["id"]
        step = 100
        for start in range(0, size, step):
            members = [{"value": user} for user, _ in self.users[start : min(start + step, size)]]
            body = {"schemas": [PATCH], "Operations": [{"op": "add", "path": "members", "value": members}]}
            self.call("PATCH", f"/Groups/{group}", body, (200, 204))
        found = len(self.call("GET", f"/Groups/{group}", None, 200)["members"])
        if found != size:
            raise LoadFailed(f"{self.name}: the group of {size} has {found} members")
        return group

    def call(self, method, path, body, expected):
        """Sends one request and returns the parsed body. Raises LoadFailed if the status is not expected."""
        url = urlsplit(self.url)
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/scim+json"}
        connection.request(method, url.path + path, json.dumps(body) if body else None, headers)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        if response.status not in (expected if isinstance(expected, tuple) else (expected,)):
            raise LoadFailed(f"{self.name}: {method} {path} returned {response.status}: {content.decode()}")
        return json.loads(content) if content else None

    def stop(self):
        if self.server:
            self.server.terminate()
            self.server.wait()

    def settle(self):
        """Does nothing: a response is the end of a request."""


class Rollcall:
    """The suite. It runs while another server is measured, and takes a few percent of a core: the broker expels suspended consumers."""

    name = "Rollcall"
    removes_by_value = False

    def __init__(self, suite):
        self.suite, self.url, self.token = suite, suite.url, suite.token
        self.users = suite.database.rows("select id, user_name from bench.users where not spare order by id")
        self.spare = suite.database.rows("select id, user_name from bench.users where spare order by id")
        self.groups = {int(size): group for size, group in suite.database.rows("select size, id from bench.groups")}

    def settle(self):
        """Waits until all events are consumed and all mails are sent."""
        self.suite.backlog.drain(bound=120)
