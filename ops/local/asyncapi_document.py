"""Parses ops/asyncapi.yaml and validates messages against it."""

import json
import re
from pathlib import Path

import yaml
from jsonschema import Draft7Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

PATH = Path(__file__).resolve().parent.parent / "asyncapi.yaml"
BASE = "asyncapi:document"


class Document:
    def __init__(self, path=PATH):
        self.content = yaml.safe_load(path.read_text(encoding="utf-8"))
        resource = Resource.from_contents(self.content, default_specification=DRAFT7)
        self.registry = Registry().with_resource(BASE, resource)

    def resolve(self, value):
        """Follows `$ref`s within the document and returns the value. Raises KeyError if a target does not exist."""
        while isinstance(value, dict) and "$ref" in value:
            reference = value["$ref"]
            if not reference.startswith("#/"):
                raise KeyError(reference)
            value = self.content
            for part in reference[2:].split("/"):
                value = value[part.replace("~1", "/").replace("~0", "~")]
        return value

    def validator(self, *path):
        """Returns a validator for the schema at a path of the document."""
        pointer = "/".join(part.replace("~", "~0").replace("/", "~1") for part in path)
        return Draft7Validator({"$ref": f"{BASE}#/{pointer}"}, registry=self.registry, format_checker=FormatChecker())

    def channel(self, topic):
        """Returns the channel of a topic, or None."""
        for channel in self.content["channels"].values():
            parameters = channel.get("parameters", {})
            pattern = re.escape(channel["address"])
            for name, parameter in parameters.items():
                pattern = pattern.replace(re.escape("{" + name + "}"), "(" + "|".join(parameter["enum"]) + ")")
            if re.fullmatch(pattern, topic):
                return channel
        return None

    def message_names(self, channel):
        """Returns the names of the messages of a channel in components.messages."""
        return [message["$ref"].rsplit("/", 1)[1] for message in channel["messages"].values()]

    def payload_problems(self, name, payload):
        """Returns the violations in a decoded payload of the message `name`."""
        return [error.message for error in self.validator("components", "messages", name, "payload").iter_errors(payload)]

    def header_problems(self, name, headers):
        """Returns the violations in the headers, a dictionary of strings, of the message `name`."""
        return [error.message for error in self.validator("components", "messages", name, "headers").iter_errors(headers)]

    def problems(self, topic, headers, value):
        """Returns the violations in a message from a topic. headers: a dictionary of strings; value: bytes."""
        channel = self.channel(topic)
        if channel is None:
            return [f"the topic {topic} has no channel"]
        found = {name: self.header_problems(name, headers) for name in self.message_names(channel)}
        matching = [name for name, problems in found.items() if not problems]
        if len(matching) != 1:
            nearest = min(found, key=lambda name: len(found[name]))
            reason = f"as {nearest}: {found[nearest]}" if not matching else str(matching)
            return [f"the headers match {len(matching)} messages of the channel instead of one ({reason})"]
        name = matching[0]
        schema = self.resolve(self.content["components"]["messages"][name]["payload"])
        if not schema:
            return []
        try:
            payload = self.decode(schema, value)
        except ValueError as error:
            return [f"{name}: the value cannot be decoded: {error}"]
        return [f"{name}: {problem}" for problem in self.payload_problems(name, payload)]

    @staticmethod
    def decode(schema, value):
        """Decodes the value as JSON. Adds the two closing braces that an open document omits. An empty value yields an empty string."""
        if schema.get("x-open-document"):
            return json.loads(value + b"}}")
        return json.loads(value) if value else ""
