"""Which addresses a vendor's name may stand for: public ones, unless the configuration says otherwise.

Invariant: the address that was looked at is the one that is connected to; a name is not asked twice.
"""

import ipaddress
import socket
import ssl
from collections.abc import Iterable
from urllib.parse import urlsplit

import httpcore
import httpx
from httpcore import SOCKET_OPTION, NetworkStream

from config.accounts import CalledAccount
from worker.errors import PermanentError
from worker.states import Reason


class PrivateAddressError(PermanentError):
    """A vendor's name stands for an address that is not public; nothing was sent there."""

    def __init__(self) -> None:
        super().__init__(
            Reason.PRIVATE_ADDRESS,
            "base_url names a host whose address is not public; set private_network: true where that is meant",
        )


def may_be_private(account: CalledAccount) -> bool:
    """Whether an account's vendor may be in a private network: it says so, or names an address outright."""
    host = urlsplit(account.base_url).hostname or ""
    return account.private_network or host == "localhost" or _is_address(host)


def transport(account: CalledAccount, most_calls: int, tls: ssl.SSLContext) -> httpx.HTTPTransport:
    """Return the way to an account's vendor, for at most so many calls at once."""
    return _Transport(tls, most_calls, httpcore.SyncBackend() if may_be_private(account) else _PublicOnly())


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
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from None
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if not all(_is_public(address) for address in addresses):
            raise PrivateAddressError
        for address in addresses[:-1]:
            try:
                return super().connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return super().connect_tcp(addresses[-1], port, timeout, local_address, socket_options)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_public(address: str) -> bool:
    found = ipaddress.ip_address(address.partition("%")[0])
    return found.is_global and not found.is_multicast
