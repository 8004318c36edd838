"""Compares the bearer token of a request with a constant, without a query."""

import hmac
import os

TOKEN = os.environ["PEER_TOKEN"]


class Client:
    def __init__(self, is_authenticated):
        self.is_authenticated = is_authenticated


class TokenMiddleware:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        request.user = Client(hmac.compare_digest(request.headers.get("Authorization", ""), f"Bearer {TOKEN}"))
        return self.get_response(request)


def has_token(request):
    return request.user.is_authenticated
