"""Which addresses a vendor's name may stand for: public ones, unless the configuration says otherwise.

Invariant: the address that was looked at is the one that is connected to; a name is not asked twice.
"""

import ipaddress
import socket
import ssl
from collections.abc import Iterable
from typing import Protocol
from urllib.parse import urlsplit

import httpcore
import httpx
from httpcore import SOCKET_OPTION, NetworkStream

from worker.errors import PermanentError
from worker.states import Reason


class Place(Protocol):
    """What is called: an account, or whoever is told of failures."""

    @property
    def base_url(self) -> str:
        """Where it is."""

    @property
    def private_network(self) -> bool:
        """Whether its name may stand for an address that is not public."""


class PrivateAddressError(PermanentError):
    """A name stands for an address that is not public; nothing was sent there."""

    def __init__(self) -> None:
        super().__init__(
            Reason.PRIVATE_ADDRESS,
            "it names a host whose address is not public; set private_network: true where that is meant",
        )


def may_be_private(place: Place) -> bool:
    """Whether a place may be in a private network: it says so, or names an address outright."""
    host = urlsplit(place.base_url).hostname or ""
    return place.private_network or host == "localhost" or _is_address(host)


def transport(place: Place, most_calls: int, tls: ssl.SSLContext) -> httpx.HTTPTransport:
    """Return the way to a place, for at most so many calls at once."""
    return _Transport(tls, most_calls, httpcore.SyncBackend() if may_be_private(place) else _PublicOnly())


def open_socket(place: Place, host: str, port: int, timeout_seconds: float) -> socket.socket:
    """Connect to a place that is not called by HTTP; OSError when it cannot be reached."""
    if may_be_private(place):
        return socket.create_connection((host, port), timeout_seconds)
    failed = OSError("no address")
    for address in _public_addresses(host, port):
        try:
            return socket.create_connection((address, port), timeout_seconds)
        except OSError as error:
            failed = error
    raise failed


class _Transport(httpx.HTTPTransport):
    def __init__(self, tls: ssl.SSLContext, most_calls: int, backend: httpcore.NetworkBackend) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls, max_connections=most_calls, max_keepalive_connections=most_calls, keepalive_expiry=4.0,
            network_backend=backend,
        )  # fmt: skip


class _PublicOnly(httpcore.SyncBackend):
    """Connects to public addresses only."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> NetworkStream:
        try:
            addresses = _public_addresses(host, port)
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from None
        for address in addresses[:-1]:
            try:
                return super().connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return super().connect_tcp(addresses[-1], port, timeout, local_address, socket_options)


def _public_addresses(host: str, port: int) -> list[str]:
    """Return what a name stands for; PrivateAddressError when any of it is not public, OSError when nothing is."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not all(_is_public(address) for address in addresses):
        raise PrivateAddressError
    return addresses


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_public(address: str) -> bool:
    found = ipaddress.ip_address(address.partition("%")[0])
    return found.is_global and not found.is_multicast
