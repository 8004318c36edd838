"""Checks ops/asyncapi.yaml: its structure, its references, and its examples against its schemas."""

import sys
from pathlib import Path

import yaml
from asyncapi_document import Document
from jsonschema import Draft7Validator


def structure_errors(document):
    structure = yaml.safe_load((Path(__file__).parent / "asyncapi-structure.yaml").read_text(encoding="utf-8"))
    for error in Draft7Validator(structure).iter_errors(document.content):
        yield f"{error.json_path}: {error.message}"


def dead_references(document, value, path="$"):
    if isinstance(value, dict) and isinstance(value.get("$ref"), str):
        try:
            document.resolve(value)
        except KeyError:
            yield f"{path}: {value['$ref']} leads nowhere"
    elif isinstance(value, (dict, list)):
        for name, child in value.items() if isinstance(value, dict) else enumerate(value):
            yield from dead_references(document, child, f"{path}.{name}")


def stray_messages(document):
    """An operation's messages have to be messages of its channel (AsyncAPI 3.0, Operation Object)."""
    for name, operation in document.content["operations"].items():
        for part in (operation, document.resolve(operation.get("reply", {}))):
            for message in part.get("messages", []):
                if not message["$ref"].startswith(part["channel"]["$ref"] + "/messages/"):
                    yield f"$.operations.{name}: {message['$ref']} is not a message of its channel"


def wrong_examples(document):
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
    problems = [*structure_errors(document), *dead_references(document, document.content)]
    if not problems:
        problems = [*stray_messages(document), *wrong_examples(document)]
    for problem in problems:
        print(f"ops/asyncapi.yaml: {problem}", file=sys.stderr)
    return 1 if problems else 0


sys.exit(main())
