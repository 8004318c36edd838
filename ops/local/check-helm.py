"""Checks the Helm chart, its examples and the manifests of ops/kubernetes.

- The chart passes `helm lint --strict`, and renders with each file of ops/helm/values.
- Every object is valid in each supported version of Kubernetes, and in the operators' schemas.
- Every pod is restricted, and every variable is a setting of its service (ops/docs/configuration.md).
- Wrong values are rejected with a message that names them.
- ops/helm/generate-secrets makes the Secrets that the chart needs.
- The examples match the roles of the database, the topics, and the values for production.
- The versions of chart and images are that of the build (BuildVersion.swift).
"""

import re
import subprocess
import sys

import helm_python as helm
import yaml

import chart
import helm_rejections

VALUES = ["minimal", "production", "scaled", "kustomize"]
SERVICES = ["scim-api", "identity-store", "invitation-mailer", "group-sync"]
LINT_WARNING = 2


def lint_faults(name):
    report = helm.lint(chart.CHART, chart.values(name), strict=True)
    for message in report["messages"]:
        if message["severity"] >= LINT_WARNING:
            yield f"lint: {message['path']}: {message['error']}"
    yield from (f"lint: {error}" for error in report["errors"])


def settings_of_services():
    """The variables of each executable in ops/docs/configuration.md; those of all services under `All services`."""
    text = (chart.ROOT / "ops/docs/configuration.md").read_text(encoding="utf-8")
    sections = re.split(r"^### ", text, flags=re.MULTILINE)[1:]
    found = {section.partition("\n")[0]: set(re.findall(r"^\| `(ROLLCALL_\w+)`", section, re.MULTILINE)) for section in sections}
    shared = re.search(r"Of the settings of all services `scimctl` reads (.*)\n", text)
    found["scimctl"] |= set(re.findall(r"ROLLCALL_\w+", shared[1]))
    return found


def variable_faults(item, settings, shared):
    """Variables that the executable does not read. The ConfigMap is for all services, so scimctl may get more than it reads."""
    for container in chart.pod(item)["spec"]["containers"]:
        executable = container["name"]
        known = settings[executable] | (settings["All services"] if executable in SERVICES else set())
        names = [variable["name"] for variable in container.get("env", [])]
        if executable in SERVICES and "envFrom" in container:
            names += shared
        for name in names:
            if name.startswith("ROLLCALL_") and name not in known:
                yield f"{chart.title(item)}: {executable} has no setting {name}"
            if names.count(name) > 1:
                yield f"{chart.title(item)}: {name} is set {names.count(name)} times"


def pod_faults(item):
    """Where a pod violates the restricted Pod Security Standard or the rules of this chart."""
    specification = chart.pod(item)["spec"]
    security = specification["securityContext"]
    rules = [
        ("runs as root", security.get("runAsNonRoot") and security.get("runAsUser", 0) > 0),
        ("has no seccomp profile", security.get("seccompProfile") == {"type": "RuntimeDefault"}),
        ("has a token of the API server", specification.get("automountServiceAccountToken") is False),
        ("has variables of Services", specification.get("enableServiceLinks") is False),
    ]
    for container in specification["containers"]:
        security = container["securityContext"]
        rules += [
            ("can write to its file system", security.get("readOnlyRootFilesystem")),
            ("can get more privileges", security.get("allowPrivilegeEscalation") is False),
            ("has capabilities", security.get("capabilities") == {"drop": ["ALL"]}),
            ("has no memory limit", container["resources"].get("limits", {}).get("memory")),
        ]
        variables = {variable["name"]: variable.get("value") for variable in container.get("env", [])}
        if seconds := variables.get("ROLLCALL_SHUTDOWN_SECONDS"):
            stop = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
            rules.append(("may be killed before it has shut down", specification["terminationGracePeriodSeconds"] > int(seconds) + stop))
    yield from (f"{chart.title(item)} {fault}" for fault, holds in rules if not holds)


def selector_faults(items):
    """Selectors of Services, budgets and policies that select no pod, and targets that do not exist."""
    labels = [chart.pod(item)["metadata"]["labels"] for item in items if chart.pod(item)]
    titles = {chart.title(item) for item in items}
    for item in items:
        specification = item.get("spec", {})
        selector = specification.get("podSelector", specification.get("selector", {}))
        selector = selector.get("matchLabels", selector) if isinstance(selector, dict) else {}
        if item["kind"] == "ServiceMonitor":
            selected = [other for other in items if other["kind"] == "Service" and selector.items() <= other["metadata"]["labels"].items()]
            if len(selected) != len(SERVICES):
                yield f"{chart.title(item)} selects {len(selected)} Services"
        elif selector and not any(selector.items() <= candidate.items() for candidate in labels):
            yield f"{chart.title(item)} selects no pod"
        target = specification.get("scaleTargetRef")
        if target and f"{target['kind']} {target['name']}" not in titles:
            yield f"{chart.title(item)} scales {target['name']}, which does not exist"


def scaling_faults(items, values):
    """Consumers that can have more replicas than there are partitions, and more than one owner of a number of replicas."""
    partitions = values["kafka"].get("partitions", 12)
    scaled = {item["spec"]["scaleTargetRef"]["name"]: item for item in items if "scaleTargetRef" in item.get("spec", {})}
    for item in items:
        if item["kind"] not in ("StatefulSet", "Deployment"):
            continue
        name = item["metadata"]["name"]
        if ("replicas" in item["spec"]) == (name in scaled):
            yield f"{chart.title(item)} needs a number of replicas, or else a scaler"
        if item["kind"] == "StatefulSet":
            count = scaled[name]["spec"]["maxReplicaCount"] if name in scaled else item["spec"]["replicas"]
            if count > partitions:
                yield f"{chart.title(item)} has {count} replicas for {partitions} partitions"


