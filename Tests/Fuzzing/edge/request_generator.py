"""Generates malformed HTTP and SCIM requests."""

import json
from dataclasses import dataclass
from urllib.parse import quote

from body_generator import OVERSIZED, BodyGenerator

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "PURGE", "PROPFIND", "LOCK", "MKCOL"]
PATHS = ["/Users", "/Groups", "", "/Schemas", "/ResourceTypes", "/ServiceProviderConfig", "/Bulk", "/Me", "/.search", "/Users/.search"]
WORDS = ["userName", "emails", "value", "type", "eq", "ne", "co", "sw", "pr", "gt", "and", "or", "not", "(", ")", "[", "]", '"', ".", ":",
         '"a"', "true", "null", "-1", "1e999", "meta.lastModified", "urn:ietf:params:scim:schemas:core:2.0:User", "members", "groups.value",
         "\\", "\\u0000", "\u0130", "\U0001f600", "\ud7ff", "display", "ew", "le", "active", "id", "schemas", "externalId", "$ref", "'"]
ODD = ["", " ", "\t", "%", "%0", "%00", "%0d%0aX-Injected:%20a", "%zz", "../..", "//", "%2e%2e", "\u00e9", "%ff%fe", "a" * 300, ";", "?", "#", "*", "\\", "%u0041"]


@dataclass
class Request:
    kind: str
    text: bytes
    # Whether the server may close the connection after this request.
    ends: bool = False
    is_head: bool = False
    # The number of pieces it is sent in, with a pause after each; 0 for no pauses.
    pauses: int = 0
    # Whether the response must be an error.
    must_fail: bool = False


