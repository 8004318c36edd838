#!/usr/bin/env python3
"""fuzz-api.py URL SCIMCTL [--seconds N]  tests a running suite with schemathesis, by the OpenAPI document that it serves.

Sends valid and invalid requests to every operation, alone and in sequences, for N seconds (120) with a fixed seed, in three parts: the APIs of a
workspace with a token of the workspace, the management API with a token of the workspace, and both with a deployment-wide token. Each part has
its own workspace, because a request may change its plan or switch SCIM off, and another one that is deleted and restored.

Fails if a response is not documented, if a status is 5xx (except those in EXPECTED), or if the deployment does not work afterwards.

No operation is excluded. Requests with a deployment-wide token do not change the workspaces of other checks, and tokens and webhooks of the
deployment that exist already stay as they are (schemathesis_hooks.py).
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

SCOPES = ["scim", "sign-ins", "admin", "directory", "events"]
SEED = 20260131
# Below the rate limit of a token, so that few responses are 429.
RATE = "90/s"
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
]
# The statuses of 5xx that are right.
EXPECTED = {
    # By definition (RFC 7644 §3.11).
    "/api/v2/scim/Me": "501",
    # If the machine has no name servers.
    "/api/v2/admin/workspaces/{workspace}/mail-domains/{domain}/verify": "503",
}


class Client:
    def __init__(self, url, token, workspace=None):
        self.url, self.token, self.workspace = url, token, workspace

    def send(self, method, path, body=None):
        """Returns the status and the JSON of a response."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        if self.workspace:
            headers["Rollcall-Workspace"] = self.workspace
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status, json.loads(response.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    def expect(self, status, method, path, body=None):
        found, answer = self.send(method, path, body)
        if found != status:
            raise SystemExit(f"{method} {path} has the status {found} instead of {status}: {answer}")
        return answer


def create_workspace(scimctl, slug):
    subprocess.run(
        [scimctl, "workspace", "create", slug, "--name", slug, "--plan", "enterprise", "--saml-sso", "--scim"]
        + ["--sign-in-url", "https://app.invalid/sign-in"],
        check=True,
        stdout=subprocess.DEVNULL,
    )


def token_of_workspace(scimctl, slug):
    """Creates a workspace and a token with all scopes."""
    create_workspace(scimctl, slug)
    return issue(scimctl, ["--workspace", slug], SCOPES)


def issue(scimctl, options, scopes):
    arguments = [argument for scope in scopes for argument in ("--scope", scope)]
    command = [scimctl, "token", "issue", *options, "--name", "Schemathesis", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def wait_for_token(client):
    """Waits until a new token is known."""
    deadline = time.monotonic() + 30
    while client.send("GET", "/api/v2/scim/Users")[0] != 200:
        if time.monotonic() > deadline:
            raise SystemExit("the new token is not accepted")
        time.sleep(0.2)


def sample_data(client, slug):
    """Creates what requests can refer to, and returns its ids."""
    wait_for_token(client)
    people = [
        client.expect(201, "POST", "/api/v2/scim/Users", {"userName": f"{name}@{slug}.invalid"})["id"] for name in ("ana", "ben", "eva")
    ]
    members = [{"value": person} for person in people]
    group = client.expect(201, "POST", "/api/v2/scim/Groups", {"displayName": "Data team", "members": members})["id"]
    root = f"/api/v2/admin/workspaces/{slug}"
    token = client.expect(201, "POST", f"{root}/tokens", {"name": "Other", "scopes": ["scim"]})["id"]
    webhook = client.expect(201, "POST", f"{root}/webhooks", {"url": "https://product.invalid/rollcall"})["id"]
    rebuild = client.expect(202, "POST", f"{root}/rebuilds", {"invitations": "none"})["id"]
    return [*people, group, token, webhook, rebuild]


def read_all(client, path, name):
    """All items of a list with pages."""
    cursor = ""
    while cursor is not None:
        page = client.expect(200, "GET", f"{path}?limit=200{cursor}")
        yield from page[name]
        cursor = f"&cursor={page['nextCursor']}" if "nextCursor" in page else None


def protected_ids(own, slug, deployment):
    """The tokens of this test, and the tokens and webhooks of the deployment."""
    tokens = read_all(own, f"/api/v2/admin/workspaces/{slug}/tokens", "tokens")
    found = [token["id"] for token in tokens if token["name"] == "Schemathesis"]
    return found + [item["id"] for name in ("tokens", "webhooks") for item in read_all(deployment, f"/api/v2/admin/{name}", name)]


def other_workspaces(deployment, slug):
    """The ids and slugs of all workspaces but one."""
    found = read_all(deployment, "/api/v2/admin/workspaces", "workspaces")
    return [name for workspace in found if workspace["slug"] != slug for name in (workspace["id"], workspace["slug"])]


def toml(value):
    """A value in TOML, which has the strings and lists of JSON."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(name)} = {toml(item)}" for name, item in value.items()) + " }"
    return json.dumps(value)


def configuration(token, workspace, ids, seconds):
    checks = {"enabled": False} | {name: {"enabled": True} for name in CHECKS}
    values = {
        "seed": SEED,
        "max-time": seconds,
        "request-timeout": 60,
        # schemathesis is not thread-safe everywhere.
        "workers": 1,
        "continue-on-failure": True,
        "rate-limit": RATE,
        "headers": {"Authorization": f"Bearer {token}"},
        "dictionaries": {"ids": {"values": ids}},
        "parameters": {
            "path.workspace": workspace,
            "header.Rollcall-Workspace": workspace,
            "path.id": {"dictionary": "ids", "probability": 0.7},
            # A long poll of half a minute would take a quarter of the time.
            "query.wait": 0,
        },
        "generation": {"with-security-parameters": False},
        "checks": checks,
        "phases": {"coverage": {"unexpected-methods": ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"]}},
    }
    lines = [f"{name} = {toml(value)}" for name, value in values.items()]
    for path, status in EXPECTED.items():
        statuses = {"not_a_server_error": {"expected-statuses": ["2xx", "3xx", "4xx", status]}}
        lines += ["[[operations]]", f"include-path = {toml(path)}", f"checks = {toml(statuses)}"]
    return "\n".join(lines) + "\n"


def run(url, name, token, workspace, ids, protection, seconds, paths):
    """Runs schemathesis on the operations whose paths match, and returns whether it found nothing. `protection` is for the hooks."""
    print(f"--- {name}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "schemathesis.toml"
        file.write_text(configuration(token, workspace, ids, seconds), encoding="utf-8")
        file.chmod(0o600)
        command = [Path(sys.executable).parent / "schemathesis", "--config-file", file, "run", f"{url}/api/openapi.json", "--url", url]
        command += ["--include-path-regex", paths, "--warnings", "off"]
        environment = os.environ | {
            "PYTHONPATH": str(Path(__file__).resolve().parent),
            "PYTHONDONTWRITEBYTECODE": "1",
            "SCHEMATHESIS_HOOKS": "schemathesis_hooks",
            "FUZZ_WORKSPACE": workspace,
            **protection,
        }
        # schemathesis keeps examples that failed in the current folder.
        result = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)
    print(result.stdout, flush=True)
    return result.returncode == 0 and is_complete(result.stdout)


def is_complete(output):
    """Whether nearly all operations were tested in the time."""
    selected, tested = re.search(r"Selected: +(\d+)/", output), re.search(r"Tested: +(\d+)", output)
    if selected and tested and int(tested[1]) >= 0.9 * int(selected[1]):
        return True
    print("the time was too short to test the operations", file=sys.stderr)
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("url", help="the URL of scim-api, such as http://127.0.0.1:8080")
    parser.add_argument("scimctl", help="the scimctl of the suite")
    parser.add_argument("--seconds", type=int, default=120)
    arguments = parser.parse_args()
    url, scimctl, seconds = arguments.url.rstrip("/"), arguments.scimctl, arguments.seconds // 3
    deployment = issue(scimctl, ["--deployment", "--direct"], [scope for scope in SCOPES if scope != "scim"])
    name = uuid.uuid4().hex[:8]
    parts = [
        ("the APIs of a workspace", f"fuzz-{name}-a", False, r"^/(api/v2/(?!admin/)|api/openapi|\.well-known/)"),
        ("the management API of a workspace", f"fuzz-{name}-b", False, r"^/api/v2/admin/"),
        # SCIM refuses deployment-wide tokens; the first part tests it.
        ("deployment-wide", f"fuzz-{name}-c", True, r"^/api/v2/(?!scim|oauth)"),
    ]
    passed = True
    for title, slug, is_deployment_wide, paths in parts:
        own = token_of_workspace(scimctl, slug)
        ids = sample_data(Client(url, own), slug)
        token = deployment if is_deployment_wide else own
        create_workspace(scimctl, f"{slug}-deleted")
        protection = {
            "FUZZ_DELETED_WORKSPACE": f"{slug}-deleted",
            "FUZZ_OTHER_WORKSPACES": " ".join(other_workspaces(Client(url, deployment), slug)),
            "FUZZ_PROTECTED_IDS": " ".join(protected_ids(Client(url, own), slug, Client(url, deployment))),
        }
        passed = run(url, title, token, slug, ids, protection, seconds, paths) and passed
    # The deployment still works: a new workspace gets a user.
    slug = f"fuzz-{name}-d"
    sample_data(Client(url, token_of_workspace(scimctl, slug)), slug)
    health = Client(url, deployment).expect(200, "GET", "/api/v2/admin/health")
    if health["status"] != "ok":
        print(f"the deployment is not healthy: {health}", file=sys.stderr)
        passed = False
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
