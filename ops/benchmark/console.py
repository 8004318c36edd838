"""console.py  measures how long the console's pages take, for ops/bench console.

Each page is asked for in turn by one signed-in admin, over one connection, as a browser would: the first time apart from the others, since it
makes the plans. Settings in the environment: BENCH_LINK, a one-time link to the console; BENCH_DATABASE.
"""

import argparse
import http.client
import os
import re
import subprocess
import sys
import time
from urllib.parse import parse_qs, urlencode, urlsplit

# A page is to be there within so many milliseconds.
TARGET = 100


class Admin:
    """Signed in, over one connection."""

    def __init__(self, link):
        url = urlsplit(link)
        self.host = url.netloc
        self.connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
        self.cookies = {}
        self.ask("GET", f"{url.path}?{url.query}", expected=200)
        key = parse_qs(url.query)["key"][0]
        form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"http://{self.host}"}
        self.ask("POST", url.path, urlencode({"key": key}), form, expected=303)

    def ask(self, method, path, body=None, headers=None, expected=200):
        """The page, and how many milliseconds it took."""
        cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if self.cookies else {}
        began = time.monotonic()
        self.connection.request(method, path, body, {**(headers or {}), **cookie})
        answer = self.connection.getresponse()
        text = answer.read().decode()
        took = (time.monotonic() - began) * 1000
        for line in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        if answer.status != expected:
            sys.exit(f"bench: {method} {path} was answered {answer.status}: {text[:500]}")
        return text, took


def first_id(text, path):
    found = re.search(re.escape(path) + r"/([0-9a-f-]{36})", text)
    return found and found.group(1)


def next_page(text):
    found = re.search(r'href="([^"]*(?:cursor|after)=[^"]*)"', text)
    return found and found.group(1).replace("&amp;", "&")


def database(statement):
    psql = ["psql", "--no-psqlrc", "--tuples-only", "--no-align", "--command", statement, os.environ["BENCH_DATABASE"]]
    return subprocess.run(psql, check=True, capture_output=True, text=True).stdout.strip()


def pages(admin):
    members, _ = admin.ask("GET", "/console/members?state=active")
    entries, _ = admin.ask("GET", "/console/provisioning")
    member = database("select id from bench.users where not spare order by md5(id::text) limit 1")
    group = database("select id from bench.groups where size = 100000")
    found = {
        "members": "/console/members?state=active",
        "members, next page": next_page(members),
        "members, searched by name": "/console/members?state=active&q=chlo",
        "members, searched by address": "/console/members?state=active&q=user12345",
        "members, nobody found": "/console/members?state=active&q=nobody-of-this-name",
        "members, invited": "/console/members?state=invited",
        "member": f"/console/members/{member}",
        "groups": "/console/groups",
        "group of 100,000": f"/console/groups/{group}",
        "Settings > API": "/console/settings/api",
        "Settings > SCIM": "/console/settings/scim",
        "provisioning log": "/console/provisioning",
        "provisioning log, next page": next_page(entries),
        "provisioning log, failed": "/console/provisioning?show=failed",
        "provisioning log, of a person": "/console/provisioning?who=user12345%40example.com",
        "entry of the log": f"/console/provisioning/entries/{first_id(entries, '/console/provisioning/entries')}",
        "health": "/console/provisioning/health",
        "drift": "/console/provisioning/drift",
        "held changes": "/console/provisioning/held",
        "audit": "/console/audit",
    }
    return {name: path for name, path in found.items() if path}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--check", action="store_true", help="exit with 1 where a page takes longer than its target")
    options = parser.parse_args()
    admin = Admin(os.environ["BENCH_LINK"])
    users, entries = database("select sum(total) from identity_read.totals where type = 'User'"), database(
        "select count(*) from identity.provisioning_log")
    print(f"\nThe console's pages with {int(users):,} users and {int(entries):,} entries of the log, {options.rounds} times each, ms")
    print(f"{'':32}{'first':>9}{'p50':>9}{'p99':>9}{'KB':>7}")
    slow = []
    for name, path in pages(admin).items():
        times, text = [], ""
        for _ in range(options.rounds + 1):
            text, took = admin.ask("GET", path)
            times.append(took)
        first, ordered = times[0], sorted(times[1:])
        p50, p99 = (ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] for percent in (50, 99))
        if max(first, p99) > TARGET:
            slow.append(name)
        print(f"{name:32}{first:>9.1f}{p50:>9.1f}{p99:>9.1f}{len(text) / 1024:>7.0f}")
    print(f"\n{'NOT MET' if slow else 'met    '}  each page within {TARGET} ms" + (f"; not: {', '.join(slow)}" if slow else ""))
    return 1 if slow and options.check else 0


sys.exit(main())
