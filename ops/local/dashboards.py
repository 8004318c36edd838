#!/usr/bin/env python3
"""dashboards.py write|check  generates the Grafana dashboards in ops/observability/dashboards from the panels below.

`check` fails if a file is not what `write` would produce.
"""

import json
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "observability" / "dashboards"
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
# Grafana replaces it with an interval that has at least four samples.
RATE = "$__rate_interval"
WIDTH = 24
HEIGHT = 8


def rate(metric, by=None):
    """The rate of a counter per second, summed."""
    return f"sum{f' by ({by})' if by else ''} (rate({metric}[{RATE}]))"


def quantile(share, metric, selector="", by=None):
    """A quantile of a histogram."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, sum by ({labels}) (rate({metric}_bucket{selector}[{RATE}])))"


def quantiles(metric, selector="", by=None):
    """The median and the 99th percentile of a histogram, as targets."""
    legend = f"{{{{{by}}}}} " if by else ""
    return [
        (quantile("0.5", metric, selector, by), f"{legend}median"),
        (quantile("0.99", metric, selector, by), f"{legend}99 %"),
    ]


def with_service(expression, selector=""):
    """Adds the label `service` to series of a process, and keeps those of the selected processes."""
    return f"{expression} * on (job, instance) group_left (service) rollcall_build_info{selector}"


class Panel:
    """A panel; a width of 24 is a whole row."""

    def __init__(self, title, targets, unit="short", kind="timeseries", width=8, description="", maximum=None, thresholds=None):
        self.title = title
        self.targets = targets
        self.unit = unit
        self.kind = kind
        self.width = width
        self.description = description
        self.maximum = maximum
        self.thresholds = thresholds

    def json(self, number, x, y):
        steps = [{"color": "green", "value": None}]
        if self.thresholds:
            steps = [{"color": "red", "value": None}, {"color": "green", "value": self.thresholds}]
        defaults = {"unit": self.unit, "min": 0, "thresholds": {"mode": "absolute", "steps": steps}}
        if self.maximum is not None:
            defaults["max"] = self.maximum
        height = 4 if self.kind == "stat" else HEIGHT
        panel = {
            "id": number,
            "type": self.kind,
            "title": self.title,
            "description": self.description,
            "datasource": DATASOURCE,
            "gridPos": {"h": height, "w": self.width, "x": x, "y": y},
            "fieldConfig": {"defaults": defaults, "overrides": []},
            "targets": [
                {
                    "refId": chr(ord("A") + index),
                    "datasource": DATASOURCE,
                    "expr": expression,
                    "legendFormat": legend,
                    "instant": self.kind == "stat",
                    "range": self.kind != "stat",
                }
                for index, (expression, legend) in enumerate(self.targets)
            ],
        }
        if self.kind == "stat":
            panel["options"] = {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}, "colorMode": "value"}
        else:
            panel["options"] = {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}}
        return panel


class Row:
    """The title above a group of panels."""

    def __init__(self, title, *panels):
        self.title = title
        self.panels = panels


def dashboard(uid, title, description, rows):
    """The JSON of a dashboard. Panels fill lines from left to right."""
    panels, y = [], 0
    for row in rows:
        panels.append(
            {
                "id": len(panels) + 1,
                "type": "row",
                "title": row.title,
                "collapsed": False,
                "gridPos": {"h": 1, "w": WIDTH, "x": 0, "y": y},
                "panels": [],
            }
        )
        y += 1
        x, height = 0, 0
        for panel in row.panels:
            if x + panel.width > WIDTH:
                x, y = 0, y + height
                height = 0
            panels.append(panel.json(len(panels) + 1, x, y))
            x += panel.width
            height = max(height, panels[-1]["gridPos"]["h"])
        y += height
    return {
        "uid": uid,
        "title": title,
        "description": description,
        "tags": ["rollcall"],
        "schemaVersion": 39,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "links": [{"type": "dashboards", "title": "Rollcall", "tags": ["rollcall"], "asDropdown": True, "keepTime": True}],
        "templating": {
            "list": [
                {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "current": {}, "options": []}
            ]
        },
        "annotations": {"list": []},
        "panels": panels,
    }


WRITES = '{api="scim", method=~"POST|PUT|PATCH|DELETE"}'

OVERVIEW = [
    Row(
        "Objectives",
        Panel(
            "Ready",
            [(f"min by (service) ({with_service('rollcall_ready')})", "{{service}}")],
            kind="stat",
            width=12,
            thresholds=1,
            description="1 if all replicas are ready.",
        ),
        Panel(
            "Availability, 1 day",
            [("1 - rollcall:availability:errors_ratio1d", "")],
            unit="percentunit",
            kind="stat",
            width=4,
            thresholds=0.999,
            description="The objective is 99.9 %.",
        ),
        Panel(
            "Invitations within 60 s, 1 day",
            [("1 - rollcall:push_to_invitation:errors_ratio1d", "")],
            unit="percentunit",
            kind="stat",
            width=4,
            thresholds=0.99,
            description="The objective is 99 %.",
        ),
        Panel(
            "Events within 10 s, 1 day",
            [("1 - rollcall:push_to_product:errors_ratio1d", "")],
            unit="percentunit",
            kind="stat",
            width=4,
            thresholds=0.99,
            description="The objective is 99 %.",
        ),
    ),
    Row(
        "Requests",
        Panel("Requests by API", [(rate("http_requests_total", "api"), "{{api}}")], unit="reqps"),
        Panel("Failed requests", [(rate('http_requests_total{status=~"5.."}', "api, status"), "{{api}} {{status}}")], unit="reqps"),
        Panel("Response time, 99 %", [(quantile("0.99", "http_request_duration_seconds", '{api!="events"}', "api"), "{{api}}")], unit="s"),
    ),
    Row(
        "Queues",
        Panel(
            "Age of the oldest entry",
            [
                ("max by (group) (kafka_consumer_oldest_seconds)", "{{group}}"),
                ("max by (table) (kafka_outbox_oldest_seconds)", "{{table}}"),
                ("max(rollcall_mailer_invitations_oldest_seconds)", "mails"),
                ("max(rollcall_webhook_oldest_seconds)", "webhooks"),
                ("max(rollcall_store_held_changes_oldest_seconds)", "held changes"),
            ],
            unit="s",
            width=12,
        ),
        Panel(
            "Entries",
            [
                ("sum by (group) (kafka_consumer_lag_messages)", "{{group}}"),
                ("max by (table) (kafka_outbox_messages)", "{{table}}"),
                ("max(rollcall_mailer_invitations_pending)", "mails"),
                ("sum(rollcall_webhook_events_pending)", "webhooks"),
                ("max(rollcall_store_held_changes)", "held changes"),
            ],
            width=12,
        ),
        Panel(
            "Messages set aside",
            [
                (f"sum by (consumer) (increase(kafka_dead_letters_total[{RATE}]))", "{{consumer}}"),
                (f"sum by (table) (increase(kafka_outbox_set_aside_total[{RATE}]))", "{{table}}"),
            ],
        ),
        Panel("Missing topics", [("max(kafka_topics_missing)", "topics")]),
        Panel("Skipped messages", [(f"sum by (group) (increase(kafka_messages_skipped_total[{RATE}]))", "{{group}}")]),
    ),
    Row(
        "Processes",
        Panel("CPU", [(with_service(f"rate(process_cpu_seconds_total[{RATE}])"), "{{service}} {{instance}}")], unit="percentunit"),
        Panel("Resident memory", [(with_service("process_resident_memory_bytes"), "{{service}} {{instance}}")], unit="bytes"),
        Panel("File descriptors", [(with_service("process_open_fds / process_max_fds"), "{{service}} {{instance}}")], unit="percentunit"),
        Panel("Builds", [("count by (service, version, commit) (rollcall_build_info)", "{{service}} {{version}} {{commit}}")], width=12),
        Panel(
            "Time since the start",
            [(with_service("(time() - process_start_time_seconds)"), "{{service}} {{instance}}")],
            unit="s",
            width=12,
        ),
    ),
]

WRITE_PATH = [
    Row(
        "scim-api",
        Panel("Writes by status", [(rate(f"http_requests_total{WRITES}", "method, status"), "{{method}} {{status}}")], unit="reqps"),
        Panel("Response time of writes", quantiles("http_request_duration_seconds", WRITES), unit="s"),
        Panel("Requests in flight", [("sum(http_requests_in_flight)", "requests")]),
        Panel("From command to reply", quantiles("kafka_request_seconds"), unit="s", width=12),
        Panel("Commands without a reply", [(f"sum(increase(kafka_requests_unanswered_total[{RATE}]))", "commands")], width=12),
    ),
    Row(
        "identity-store",
        Panel("Commands", [(rate("rollcall_store_commands_total"), "commands")], unit="ops"),
        Panel("Time of a batch", quantiles("rollcall_store_batch_seconds"), unit="s"),
        Panel("Commands in a batch", quantiles("rollcall_store_batch_commands")),
        Panel("Waiting commands", [('sum by (partition) (kafka_consumer_lag_messages{group="identity-store"})', "partition {{partition}}")]),
        Panel("Age of the oldest command", [('max(kafka_consumer_oldest_seconds{group="identity-store"})', "commands")], unit="s"),
        Panel(
            "Repetitions and poisoned commands",
            [
                (f"sum(increase(rollcall_store_batch_retries_total[{RATE}]))", "repeated batches"),
                (f"sum(increase(rollcall_store_poisoned_commands_total[{RATE}]))", "poisoned commands"),
            ],
        ),
    ),
    Row(
        "PostgreSQL, as the services see it",
        Panel(
            "Time of a statement, 99 %",
            [
                (
                    "histogram_quantile(0.99, sum by (le, service) ("
                    f"{with_service(f'rate(postgres_request_duration_seconds_bucket[{RATE}])')}))",
                    "{{service}}",
                )
            ],
            unit="s",
        ),
        Panel(
            "Waits, 99 %",
            [
                (quantile("0.99", "postgres_queue_wait_seconds"), "for a shared connection"),
                (quantile("0.99", "postgres_borrow_wait_seconds"), "for an exclusive connection"),
            ],
            unit="s",
        ),
        Panel(
            "Statements and round trips",
            [
                (rate("postgres_requests_total"), "statements"),
                (rate("postgres_pipelines_total"), "round trips"),
                (rate("postgres_errors_total"), "errors"),
            ],
            unit="ops",
        ),
        Panel("Connections", [("sum by (purpose) (postgres_connections)", "{{purpose}}")], width=12),
        Panel("Failed connections", [(f"sum(increase(postgres_connect_failures_total[{RATE}]))", "failures")], width=12),
    ),
    Row(
        "Kafka",
        Panel(
            "Messages",
            [(rate("kafka_messages_sent_total"), "sent"), (rate("kafka_messages_received_total", "group"), "received by {{group}}")],
            unit="ops",
        ),
        Panel("Time until a message is acknowledged", quantiles("kafka_delivery_seconds"), unit="s"),
        Panel(
            "Failures",
            [
                (f"sum(increase(kafka_messages_failed_total[{RATE}]))", "messages that were not accepted"),
                (f"sum(increase(kafka_producers_replaced_total[{RATE}]))", "replaced producers"),
                (f"sum by (cause) (increase(kafka_consumer_offset_resets_total[{RATE}]))", "gaps: {{cause}}"),
            ],
        ),
        Panel("Messages in a batch", quantiles("kafka_batch_messages", by="group")),
        Panel("Events published from outboxes", [(rate("kafka_outbox_published_total", "table"), "{{table}}")], unit="ops"),
        Panel("Age of the outboxes", [("max by (table) (kafka_outbox_oldest_seconds)", "{{table}}")], unit="s"),
    ),
    Row(
        "To the product",
        Panel("From push to product", quantiles("rollcall_push_to_product_seconds", by="way"), unit="s"),
        Panel("Events applied by group-sync", [(rate("rollcall_sync_events_total"), "events")], unit="ops"),
        Panel("Time of a batch of group-sync", quantiles("rollcall_sync_batch_seconds"), unit="s"),
        Panel("Events in a batch of group-sync", quantiles("rollcall_sync_batch_events")),
        Panel(
            "Repetitions and poisoned events of group-sync",
            [
                (f"sum(increase(rollcall_sync_batch_retries_total[{RATE}]))", "repeated batches"),
                (f"sum(increase(rollcall_sync_poisoned_events_total[{RATE}]))", "poisoned events"),
            ],
        ),
        Panel("Webhook requests", [(rate("rollcall_webhook_deliveries_total", "outcome"), "{{outcome}}")], unit="reqps"),
        Panel("Response time of the endpoints", quantiles("rollcall_webhook_request_seconds"), unit="s"),
        Panel(
            "Waiting events",
            [("sum(rollcall_webhook_events_pending)", "events"), ("sum(rollcall_webhook_events_expired_total)", "expired since the start")],
        ),
        Panel("Age of the oldest waiting event", [("max(rollcall_webhook_oldest_seconds)", "events")], unit="s"),
    ),
]

MAIL = [
    Row(
        "Invitations",
        Panel(
            "Invitations",
            [
                (rate("rollcall_mailer_invitations_sent_total"), "sent"),
                (rate("rollcall_mailer_invitations_failed_total"), "failed"),
                (rate("rollcall_mailer_invitations_bounced_total"), "bounced"),
                (rate("rollcall_mailer_invitations_retried_total"), "rejected temporarily"),
            ],
            unit="ops",
        ),
        Panel("Mails that are due", [("max(rollcall_mailer_invitations_pending)", "mails")]),
        Panel("How long the oldest has been due", [("max(rollcall_mailer_invitations_oldest_seconds)", "mail")], unit="s"),
        Panel("From push to invitation", quantiles("rollcall_push_to_invitation_seconds"), unit="s"),
        Panel("Time to hand a mail to the server", quantiles("rollcall_mailer_send_seconds"), unit="s"),
        Panel(
            "Possibly sent twice",
            [(f"sum(increase(rollcall_mailer_invitations_in_doubt_total[{RATE}]))", "mails")],
            description="The mailer ended between the server's answer and the commit.",
        ),
    ),
    Row(
        "Administrators",
        Panel(
            "Notices",
            [(rate("rollcall_mailer_notices_sent_total"), "sent"), (rate("rollcall_mailer_notices_failed_total"), "failed")],
            unit="ops",
            width=12,
        ),
        Panel("Changes that wait for approval", [("max(rollcall_store_held_changes)", "changes")], width=12),
    ),
    Row(
        "Sign-ins",
        Panel(
            "Sign-ins",
            [
                (rate("rollcall_mailer_promotions_total"), "promotions"),
                (rate("rollcall_mailer_sign_ins_of_active_total"), "of active people"),
            ],
            unit="ops",
        ),
        Panel("Waiting events and sign-ins", [('sum(kafka_consumer_lag_messages{group="invitation-mailer"})', "messages")]),
        Panel("Dead letters", [(f"sum(increase(rollcall_mailer_dead_letters_total[{RATE}]))", "messages")]),
    ),
]

LIMITS = [
    Row(
        "Limits",
        Panel(
            "Rejected requests by limit",
            [(rate("http_requests_rejected_total", "limit"), "{{limit}}")],
            unit="reqps",
            width=12,
            description="Which workspace it was is in the logs and in the provisioning log: metrics have no labels per workspace.",
        ),
        Panel(
            "Share of the requests that are rejected",
            [(f"{rate('http_requests_rejected_total')} / {rate('http_requests_total')}", "rejected")],
            unit="percentunit",
            width=12,
        ),
        Panel("Requests in flight", [("sum by (instance) (http_requests_in_flight)", "{{instance}}")]),
        Panel("Long polls", [("sum by (instance) (rollcall_event_requests_waiting)", "{{instance}}")]),
        Panel("Requests by status", [(rate("http_requests_total", "status"), "{{status}}")], unit="reqps"),
        Panel(
            "Memory of scim-api",
            [(with_service("process_resident_memory_bytes", '{service="scim-api"}'), "{{instance}}")],
            unit="bytes",
        ),
        Panel(
            "Processes that share the rate limits",
            [
                ("rollcall_rate_limit_edges", "seen by {{instance}}"),
                ('count(rollcall_build_info{service="scim-api"})', "running"),
            ],
            width=16,
            description=(
                "0: messages on edge.usage do not arrive, and the process counts only its own requests. "
                "A process learns of others with their requests."
            ),
        ),
    ),
    Row(
        "Identity providers",
        Panel("401 and 403", [(rate('http_requests_total{api="scim", status=~"401|403"}', "status"), "{{status}}")], unit="reqps"),
        Panel(
            "Updates of unknown people",
            [(rate('http_requests_total{api="scim", method=~"PUT|PATCH|DELETE", status="404"}', "method"), "{{method}}")],
            unit="reqps",
        ),
        Panel("Busiest routes", [(f"topk(10, {rate('http_requests_total', 'method, route')})", "{{method}} {{route}}")], unit="reqps"),
    ),
    Row(
        "Provisioning log and approvals",
        Panel(
            "Entries",
            [
                (rate("rollcall_log_entries_total"), "stored"),
                (rate("rollcall_log_entries_dropped_total", "reason"), "dropped: {{reason}}"),
            ],
            unit="ops",
        ),
        Panel("Changes that wait for approval", [("max(rollcall_store_held_changes)", "changes")]),
        Panel("Age of the oldest held change", [("max(rollcall_store_held_changes_oldest_seconds)", "change")], unit="s"),
    ),
]

DASHBOARDS = {
    "overview": dashboard("rollcall-overview", "Rollcall: overview", "Objectives, requests, queues and processes.", OVERVIEW),
    "path-of-a-write": dashboard("rollcall-write", "Rollcall: path of a write", "From the request to the product.", WRITE_PATH),
    "mail": dashboard("rollcall-mail", "Rollcall: mail", "Invitations, notices and sign-ins.", MAIL),
    "tenant-limits": dashboard("rollcall-limits", "Rollcall: tenant limits", "What is rejected, and why.", LIMITS),
}


def main():
    if sys.argv[1:] not in (["write"], ["check"]):
        sys.exit(__doc__)
    stale = []
    for name, content in DASHBOARDS.items():
        path, text = FOLDER / f"{name}.json", json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        if sys.argv[1] == "write":
            FOLDER.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(path.name)
    stale += [path.name for path in FOLDER.glob("*.json") if path.stem not in DASHBOARDS]
    if stale:
        sys.exit(f"not generated from ops/local/dashboards.py: {', '.join(stale)}; run 'ops/local/dashboards.py write'")


if __name__ == "__main__":
    main()
