#!/usr/bin/env python3
"""Checks the documents: their size, links, paths and commands.

- README.md has at most 10,000 bytes.
- Relative links and their anchors lead somewhere.
- Paths of this repository that are named in code exist.
- Every route that is shown with its method, and every `/api/…` path, is in ops/openapi.yaml.
- Every `scimctl` command has subcommands and options that `scimctl` knows, and every script of ops/ exists, is executable and knows its options.
- The newest version in CHANGELOG.md is the one that every executable prints, before the commit.

`--build FOLDER` names the folder of the executables, `.build/debug` by default.
"""

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import documents
import openapi_document

README_LIMIT = 10_000
EXECUTABLES = ["scim-api", "identity-store", "invitation-mailer", "group-sync", "scimctl"]
SHELL = {"sh", "bash", "console", ""}
# How a document calls the operator's command.
SCIMCTL = {"scimctl", "$ROLLCALL_SCIMCTL"}
# A path of the HTTP interface, with the method if it is before it.
ROUTE = re.compile(r"(?:\b(GET|PUT|POST|PATCH|DELETE) )?(?<![\w./-])(/api/(?:v2/|openapi)[\w{}<>./…*-]*)")
SEPARATORS = {"|", "||", "&&", ";", "&", ">", ">>", "<", "("}


class Command:
    """A command of `scimctl` as --experimental-dump-help describes it."""

    def __init__(self, description, inherited=()):
        self.name = description["commandName"]
        self.options = {}
        for argument in description.get("arguments", []):
            for option in argument.get("names", []):
                self.options[("-" if option["kind"] == "short" else "--") + option["name"]] = argument
        self.options |= dict(inherited)
        # Subcommands take the options of the root: --as, --help, --version.
        self.subcommands = {
            child["commandName"]: Command(child, self.options.items() if not inherited else inherited)
            for child in description.get("subcommands", [])
        }

    def fault(self, words):
        """What is wrong with the words after the command; None if nothing is."""
        if words and words[0] in self.subcommands:
            return self.subcommands[words[0]].fault(words[1:])
        if words and "|" in words[0] and self.subcommands:
            unknown = [word for word in words[0].split("|") if word not in self.subcommands]
            return f"'{self.name}' has no subcommand '{unknown[0]}'" if unknown else None
        # `scimctl invitation …` names a group of commands, `scimctl COMMAND` any.
        if self.subcommands and words and re.fullmatch(r"[a-z][a-z-]*", words[0]):
            return f"'{self.name}' has no subcommand '{words[0]}'"
        for word, following in zip(words, [*words[1:], ""]):
            if not re.match(r"--?[a-zA-Z]", word):
                continue
            option, _, value = word.partition("=")
            if option not in self.options:
                return f"'{self.name}' has no option '{option}'"
            known = self.options[option].get("allValues")
            value = value or following
            if known and re.fullmatch(r"[a-z][a-z|-]*", value) and not set(value.split("|")) <= set(known):
                return f"'{option}' takes {', '.join(known)}, not '{value}'"
        return None


def scimctl(build):
    try:
        output = subprocess.run([build / "scimctl", "--experimental-dump-help"], capture_output=True, text=True, timeout=60, check=True).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise SystemExit(f"scimctl cannot describe its commands: {error}. Build it first.")
    root = Command(json.loads(output)["command"])
    # An option of the argument parser, which the description leaves out.
    root.options["--generate-completion-script"] = {"allValues": ["bash", "zsh", "fish"]}
    return root


def commands(text):
    """The simple commands of a piece of shell text, each as its words."""
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        lexer = shlex.shlex(re.sub(r"^\$ ", "", line.strip()), posix=True, punctuation_chars="|&;<>()")
        lexer.whitespace_split = True
        lexer.commenters = ""
        words = []
        try:
            for word in lexer:
                # A comment begins with a word, as the shell has it.
                if word.startswith("#"):
                    break
                if word in SEPARATORS:
                    yield words
                    words = []
                else:
                    words.append(word)
        except ValueError:
            # No shell text: an apostrophe in the output that a block shows.
            pass
        yield words


