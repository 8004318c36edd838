"""Checks that SECURITY.md names an existing test for every promise.

In the column "shown by" of its tables, names between asterisks are those of suites and tests, as their sources have them: *Suite*,
*Suite: test*, or *test*; "…" stands for any text. Names between backticks are files, or functions of the tests. Every row has at least one.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STRING = r'"((?:[^"\\\n]|\\.)*)"'
DECLARATION = re.compile(rf"@Suite\(\s*{STRING}|@Test\(\s*{STRING}|\bfunc `([^`]+)`")
# The fewest letters of a shortened name that says which test is meant.
MINIMUM = 6
NAMES = re.compile(r"\*((?:[^*])+)\*|`([^`]+)`")


def unescaped(text):
    text = re.sub(r"\\u\{(\w+)\}", lambda match: chr(int(match[1], 16)), text)
    return re.sub(r"\\(.)", r"\1", text)


class Tests:
    """The names of all suites and tests."""

    def __init__(self):
        self.by_suite = {}
        self.source = ""
        for path in sorted((ROOT / "Tests").rglob("*.swift")):
            text = path.read_text(encoding="utf-8")
            self.source += text
            suite = path.stem
            for match in DECLARATION.finditer(text):
                if match[1] is not None:
                    suite = unescaped(match[1])
                    self.by_suite.setdefault(suite, [])
                else:
                    self.by_suite.setdefault(suite, []).append(unescaped(match[2]) if match[2] is not None else match[3])

    def has(self, name):
        """Whether `name` is that of a suite, of a test, or of both with a colon between."""
        suites = [suite for suite in self.by_suite if matches(suite, name)]
        if suites or any(matches(test, name) for tests in self.by_suite.values() for test in tests):
            return True
        for colon in re.finditer(": ", name):
            suite, test = name[: colon.start()], name[colon.end() :]
            if any(matches(known, suite) and any(matches(one, test) for one in tests) for known, tests in self.by_suite.items()):
                return True
        return False

    def has_declaration(self, name):
        return re.search(rf"\b(?:func|let|var|struct|enum|class) {re.escape(name)}\b", self.source) is not None


def matches(known, name):
    """Whether `known` is what `name` says, with any text in place of "…"."""
    return re.fullmatch(".*".join(re.escape(part.strip()) for part in name.split("…")).replace(r"\ ", " "), known, re.DOTALL) is not None


def rows(text):
    """The rows of the tables that have the column "shown by", with their lines' numbers."""
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|"):
            inside = False
        elif cells[-1] == "shown by":
            inside = True
        elif inside and not set(line) <= set("|- "):
            yield number, cells


def faults(text, tests):
    found = False
    for number, cells in rows(text):
        found = True
        if len(cells) != 3:
            yield f"{number}: the row has {len(cells)} cells, not 3"
            continue
        shown = 0
        for match in NAMES.finditer(cells[2]):
            if match[1] is not None:
                shown += 1
                if "…" in match[1] and len(match[1].replace("…", "").strip()) < MINIMUM:
                    yield f"{number}: '{match[1]}' could be the name of anything"
                if not tests.has(match[1]):
                    yield f"{number}: there is no suite or test '{match[1]}'"
            elif "/" in match[2]:
                path = match[2].split()[0]
                shown += path.startswith(("Tests/", "ops/"))
                if not (ROOT / path).exists():
                    yield f"{number}: there is no file '{path}'"
            elif not tests.has_declaration(match[2]):
                yield f"{number}: the tests have no '{match[2]}'"
        if not shown:
            yield f"{number}: no test is named that shows it"
    # A row that a blank line cuts off its table would be no row any more.
    for match in re.finditer(r"\n\n(\|[^\n]*\n)(?!\| *---)", text):
        yield f"{text.count(chr(10), 0, match.start()) + 3}: a row that belongs to no table: {match[1][:60].strip()}"
    if not found:
        yield "1: there is no table with a column 'shown by'"


def main():
    problems = [*faults((ROOT / "SECURITY.md").read_text(encoding="utf-8"), Tests())]
    for problem in problems:
        print(f"SECURITY.md:{problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
