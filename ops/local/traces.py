#!/usr/bin/env python3
"""A small collector of traces for one machine, and a page that shows one.

  traces.py collect FILE [--port 4318]    receives spans over OTLP/HTTP (JSON), appends them to FILE, and prints each new trace
  traces.py list FILE                     lists the traces of FILE
  traces.py page FILE [TRACE]             prints an HTML page of a trace (its id or the beginning of it); the longest without TRACE

Start the suite with ROLLCALL_SUITE_TRACES=http://127.0.0.1:4318 to send spans to it.
"""

import argparse
import html
import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

KINDS = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}
COLOURS = {"scim-api": "#3b6fb6", "identity-store": "#2e8b6f", "invitation-mailer": "#b8622f", "group-sync": "#7d55a8"}
MAXIMUM_BODY = 16 << 20


def attribute(value):
    """The value of an attribute as text."""
    if "arrayValue" in value:
        return ", ".join(attribute(one) for one in value["arrayValue"].get("values", []))
    return str(next(iter(value.values()), ""))


def spans_of(document):
    """The spans of an export request, in a flat form."""
    for group in document.get("resourceSpans", []):
        resource = {one["key"]: attribute(one["value"]) for one in group.get("resource", {}).get("attributes", [])}
        for scope in group.get("scopeSpans", []):
            for span in scope.get("spans", []):
                yield {
                    "service": resource.get("service.name", "?"),
                    "trace": span["traceId"],
                    "id": span["spanId"],
                    "parent": span.get("parentSpanId"),
                    "name": span["name"],
                    "kind": KINDS.get(span.get("kind"), "?"),
                    "start": int(span["startTimeUnixNano"]),
                    "end": int(span["endTimeUnixNano"]),
                    "attributes": {one["key"]: attribute(one["value"]) for one in span.get("attributes", [])},
                    "links": [link["spanId"] for link in span.get("links", [])],
                    "failed": span.get("status", {}).get("code") == 2,
                }


def collect(file, port):
    known = set()

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self):
            size = int(self.headers.get("content-length") or 0)
            if not 0 < size <= MAXIMUM_BODY:
                self.send_error(413)
                return
            body = self.rfile.read(size)
            try:
                spans = list(spans_of(json.loads(body)))
            except (ValueError, KeyError, AttributeError, TypeError) as error:
                self.send_error(400, str(error)[:100])
                return
            with open(file, "a", encoding="utf-8") as output:
                output.writelines(json.dumps(span) + "\n" for span in spans)
            for span in spans:
                if span["trace"] not in known:
                    known.add(span["trace"])
                    print(span["trace"], span["name"], flush=True)
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format, *arguments):
            pass

    with HTTPServer(("127.0.0.1", port), Collector) as server:
        print(f"collecting spans at http://127.0.0.1:{port}", file=sys.stderr)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass


def traces(file):
    """The spans of each trace of a file."""
    found = {}
    with open(file, encoding="utf-8") as lines:
        for line in lines:
            span = json.loads(line)
            found.setdefault(span["trace"], []).append(span)
    return found


def ordered(spans):
    """The spans as a tree: each with its depth, after its parent and in the order of their starts."""
    ids = {span["id"] for span in spans}
    children = {}
    for span in sorted(spans, key=lambda span: span["start"]):
        children.setdefault(span["parent"] if span["parent"] in ids else None, []).append(span)
    rows, waiting = [], [(span, 0) for span in reversed(children.get(None, []))]
    while waiting:
        span, depth = waiting.pop()
        rows.append((span, depth))
        waiting += [(child, depth + 1) for child in reversed(children.get(span["id"], []))]
    return rows


def milliseconds(nanoseconds):
    return f"{nanoseconds / 1e6:.1f} ms"


STYLE = """
body { font: 14px/1.4 system-ui, sans-serif; margin: 24px; color: #222; }
h1 { font-size: 18px; margin: 0 0 4px; } p { margin: 0 0 16px; color: #555; }
.row { display: grid; grid-template-columns: 360px 1fr; align-items: center; border-top: 1px solid #eee; min-height: 26px; }
.name { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.service { font-size: 12px; color: #666; }
.line { position: relative; height: 26px; background: #fafafa; }
.bar { position: absolute; top: 5px; height: 16px; min-width: 2px; border-radius: 2px; }
.time { position: absolute; top: 4px; font-size: 12px; color: #444; white-space: nowrap; padding: 0 4px; }
.failed .bar { outline: 2px solid #c22; }
.legend span { display: inline-block; margin-right: 16px; }
.legend i { display: inline-block; width: 12px; height: 12px; border-radius: 2px; margin-right: 4px; vertical-align: -1px; }
"""


def row(span, depth, start, length):
    left = (span["start"] - start) / length * 100
    width = (span["end"] - span["start"]) / length * 100
    # A label that would leave the page is on the left of its bar.
    place = f"right:{100 - left:.3f}%" if left + width > 80 and left > 15 else f"left:{left + width:.3f}%"
    title = "\n".join([f"{span['kind']}, span {span['id']}", *(f"{key}: {value}" for key, value in span["attributes"].items())])
    return (
        f'<div class="row{" failed" if span["failed"] else ""}" title="{html.escape(title)}">'
        f'<div class="name" style="padding-left:{depth * 16}px">{html.escape(span["name"])} '
        f'<span class="service">{html.escape(span["service"])}</span></div>'
        f'<div class="line"><div class="bar" style="left:{left:.3f}%;width:{width:.3f}%;'
        f'background:{COLOURS.get(span["service"], "#777")}"></div>'
        f'<div class="time" style="{place}">{milliseconds(span["end"] - span["start"])}</div></div></div>'
    )


def page(trace, spans):
    start = min(span["start"] for span in spans)
    length = max(max(span["end"] for span in spans) - start, 1)
    services = sorted({span["service"] for span in spans})
    legend = "".join(f'<span><i style="background:{COLOURS.get(name, "#777")}"></i>{html.escape(name)}</span>' for name in services)
    rows = "\n".join(row(span, depth, start, length) for span, depth in ordered(spans))
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>Trace {trace}</title><style>{STYLE}</style>\n'
        f"<h1>Trace {trace}</h1>\n<p>{len(spans)} spans of {len(services)} services in {milliseconds(length)}</p>\n"
        f'<p class="legend">{legend}</p>\n{rows}\n</html>'
    )


def chosen(found, beginning):
    """The trace whose id has this beginning; without one, the longest."""
    matching = {trace: spans for trace, spans in found.items() if trace.startswith(beginning or "")}
    if not matching:
        raise SystemExit("there is no such trace")
    return max(matching.items(), key=lambda item: len(item[1]))


def main():
    parser = argparse.ArgumentParser(prog="ops/local/traces.py", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    collector = commands.add_parser("collect", help="receive spans until it is interrupted")
    collector.add_argument("file")
    collector.add_argument("--port", type=int, default=4318)
    commands.add_parser("list", help="list the traces of a file").add_argument("file")
    shown = commands.add_parser("page", help="print a page of a trace")
    shown.add_argument("file")
    shown.add_argument("trace", nargs="?")
    options = parser.parse_args()
    if options.command == "collect":
        collect(options.file, options.port)
    elif options.command == "list":
        for trace, spans in traces(options.file).items():
            print(trace, f"{len(spans)} spans", ordered(spans)[0][0]["name"], sep="\t")
    else:
        print(page(*chosen(traces(options.file), options.trace)))


if __name__ == "__main__":
    main()
