"""Keeps credentials out of what the sandbox shows.

Invariant: a value under one of these names never leaves this module as it was.
"""

import sys
from collections.abc import Mapping

from sandbox.exchange import Json

MASK = "***"
SECRET_HEADERS = {"authorization", "proxy-authorization", "x-api-key", "x-access-token", "cookie"}
SECRET_PARAMS = {"apitoken", "api_token", "access_token", "api_key", "apikey"}


def masked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers without credentials; the scheme of `Authorization` stays readable.

    The texts are interned: one client sends the same ones with every request, and all requests are kept.
    """
    return {sys.intern(name): sys.intern(_masked_header(name, value)) for name, value in headers.items()}


def masked_params(value: Json) -> Json:
    """Return a JSON value with every credential in it masked, however deep."""
    if isinstance(value, Mapping):
        return {
            name: MASK if str(name).lower() in SECRET_PARAMS and item else masked_params(item)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [masked_params(item) for item in value]
    return value


def _masked_header(name: str, value: str) -> str:
    if name.lower() not in SECRET_HEADERS or not value:
        return value
    scheme, space, _ = value.partition(" ")
    return f"{scheme} {MASK}" if space and name.lower() == "authorization" else MASK
