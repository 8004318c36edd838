#!/usr/bin/env python3
"""Makes the JSON schemas of ops/helm/schemas from the custom resource definitions of the operators.

    ops/local/crd-schemas.py --source 'KEDA 2.18' keda.sh_scaledobjects.yaml …

Writes one file per kind and version. Descriptions and templates of pods are left out, and unknown properties are not allowed.
"""

import argparse
import json
from pathlib import Path

import yaml

FOLDER = Path(__file__).resolve().parents[1] / "helm/schemas"
# Pod templates are large, and neither the chart nor the examples use them.
OMITTED = {"template", "env", "volumeMounts", "affinity", "tolerations", "topologySpreadConstraints", "projectedVolumeTemplate"}
ANNOTATIONS = {"description", "example", "default", "format"}


def schema(node):
    """The JSON schema of a node of an OpenAPI schema."""
    result = {}
    for key, value in node.items():
        if key in ANNOTATIONS or key.startswith("x-kubernetes-"):
            continue
        if key == "properties":
            result[key] = {name: schema(child) for name, child in value.items() if name not in OMITTED}
        elif key in ("items", "not") or (key == "additionalProperties" and isinstance(value, dict)):
            result[key] = schema(value)
        elif key in ("oneOf", "anyOf", "allOf"):
            result[key] = [schema(child) for child in value]
        else:
            result[key] = value
    if node.get("x-kubernetes-int-or-string"):
        result.pop("anyOf", None)
        result["type"] = ["integer", "string"]
    if "properties" in result and "type" in result and not node.get("x-kubernetes-preserve-unknown-fields"):
        result.setdefault("additionalProperties", False)
    return result


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--source", required=True, help="the product and version that the files are of")
    arguments.add_argument("files", nargs="+", type=Path)
    options = arguments.parse_args()
    for path in options.files:
        definition = yaml.safe_load(path.read_text(encoding="utf-8"))["spec"]
        for version in definition["versions"]:
            if not version["served"]:
                continue
            document = schema(version["schema"]["openAPIV3Schema"])
            document["properties"].pop("status", None)
            document["properties"]["metadata"] = {"type": "object"}
            document = {"$comment": f"From {options.source}, Apache License 2.0.", **document}
            name = f"{definition['names']['kind']}-{version['name']}.json".lower()
            (FOLDER / name).write_text(json.dumps(document, separators=(",", ":"), sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