def deadline_faults(values):
    """scim-api does not start unless a deadline exceeds the session timeout by 5 seconds."""
    defaults = [("sessionTimeout", "12s"), ("requestDeadline", "20s")]
    timeout, deadline = (int(values["kafka"].get(key, default).removesuffix("s")) for key, default in defaults)
    if deadline < timeout + 5:
        yield f"kafka.requestDeadline, {deadline} s, is too short for kafka.sessionTimeout, {timeout} s"


def topics():
    """A pattern of the topics in ops/asyncapi.yaml. `{consumer}.dead-letters` is one channel for several."""
    channels = yaml.safe_load((chart.ROOT / "ops/asyncapi.yaml").read_text(encoding="utf-8"))["channels"]
    return "|".join(re.sub(r"\\{\w+\\}", ".+", re.escape(channel["address"])) for channel in channels.values())


def topic_faults(items):
    for item in items:
        if item["kind"] == "ScaledObject":
            topic = item["spec"]["triggers"][0]["metadata"]["topic"]
            if not re.fullmatch(topics(), topic):
                yield f"{chart.title(item)}: ops/asyncapi.yaml has no topic {topic}"


def rendering_faults(name, settings):
    values = chart.values(name)
    items = chart.render(values)
    shared = [key for item in items if item["kind"] == "ConfigMap" for key in item["data"]]
    yield from lint_faults(name)
    for item in items:
        yield from chart.schema_faults(item)
        if chart.pod(item):
            yield from pod_faults(item)
            yield from variable_faults(item, settings, shared)
    yield from selector_faults(items)
    yield from scaling_faults(items, values)
    yield from deadline_faults(values)
    yield from topic_faults(items)


def example_faults():
    examples = [
        item for path in sorted(chart.EXAMPLES.glob("*.yaml")) for item in yaml.safe_load_all(path.read_text(encoding="utf-8")) if item
    ]
    for item in examples:
        yield from chart.schema_faults(item)
    by_title = {chart.title(item): item for item in examples}

    roles = by_title["Cluster rollcall-database"]["spec"]["managed"]["roles"]
    script = (chart.ROOT / "ops/local/database.sql").read_text(encoding="utf-8")
    arrays = re.findall(r"unnest\(array\[(.*?)\]\)", script)
    expected = {(name, login) for names, login in zip(arrays, [False, True]) for name in re.findall(r"'(\w+)'", names)}
    if {(role["name"], role["login"]) for role in roles} != expected:
        yield "ops/helm/examples: the roles differ from ops/local/database.sql"
    granted = {(role["name"], group) for role in roles for group in role.get("inRoles", [])}
    grants = re.findall(r"^grant (\w+) to ([\w, ]+);", script, re.MULTILINE)
    if granted != {(name, group) for group, names in grants for name in names.split(", ")}:
        yield "ops/helm/examples: the memberships of roles differ from ops/local/database.sql"

    users = {item["metadata"]["name"]: item for item in examples if item["kind"] == "KafkaUser"}
    for name, user in users.items():
        for rule in user["spec"]["authorization"]["acls"]:
            if rule["resource"]["type"] == "topic" and not re.fullmatch(topics(), rule["resource"]["name"]):
                yield f"KafkaUser {name}: ops/asyncapi.yaml has no topic {rule['resource']['name']}"
    for user in chart.values("production")["kafka"]["users"].values():
        if user["name"] not in users or user["secret"] != user["name"]:
            yield f"ops/helm/examples: there is no KafkaUser {user['name']}"


def secret_faults():
    """References of the smallest deployment to Secrets that ops/helm/generate-secrets does not make."""
    output = subprocess.run([chart.ROOT / "ops/helm/generate-secrets"], capture_output=True, text=True, timeout=60, check=True).stdout
    made = {(item["metadata"]["name"], key) for item in yaml.safe_load_all(output) for key in item["stringData"]}
    for item in filter(chart.pod, chart.render(chart.values("minimal"))):
        for container in chart.pod(item)["spec"]["containers"]:
            for variable in container.get("env", []):
                reference = variable.get("valueFrom", {}).get("secretKeyRef")
                if reference and (reference["name"], reference["key"]) not in made:
                    yield f"ops/helm/generate-secrets does not make {reference['name']}, key {reference['key']}"


def version_faults():
    source = (chart.ROOT / "Shared/ServiceKit/Process/BuildVersion.swift").read_text(encoding="utf-8")
    release = re.search(r'let release = "([^"]+)"', source)[1]
    metadata = yaml.safe_load((chart.CHART / "Chart.yaml").read_text(encoding="utf-8"))
    for key in ("version", "appVersion"):
        if metadata[key] != release:
            yield f"Chart.yaml: {key} is {metadata[key]}, and the release is {release}"
    dockerfile = (chart.ROOT / "ops/docker/Dockerfile").read_text(encoding="utf-8")
    if f"\nARG VERSION={release}\n" not in dockerfile:
        yield f"ops/docker/Dockerfile: ARG VERSION is not {release}, the release"


def main():
    settings = settings_of_services()
    faults = []
    for name in VALUES:
        faults += [f"{name}: {fault}" for fault in rendering_faults(name, settings)]
    faults += [*helm_rejections.faults(), *secret_faults(), *example_faults(), *version_faults()]
    print(*faults, sep="\n", end="\n" if faults else "", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
