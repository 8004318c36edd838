"""ops/asyncapi.yaml as a program sees it: which message something is, and whether it is as the document says."""

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
        """The value that a chain of `$ref`s within the document leads to; KeyError where it leads nowhere."""
        while isinstance(value, dict) and "$ref" in value:
            reference = value["$ref"]
            if not reference.startswith("#/"):
                raise KeyError(reference)
            value = self.content
            for part in reference[2:].split("/"):
                value = value[part.replace("~1", "/").replace("~0", "~")]
        return value

    def validator(self, *path):
        """A validator for the schema at that path of the document."""
        pointer = "/".join(part.replace("~", "~0").replace("/", "~1") for part in path)
        return Draft7Validator({"$ref": f"{BASE}#/{pointer}"}, registry=self.registry, format_checker=FormatChecker())

    def channel(self, topic):
        """The channel of a topic, or None."""
        for channel in self.content["channels"].values():
            parameters = channel.get("parameters", {})
            pattern = re.escape(channel["address"])
            for name, parameter in parameters.items():
                pattern = pattern.replace(re.escape("{" + name + "}"), "(" + "|".join(parameter["enum"]) + ")")
            if re.fullmatch(pattern, topic):
                return channel
        return None

    def message_names(self, channel):
        """The names, in components, of the messages of a channel."""
        return [message["$ref"].rsplit("/", 1)[1] for message in channel["messages"].values()]

    def payload_problems(self, name, payload):
        """What is wrong with a decoded payload of that message."""
        return [error.message for error in self.validator("components", "messages", name, "payload").iter_errors(payload)]

    def header_problems(self, name, headers):
        """What is wrong with the headers, a dictionary of strings, of that message."""
        return [error.message for error in self.validator("components", "messages", name, "headers").iter_errors(headers)]

    def problems(self, topic, headers, value):
        """What is wrong with a message as it was on a topic: headers as a dictionary of strings, the value as bytes."""
        channel = self.channel(topic)
        if channel is None:
            return [f"there is no channel for the topic {topic}"]
        found = {name: self.header_problems(name, headers) for name in self.message_names(channel)}
        fitting = [name for name, problems in found.items() if not problems]
        if len(fitting) != 1:
            nearest = min(found, key=lambda name: len(found[name]))
            reason = f"as {nearest}: {found[nearest]}" if not fitting else f"they fit {fitting}"
            return [f"its headers are those of {len(fitting)} messages of the channel, not of one ({reason})"]
        name = fitting[0]
        schema = self.resolve(self.content["components"]["messages"][name]["payload"])
        if not schema:
            return []
        try:
            payload = self.decode(schema, value)
        except ValueError as error:
            return [f"{name}: the value cannot be read: {error}"]
        return [f"{name}: {problem}" for problem in self.payload_problems(name, payload)]

    @staticmethod
    def decode(schema, value):
        """The bytes as JSON; an open document with the two braces it leaves out, no bytes as the empty string."""
        if schema.get("x-open-document"):
            return json.loads(value + b"}}")
        return json.loads(value) if value else ""
