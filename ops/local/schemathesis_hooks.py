"""Hooks of schemathesis, for fuzz-api.py: they keep requests away from what the test itself and other checks of the suite need."""

import json
import os

import schemathesis


def names(variable):
    return set(os.environ.get(variable, "").lower().split())


# The workspace of the test, and the one that is deleted and restored.
WORKSPACE = os.environ.get("FUZZ_WORKSPACE", "")
DELETED_WORKSPACE = os.environ.get("FUZZ_DELETED_WORKSPACE", "")
# The ids and slugs of the other workspaces.
OTHER_WORKSPACES = names("FUZZ_OTHER_WORKSPACES")
# The ids of the tokens with which requests are sent, and of the tokens and webhooks of the deployment that others use.
PROTECTED = names("FUZZ_PROTECTED_IDS")
UNKNOWN = "00000000-0000-4000-8000-000000000000"
HEADER = "Rollcall-Workspace"


@schemathesis.hook
def before_call(context, case, kwargs):
    """Redirects requests that would change another workspace, or revoke, disable or delete something that others use.

    Orders to delete a workspace concern one that exists for this. A protected id becomes one that does not exist.
    """
    path, parameters = case.operation.path, dict(case.path_parameters or {})
    if path.endswith("/{workspace}/deletion"):
        parameters["workspace"] = DELETED_WORKSPACE
        if isinstance(case.body, dict) and isinstance(case.body.get("slug"), str):
            case.body = {**case.body, "slug": DELETED_WORKSPACE}
    elif is_other(parameters.get("workspace")):
        parameters["workspace"] = WORKSPACE
    if case.operation.method.upper() != "GET" and "{id}" in path and str(parameters.get("id")).lower() in PROTECTED:
        parameters["id"] = UNKNOWN
    if parameters != dict(case.path_parameters or {}):
        case.path_parameters = parameters
    for name, value in list((case.headers or {}).items()):
        if name.lower() == HEADER.lower() and is_other(value):
            case.headers[name] = WORKSPACE


def is_other(workspace):
    return str(workspace).strip().lower() in OTHER_WORKSPACES


@schemathesis.serializer("application/x-ndjson", "application/ndjson", "application/jsonl")
def lines(context, value):
    """Sends a text as it is, and any other value as one line of JSON."""
    return value.encode("utf-8", "replace") if isinstance(value, str) else json.dumps(value, default=str).encode()
