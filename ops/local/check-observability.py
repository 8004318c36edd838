#!/usr/bin/env python3
"""Checks the metrics, the alerts and the dashboards.

check-observability.py rules PROMTOOL      the alerts, their tests, their runbook sections, the dashboards and the catalogue of metrics agree
check-observability.py suite PROMTOOL URL… the running services export all metrics that alerts and dashboards use, in the right form
check-observability.py document            writes the table of metrics into ops/docs/observability.md
"""

import json
import re
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

import yaml

import documents
import metric_definitions

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "ops/observability"
DOCUMENT = ROOT / "ops/docs/observability.md"
RUNBOOK = ROOT / "ops/runbook.md"
BEGIN, END = "<!-- metrics: written by ops/local/check-observability.py document -->", "<!-- end of metrics -->"
# The labels that metrics may have. None of them names a workspace, a person or a token.
LABELS = {
    *("api", "method", "route", "status", "limit", "reason", "le"),
    *("group", "topic", "partition", "cause", "consumer", "kept", "table", "purpose"),
    *("outcome", "way", "service", "version", "commit"),
}
# The lines of one process. scim-api has a counter for each route, method and status.
MAXIMUM_LINES = 1500


def run(*command, data=None):
    """Runs a command. Returns its output as a problem if it fails."""
    result = subprocess.run(command, input=data, capture_output=True, text=True)
    return [] if result.returncode == 0 else [f"{' '.join(command[1:3])}: {(result.stdout + result.stderr).strip()}"]


def rules():
    groups = yaml.safe_load((FOLDER / "alerts.yaml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def dashboard_expressions():
    """The expressions of the dashboards, each with the panel that has it."""
    for path in sorted((FOLDER / "dashboards").glob("*.json")):
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
            for target in panel.get("targets", []):
                yield f"{path.name}, '{panel['title']}'", target["expr"].replace("$__rate_interval", "5m")


def expressions():
    """All expressions, each with its place."""
    yield from ((f"alerts.yaml, {rule.get('alert') or rule['record']}", rule["expr"]) for rule in rules())
    yield from dashboard_expressions()


def alert_problems():
    """Alerts without severity, texts, runbook section or tests."""
    anchors = documents.anchors(documents.read(RUNBOOK))
    tests = yaml.safe_load((FOLDER / "tests.yaml").read_text(encoding="utf-8"))["tests"]
    cases = [case for test in tests for case in test["alert_rule_test"]]
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    for rule in rules():
        used = set(re.findall(r"rollcall:[\w:]+", rule["expr"]))
        for name in sorted(used - recorded):
            yield f"{rule.get('alert') or rule['record']} uses the unknown recording rule {name}"
        if "alert" not in rule:
            continue
        name, annotations = rule["alert"], rule.get("annotations", {})
        if rule.get("labels", {}).get("severity") not in ("page", "ticket"):
            yield f"{name} has no severity 'page' or 'ticket'"
        for text in ("summary", "description"):
            if not annotations.get(text):
                yield f"{name} has no {text}"
        if not annotations.get("runbook_url", "").endswith("#" + name.lower()) or name.lower() not in anchors:
            yield f"{name} has no section '{name}' in ops/runbook.md, or no link to it"
        outcomes = {bool(case.get("exp_alerts")) for case in cases if case["alertname"] == name}
        if outcomes != {True, False}:
            yield f"{name} needs a case in tests.yaml that fires and one that does not"


def parse_problems(promtool):
    """Expressions of dashboards that do not parse."""
    found = list(dashboard_expressions())
    # All of them at once, and one by one only to find the wrong ones.
    if not check_expressions(promtool, [expression for _, expression in found]):
        return
    for place, expression in found:
        yield from (f"{place}: {problem}" for problem in check_expressions(promtool, [expression]))


def check_expressions(promtool, expressions):
    rules = [{"record": f"parsed_{number}", "expr": expression} for number, expression in enumerate(expressions)]
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        json.dump({"groups": [{"name": "dashboards", "rules": rules}]}, file)
        file.flush()
        return run(promtool, "check", "rules", file.name)


def catalogue_problems():
    """Metrics that are registered, used or documented, and not in the catalogue, and the reverse."""
    known, registered = metric_definitions.catalogue(), metric_definitions.registered()
    for name, path in sorted(registered.items()):
        if name not in known:
            yield f"{path} registers {name}, which is not in MetricCatalogue.swift"
    for name in known:
        if name not in registered and not name.startswith("process_"):
            yield f"no code registers {name} of the catalogue"
    for place, expression in expressions():
        for name in sorted(metric_definitions.references(expression) - set(known)):
            yield f"{place} uses the unknown metric {name}"
    if documented() != table(known):
        yield "the table of ops/docs/observability.md is old; run 'ops/local/check-observability.py document'"


def table(known):
    rows = [f"| `{definition.name}` | {definition.kind} | {definition.help} |" for definition in known.values()]
    return "\n".join(["| metric | type | what it measures |", "| --- | --- | --- |", *rows])


def documented():
    text = DOCUMENT.read_text(encoding="utf-8")
    return text.partition(BEGIN)[2].partition(END)[0].strip()


def document():
    text = DOCUMENT.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    DOCUMENT.write_text(f"{head}{BEGIN}\n\n{table(metric_definitions.catalogue())}\n\n{END}{tail}", encoding="utf-8")


def static_problems(promtool):
    yield from run(promtool, "check", "rules", str(FOLDER / "alerts.yaml"))
    yield from run(promtool, "test", "rules", str(FOLDER / "tests.yaml"))
    # Its rule file is where the container has it.
    yield from run(promtool, "check", "config", "--syntax-only", str(FOLDER / "prometheus.yaml"))
    yield from run(sys.executable, "-B", str(ROOT / "ops/local/dashboards.py"), "check")
    yield from alert_problems()
    yield from parse_problems(promtool)
    yield from catalogue_problems()


def suite_problems(promtool, urls):
    """Problems of the metrics that the services at `urls` export."""
    known, exported = metric_definitions.catalogue(), set()
    for url in urls:
        with urllib.request.urlopen(f"{url}/metrics", timeout=10) as response:
            text = response.read().decode("utf-8")
        lines = text.splitlines()
        print(f"{url}: {len(lines)} lines")
        if len(lines) > MAXIMUM_LINES:
            yield f"{url} exports {len(lines)} lines, more than {MAXIMUM_LINES}"
        helped = set(re.findall(r"^# HELP (\w+) \S", text, re.MULTILINE))
        for name, labels in re.findall(r"^(\w+)(?:\{(.*)\})? \S+$", text, re.MULTILINE):
            metric = metric_definitions.base(name, known)
            exported.add(metric)
            if metric not in helped:
                yield f"{url}: {metric} has no description"
            for label in set(re.findall(r'(\w+)="(?:[^"\\]|\\.)*"', labels)) - LABELS:
                yield f"{url}: {metric} has the label '{label}', which is not one of the known ones"
        yield from run(promtool, "check", "metrics", data=text)
    for place, expression in expressions():
        for name in sorted(metric_definitions.references(expression) - exported):
            yield f"{place} uses {name}, which no service exports"


def main():
    match sys.argv[1:]:
        case ["document"]:
            document()
            return 0
        case ["rules", promtool]:
            problems = static_problems(promtool)
        case ["suite", promtool, *urls] if urls:
            problems = suite_problems(promtool, urls)
        case _:
            sys.exit(__doc__)
    problems = list(dict.fromkeys(problems))
    print(*problems, sep="\n", end="\n" if problems else "", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
