"""A receiver over real HTTP, behind Granian."""

import base64
import hashlib
import hmac
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import httpx
import pytest

from tests.support.programs import Program
from tests.support.sandbox import Sandbox
from tests.support.servers import Servers
from tests.support.shop import SIGNING_SECRET, Shop

LIMIT = 20_000
TOKEN = "metrics-token-of-the-tests"


@dataclass
class Running:
    """A shop whose receiver runs."""

    shop: Shop
    program: Program

    def post(self, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> httpx.Response:
        """Post bytes to a path."""
        return httpx.post(f"{self.shop.receiver_url}{path}", content=body, headers=headers, timeout=20)

    def post_signed(self, body: bytes, secret: str = SIGNING_SECRET, **headers: str) -> httpx.Response:
        """Post bytes to the Scalev account, signed."""
        return self.post("/webhooks/toko", body, {"X-Scalev-Hmac-Sha256": signature(body, secret)} | headers)

    def raw(self, data: bytes, *, ends: bool = False) -> bytes:
        """Send bytes as they are, hang up the sending side if it `ends` there, and return the whole answer."""
        with socket.create_connection(("127.0.0.1", self.shop.receiver_port), timeout=60) as connection:
            connection.sendall(data)
            if ends:
                connection.shutdown(socket.SHUT_WR)
            found = b""
            while b"\r\n\r\n" not in found and (piece := connection.recv(65536)):
                found += piece
            head, _, body = found.partition(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: (\d+)", head)
            while length and len(body) < int(length[1]) and (piece := connection.recv(65536)):
                body += piece
            return head + b"\r\n\r\n" + body


def signature(body: bytes, secret: str = SIGNING_SECRET) -> str:
    """Sign as Scalev signs."""
    return base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()


@pytest.fixture(scope="module")
def running(servers: Servers, sandbox_process: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One receiver for the tests of a module, which leave it as they found it: it refuses what they send."""
    with servers.database(f"test_{uuid4().hex}") as database_url:
        shop = Shop(tmp_path_factory.mktemp("shop"), database_url, servers.redis.url, sandbox_process)
        environ = {"HOOKYARD_MAX_BODY_BYTES": str(LIMIT), "HOOKYARD_METRICS_TOKEN": TOKEN}
        program = shop.start_receiver(**environ)
        yield Running(shop, program)
        shop.stop()
