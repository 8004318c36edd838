"""Checks that the images of compose.yaml and of the Dockerfile have full versions, so that tomorrow's build is today's."""

import re
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
# How many numbers a full version has; PostgreSQL's have two since 10.
NUMBERS = {"postgres": 2}


def fault(image):
    """Why an image's reference is not to one version; None where it is."""
    name, _, digest = image.partition("@")
    if re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
        return None
    name, _, tag = name.rpartition(":") if ":" in name.rsplit("/", 1)[-1] else (name, "", "")
    numbers = NUMBERS.get(name, 3)
    if not re.match(r"v?\d+(\.\d+){%d}(?![.\d])" % (numbers - 1), tag):
        return f"'{image}' has no full version: give its tag {numbers} numbers, such as {'.'.join('123'[:numbers])}"
    return None


def compose_images():
    services = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    # What is built here is as new as the source.
    return [("compose.yaml", service["image"]) for service in services.values() if "build" not in service]


def dockerfile_images():
    text = (ROOT / "ops/docker/Dockerfile").read_text(encoding="utf-8")
    arguments = dict(re.findall(r"^ARG (\w+)=(\S+)", text, re.MULTILINE))
    stages = set(re.findall(r"^FROM .* AS (\S+)", text, re.MULTILINE))
    images = re.findall(r"^# syntax=(\S+)|^FROM (?:--\S+ )*(\S+)", text, re.MULTILINE)
    for syntax, base in images:
        image = re.sub(r"\$\{(\w+)\}", lambda match: arguments.get(match[1], match[0]), syntax or base)
        if image not in stages:
            yield "ops/docker/Dockerfile", image


def main():
    problems = [(file, fault(image)) for file, image in [*compose_images(), *dockerfile_images()]]
    problems = [f"{file}: {problem}" for file, problem in problems if problem]
    print(*problems, sep="\n", end="\n" if problems else "", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
