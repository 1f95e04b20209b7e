"""A vendor's name may stand for public addresses only, unless the configuration says otherwise."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from config.accounts import ProtonAccount
from tasks.actions.addresses import PrivateAddressError, may_be_private
from tasks.actions.http import Connections
from worker.clock import system_clock


def account(base_url: str, **more: Any) -> ProtonAccount:
    """Return an account at an address."""
    auth = {"scheme": "static", "secrets": ["a-long-secret"]}
    given = {"vendor": "proton", "company": "c", "user_id": "u", "api_key": "k", "webhook_auth": auth}
    return ProtonAccount.model_validate(given | {"base_url": base_url} | more)


@pytest.fixture
def port() -> Iterator[int]:
    """Give a server on loopback that answers every GET."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


# Names of loopback that are not an address: the resolver makes one of them.
@pytest.mark.parametrize("name", ["127.1", "2130706433"])
def test_a_name_of_a_private_address_is_refused(name: str, port: int) -> None:
    """Nothing is sent there, and what to do is said; with private_network it is called."""
    refused, allowed = account(f"http://{name}:{port}"), account(f"http://{name}:{port}", private_network=True)
    connections = Connections({"refused": refused, "allowed": allowed}, 5, 2, system_clock)
    session = connections.open("refused", refused)

    with pytest.raises(PrivateAddressError, match="private_network: true"):
        session.request("GET", "/")

    assert not session.sent
    assert connections.open("allowed", allowed).request("GET", "/").status == 204
    connections.close()


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        ("http://127.0.0.1:8900/x", True), ("http://[::1]:80", True), ("http://localhost:1/x", True),
        ("https://api.example.com", False), ("https://10.0.0.1.example.com", False),
    ],
)  # fmt: skip
def test_an_address_given_outright_is_meant(base_url: str, expected: bool) -> None:
    """Whoever writes 127.0.0.1 means it; a name says nothing of where it leads."""
    assert may_be_private(account(base_url)) is expected
