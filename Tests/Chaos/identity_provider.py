"""An identity provider's way of sending a request: again and again, until it is answered."""

import time
from urllib.parse import quote

from connection import Connection, Lost

# After how many seconds a write is given up. Identity providers are more patient; here it would be a finding.
PATIENCE = 180


class GivenUp(Exception):
    """No answer that lasts within PATIENCE."""


class Refused(Exception):
    """An answer that no retry changes, and that was not to be expected."""


class IdentityProvider:
    """One of its requests in flight."""

    def __init__(self, base_url, token, tally, random):
        self.connection = Connection(base_url, token)
        self.tally = tally
        self.random = random

    def send(self, method, path, body=None, expected=(200, 204)):
        """Sends until there is an answer, which has to be an expected one, and returns it."""
        began, pauses, in_doubt = time.monotonic(), 0, False
        while True:
            answer, doubt = self.attempt(method, path, body, pauses)
            in_doubt = in_doubt or doubt
            if answer is not None:
                # Deleted by the first attempt, whose answer was lost.
                if answer.status not in expected and not (method == "DELETE" and answer.status == 404 and in_doubt):
                    self.refuse(method, path, answer)
                if method != "GET":
                    self.tally.acknowledge(f"{method} {path}", began)
                return answer
            pauses += 1
            self.check_patience(began, method, path)

    def create(self, collection, attribute, value, body):
        """Looks the resource up and creates it where there is none; so again after each attempt whose outcome is unknown."""
        began, pauses, in_doubt = time.monotonic(), 0, False
        while True:
            found = self.find(collection, attribute, value)
            if found:
                if not in_doubt:
                    self.tally.note("unexpected", f"{collection} {value} was there before it was created")
                self.tally.adopt()
                self.tally.acknowledge(f"POST /{collection}", began)
                return found
            while True:
                answer, doubt = self.attempt("POST", f"/{collection}", body, pauses)
                if answer is not None and answer.status == 201:
                    self.tally.acknowledge(f"POST /{collection}", began)
                    return answer.json
                if answer is not None and not (answer.status == 409 and in_doubt):
                    self.refuse("POST", f"/{collection} ({value})", answer)
                pauses += 1
                self.check_patience(began, "POST", f"/{collection} ({value})")
                if answer is not None:
                    self.tally.conflict()
                if answer is not None or doubt:
                    in_doubt = True
                    break

    def find(self, collection, attribute, value):
        """The resource, or None."""
        wanted = quote(f'{attribute} eq "{value}"')
        found = self.send("GET", f"/{collection}?filter={wanted}&startIndex=1&count=100").json
        if found["totalResults"] > 1:
            self.tally.note("unexpected", f"{collection} has {found['totalResults']} with {attribute} {value}")
        return found["Resources"][0] if found["totalResults"] else None

    def attempt(self, method, path, body, pauses):
        """One request. Returns the answer, or None where it is to be sent again, the pause before that being over; and whether it may
        have been carried out nevertheless."""
        try:
            answer = self.connection.exchange(method, path, body)
        except Lost as loss:
            self.tally.repeat(str(loss))
            time.sleep(self.backoff(pauses))
            return None, loss.was_sent
        self.tally.answer(answer.status)
        if answer.status != 429 and answer.status < 500:
            return answer, False
        self.tally.repeat(f"{answer.status} {answer.detail.split('(')[0][:60]}".strip())
        time.sleep(self.backoff(pauses) if answer.retry_after is None else answer.retry_after)
        return None, answer.status != 429

    def backoff(self, pauses):
        return min(2.0, 0.05 * 2 ** min(pauses, 6)) * (0.5 + self.random.random())

    def check_patience(self, began, method, path):
        if time.monotonic() - began > PATIENCE:
            self.tally.note("given_up", f"{method} {path} after {PATIENCE} s")
            raise GivenUp(path)

    def refuse(self, method, path, answer):
        self.tally.note("unexpected", f"{method} {path}: {answer.status} {answer.detail}")
        raise Refused(path)
