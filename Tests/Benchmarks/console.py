"""console.py  measures the response times of the console pages, for ops/bench console.

Requests each page repeatedly as one signed-in admin over one connection. The first request is reported separately, because PostgreSQL
plans its queries then. Environment: BENCH_LINK, a one-time sign-in link to the console; BENCH_DATABASE.
"""

import argparse
import http.client
import os
import re
import subprocess
import sys
import time
from urllib.parse import parse_qs, urlencode, urlsplit

# The longest response time of a page, in milliseconds.
TARGET = 100


class Admin:
    """A signed-in admin with one HTTP connection."""

    def __init__(self, link):
        url = urlsplit(link)
        self.host = url.netloc
        self.connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
        self.cookies = {}
        self.request("GET", f"{url.path}?{url.query}", expected=200)
        key = parse_qs(url.query)["key"][0]
        form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"http://{self.host}"}
        self.request("POST", url.path, urlencode({"key": key}), form, expected=303)

    def request(self, method, path, body=None, headers=None, expected=200):
        """Returns the page and the response time in milliseconds."""
        cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if self.cookies else {}
        began = time.monotonic()
        self.connection.request(method, path, body, {**(headers or {}), **cookie})
        response = self.connection.getresponse()
        text = response.read().decode()
        took = (time.monotonic() - began) * 1000
        for line in response.headers.get_all("Set-Cookie") or []:
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        if response.status != expected:
            sys.exit(f"bench: {method} {path} returned {response.status}: {text[:500]}")
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
    members, _ = admin.request("GET", "/console/members?state=active")
    entries, _ = admin.request("GET", "/console/provisioning")
    member = database("select id from bench.users where not spare order by md5(id::text) limit 1")
    group = database("select id from bench.groups where size = 100000")
    found = {
        "members": "/console/members?state=active",
        "members, next page": next_page(members),
        "members, searched by name": "/console/members?state=active&q=chlo",
        "members, searched by address": "/console/members?state=active&q=user12345",
        "members, no match": "/console/members?state=active&q=nobody-of-this-name",
        "members, invited": "/console/members?state=invited",
        "member": f"/console/members/{member}",
        "groups": "/console/groups",
        "group of 100,000": f"/console/groups/{group}",
        "Settings > API": "/console/settings/api",
        "Settings > SCIM": "/console/settings/scim",
        "provisioning log": "/console/provisioning",
        "provisioning log, next page": next_page(entries),
        "provisioning log, failed": "/console/provisioning?show=failed",
        "provisioning log, one user": "/console/provisioning?who=user12345%40example.com",
        "provisioning log entry": f"/console/provisioning/entries/{first_id(entries, '/console/provisioning/entries')}",
        "health": "/console/provisioning/health",
        "drift": "/console/provisioning/drift",
        "held changes": "/console/provisioning/held",
        "audit": "/console/audit",
    }
    return {name: path for name, path in found.items() if path}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--check", action="store_true", help="exit 1 if a page takes longer than its target")
    options = parser.parse_args()
    admin = Admin(os.environ["BENCH_LINK"])
    users, entries = database("select sum(total) from identity_read.totals where type = 'User'"), database(
        "select count(*) from identity.provisioning_log")
    print(f"\nConsole pages with {int(users):,} users and {int(entries):,} provisioning log entries, {options.rounds} requests each, in ms")
    print(f"{'':32}{'first':>9}{'p50':>9}{'p99':>9}{'KB':>7}")
    slow = []
    for name, path in pages(admin).items():
        times, text = [], ""
        for _ in range(options.rounds + 1):
            text, took = admin.request("GET", path)
            times.append(took)
        first, ordered = times[0], sorted(times[1:])
        p50, p99 = (ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] for percent in (50, 99))
        if max(first, p99) > TARGET:
            slow.append(name)
        print(f"{name:32}{first:>9.1f}{p50:>9.1f}{p99:>9.1f}{len(text) / 1024:>7.0f}")
    print(f"\n{'NOT MET' if slow else 'met    '}  each page within {TARGET} ms" + (f"; not: {', '.join(slow)}" if slow else ""))
    return 1 if slow and options.check else 0


sys.exit(main())
