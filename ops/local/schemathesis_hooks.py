"""Hooks of schemathesis, for fuzz-api.py."""

import json
import os

import schemathesis

PROTECTED = set(os.environ.get("FUZZ_PROTECTED_TOKENS", "").split())
UNKNOWN = "00000000-0000-4000-8000-000000000000"


@schemathesis.hook
def before_call(context, case, kwargs):
    """Does not revoke the tokens with which the test sends its requests: all later requests would be rejected before they reach their routes.

    The id in the path becomes one that does not exist.
    """
    parameters = case.path_parameters or {}
    if "/tokens/{id}" in case.operation.path and str(parameters.get("id")) in PROTECTED:
        case.path_parameters = {**parameters, "id": UNKNOWN}


@schemathesis.serializer("application/x-ndjson", "application/ndjson", "application/jsonl")
def lines(context, value):
    """Sends a text as it is, and any other value as one line of JSON."""
    return value.encode("utf-8", "replace") if isinstance(value, str) else json.dumps(value, default=str).encode()
