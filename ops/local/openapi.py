#!/usr/bin/env python3
"""openapi.py update|check  handles the OpenAPI document, ops/openapi.yaml.

update  writes the document as JSON into the Swift file from which scim-api serves it.
check   validates the document, its examples and defaults, and compares the Swift file.
"""

import json
import sys

from openapi_document import PATH, ROOT, Document
from openapi_spec_validator import OpenAPIV31SpecValidator

SWIFT = ROOT / "Services/scim-api/Product/OpenAPI/OpenAPIDocument.swift"

HEAD = '''// swift-format-ignore-file

/// The OpenAPI document as JSON. Generated from `ops/openapi.yaml` by `ops/local/openapi.py update`.
enum OpenAPIDocument {
  // A string, because an array of as many bytes takes long to compile.
  static let json = #"""
'''
TAIL = '''
"""#
}
'''


def text(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def lines(value, depth):
    """JSON with a line for each member of the first levels, so that changes can be reviewed."""
    if depth == 0 or not isinstance(value, dict) or not value:
        return text(value)
    return "{\n" + ",\n".join(f"{text(name)}:{lines(member, depth - 1)}" for name, member in value.items()) + "\n}"


def swift(document):
    content = document.content
    members = {name: lines(value, 2 if name in ("paths", "components") else 0) for name, value in content.items()}
    return HEAD + "{\n" + ",\n".join(f"{text(name)}:{value}" for name, value in members.items()) + "\n}" + TAIL


def duplicates(document):
    """Finds operations with the same id."""
    seen = {}
    for path, method, operation in document.operations():
        name = operation["operationId"]
        if name in seen:
            yield f"{method.upper()} {path} and {seen[name]} have the operationId {name}"
        seen[name] = f"{method.upper()} {path}"


def undescribed(document):
    """Finds operations without a summary, a known tag or a documented error."""
    tags = {tag["name"] for tag in document.content["tags"]}
    for path, method, operation in document.operations():
        place = f"{method.upper()} {path}"
        if not operation.get("summary"):
            yield f"{place} has no summary"
        if not set(operation.get("tags", [])) <= tags or not operation.get("tags"):
            yield f"{place} has no tag, or one that is not declared"
        if not {"429", "500", "503"} <= set(operation["responses"]):
            yield f"{place} lacks the responses that all operations have"


def invalid_examples(document):
    """Finds examples and defaults that do not match their schemas."""

    def media_types(value, path):
        if isinstance(value, dict):
            if "schema" in value and isinstance(value.get("examples"), dict):
                yield path, value
            for name, child in value.items():
                yield from media_types(child, f"{path}/{name}")
        elif isinstance(value, list):
            for index, child in enumerate(value):
                yield from media_types(child, f"{path}/{index}")

    for path, media in media_types(document.content, ""):
        for name, example in media["examples"].items():
            for problem in document.problems(media["schema"], example["value"], is_closed=True):
                yield f"{path}, example {name}: {problem}"
            if "x-line-schema" in media:
                for line in example["value"].splitlines():
                    for problem in document.problems(media["x-line-schema"], json.loads(line), is_closed=True):
                        yield f"{path}, example {name}: {problem}"

    def schemas(value, path):
        if isinstance(value, dict):
            if isinstance(value.get("examples"), list) or "default" in value:
                yield path, value
            for name, child in value.items():
                if name not in ("examples", "default", "value"):
                    yield from schemas(child, f"{path}/{name}")
        elif isinstance(value, list):
            for index, child in enumerate(value):
                yield from schemas(child, f"{path}/{index}")

    for path, schema in schemas(document.content, ""):
        for value in [*schema.get("examples", []), *([schema["default"]] if "default" in schema else [])]:
            if isinstance(schema.get("examples", []), list):
                yield from (f"{path}: {problem}" for problem in document.problems(schema, value))


def check(document):
    problems = [f"{error.json_path}: {error.message}" for error in OpenAPIV31SpecValidator(document.content).iter_errors()]
    if not problems:
        problems = [*duplicates(document), *undescribed(document), *invalid_examples(document)]
    if not SWIFT.exists() or SWIFT.read_text(encoding="utf-8") != swift(document):
        problems.append(f"{SWIFT.relative_to(ROOT)} is not up to date; run ops/local/openapi.py update")
    for problem in problems:
        print(f"{PATH.relative_to(ROOT)}: {problem}", file=sys.stderr)
    return 1 if problems else 0


def main():
    if sys.argv[1:] == ["update"]:
        SWIFT.parent.mkdir(exist_ok=True)
        SWIFT.write_text(swift(Document()), encoding="utf-8")
        return 0
    if sys.argv[1:] == ["check"]:
        return check(Document())
    sys.exit(__doc__)


sys.exit(main())
