#!/usr/bin/env python3
"""The diagram of the package's targets in ops/docs/architecture.md, made from `swift package dump-package`.

  architecture.py check    fails if the diagram is out of date, or if the page names a file that does not exist
  architecture.py update   writes the diagram
"""

import json
import subprocess
import sys

import documents

PAGE = documents.ROOT / "ops/docs/architecture.md"
SECTION = documents.Section(PAGE, "targets", "ops/local/architecture.py")


class Target:
    def __init__(self, description):
        self.name = description["name"]
        self.kind = description["type"]
        self.folder = (description.get("path") or "").split("/")[0]
        self.targets, self.packages = set(), set()
        for dependency in description["dependencies"]:
            (kind, value), = dependency.items()
            if kind == "product":
                self.packages.add(value[1])
            else:
                self.targets.add(value[0])


def load():
    """The targets that are shipped, by name: no tests and no benchmarks."""
    output = subprocess.run(
        ["swift", "package", "--package-path", str(documents.ROOT), "dump-package"], capture_output=True, text=True)
    if output.returncode != 0:
        raise SystemExit(f"swift package dump-package fails:\n{output.stderr}")
    targets = [Target(target) for target in json.loads(output.stdout)["targets"] if target["type"] != "test"]
    return {target.name: target for target in targets if target.folder in ("Shared", "Services")}


def reachable(targets, name):
    """Everything that `name` depends on, directly or through others."""
    found, waiting = set(), set(targets[name].targets)
    while waiting:
        next_name = waiting.pop()
        if next_name in targets and next_name not in found:
            found.add(next_name)
            waiting |= targets[next_name].targets
    return found


def direct(targets, name):
    """The dependencies of `name` that no other dependency of it brings along: fewer arrows say the same."""
    own = targets[name].targets & targets.keys()
    return sorted(own - set().union(*(reachable(targets, other) for other in own)))


def node(name):
    return name.replace("-", "_")


def diagram(targets):
    shapes = {"executable": ("([", "])"), "system": ("[(", ")]")}
    lines = ["```mermaid", "flowchart TD"]
    for folder in ("Services", "Shared"):
        lines.append(f"  subgraph {folder}")
        for target in sorted(targets.values(), key=lambda target: target.name.lower()):
            if target.folder == folder:
                left, right = shapes.get(target.kind, ("[", "]"))
                lines.append(f"    {node(target.name)}{left}{target.name}{right}")
        lines.append("  end")
    for name in sorted(targets, key=str.lower):
        lines += [f"  {node(name)} --> {node(other)}" for other in direct(targets, name)]
    return "\n".join([*lines, "```"]) + "\n"


def table(targets):
    kinds = {"executable": "executable", "system": "C library", "regular": "library"}
    rows = [
        [
            f"`{target.name}`", kinds.get(target.kind, target.kind),
            ", ".join(f"`{name}`" for name in sorted(target.targets & targets.keys(), key=str.lower)),
            ", ".join(sorted(target.packages, key=str.lower)),
        ]
        for target in sorted(targets.values(), key=lambda target: (target.folder != "Shared", target.name.lower()))
    ]
    return documents.table(["target", "kind", "depends on", "packages"], rows)


def generated():
    targets = load()
    return f"\n{diagram(targets)}\n{table(targets)}\n"


def check():
    problems = [f"{line}: {problem}" for line, problem in documents.missing_paths(PAGE)]
    if not SECTION.is_current(generated()):
        problems.append("1: the targets are out of date: run ops/local/architecture.py update")
    for problem in problems:
        print(f"{documents.name(PAGE)}:{problem}", file=sys.stderr)
    return 1 if problems else 0


def main(arguments):
    if arguments == ["check"]:
        return check()
    if arguments == ["update"]:
        SECTION.write(generated())
        return 0
    print("usage: ops/local/architecture.py check|update", file=sys.stderr)
    return 64


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
