"""Signed Scalev events, made before a measurement begins.

Invariant: every event is about an order of its own and has an id of its own, so that nothing of it is a duplicate.
"""

import base64
import hashlib
import hmac
import json
import zlib
from collections.abc import Iterator
from uuid import uuid4

from webhooks.examples import load_example

SIGNING_SECRET = "bench-signing-secret"  # noqa: S105 - of a stage that nobody else reaches
ACCOUNT = "toko"
_ID, _NUMBER = "event_EXAMPLE00000000000000002", "250804QWERTY"

_CUSTOMER = b'"customer_id": 28024'


def signed_requests(numbers: list[str]) -> list[bytes]:
    """Return one whole HTTP request for each order number, 12 characters each."""
    return list(_signed_requests(numbers))


def order_numbers(count: int) -> list[str]:
    """Return human numbers of orders that were never seen."""
    run = uuid4().hex[:5].upper()
    return [f"{run}{number:07d}" for number in range(count)]


def _customer(number: str) -> bytes:
    """Return a buyer of its own for each order: one buyer of all orders would make them wait for each other."""
    return f'"customer_id": {zlib.crc32(number.encode())}'.encode()


def _signed_requests(numbers: list[str]) -> Iterator[bytes]:
    template = json.dumps(load_example("scalev", "order.created")).encode()
    for number in numbers:
        body = template.replace(_ID.encode(), f"event_{number:>023}".encode())
        body = body.replace(_NUMBER.encode(), number.encode()).replace(_CUSTOMER, _customer(number))
        signature = base64.b64encode(hmac.digest(SIGNING_SECRET.encode(), body, hashlib.sha256))
        yield b"\r\n".join(
            [
                f"POST /webhooks/{ACCOUNT} HTTP/1.1".encode(), b"Host: 127.0.0.1", b"User-Agent: Scalev",
                b"Content-Type: application/json", f"Content-Length: {len(body)}".encode(),
                b"X-Scalev-Hmac-Sha256: " + signature, b"", body,
            ]
        )  # fmt: skip