class RequestGenerator:
    """Generates requests from one random number generator."""

    def __init__(self, random, address, token):
        self.random, self.token = random, token
        self.host, self.base = f"{address.hostname}:{address.port}", address.path
        self.bodies = BodyGenerator(random)

    def batch(self):
        """Returns the requests for one connection."""
        if self.random.random() < 0.01:
            return [self.oversized()]
        if self.random.random() < 0.28:
            return [self.random.choice([self.noise, self.mangled, self.headers, self.framing, self.slow])()]
        return [self.random.choice([self.query, self.query, self.malformed_token, self.body, self.path, self.condition]
                                   )() for _ in range(self.random.randint(1, 16))]

    def request(self, kind, method, path, headers=(), body=None, token=None, ends=False):
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}", f"Authorization: Bearer {self.token if token is None else token}"]
        lines += headers
        if body is not None:
            if not any(line.lower().startswith("content-type:") for line in lines):
                lines.append("Content-Type: application/scim+json")
            lines.append(f"Content-Length: {len(body)}")
        text = "\r\n".join(lines).encode("utf-8", "surrogatepass") + b"\r\n\r\n" + (body or b"")
        return Request(kind, text, ends=ends, is_head=method == "HEAD")

    # Valid HTTP with invalid SCIM.

    def filter(self):
        shape = self.random.random()
        if shape < 0.15:
            depth = self.random.randint(1, 400)
            return "(" * depth + "id pr" + ")" * (depth - self.random.randint(0, 2))
        if shape < 0.25:
            return " and ".join(["not (userName eq \"a\")"] * self.random.randint(2, 80))
        return self.random.choice([" ", "", "  "]).join(self.random.choice(WORDS) for _ in range(self.random.randint(1, 25)))

    def query(self):
        names = ["filter", "sortBy", "sortOrder", "startIndex", "count", "cursor", "attributes", "excludedAttributes", "Filter", "x"]
        parameters = []
        for _ in range(self.random.randint(1, 4)):
            name = self.random.choice(names)
            value = self.filter() if self.random.random() < 0.6 else self.random.choice(["-1", "0", "99999999999999999999", "1.5", "a", ""] + ODD)
            parameters.append(f"{name}={quote(value, errors='replace') if self.random.random() < 0.9 else quote(value[:100], safe='%&=?', errors='replace')}")
        query = self.random.choice(["&", "&&", ";"]).join(parameters)
        return self.request("query", self.random.choice(["GET", "GET", "GET", "HEAD"]), f"{self.base}{self.random.choice(PATHS)}?{query[:7000]}")

    def malformed_token(self):
        token = self.token
        choice = self.random.randrange(7)
        if choice == 0:
            token = token[: self.random.randrange(len(token))]
        elif choice == 1:
            index = self.random.randrange(len(token))
            token = token[:index] + self.random.choice("Aa0-_.~ =") + token[index + 1 :]
        elif choice == 2:
            token = token * self.random.randint(2, 40)
        elif choice == 3:
            token = "rollcall_" + "".join(self.random.choice("ABCabc019-_") for _ in range(70))
        elif choice == 4:
            token = self.random.choice(["", "null", "\u00fc", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "' or 1=1 --", "\u00a0"])
        elif choice == 5:
            token = token.upper()
        else:
            token = " " * self.random.randint(1, 50) + token + " " * self.random.randint(1, 50)
        return self.request("token", "GET", f"{self.base}/Users?count=1", token=token)

    def path(self):
        segments = "/".join(self.random.choice(ODD[4:16] + ["Users", "Groups", "v1", "v2", "v2/Users", ".search", "42"])
                            for _ in range(self.random.randint(1, 5)))
        path = quote(f"{self.base}/{segments}", safe="/%.;?*\\")
        return self.request("path", self.random.choice(METHODS), path.replace("#", "%23"))

    def condition(self):
        value = self.random.choice(['W/"', '"', "*,*", 'W/"1", ', "W/" * 500, '"\u00e9"', "W/\"99999999999999999999\"", ",", "a", 'W/"-1"'])
        name = self.random.choice(["If-Match", "If-None-Match", "If-Modified-Since", "Accept", "traceparent", "X-Forwarded-For", "X-Forwarded-Proto",
                                   "X-Forwarded-Host", "User-Agent", "Cookie", "Range", "Content-Encoding", "Accept-Encoding"])
        method = self.random.choice(["GET", "DELETE", "PUT"])
        body = self.bodies.mangled() if method == "PUT" else None
        return self.request("condition", method, f"{self.base}/Users/0192f7a0-0000-7000-8000-00000000000{self.random.randrange(10)}",
                            [f"{name}: {value}"], body)

    def body(self):
        method, path = self.random.choice([
            ("POST", "/Users"), ("POST", "/Groups"), ("PUT", "/Users/0192f7a0-0000-7000-8000-000000000001"),
            ("PATCH", "/Users/0192f7a0-0000-7000-8000-000000000001"), ("PATCH", "/Groups/0192f7a0-0000-7000-8000-000000000001"),
            ("POST", "/Bulk"), ("POST", "/.search"), ("POST", "/Users/.search"), ("POST", "/Groups/.search")])
        headers = []
        if self.random.random() < 0.1:
            headers.append("Content-Type: " + self.random.choice(
                ["text/plain", "application/json; charset=utf-16", "application/scim+json;;;", "", "a/b/c", "multipart/form-data", "\u00e9"]))
        return self.request("body", method, self.base + path, headers, self.bodies.mangled())

    def oversized(self):
        body = json.dumps(self.random.choice(OVERSIZED)).encode()
        path = "/Groups" if b"core:2.0:Group" in body else "/Users"
        request = self.request("oversized", "POST", self.base + path, body=body)
        request.must_fail = True
        return request

    # Invalid HTTP, after which the connection cannot be reused.

    def noise(self):
        size = self.random.choice([1, 10, 100, 2000, 70000])
        text = self.random.randbytes(self.random.randint(1, size))
        if self.random.random() < 0.3:
            text = self.random.choice([b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/9.9\r\n\r\n", b"GET\r\n\r\n", b"\r\n" * 50,
                                       b"GET http:///// HTTP/1.1\r\n\r\n", b"CONNECT a:1 HTTP/1.1\r\n\r\n", b"OPTIONS * HTTP/1.1\r\n\r\n"]) + text[:100]
        return Request("noise", text, ends=True)

    def mangled(self):
        text = bytearray(self.random.choice([self.query, self.body, self.malformed_token])().text)
        for _ in range(self.random.randint(1, 8)):
            index = self.random.randrange(len(text))
            change = self.random.randrange(4)
            if change == 0:
                text[index] ^= 1 << self.random.randrange(8)
            elif change == 1:
                del text[index : index + self.random.randint(1, 20)]
            elif change == 2:
                text[index:index] = self.random.randbytes(self.random.randint(1, 20))
            else:
                text = text[:index]
            if not text:
                text = bytearray(b"G")
        # The change may have produced or removed the method HEAD, whose response has no body.
        return Request("mangled", bytes(text), ends=True, is_head=text.startswith(b"HEAD"))

    def headers(self):
        choice = self.random.randrange(7)
        extra = {
            0: lambda: [f"X-{number}: a" for number in range(self.random.randint(90, 400))],
            1: lambda: ["X: " + "a" * self.random.randint(10_000, 70_000)],
            2: lambda: ["X: a\rX-Injected: b", "Y: c\nX-Injected: d"],
            3: lambda: ["Content-Length: 5", "Content-Length: 6"],
            4: lambda: ["Host: other.example", "Host: third.example"],
            5: lambda: [" folded: a", ": nothing", "no colon", "a b: c"],
            6: lambda: ["X: \x00", "Authorization: Bearer \x7f", "Y\x00: a", "Authorization: Basic \u00e9"],
        }[choice]()
        return self.request("headers", "GET", f"{self.base}/Users", [self.random.choice(extra)] if choice > 4 else extra, ends=True)

    def framing(self):
        body = self.bodies.mangled()
        head = f"POST {self.base}/Users HTTP/1.1\r\nHost: {self.host}\r\nAuthorization: Bearer {self.token}\r\nContent-Type: application/json\r\n"
        rest = self.random.choice([
            f"Content-Length: {len(body) + self.random.randint(1, 100000)}\r\n\r\n".encode() + body,
            f"Content-Length: {self.random.choice(['-1', '1e3', '0x10', '99999999999999999999', ' ', '9000000', '1, 1'])}\r\n\r\n".encode() + body,
            b"Transfer-Encoding: chunked\r\n\r\n" + self.random.choice([b"zz\r\n", b"5\r\nab", b"FFFFFFFFFFFFFFFFF\r\n", b"-1\r\n", b"1;" + b"x" * 5000 + b"\r\n"]) + body,
            b"Transfer-Encoding: chunked, gzip\r\n\r\n" + body, b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n" + body,
            f"Transfer-Encoding: chunked\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body,
            f"Expect: 100-continue\r\nContent-Length: {len(body) + 5}\r\n\r\n".encode() + body, b"Expect: nonsense\r\nContent-Length: 2\r\n\r\n{}",
        ])
        return Request("framing", head.encode() + rest, ends=True)

    def slow(self):
        if self.random.random() > 0.05:
            return self.mangled()
        request = self.random.choice([self.query, self.body])()
        return Request("slow", request.text, ends=True, is_head=request.is_head, pauses=self.random.randint(2, 20))
