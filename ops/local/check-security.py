"""Checks that SECURITY.md names an existing test for every measure.

In the column "shown by" of its tables, text between asterisks names a test suite or test: *Suite*, *Suite: test*, or *test*; "…" matches
any text. Text between backticks names a file or a declaration in the tests. Every row needs at least one name.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STRING = r'"((?:[^"\\\n]|\\.)*)"'
DECLARATION = re.compile(rf"@Suite\(\s*{STRING}|@Test\(\s*{STRING}|\bfunc `([^`]+)`")
# The minimum length of a name that is shortened with "…".
MINIMUM = 6
NAMES = re.compile(r"\*((?:[^*])+)\*|`([^`]+)`")


def unescaped(text):
    text = re.sub(r"\\u\{(\w+)\}", lambda match: chr(int(match[1], 16)), text)
    return re.sub(r"\\(.)", r"\1", text)


class Tests:
    """The names of all test suites and tests."""

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
        """Returns whether `name` is a suite, a test, or a suite and one of its tests, separated by a colon."""
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
    """Returns whether `name`, in which "…" stands for any text, matches `known`."""
    return re.fullmatch(".*".join(re.escape(part.strip()) for part in name.split("…")).replace(r"\ ", " "), known, re.DOTALL) is not None


def rows(text):
    """Yields the line number and the cells of the rows of tables with the column "shown by"."""
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|"):
            inside = False
        elif cells[-1] == "shown by":
            inside = True
        elif inside and not set(line) <= set("|- "):
            yield number, cells


def problems(text, tests):
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
                    yield f"{number}: '{match[1]}' is too short to identify a test"
                if not tests.has(match[1]):
                    yield f"{number}: unknown suite or test '{match[1]}'"
            elif "/" in match[2]:
                path = match[2].split()[0]
                shown += path.startswith(("Tests/", "ops/"))
                if not (ROOT / path).exists():
                    yield f"{number}: unknown file '{path}'"
            elif not tests.has_declaration(match[2]):
                yield f"{number}: unknown declaration '{match[2]}'"
        if not shown:
            yield f"{number}: the row names no test"
    # A blank line ends a table, so rows after it would not be checked.
    for match in re.finditer(r"\n\n(\|[^\n]*\n)(?!\| *---)", text):
        yield f"{text.count(chr(10), 0, match.start()) + 3}: the row is not part of a table: {match[1][:60].strip()}"
    if not found:
        yield "1: no table has a column 'shown by'"


def main():
    found = [*problems((ROOT / "SECURITY.md").read_text(encoding="utf-8"), Tests())]
    for problem in found:
        print(f"SECURITY.md:{problem}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
