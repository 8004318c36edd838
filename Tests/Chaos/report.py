"""The counts, as a table and as JSON."""

import json
from collections import Counter

# How many problems of a kind are named.
NAMED = 5


def quantile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else 0.0


class Report:
    def __init__(self, title):
        self.title = title
        self.sections = []
        self.checks = []

    def section(self, title, lines):
        """lines: pairs of a name and a value, which is left out where it is None."""
        self.sections.append((title, [(name, value) for name, value in lines if value is not None]))

    @property
    def passes(self):
        return all(check.passes for check in self.checks)

    def print(self):
        for title, lines in self.sections:
            print(f"\n{title}")
            for name, value in lines:
                print(f"  {name:<60} {shown(value)}")
        print("\nThe books")
        for check in self.checks:
            print(f"  {'PASS' if check.passes else 'FAIL'}  {check.name:<58} {len(check.problems):>5,}  {check.note}".rstrip())
            for problem in check.problems[:NAMED]:
                print(f"          {problem}")
            if len(check.problems) > NAMED:
                print(f"          and {len(check.problems) - NAMED} more; all of them are in results.json")
        print(f"\n{'The books balance' if self.passes else 'The books do NOT balance'}")

    def write(self, path, kills):
        results = {"run": self.title} | {title: dict(lines) for title, lines in self.sections}
        results["The books"] = [
            {"check": check.name, "note": check.note, "passes": check.passes, "count": len(check.problems), "problems": check.problems}
            for check in self.checks
        ]
        results["kills"] = [{"process": kill.process, "at": kill.at} for kill in kills]
        results["balances"] = self.passes
        with open(path, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=2)
            file.write("\n")


def shown(value):
    match value:
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.3f}"
        case dict():
            return ", ".join(f"{name}: {count:,}" for name, count in Counter(value).most_common()) or "none"
    return value
