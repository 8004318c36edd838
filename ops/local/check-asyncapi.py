"""Validates ops/asyncapi.yaml: the structure, the references, and the examples against their schemas."""

import sys
from pathlib import Path

import yaml
from asyncapi_document import Document
from jsonschema import Draft7Validator


def structure_errors(document):
    structure = yaml.safe_load((Path(__file__).parent / "asyncapi-structure.yaml").read_text(encoding="utf-8"))
    for error in Draft7Validator(structure).iter_errors(document.content):
        yield f"{error.json_path}: {error.message}"


def broken_references(document, value, path="$"):
    if isinstance(value, dict) and isinstance(value.get("$ref"), str):
        try:
            document.resolve(value)
        except KeyError:
            yield f"{path}: {value['$ref']} does not exist"
    elif isinstance(value, (dict, list)):
        for name, child in value.items() if isinstance(value, dict) else enumerate(value):
            yield from broken_references(document, child, f"{path}.{name}")


def foreign_messages(document):
    """Finds messages of an operation that its channel does not have (AsyncAPI 3.0, Operation Object)."""
    for name, operation in document.content["operations"].items():
        for part in (operation, document.resolve(operation.get("reply", {}))):
            for message in part.get("messages", []):
                if not message["$ref"].startswith(part["channel"]["$ref"] + "/messages/"):
                    yield f"$.operations.{name}: {message['$ref']} is not a message of its channel"


def invalid_examples(document):
    for name, message in document.content["components"]["messages"].items():
        for example in message["examples"]:
            problems = []
            if "headers" in example:
                problems += document.header_problems(name, example["headers"])
            if "payload" in example:
                problems += document.payload_problems(name, example["payload"])
            for problem in problems:
                yield f"$.components.messages.{name}, example {example['name']}: {problem}"


def main():
    document = Document()
    problems = [*structure_errors(document), *broken_references(document, document.content)]
    if not problems:
        problems = [*foreign_messages(document), *invalid_examples(document)]
    for problem in problems:
        print(f"ops/asyncapi.yaml: {problem}", file=sys.stderr)
    return 1 if problems else 0


sys.exit(main())
