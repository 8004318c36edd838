#!/usr/bin/env python3
"""Renders the chart as plain manifests for Kustomize, in ops/kubernetes.

    kubernetes-manifests.py update    writes them
    kubernetes-manifests.py check     fails if they are not current

What only Helm needs is left out. ConfigMaps become generators, so that a changed setting replaces the pods.
"""

import difflib
import sys

import yaml

import chart

FOLDER = chart.ROOT / "ops/kubernetes"
HEADER = "# Generated from ops/helm by ops/local/kubernetes-manifests.py update.\n"
HOOK = "helm.sh/hook"
LABELS = ["helm.sh/chart", "app.kubernetes.io/managed-by"]
ANNOTATIONS = ["checksum/settings", HOOK, HOOK + "-weight", HOOK + "-delete-policy"]
# The settings of libpq, which are shared with the other processes.
SHARED = "PG"


def strip(metadata):
    for name, keys in [("labels", LABELS), ("annotations", ANNOTATIONS)]:
        for key in keys:
            metadata.get(name, {}).pop(key, None)
        if not metadata.get(name, True):
            del metadata[name]


def without_helm(item):
    """The object without what only Helm needs."""
    strip(item["metadata"])
    if template := chart.pod(item):
        strip(template["metadata"])
    return item


def settings_of_job(job):
    """Moves the variables of libpq from the migration's Job to the ConfigMap, and returns them."""
    container = chart.pod(job)["spec"]["containers"][0]
    shared = [variable for variable in container["env"] if variable["name"].startswith(SHARED)]
    container["env"] = [variable for variable in container["env"] if variable not in shared]
    container["envFrom"] = [{"configMapRef": {"name": chart.NAME}}]
    return {variable["name"]: variable["value"] for variable in shared}


def document(content):
    return HEADER + yaml.safe_dump(content, sort_keys=False, width=140, allow_unicode=True)


def kustomization(resources):
    return document(
        {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": resources,
            "configMapGenerator": [{"name": chart.NAME, "envs": ["settings.env"]}],
        }
    )


def manifests():
    """The content of each file in ops/kubernetes by its path."""
    files = {}
    settings = {"services": {}, "migration": {}}
    resources = {"services": [], "migration": []}
    for item in chart.render(chart.values("kustomize")):
        folder = "migration" if HOOK in item["metadata"].get("annotations", {}) else "services"
        without_helm(item)
        if item["kind"] == "ConfigMap":
            settings[folder] = item["data"]
            continue
        if item["kind"] == "Job":
            settings[folder] = settings_of_job(item)
        name = item["metadata"]["name"].removeprefix(f"{chart.NAME}-")
        path = f"{item['kind']}-{name}.yaml".lower()
        resources[folder].append(path)
        files[f"{folder}/{path}"] = document(item)
    for folder, variables in settings.items():
        files[f"{folder}/settings.env"] = HEADER + "".join(f"{name}={value}\n" for name, value in variables.items())
        files[f"{folder}/kustomization.yaml"] = kustomization(sorted(resources[folder]))
    return files


def present():
    return {
        str(path.relative_to(FOLDER)): path
        for folder in ("services", "migration")
        for path in sorted((FOLDER / folder).glob("*"))
    }


def check(files):
    paths = present()
    current = True
    for name in sorted(files.keys() | paths.keys()):
        old = paths[name].read_text(encoding="utf-8") if name in paths else ""
        new = files.get(name, "")
        if old != new:
            current = False
            difference = difflib.unified_diff(old.splitlines(), new.splitlines(), f"ops/kubernetes/{name}", "rendered", n=0, lineterm="")
            print(*list(difference)[:20], sep="\n", file=sys.stderr)
    if not current:
        print("ops/kubernetes is not current: run ops/local/kubernetes-manifests.py update", file=sys.stderr)
    return 0 if current else 1


def update(files):
    for name, path in present().items():
        if name not in files:
            path.unlink()
    for name, text in files.items():
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


def main():
    commands = {"check": check, "update": update}
    if len(sys.argv) != 2 or sys.argv[1] not in commands:
        print(__doc__, file=sys.stderr)
        return 64
    return commands[sys.argv[1]](manifests())


if __name__ == "__main__":
    sys.exit(main())
