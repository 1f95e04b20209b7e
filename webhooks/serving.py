"""The receiver behind Granian's RSGI: a body is read before a thread is spent on it, headers come as they were sent.

Through WSGI a body that never ends holds a thread for ever, and of a header that was sent twice only the last shows.
Invariant: nobody outside holds a thread; no request keeps more than the largest allowed body in memory.
"""

import asyncio
import io
import sys
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Protocol
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

BODY_SECONDS = 10.0
HEADERS = "hookyard.headers"
"""Where the environment has the headers by lower-case name, every value of each."""
CAME_AT = "hookyard.came_at"
"""Where the environment has when the request was there whole, by the clock that only measures."""

DRAINED_TIMES = 8
"""How many times the largest allowed body is read, and thrown away, so that whoever sends too much hears of it."""
_LATE = b'{"error": "body_too_slow", "message": "the body did not come in time"}'


class _Headers(Protocol):
    def __iter__(self) -> Iterator[str]: ...
    def get_all(self, key: str) -> list[str]: ...


class Scope(Protocol):
    """What Granian says of a request."""

    method: str
    path: str
    query_string: str
    client: str
    scheme: str
    headers: _Headers


class Exchange(Protocol):
    """Granian's side of one request: the body in pieces, and the way to answer."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...
    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None: ...


class Served:
    """A WSGI application as an RSGI one."""

    def __init__(
        self, app: WSGIApplication, *, threads: int, most_body_bytes: int, body_seconds: float = BODY_SECONDS
    ) -> None:
        self._app, self._most_bytes, self._body_seconds = app, most_body_bytes, body_seconds
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="receiver")

    async def __rsgi__(self, scope: Scope, exchange: Exchange) -> None:
        """Answer one request."""
        headers = _headers(scope)
        try:
            async with asyncio.timeout(self._body_seconds):
                body = await self._body(headers, exchange)
                came_at = time.perf_counter()
        except TimeoutError:
            exchange.response_bytes(408, [("content-type", "application/json"), ("connection", "close")], _LATE)
            return
        loop = asyncio.get_running_loop()
        answer = await loop.run_in_executor(self._threads, self._respond, scope, headers, body, came_at)
        exchange.response_bytes(*answer)

    async def _body(self, headers: dict[str, tuple[str, ...]], exchange: Exchange) -> bytes:
        """Read a body as far as the application can want it: one byte more than it accepts."""
        stated = headers.get("content-length", ("",))[0]
        most = self._most_bytes * DRAINED_TIMES
        if stated.isdecimal() and int(stated) > most:
            return b""
        pieces, size = [], 0
        with suppress(RuntimeError):  # the sender went away: what came is shorter than was stated, and refused
            async for piece in exchange:
                if size <= self._most_bytes:
                    pieces.append(piece)
                size += len(piece)
                if size > most:
                    break
        return b"".join(pieces)[: self._most_bytes + 1]

    def _respond(
        self, scope: Scope, headers: dict[str, tuple[str, ...]], body: bytes, came_at: float
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        started: list[tuple[int, list[tuple[str, str]]]] = []

        def start(status: str, given: list[tuple[str, str]], _exc_info: Any = None) -> Any:
            started.append((int(status.split(" ", 1)[0]), [(name.lower(), value) for name, value in given]))

        answer = _run(self._app, _environ(scope, headers, body) | {CAME_AT: came_at}, start)
        status, given = started[-1]
        return status, given, answer


def _run(app: WSGIApplication, environ: WSGIEnvironment, start: StartResponse) -> bytes:
    parts = app(environ, start)
    try:
        return b"".join(parts)
    finally:
        if hasattr(parts, "close"):
            parts.close()


def _headers(scope: Scope) -> dict[str, tuple[str, ...]]:
    """Return the headers; a name with an underscore is left out, in WSGI it would pass for another."""
    return {name.lower(): tuple(scope.headers.get_all(name)) for name in scope.headers if "_" not in name}


def _environ(scope: Scope, headers: dict[str, tuple[str, ...]], body: bytes) -> WSGIEnvironment:
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": scope.method, "SCRIPT_NAME": "", "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string, "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "SERVER_NAME": "hookyard", "SERVER_PORT": "0", "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme, "wsgi.input": io.BytesIO(body), "wsgi.errors": sys.stderr,
        "wsgi.multithread": True, "wsgi.multiprocess": True, "wsgi.run_once": False, HEADERS: headers,
    }  # fmt: skip
    for name, values in headers.items():
        environ["HTTP_" + name.upper().replace("-", "_")] = ",".join(values)
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if f"HTTP_{name}" in environ:
            environ[name] = environ.pop(f"HTTP_{name}")
    return environ
