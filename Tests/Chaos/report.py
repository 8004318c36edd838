"""The report of a run, as text and as JSON."""

import json
from collections import Counter
from dataclasses import asdict

# The number of problems that are printed for each check.
PRINTED_PROBLEMS = 5


def quantile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else 0.0


class Report:
    def __init__(self, title):
        self.title = title
        self.sections = []
        self.checks = []

    def section(self, title, lines):
        """lines: pairs of a name and a value; a pair with the value None is left out."""
        self.sections.append((title, [(name, value) for name, value in lines if value is not None]))

    @property
    def passes(self):
        return all(check.passes for check in self.checks)

    def print(self):
        for title, lines in self.sections:
            if not lines:
                continue
            print(f"\n{title}")
            for name, value in lines:
                print(f"  {name:<60} {formatted(value)}")
        print("\nChecks")
        for check in self.checks:
            print(f"  {'PASS' if check.passes else 'FAIL'}  {check.name:<58} {len(check.problems):>5,}  {check.note}".rstrip())
            for problem in check.problems[:PRINTED_PROBLEMS]:
                print(f"          {problem}")
            if len(check.problems) > PRINTED_PROBLEMS:
                print(f"          and {len(check.problems) - PRINTED_PROBLEMS} more; results.json has all of them")
        print(f"\n{'All checks passed' if self.passes else 'Some checks FAILED'}")

    def write(self, path, injector=None):
        results = {"run": self.title} | {title: dict(lines) for title, lines in self.sections}
        results["checks"] = [
            {"check": check.name, "note": check.note, "passes": check.passes, "count": len(check.problems), "problems": check.problems}
            for check in self.checks
        ]
        if injector:
            results["kills"] = [{"process": kill.process, "at": kill.at} for kill in injector.kills]
            results["faults"] = [asdict(fault) for fault in injector.injected]
        results["passes"] = self.passes
        with open(path, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=2)
            file.write("\n")


def formatted(value):
    match value:
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.3f}"
        case dict():
            return ", ".join(f"{name}: {count:,}" for name, count in Counter(value).most_common()) or "none"
    return value
