"""One HTTP connection of an identity provider."""

import http.client
import json
from urllib.parse import urlsplit

# Okta waits this many seconds for a response.
SOCKET_TIMEOUT = 60


class ConnectionLost(Exception):
    """There was no response. `was_sent` tells whether the server may have executed the request."""

    def __init__(self, was_sent):
        super().__init__("connection lost" if was_sent else "connection refused")
        self.was_sent = was_sent


class Response:
    def __init__(self, status, headers, content):
        self.status = status
        self.retry_after = int(headers["Retry-After"]) if (headers["Retry-After"] or "").isdecimal() else None
        self.json = json.loads(content) if content else {}

    @property
    def detail(self):
        return self.json.get("detail", "")


class Connection:
    """A keep-alive connection that reconnects after the server has closed it."""

    def __init__(self, base_url, token):
        parts = urlsplit(base_url)
        self.base_path = parts.path
        self.http = http.client.HTTPConnection(parts.hostname, parts.port, timeout=SOCKET_TIMEOUT)
        self.headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/scim+json; charset=utf-8",
            "User-Agent": "Okta SCIM Client 1.0.0",
        }

    def exchange(self, method, path, body=None):
        """Sends one request. The path is relative to the base URL, or absolute if it starts with two slashes. Raises ConnectionLost."""
        headers, content = self.headers, None
        if body is not None:
            headers = {**headers, "Content-Type": "application/scim+json; charset=utf-8"}
            content = json.dumps(body).encode()
        was_sent = False
        try:
            if self.http.sock is None:
                self.http.connect()
            was_sent = True
            self.http.request(method, path[1:] if path.startswith("//") else self.base_path + path, content, headers)
            response = self.http.getresponse()
            return Response(response.status, response.headers, response.read())
        except (OSError, http.client.HTTPException) as error:
            self.http.close()
            raise ConnectionLost(was_sent) from error
