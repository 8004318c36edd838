"""Generates malformed request bodies."""

import copy
import json

USER = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
    "userName": "a@fuzz.example", "externalId": "x", "active": True, "displayName": "A B", "name": {"givenName": "A", "familyName": "B"},
    "emails": [{"value": "a@fuzz.example", "type": "work", "primary": True}], "roles": [{"value": "admin"}], "secodaRole": "viewer",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"manager": {"value": "7"}, "department": "D"},
}
GROUP = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "G", "members": [{"value": "0192f7a0-0000-7000-8000-000000000001"}]}
PATCH = {
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "replace", "path": "emails[type eq \"work\"].value", "value": "b@fuzz.example"}, {"op": "add", "value": {"active": "False"}},
                   {"op": "remove", "path": "members[value eq \"x\"]"}],
}
BULK = {
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "failOnErrors": 1,
    "Operations": [{"method": "PUT", "path": "/Users/42", "bulkId": "a", "data": {}}, {"method": "POST", "path": "/Groups", "bulkId": "b",
                   "data": {"displayName": "bulkId:a", "members": [{"value": "bulkId:a"}, {"value": "bulkId:b"}]}}],
}
SEARCH = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": "userName sw \"a\"", "sortBy": "id", "count": 5, "startIndex": 1,
          "attributes": ["userName"], "cursor": ""}
VALUES = [None, True, 0, -1, 1e308, 10**30, 0.1, "", " ", "\u0000", "\ud800", "\uffff", "\u202e", "a" * 2000, [], {}, [[]], [None], {"": None}, "null", "<script>",
          "' or 1=1; --", "${jndi:ldap://a}", "%s%n", "\r\nX-Injected: a", "../../etc/passwd", "bulkId:a", "\U0001f600" * 50]


def letters(count):
    return "a" * count


def addresses(count):
    return [{"value": f"u{number}@fuzz.example"} for number in range(count)]


def user(**attributes):
    return {"schemas": USER["schemas"][:1], "userName": "large@fuzz.example", **attributes}


# Each exceeds a size limit and must be rejected.
OVERSIZED = [
    user(userName=letters(1025)), user(userName="\u0130" * 600), user(externalId=letters(1025)), user(title=letters(8193)),
    user(emails=[{"value": letters(1020) + "@b.example"}]), user(emails=addresses(1001)), user(photos=[{"value": letters((256 << 10) + 1)}]),
    user(photos=[{"value": letters(200 << 10) + str(number)} for number in range(3)]),
    {"schemas": GROUP["schemas"], "displayName": letters(1025)},
]


class BodyGenerator:
    """Generates bodies from one random number generator."""

    def __init__(self, random):
        self.random = random

    def mangled(self):
        """Returns the bytes of a body, which is almost never valid."""
        choice = self.random.random()
        if choice < 0.08:
            return self.random.randbytes(self.random.randint(0, 300))
        if choice < 0.16:
            return self.malformed_json()
        document = self.mutate(copy.deepcopy(self.random.choice([USER, USER, GROUP, PATCH, BULK, SEARCH])), self.random.randint(1, 4))
        text = json.dumps(document, ensure_ascii=self.random.random() < 0.5).encode("utf-8", "surrogatepass")
        if choice < 0.3:
            text = text[: self.random.randrange(max(1, len(text)))]
        elif choice < 0.45:
            index = self.random.randrange(max(1, len(text)))
            text = text[:index] + self.random.choice([b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\x00", b",", b"]", b"\\u00", b"\xf4\x90\x80\x80", b"\"", b"\\"]) + text[index:]
        return text

    def malformed_json(self):
        """Returns JSON text that is invalid or nested deeply, or not an object."""
        depth = self.random.choice([10, 33, 100, 5000])
        return self.random.choice([
            b"[" * depth, b"{\"a\":" * depth + b"1" + b"}" * depth, b"[" * depth + b"]" * depth, b"", b"null", b"\"a\"", b"1", b"{} {}", b"\xef\xbb\xbf{}",
            b"\xff\xfe{\x00}\x00", b"{\"a\":1,\"a\":2}", b"{\"userName\":\"a\",\"USERNAME\":\"b\"}", b"1" * depth, b"-", b"1e" + b"9" * depth, b"\"\\ud800\"",
            b"{\"userName\":\"" + b"\\u0041" * depth + b"\"", b"[" + b"0," * depth + b"0]"])

    def mutate(self, document, times):
        """Changes the document in place: replaces, deletes or duplicates some of its values. Returns it."""
        for _ in range(times):
            node = document
            while True:
                keys = list(node.keys()) if isinstance(node, dict) else list(range(len(node)))
                if not keys:
                    break
                key = self.random.choice(keys)
                if isinstance(node[key], (dict, list)) and node[key] and self.random.random() < 0.7:
                    node = node[key]
                    continue
                change = self.random.randrange(4)
                if change == 0:
                    del node[key]
                elif change == 1 and isinstance(node, dict):
                    node[self.random.choice(["id", "meta", "password", "x" * 300, "\u0000", "", "members", str(key).upper(), "$ref"])] = copy.deepcopy(node[key])
                elif change == 2 and isinstance(node, list):
                    node.extend(copy.deepcopy(node[key]) for _ in range(self.random.randint(1, 50)))
                else:
                    node[key] = copy.deepcopy(self.random.choice(VALUES))
                break
        return document
