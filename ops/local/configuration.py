#!/usr/bin/env python3
"""The settings in ops/docs/configuration.md, made from their definitions: from what the built executables print of them.

  configuration.py check    fails if the page is out of date, or if a ROLLCALL_ variable of the repository is not documented on it
  configuration.py update   writes the tables

`--build FOLDER` names the folder of the executables, `.build/debug` by default.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import documents

PAGE = documents.ROOT / "ops/docs/configuration.md"
SECTION = documents.Section(PAGE, "settings", "ops/local/configuration.py")
SERVICES = ["scim-api", "identity-store", "invitation-mailer", "group-sync"]
VARIABLE = re.compile(r"\bROLLCALL_[A-Z0-9]+(?:_[A-Z0-9]+)*(_?)")
# Where variables are read or set. Tests make up settings of their own.
SOURCES = ["Services", "Shared", "ops", ".ci", ".github", "compose.yaml", "Package.swift"]
# The name of a Mustache partial, not of a variable.
NOT_VARIABLES = {"ROLLCALL_HTML"}
SUFFIXES = {"", ".swift", ".py", ".sh", ".sql", ".yaml", ".yml", ".md"}


def settings(build, executable):
    """The settings of an executable in the order of its help."""
    arguments = ["settings"] if executable == "scimctl" else ["--settings"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ROLLCALL_")}
    try:
        output = subprocess.run(
            [build / executable, *arguments], capture_output=True, text=True, timeout=60, check=True, env=environment).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise SystemExit(f"{executable} cannot list its settings: {error}. Build it first.")
    return json.loads(output)["settings"]


def default(setting):
    """The cell about the value without the setting."""
    words = [f"`{setting['default']}`"] if setting.get("default") is not None else []
    words += [word for word in ("required", "secret") if setting[word]]
    return ", ".join(words)


def meaning(setting):
    """The help, with the range or choice of values. The page explains times, flags and URLs once for all settings."""
    value = setting["value"]
    is_limited = value.startswith(("a whole number from", "one of"))
    return setting["help"] + (f" *{value[0].upper()}{value[1:]}.*" if is_limited else "")


def table(listed):
    rows = [[f"`{setting['name']}`", f"`{setting['key']}`", default(setting), meaning(setting)] for setting in listed]
    return documents.table(["variable", "key", "default", "meaning"], rows)


def generated(lists):
    """A table of what all services have, and one of what each has besides."""
    common = [setting for setting in lists["scim-api"] if all(setting in lists[service] for service in SERVICES)]
    parts = ["### All services", table(common)]
    for executable in [*SERVICES, "scimctl"]:
        parts += [f"### {executable}", table([setting for setting in lists[executable] if setting not in common])]
        shared = [setting for setting in lists[executable] if setting in common]
        if executable == "scimctl" and shared:
            parts.append("Of the settings of all services `scimctl` reads " + ", ".join(f"`{one['name']}`" for one in shared) + ".\n")
    return "\n" + "\n".join(part if part.endswith("\n") else part + "\n" for part in parts) + "\n"


def used_variables():
    """The variables of the sources with one place where each occurs. A name that ends in `_` stands for all that begin with it."""
    found = {}
    for source in SOURCES:
        path = documents.ROOT / source
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            relative = documents.name(file)
            if not file.is_file() or file.suffix not in SUFFIXES or relative == documents.name(PAGE) or "/.local/" in relative:
                continue
            for match in VARIABLE.finditer(file.read_text(encoding="utf-8", errors="replace")):
                found.setdefault(match[0], relative)
    for document in documents.documents():
        if document != PAGE:
            for match in VARIABLE.finditer(documents.read(document)):
                found.setdefault(match[0], documents.name(document))
    return found


def undocumented(lists):
    """Variables that the page does not have, and those of it that nothing uses."""
    page = {match[0] for match in VARIABLE.finditer(documents.read(PAGE))}
    secrets = {setting["name"] for listed in lists.values() for setting in listed if setting["secret"]}
    used = used_variables()
    for variable, place in sorted(used.items()):
        is_prefix = variable.endswith("_") and any(one.startswith(variable) for one in page)
        is_file = variable.endswith("_FILE") and variable.removesuffix("_FILE") in secrets
        if variable not in page | NOT_VARIABLES and not is_prefix and not is_file:
            yield f"'{variable}' of {place} is not documented"
    known = {setting["name"] for listed in lists.values() for setting in listed}
    for variable in sorted(page - known - used.keys()):
        if not variable.endswith("_FILE"):
            yield f"'{variable}' is documented, but nothing reads it"


def main():
    parser = argparse.ArgumentParser(prog="ops/local/configuration.py", description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=["check", "update"])
    parser.add_argument("--build", type=Path, default=documents.ROOT / ".build/debug", help="the folder of the executables")
    options = parser.parse_args()
    lists = {executable: settings(options.build, executable) for executable in [*SERVICES, "scimctl"]}
    content = generated(lists)
    if options.action == "update":
        SECTION.write(content)
        return 0
    problems = [] if SECTION.is_current(content) else ["the settings are out of date: run ops/local/configuration.py update"]
    problems += undocumented(lists)
    for problem in problems:
        print(f"{documents.name(PAGE)}: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
