"""Reads ops/openapi.yaml, and validates responses against it."""

import copy
import json
import re
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

ROOT = Path(__file__).resolve().parent.parent.parent
PATH = ROOT / "ops" / "openapi.yaml"
BASE = "openapi:document"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
# The root of the SCIM paths. Each exists with the version of the protocol, too.
SCIM = "/api/v2/scim"
# The statuses of responses that come before the router or instead of a route: malformed requests, unknown paths, rate limits.
UNROUTED = {400, 404, 413, 414, 429, 431, 501, 503}


class Document:
    def __init__(self, path=PATH):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        # Templates of the YAML form.
        self.content = {name: value for name, value in content.items() if not name.startswith("x-shared")}
        self.registry = self.registry_of(self.content)
        self.closed_registry = self.registry_of(closed(self.content))
        self.patterns = [(re.compile(pattern(path)), path) for path in sorted(self.content["paths"], key=lambda path: path.count("{"))]
        self.validators = {}

    @staticmethod
    def registry_of(content):
        return Registry().with_resource(BASE, Resource.from_contents(content, default_specification=DRAFT202012))

    def resolve(self, value):
        """Follows a `$ref` within the document and returns the value."""
        while isinstance(value, dict) and isinstance(value.get("$ref"), str):
            target = self.content
            for part in value["$ref"].removeprefix("#/").split("/"):
                target = target[part.replace("~1", "/").replace("~0", "~")]
            value = target
        return value

    def operations(self):
        """Yields path, method and operation of each operation."""
        for path, item in self.content["paths"].items():
            for method in METHODS:
                if method in item:
                    yield path, method, item[method]

    def path_of(self, path):
        """Returns the documented path that a request's path belongs to, or None. Paths with fewer parameters come first."""
        path = path.rstrip("/") or "/"
        if path == SCIM + "/v2" or path.startswith(SCIM + "/v2/"):
            path = SCIM + path[len(SCIM) + 3 :]
        return next((documented for expression, documented in self.patterns if expression.fullmatch(path)), None)

    def problems(self, schema, value, is_closed=False):
        """Returns the violations of a schema of the document in a value. is_closed: whether members that the schema does not name are violations."""
        key = (json.dumps(schema, sort_keys=True, default=str), is_closed)
        if key not in self.validators:
            schema = rebased(closed(schema) if is_closed else schema)
            self.validators[key] = Draft202012Validator(
                schema, registry=self.closed_registry if is_closed else self.registry, format_checker=FormatChecker()
            )
        return [f"{error.json_path}: {error.message[:300]}" for error in self.validators[key].iter_errors(value)]

    def response_problems(self, method, path, status, headers, body):
        """Returns what is not documented about a response.

        headers: a dictionary with lower-case names; body: bytes, or None if it was not recorded.
        """
        documented = self.path_of(path)
        if method == "OPTIONS":
            return [] if status in UNROUTED | {204} else [f"OPTIONS has the status {status}"]
        if documented is None:
            return [] if status in UNROUTED else [f"the path is not documented, and the status is {status}"]
        item = self.content["paths"][documented]
        operation = item.get("get" if method == "HEAD" else method.lower())
        if operation is None:
            return [] if status in UNROUTED | {405} else [f"{method} {documented} is not documented, and the status is {status}"]
        response = self.resolve(operation["responses"].get(str(status)))
        if response is None:
            return [f"{method} {documented} has no response {status}"]
        problems = list(self.header_problems(response, headers))
        if method == "HEAD" or body is None:
            return problems
        return problems + list(self.body_problems(response, headers.get("content-type", ""), body))

    def header_problems(self, response, headers):
        for name, header in response.get("headers", {}).items():
            header = self.resolve(header)
            value = headers.get(name.lower())
            if value is None:
                if header.get("required"):
                    yield f"the header {name} is missing"
                continue
            is_number = self.resolve(header["schema"]).get("type") == "integer" and re.fullmatch(r"-?[0-9]+", value)
            yield from (f"the header {name}: {problem}" for problem in self.problems(header["schema"], int(value) if is_number else value))

    def body_problems(self, response, content_type, body):
        content = response.get("content", {})
        media_type = content_type.partition(";")[0].strip().lower()
        if not content:
            if body:
                yield "the body should be empty"
            return
        if media_type not in content:
            yield f"the Content-Type is '{content_type}' instead of {', '.join(content)}"
            return
        media = content[media_type]
        try:
            if "x-line-schema" in media:
                values = [(media["x-line-schema"], json.loads(line)) for line in body.splitlines() if line.strip()]
            elif media_type.endswith("json"):
                values = [(media["schema"], json.loads(body))]
            else:
                values = [(media["schema"], body.decode())]
        except ValueError as error:
            yield f"the body cannot be decoded: {error}"
            return
        for schema, value in values:
            yield from self.problems(schema, value, is_closed=True)


def pattern(path):
    """The regular expression of a documented path: each parameter is one segment."""
    return re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(path))


def rebased(schema):
    """A schema whose references lead into the document."""
    if isinstance(schema, dict):
        return {
            name: BASE + value if name == "$ref" and isinstance(value, str) and value.startswith("#/") else rebased(value)
            for name, value in schema.items()
        }
    return [rebased(item) for item in schema] if isinstance(schema, list) else schema


def closed(value):
    """A copy in which objects have no other members than their schemas name, unless they say `additionalProperties`.

    Clients ignore unknown members of responses, so the schemas allow them. The tests do not, so that every member is documented.
    """
    if isinstance(value, list):
        return [closed(item) for item in value]
    if not isinstance(value, dict):
        return value
    result = {name: copy.deepcopy(item) if name in ("examples", "example", "enum", "const", "default") else closed(item) for name, item in value.items()}
    is_schema = isinstance(value.get("properties"), dict) and value.get("type") in ("object", ["object", "null"])
    if is_schema and "additionalProperties" not in value:
        result["additionalProperties"] = False
    return result
