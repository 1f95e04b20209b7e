"""The load generator: HTTP/1.1 over keep-alive connections, as cheap as Python can make it.

Invariant: at a fixed rate a request has its moment whatever the server does (open loop), and its time counts from that
moment, so that a server that stalls cannot hide the requests that would have come meanwhile.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

PATIENCE_SECONDS = 30.0
_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length: "


class LoadError(Exception):
    """The load could not be put on: a connection broke, or answers did not come."""


@dataclass
class Load:
    """What came of a load."""

    elapsed_seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    """Of each answer, from the moment that its request was due."""
    due_at: list[float] = field(default_factory=list)
    """Of each request at a fixed rate, in the order of sending, as `time.time()` counts."""

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return sum(self.statuses.values()) / self.elapsed_seconds

    def require_all_ok(self) -> None:
        """Raise LoadError unless every answer was 200: the speed of refusals is none."""
        if set(self.statuses) != {200}:
            raise LoadError(f"answers other than 200: {dict(self.statuses)}")


class _Connection(asyncio.Protocol):
    """One connection with one request under way at most."""

    def __init__(self, on_answer: Callable[["_Connection", int], None], on_loss: Callable[[], None]) -> None:
        self._on_answer, self._on_loss = on_answer, on_loss
        self._received = b""
        self.due = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - told to mypy
        self.transport = transport

    def connection_lost(self, _error: Exception | None) -> None:
        self._on_loss()

    def send(self, request: bytes, due: float) -> None:
        self.due = due
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head_end = self._received.find(_HEAD_END)
        if head_end < 0:
            return
        head = self._received[:head_end].lower()
        length_at = head.index(_LENGTH) + len(_LENGTH)
        length = int(head[length_at : (head + b"\r").index(b"\r", length_at)])
        if len(self._received) >= head_end + len(_HEAD_END) + length:
            status, self._received = int(head[9:12]), b""
            self._on_answer(self, status)


class _Run:
    """Requests on their way over a number of connections."""

    def __init__(self, requests: Sequence[bytes]) -> None:
        self.load = Load()
        self._requests, self._next, self._under_way = requests, 0, 0
        self._idle: deque[_Connection] = deque()
        self._waiting: deque[float] = deque()
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._closing = False

    async def connect(self, port: int, connections: int) -> None:
        for _ in range(connections):
            _, connection = await self._loop.create_connection(
                lambda: _Connection(self._answered, self._lost), "127.0.0.1", port
            )
            self._idle.append(connection)

    async def saturate(self, seconds: float) -> Load:
        """Keep every connection busy until the time is over or nothing is left to send."""
        began = self._loop.time()
        self._until = began + seconds
        self._refill = True
        while self._idle:
            self._send(self._idle.popleft(), self._loop.time())
        await asyncio.wait_for(self._ended, seconds + PATIENCE_SECONDS)
        self.load.elapsed_seconds = self._loop.time() - began
        return self.load

    async def pace(self, per_second: float) -> Load:
        """Send every request at its moment, or as soon after it as a connection is free."""
        self._refill = False
        began, wall = self._loop.time() + 0.1, time.time() - self._loop.time()
        moments = [began + number / per_second for number in range(len(self._requests))]
        self.load.due_at = [moment + wall for moment in moments]
        for moment in moments:
            self._loop.call_at(moment, self._come_due, moment)
        await asyncio.wait_for(self._ended, len(self._requests) / per_second + PATIENCE_SECONDS)
        self.load.elapsed_seconds = self._loop.time() - began
        return self.load

    def close(self) -> None:
        self._closing = True
        for connection in self._idle:
            connection.transport.close()

    def _come_due(self, moment: float) -> None:
        if self._idle:
            self._send(self._idle.popleft(), moment)
        else:
            self._waiting.append(moment)

    def _send(self, connection: _Connection, due: float) -> None:
        connection.send(self._requests[self._next], due)
        self._next += 1
        self._under_way += 1

    def _answered(self, connection: _Connection, status: int) -> None:
        now = self._loop.time()
        self._under_way -= 1
        self.load.statuses[status] += 1
        self.load.seconds.append(now - connection.due)
        if self._waiting:
            self._send(connection, self._waiting.popleft())
        elif self._refill and now < self._until and self._next < len(self._requests):
            self._send(connection, now)
        else:
            self._idle.append(connection)
            over = self._refill or self._next == len(self._requests)
            if over and not self._under_way and not self._ended.done():
                self._ended.set_result(None)

    def _lost(self) -> None:
        if not self._closing and not self._ended.done():
            self._ended.set_exception(LoadError("the server closed a connection"))


def saturate(port: int, requests: Sequence[bytes], *, connections: int, seconds: float) -> Load:
    """Send requests as fast as so many connections can, each at most once."""
    return asyncio.run(_saturate(port, requests, connections, seconds))


def pace(port: int, requests: Sequence[bytes], *, connections: int, per_second: float) -> Load:
    """Send all requests at a fixed rate."""
    return asyncio.run(_pace(port, requests, connections, per_second))


async def _saturate(port: int, requests: Sequence[bytes], connections: int, seconds: float) -> Load:
    run = _Run(requests)
    await run.connect(port, min(connections, len(requests)))
    try:
        return await run.saturate(seconds)
    finally:
        run.close()


async def _pace(port: int, requests: Sequence[bytes], connections: int, per_second: float) -> Load:
    run = _Run(requests)
    await run.connect(port, connections)
    try:
        return await run.pace(per_second)
    finally:
        run.close()
