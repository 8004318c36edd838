"""An identity provider's client: it retries each request until it has a response."""

import time
from urllib.parse import quote

from connection import Connection, ConnectionLost

# Gives up a write after this many seconds. Identity providers retry longer; in this test it is a failure.
RETRY_TIMEOUT = 180


class RetriesExhausted(Exception):
    """No final response within RETRY_TIMEOUT."""


class UnexpectedResponse(Exception):
    """A final response with an unexpected status."""


class IdentityProvider:
    """A client with one connection and one request in flight."""

    def __init__(self, base_url, token, counts, random):
        self.connection = Connection(base_url, token)
        self.counts = counts
        self.random = random

    def send(self, method, path, body=None, expected=(200, 204)):
        """Sends a request until it has a final response and returns it. Raises UnexpectedResponse or RetriesExhausted."""
        began, retries, in_doubt = time.monotonic(), 0, False
        while True:
            response, doubt = self.attempt(method, path, body, retries)
            in_doubt = in_doubt or doubt
            if response is not None:
                # A 404 after a lost response means that the earlier attempt deleted it.
                if response.status not in expected and not (method == "DELETE" and response.status == 404 and in_doubt):
                    self.fail(method, path, response)
                if method != "GET":
                    self.counts.acknowledge(f"{method} {path}", began)
                return response
            retries += 1
            self.check_timeout(began, method, path)

    def create(self, collection, attribute, value, body):
        """Searches for the resource and creates it if there is none. Searches again after each attempt with an unknown outcome."""
        began, retries, in_doubt = time.monotonic(), 0, False
        while True:
            found = self.find(collection, attribute, value)
            if found:
                if not in_doubt:
                    self.counts.record("unexpected", f"{collection} {value} existed before it was created")
                self.counts.count_recovered()
                self.counts.acknowledge(f"POST /{collection}", began)
                return found
            while True:
                response, doubt = self.attempt("POST", f"/{collection}", body, retries)
                if response is not None and response.status == 201:
                    self.counts.acknowledge(f"POST /{collection}", began)
                    return response.json
                if response is not None and not (response.status == 409 and in_doubt):
                    self.fail("POST", f"/{collection} ({value})", response)
                retries += 1
                self.check_timeout(began, "POST", f"/{collection} ({value})")
                if response is not None:
                    self.counts.count_conflict()
                if response is not None or doubt:
                    in_doubt = True
                    break

    def find(self, collection, attribute, value):
        """Returns the resource or None."""
        condition = quote(f'{attribute} eq "{value}"')
        found = self.send("GET", f"/{collection}?filter={condition}&startIndex=1&count=100").json
        if found["totalResults"] > 1:
            self.counts.record("unexpected", f"{collection} has {found['totalResults']} resources with {attribute} {value}")
        return found["Resources"][0] if found["totalResults"] else None

    def attempt(self, method, path, body, retries):
        """Sends a request once.

        Returns the response, or None after a pause if the request must be retried; and whether the failed attempt may have been executed.
        """
        try:
            response = self.connection.exchange(method, path, body)
        except ConnectionLost as error:
            self.counts.count_retry(str(error))
            time.sleep(self.backoff(retries))
            return None, error.was_sent
        self.counts.count_response(response.status)
        if response.status != 429 and response.status < 500:
            return response, False
        self.counts.count_retry(f"{response.status} {response.detail.split('(')[0][:60]}".strip())
        time.sleep(self.backoff(retries) if response.retry_after is None else response.retry_after)
        return None, response.status != 429

    def backoff(self, retries):
        return min(2.0, 0.05 * 2 ** min(retries, 6)) * (0.5 + self.random.random())

    def check_timeout(self, began, method, path):
        if time.monotonic() - began > RETRY_TIMEOUT:
            self.counts.record("given_up", f"{method} {path} after {RETRY_TIMEOUT} s")
            raise RetriesExhausted(path)

    def fail(self, method, path, response):
        self.counts.record("unexpected", f"{method} {path}: {response.status} {response.detail}")
        raise UnexpectedResponse(path)
