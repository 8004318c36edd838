"""Checks that the images in compose.yaml, the Dockerfile and the workflows have full versions, so that builds are reproducible."""

import re
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
# The number of components of a full version, if not three.
NUMBERS = {"postgres": 2}


def problem_of(image):
    """Returns why an image reference does not select a single version, or None."""
    name, _, digest = image.partition("@")
    if re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
        return None
    name, _, tag = name.rpartition(":") if ":" in name.rsplit("/", 1)[-1] else (name, "", "")
    numbers = NUMBERS.get(name, 3)
    if not re.match(r"v?\d+(\.\d+){%d}(?![.\d])" % (numbers - 1), tag):
        return f"'{image}' has no full version: use a tag with {numbers} numbers, such as {'.'.join('123'[:numbers])}"
    return None


def compose_images():
    services = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    # Without images that are built from this repository.
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


def workflow_images():
    for path in sorted((ROOT / ".github/workflows").glob("*.yml")):
        for job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values():
            container = job.get("container")
            if container:
                yield str(path.relative_to(ROOT)), container if isinstance(container, str) else container["image"]


def main():
    problems = [(file, problem_of(image)) for file, image in [*compose_images(), *dockerfile_images(), *workflow_images()]]
    problems = [f"{file}: {problem}" for file, problem in problems if problem]
    print(*problems, sep="\n", end="\n" if problems else "", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
