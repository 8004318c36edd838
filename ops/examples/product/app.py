"""A product that keeps its users and groups with Rollcall. README.md describes its settings."""

import json
import logging
import os
import threading
import time
import uuid

import requests
from directory import Directory
from flask import Flask, abort, redirect, render_template, request
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from waitress import create_server

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
settings = os.environ
directory = Directory(settings["PRODUCT_DATABASE"])
webhook = Webhook(settings["ROLLCALL_WEBHOOK_SECRET"])
events_are_missing = threading.Event()
app = Flask(__name__)


def call(method, path, headers={}, **options):
    headers = {"Authorization": f"Bearer {settings['ROLLCALL_TOKEN']}", **headers}
    return requests.request(method, settings["ROLLCALL_SERVER"] + path, headers=headers, timeout=(5, 60), **options)


def follow(interval):
    """Catches up at the start, when a webhook shows that events are missing, and every `interval` seconds."""
    while True:
        events_are_missing.clear()
        try:
            while read_page():
                pass
            events_are_missing.wait(interval)
        except (requests.RequestException, ValueError) as error:
            logging.warning("the events could not be read: %s", error)
            time.sleep(1)


def read_page():
    """Stores the events after the cursor, or a snapshot if there is no cursor or the events are gone. Returns whether there are more."""
    with directory.transaction() as run:
        progress = run("select cursor from progress").fetchone()
    response = progress and call("GET", "/api/v2/events", params={"after": progress["cursor"], "limit": 1000})
    if response is None or (response.status_code in (400, 410) and "cursor" in response.json()["type"]):
        read_snapshot()
        return True
    response.raise_for_status()
    page = response.json()
    directory.store_page([event["data"] for event in page["events"]], page["cursor"])
    if page["events"]:
        logging.info("read %d events after the cursor", len(page["events"]))
    return page["hasMore"]


def read_snapshot():
    with call("GET", "/api/v2/events/snapshot", stream=True) as response:
        response.raise_for_status()
        lines = [json.loads(line) for line in response.iter_lines()]
    if not lines or lines[-1]["type"] != "end":
        raise ValueError("the snapshot is truncated")
    directory.store_snapshot(lines[1:-1], lines[-1]["cursor"])
    logging.info("read a snapshot of %d members", lines[-1]["members"])


@app.post("/webhooks")
def receive():
    try:
        content = webhook.verify(request.get_data(as_text=True), request.headers)
    except (WebhookVerificationError, ValueError):
        abort(401)
    if content["type"] != "webhook.test" and not directory.receive(content["data"]):
        events_are_missing.set()
    return "", 204


@app.post("/sign-ins")
def sign_in():
    """Stands for the moment at which the identity provider has confirmed who the person is."""
    session, workspace, member = str(uuid.uuid4()), request.form["workspace"], request.form["member"]
    with directory.transaction() as run:  # Stored first, so that a revocation that arrives meanwhile ends it.
        person = "from members where (workspace, id) = (?, ?) and state <> 'disabled'"
        run(f"insert into sessions select ?, workspace, id, false {person}", [session, workspace, member])
    headers = {"Prefer": "wait=5", "Rollcall-Workspace": workspace}
    response = call("POST", "/api/v2/sign-ins", headers, json={"user": member, "method": "sample"})
    response.raise_for_status()
    # 202: there was no outcome in time. The session begins, and a revocation would end it.
    is_allowed = response.status_code == 202 or response.json()["outcome"] in ("promoted", "already-active")
    with directory.transaction() as run:
        run(f"{'update sessions set is_open = true' if is_allowed else 'delete from sessions'} where id = ?", [session])
    return redirect("/", 303)


@app.get("/")
def page():
    with directory.transaction() as run:
        return render_template("page.html", run=run)


if __name__ == "__main__":
    server = create_server(app, host="127.0.0.1", port=settings["PRODUCT_PORT"])
    threading.Thread(target=server.run, daemon=True).start()
    follow(float(settings.get("PRODUCT_INTERVAL", "30")))
