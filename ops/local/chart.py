"""The Helm chart of ops/helm/rollcall: rendering, and the files about it."""

import json
from functools import cache
from pathlib import Path

import helm_python as helm
import kubernetes_validate
import yaml
from jsonschema import Draft202012Validator

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "ops/helm/rollcall"
VALUES = ROOT / "ops/helm/values"
EXAMPLES = ROOT / "ops/helm/examples"
SCHEMAS = ROOT / "ops/helm/schemas"
# The oldest version that the chart supports, one in between, and the newest that kubernetes-validate knows.
KUBERNETES_VERSIONS = ["1.30", "1.34", "1.37"]
NAME = "rollcall"


def values(name):
    """The values of a file in ops/helm/values."""
    return yaml.safe_load((VALUES / f"{name}.yaml").read_text(encoding="utf-8"))


def render(overrides):
    """The objects that the chart makes of values, as a list.

    Raises helm_python.HelmError if the chart rejects the values.
    """
    with helm.Chart.load(CHART) as chart:
        files = chart.render(overrides, name=NAME, namespace=NAME)
    return [
        item
        for path, text in sorted(files.items())
        if path.endswith(".yaml")
        for item in yaml.safe_load_all(text)
        if item
    ]


def title(item):
    """How messages name an object."""
    return f"{item['kind']} {item['metadata']['name']}"


def pod(item):
    """The pod of a workload; None for other objects."""
    if item["kind"] in ("Deployment", "StatefulSet", "Job"):
        return item["spec"]["template"]
    return None


@cache
def custom_schema(kind, version):
    path = SCHEMAS / f"{kind}-{version.partition('/')[2]}.json".lower()
    return Draft202012Validator(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None


def schema_faults(item):
    """What the schemas of Kubernetes and of the operators reject in an object."""
    custom = custom_schema(item["kind"], item["apiVersion"])
    if custom:
        for error in custom.iter_errors(item):
            yield f"{title(item)}: {'.'.join(map(str, error.path))}: {error.message}"
        return
    for version in KUBERNETES_VERSIONS:
        try:
            used = kubernetes_validate.validate(item, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            yield f"{title(item)}, Kubernetes {version}: {'.'.join(map(str, error.path))}: {error.message}"
        except kubernetes_validate.SchemaNotFoundError:
            yield f"{title(item)}: no schema for {item['apiVersion']} {item['kind']} in Kubernetes {version}"
        else:
            # Without a schema of the version, the package uses an older one.
            if used != version:
                yield f"kubernetes-validate has no schemas of Kubernetes {version}"
