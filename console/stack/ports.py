"""Whether the ports are free, asked before anything is started.

Invariant: one error names every port that is taken; nobody learns of the second one after clearing the first.
"""

import errno
import socket
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import psutil

from console.stack.errors import StackError


class PortUse(NamedTuple):
    """A port we want to listen on: what for, and the setting that moves it."""

    port: int
    host: str
    what: str
    setting: str


def check_ports(uses: Iterable[tuple[int, str, str, str]]) -> None:
    """Raise StackError unless every `(port, host, what, setting name)` can be listened on."""
    wanted = [PortUse(*use) for use in uses]
    problems = [*_wanted_twice(wanted), *(problem for use in wanted if (problem := _problem(use)))]
    if problems:
        raise StackError("\n".join(problems))


def _wanted_twice(uses: Sequence[PortUse]) -> list[str]:
    settings = defaultdict(list)
    for use in uses:
        settings[use.host, use.port].append(use.setting)
    return [
        f"{' and '.join(names)} are all {port}: give each its own"
        for (_, port), names in settings.items()
        if port and names[1:]
    ]


def _problem(use: PortUse) -> str | None:
    """Try to listen on every address of the host; one that this machine lacks does not matter beside others."""
    errors: list[OSError] = []
    try:
        found = socket.getaddrinfo(use.host, use.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        return _explain(use, error)
    for family, kind, protocol, _, address in found:
        try:
            with socket.socket(family, kind, protocol) as probe:
                # As servers do: connections of a dead run in TIME_WAIT do not take the port.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
        except OSError as error:
            errors.append(error)
    taken = [error for error in errors if error.errno == errno.EADDRINUSE]
    if taken or len(errors) == len(found):
        return _explain(use, (taken or errors)[0])
    return None


def _explain(use: PortUse, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {use.port} for {use.what} is taken{_holder(use.port)}; free it or change {use.setting}"
    return (
        f"cannot listen on {use.host}:{use.port} for {use.what}: {error.strerror}; change the address or {use.setting}"
    )


def _holder(port: int) -> str:
    """Name the process that listens on the port, where the system tells us."""
    try:
        listening = [c for c in psutil.net_connections("tcp") if c.status == psutil.CONN_LISTEN and c.pid]
        for connection in listening:
            if connection.laddr and connection.laddr.port == port:
                return f" by {psutil.Process(connection.pid).name()} (process {connection.pid})"
    except (psutil.Error, OSError):
        return ""
    return ""
