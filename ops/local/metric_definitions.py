"""The metrics of the services, and those that PromQL expressions refer to."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = [ROOT / "Shared/ServiceKit/Metrics" / name for name in ("MetricCatalogue.swift", "ProcessMetrics.swift")]
DEFINITION = re.compile(r'\.(counter|gauge|histogram)\(\s*"(\w+)",\s*"([^"]+)"')
# How the code creates an instrument of swift-metrics.
REGISTRATION = re.compile(r'\b(?:Counter|Gauge|Meter|Recorder|Timer)\(\s*label: "(\w+)"|\bmakeMeter\(label: "(\w+)"')
# What the suite exports. Everything else, such as `up` and `node_…`, is of Prometheus or of another exporter.
OURS = re.compile(r"(?:http|rollcall|kafka|postgres|process)_\w+")
SUFFIXES = ("_bucket", "_sum", "_count")


class Definition:
    def __init__(self, kind, name, help_text):
        self.kind = kind
        self.name = name
        self.help = help_text


def catalogue():
    """The definitions by name, in their order."""
    found = [Definition(*match) for path in CATALOGUE for match in DEFINITION.findall(path.read_text(encoding="utf-8"))]
    return {definition.name: definition for definition in found}


def registered():
    """The names of the metrics that the services register, with the file of each."""
    names = {}
    for folder in ("Shared", "Services"):
        for path in sorted((ROOT / folder).rglob("*.swift")):
            for match in REGISTRATION.finditer(path.read_text(encoding="utf-8")):
                names[match[1] or match[2]] = path.relative_to(ROOT)
    return names


def references(expression):
    """The names of our metrics that a PromQL expression reads, without the suffixes of histograms."""
    text = re.sub(r'"(?:[^"\\]|\\.)*"', "", expression)
    text = re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", text)
    text = re.sub(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", " ", text)
    names = set()
    for name in re.findall(r"[a-zA-Z_:][\w:]*", text):
        if OURS.fullmatch(name):
            names.add(name)
    known = catalogue()
    return {base(name, known) for name in names}


def base(name, known):
    """The name of the metric that a sample belongs to."""
    for suffix in SUFFIXES:
        stem = name.removesuffix(suffix)
        if stem != name and stem in known and known[stem].kind == "histogram":
            return stem
    return name