def shown_commands(text):
    """The commands in shell blocks and in inline code, with their positions."""
    for position, block in documents.code_blocks(text, SHELL):
        yield from ((position, words) for words in commands(block))
    plain = documents.FENCE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    for match in documents.INLINE.finditer(plain):
        # `list|show` names several commands; it is no pipe.
        words = re.sub(r"\\\|", "|", match[1]).split()
        if words and (words[0] in SCIMCTL or words[0].startswith("ops/")):
            yield match.start(), words


def script_fault(words, sources):
    """What is wrong with a call of a script of ops/; None if nothing is."""
    script = documents.ROOT / words[0].removeprefix("./")
    if not script.exists():
        return f"there is no '{words[0]}'"
    # A file or folder that is named, and not called.
    if len(words) == 1 or script.is_dir():
        return None
    if not os.access(script, os.X_OK):
        return f"'{words[0]}' is not executable"
    unknown = [word for word in words[1:] if word.startswith("--") and word.partition("=")[0] not in sources]
    return f"'{words[0]}' has no option '{unknown[0]}'" if unknown else None


def command_faults(path, root, sources):
    text = documents.read(path)
    for position, words in shown_commands(text):
        fault = None
        for index, word in enumerate(words):
            if word in SCIMCTL:
                fault = root.fault(words[index + 1 :])
                break
            if re.match(r"(\./)?ops/[\w/.-]+$", word):
                fault = script_fault(words[index:], sources)
                break
        if fault:
            yield documents.line_of(text, position), f"{fault}: {' '.join(words)}"


def route_faults(path, api):
    """Routes that ops/openapi.yaml does not have. Parameters may be written as in the document or as values; an ellipsis leaves a part open."""
    text = documents.read(path)
    for match in ROUTE.finditer(text):
        method, route = match[1], match[2].rstrip("/.,:;}")
        if "…" in route or "*" in route:
            continue
        documented = api.path_of(route)
        if documented is None:
            # `/api/v2/admin` names a part of the interface.
            if method or not any(known.startswith(route + "/") for known in api.content["paths"]):
                yield documents.line_of(text, match.start()), f"ops/openapi.yaml has no path '{route}'"
        elif method and method.lower() not in api.content["paths"][documented]:
            yield documents.line_of(text, match.start()), f"ops/openapi.yaml has no {method} {documented}"


def version_faults(build):
    match = re.search(r"^## \[(\d+\.\d+\.\d+)\]", documents.read(documents.ROOT / "CHANGELOG.md"), re.MULTILINE)
    if not match:
        yield "CHANGELOG.md: there is no heading with a version, such as '## [1.2.3] - 2026-01-31'"
        return
    for executable in EXECUTABLES:
        printed = subprocess.run([build / executable, "--version"], capture_output=True, text=True, timeout=60).stdout.strip()
        # Builds of ops/local/build also know their commit, and whether files were changed.
        if not re.fullmatch(rf"{re.escape(f'{executable} {match[1]}')}( \([0-9a-f]+(-dirty)?\))?", printed):
            yield f"CHANGELOG.md: the newest version is {match[1]}, but {executable} --version prints '{printed}'"


def main():
    parser = argparse.ArgumentParser(prog="ops/local/check-docs.py", description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=documents.ROOT / ".build/debug", help="the folder of the executables")
    options = parser.parse_args()
    root = scimctl(options.build)
    # The code of the harnesses is in folders of Tests/.
    files = [path for folder in ("ops", "Tests") for path in (documents.ROOT / folder).rglob("*") if path.is_file()]
    scripts = [path for path in files if path.suffix in ("", ".py", ".sh")]
    sources = "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in scripts)
    problems, api = [], openapi_document.Document()
    size = (documents.ROOT / "README.md").stat().st_size
    if size > README_LIMIT:
        problems.append(f"README.md: it has {size} bytes; {README_LIMIT} are the limit. Details belong in ops/docs")
    for path in documents.documents():
        found = [*documents.dead_links(path)]
        # The changelog names what there was.
        if path.name != "CHANGELOG.md":
            found += [*documents.missing_paths(path), *command_faults(path, root, sources), *route_faults(path, api)]
        problems += [f"{documents.name(path)}:{line}: {problem}" for line, problem in sorted(set(found))]
    problems += version_faults(options.build)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
