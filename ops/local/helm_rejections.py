"""Wrong values of the Helm chart, each with the message that rejects it."""

import copy

import helm_python as helm

import chart

# A path in the values for production, what is set there, and a part of the message. None removes the value.
REJECTIONS = [
    ("publicURL", "provisioning.example.com", "at '/publicURL': 'provisioning.example.com' does not match"),
    ("publicURL", "https://example.com/scim", "at '/publicURL'"),
    ("publicURL", None, "at '/publicURL': ''"),
    ("kafka.brokers", "kafka", "at '/kafka/brokers': 'kafka' does not match"),
    ("kafka.partitions", "12", "at '/kafka/partitions': got string, want integer"),
    ("kafka.partitions", 0, "at '/kafka/partitions': minimum: got 0, want 1"),
    ("kafka.replication", 0, "at '/kafka/replication'"),
    ("kafka.sessionTimeout", "soon", "at '/kafka/sessionTimeout'"),
    ("kafka.sasl.mechanism", "SCRAM", "at '/kafka/sasl/mechanism': value must be one of"),
    ("kafka.users.groupSync", {"name": "group-sync"}, "kafka.sasl.mechanism needs kafka.users.groupSync.name and .secret"),
    ("database.host", None, "at '/database/host'"),
    ("database.sslMode", "on", "at '/database/sslMode': value must be one of 'verify-full'"),
    ("database.roles.scimApi", {"name": "scim api"}, "at '/database/roles/scimApi/name'"),
    ("mail.url", "smtp.example.com:587", "at '/mail/url'"),
    ("mail.password.secret", "", "mail.user needs mail.password.secret"),
    ("replicaCount", 3, "additional properties 'replicaCount' not allowed"),
    ("identityStore.replicaCount", 3, "additional properties 'replicaCount' not allowed"),
    ("identityStore.replicas", 25, "identityStore has up to 25 replicas, but only as many as there are partitions (kafka.partitions: 24)"),
    ("keda.enabled", "yes", "at '/keda/enabled': got string, want boolean"),
    ("scimApi.trustedProxies", [], "at '/scimApi/trustedProxies': minItems: got 0, want 1"),
    ("scimApi.trustedProxies", ["traefik"], "at '/scimApi/trustedProxies/0'"),
    ("scimApi.autoscaling.maxReplicas", 2, "scimApi.autoscaling.maxReplicas must not be less than minReplicas"),
    ("scimApi.settings", {"HTTP_BODY_LIMIT": 1024}, "invalid propertyName 'HTTP_BODY_LIMIT'"),
    ("scimApi.settings", {"ROLLCALL_HTTP_PUBLIC_URL": "https://a.example"}, "do not set ROLLCALL_HTTP_PUBLIC_URL in settings; use publicURL"),
    ("settings", {"ROLLCALL_REPLICA": 1}, "do not set ROLLCALL_REPLICA in settings"),
    ("image.digests", {"scim-api": "latest"}, "at '/image/digests/scim-api'"),
    ("ingress.customDomains", [{"host": "https://a.example"}], "at '/ingress/customDomains/0/host'"),
    ("networkPolicy.kafkaPorts", [], "at '/networkPolicy/kafkaPorts'"),
]

# The same for the values with KEDA.
SCALED_REJECTIONS = [
    ("groupSync.scaling", {"minReplicas": 2, "maxReplicas": 49}, "groupSync has up to 49 replicas"),
    ("groupSync.scaling", {"minReplicas": 4, "maxReplicas": 3}, "groupSync.scaling.maxReplicas must not be less than minReplicas"),
]


def changed(values, path, value):
    """A copy of the values with another value at a path."""
    result = copy.deepcopy(values)
    *parents, name = path.split(".")
    node = result
    for parent in parents:
        node = node.setdefault(parent, {})
    if value is None:
        del node[name]
    else:
        node[name] = value
    return result


def faults():
    """The wrong values that the chart accepts, or rejects with another message."""
    for file, rejections in [("production", REJECTIONS), ("scaled", SCALED_REJECTIONS)]:
        values = chart.values(file)
        for path, value, message in rejections:
            try:
                chart.render(changed(values, path, value))
            except helm.HelmError as error:
                if message not in str(error):
                    yield f"{path}: {value!r} is rejected with another message than '{message}': {error}"
            else:
                yield f"{path}: {value!r} is accepted"
