"""A SCIM client that sends the requests of Okta."""

import json
import urllib.error
import urllib.request

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


class IdentityProvider:
    def __init__(self, url, token):
        self.url, self.token = url, token

    def call(self, method, path, body=None):
        """Sends a request. Returns the status and the parsed body."""
        request = urllib.request.Request(
            self.url + path, method=method, data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.token}", "Content-Type": "application/scim+json; charset=utf-8",
                "Accept": "application/scim+json; charset=utf-8", "User-Agent": "Okta SCIM Client 1.0.0",
            })
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status, json.loads(response.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    def push_user(self, email, given, family, **more):
        return self.call("POST", "/Users", {
            "schemas": [USER], "userName": email, "name": {"givenName": given, "familyName": family}, "displayName": f"{given} {family}",
            "emails": [{"primary": True, "value": email, "type": "work"}], "locale": "en-US", "externalId": f"00u-{email}", "groups": [],
            "active": True, **more,
        })

    def push_group(self, name, members):
        return self.call("POST", "/Groups", {
            "schemas": [GROUP], "displayName": name,
            "members": [{"value": member["id"], "display": member["userName"]} for member in members],
        })
