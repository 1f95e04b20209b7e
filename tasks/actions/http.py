"""The one way out: an HTTP call to a configured vendor, bounded in time and size, its outcome told apart.

    not sent          nothing has happened                    RetryableError
    sent, no answer   it may have happened                    UncertainError
    answered          the vendor's table decides              Answer

Invariant: calls go to the account's own address only, follow no redirect, and verify TLS; every exception of httpx
becomes one of ours here, and nowhere else.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from config.accounts import Account, CalledAccount
from tasks.actions.addresses import Place, PrivateAddressError, transport
from worker import tracing
from worker.clock import Clock
from worker.errors import PermanentError, RetryableError, UncertainError, WorkerError
from worker.ledger.storable import storable, storable_text
from worker.states import Reason

MOST_ANSWER_BYTES = 1_000_000
_CONNECT_SECONDS = 5.0

# What httpx may raise while a request is under way. Not sent: the request had not left, whatever happens next.
NOT_SENT: dict[type[httpx.HTTPError], Reason] = {
    httpx.ConnectError: Reason.CONNECT_FAILED,
    httpx.ConnectTimeout: Reason.CONNECT_FAILED,
    httpx.PoolTimeout: Reason.CONNECT_FAILED,
    httpx.ProxyError: Reason.CONNECT_FAILED,
    httpx.UnsupportedProtocol: Reason.CONNECT_FAILED,
    httpx.LocalProtocolError: Reason.CONNECT_FAILED,
}
# Sent, at least in part: the vendor may have acted on it.
MAYBE_DONE: dict[type[httpx.HTTPError], Reason] = {
    httpx.ReadTimeout: Reason.TIMEOUT,
    httpx.WriteTimeout: Reason.TIMEOUT,
    httpx.TimeoutException: Reason.TIMEOUT,
    httpx.ReadError: Reason.CONNECTION_LOST,
    httpx.WriteError: Reason.CONNECTION_LOST,
    httpx.CloseError: Reason.CONNECTION_LOST,
    httpx.NetworkError: Reason.CONNECTION_LOST,
    httpx.RemoteProtocolError: Reason.CONNECTION_LOST,
    httpx.ProtocolError: Reason.CONNECTION_LOST,
    httpx.DecodingError: Reason.UNREADABLE_ANSWER,
    httpx.TooManyRedirects: Reason.UNREADABLE_ANSWER,
    httpx.TransportError: Reason.CONNECTION_LOST,
    httpx.RequestError: Reason.CONNECTION_LOST,
    httpx.HTTPStatusError: Reason.UNREADABLE_ANSWER,
    httpx.HTTPError: Reason.CONNECTION_LOST,
}
_WORDS = {
    Reason.CONNECT_FAILED: "no connection to the vendor, nothing was sent",
    Reason.TIMEOUT: "the vendor did not answer in time",
    Reason.CONNECTION_LOST: "the connection broke before the answer",
    Reason.UNREADABLE_ANSWER: "the vendor's answer cannot be read",
}


@dataclass(frozen=True)
class Answer:
    """What a vendor answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the parsed body, as the ledger can keep it; decimals are texts, exact. None when it is not JSON."""
        try:
            return storable(json.loads(self.body, parse_float=str, parse_constant=str))
        except (ValueError, RecursionError):
            return None

    def text(self) -> str:
        """Return the body as text, whatever its bytes."""
        return storable_text(self.body.decode("utf-8", "replace"))


@dataclass
class HttpSession:
    """The way to one account's vendor, for one attempt."""

    client: httpx.Client
    base_url: str
    timeout_seconds: float
    clock: Clock
    exchanges: list[dict[str, Any]] = field(default_factory=list)
    sent: bool = False
    before_request: Callable[[], None] | None = None

    def request(self, method: str, path: str, **given: Any) -> Answer:
        """Send one request below the account's address.

        `given` is what httpx takes: params, json, data, files, headers. Raises RetryableError when nothing was sent,
        UncertainError when it is not known what became of it.
        """
        if self.before_request:
            self.before_request()
        exchange = _described(method, path, given)
        self.exchanges.append(exchange)
        began = time.monotonic()
        try:
            request = self._built(method, path, given)
            # Without its path and query: they may name a person.
            with tracing.span("call", method=method, host=request.url.host) as part:
                answer = self._exchange(request)
                part.note(status=answer.status)
        except WorkerError as error:
            exchange["error"] = error.reason
            raise
        finally:
            exchange["seconds"] = round(time.monotonic() - began, 3)
        body = answer.json()
        exchange["answer"] = {"status": answer.status, "body": answer.text() if body is None else body}
        return answer

    def retry_after_seconds(self, answer: Answer) -> float | None:
        """Return how long an answer asks to wait, from seconds or a date; None when it does not, or not readably."""
        value = answer.headers.get("retry-after", "").strip()
        if value.isascii() and value.isdecimal():
            return float(value)
        try:
            return max(0.0, (parsedate_to_datetime(value) - self.clock()).total_seconds()) if value else None
        except (ValueError, TypeError):
            return None

    def _built(self, method: str, path: str, given: Mapping[str, Any]) -> httpx.Request:
        """Build a request; what goes wrong here has sent nothing."""
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", **given.get("headers", {})}
        timeout = httpx.Timeout(self.timeout_seconds, connect=min(_CONNECT_SECONDS, self.timeout_seconds))
        given = {**given, "headers": headers, "timeout": timeout}
        try:
            return self.client.build_request(method, self.base_url + path, **given)
        except httpx.InvalidURL:
            raise RetryableError(Reason.CONNECT_FAILED, "the account's address is not usable") from None

    def _exchange(self, request: httpx.Request) -> Answer:
        deadline = time.monotonic() + self.timeout_seconds
        with _translated(self), closing(self.client.send(request, stream=True, follow_redirects=False)) as response:
            body = b""
            for chunk in response.iter_raw():
                body += chunk
                if len(body) > MOST_ANSWER_BYTES:
                    raise UncertainError(Reason.UNREADABLE_ANSWER, f"the answer is over {MOST_ANSWER_BYTES} bytes")
                if time.monotonic() > deadline:
                    raise UncertainError(Reason.TIMEOUT, _WORDS[Reason.TIMEOUT])
            return Answer(response.status_code, {k.lower(): v for k, v in response.headers.items()}, body)


@contextmanager
def _translated(session: HttpSession) -> Iterator[None]:
    sent_before, session.sent = session.sent, True
    try:
        yield
    except PrivateAddressError:
        session.sent = sent_before
        raise
    except httpx.HTTPError as error:
        kind = type(error)
        if kind in NOT_SENT:
            session.sent = sent_before
            raise RetryableError(NOT_SENT[kind], _WORDS[NOT_SENT[kind]]) from None
        reason = next(MAYBE_DONE[base] for base in kind.__mro__ if base in MAYBE_DONE)
        raise UncertainError(reason, _WORDS[reason]) from None


def _described(method: str, path: str, given: Mapping[str, Any]) -> dict[str, Any]:
    parts = {name: given[name] for name in ("params", "json", "data") if given.get(name)}
    return {"request": {"method": method, "path": path, **parts}}


@contextmanager
def session_to(place: Place, timeout_seconds: float, clock: Clock) -> Iterator[HttpSession]:
    """Open the way to a place that is no account, for one call."""
    tls = httpx.create_ssl_context(trust_env=False)
    with httpx.Client(transport=transport(place, 1, tls), trust_env=False) as client:
        yield HttpSession(client, place.base_url, timeout_seconds, clock)


class Connections:
    """One HTTP client per account, shared by all threads of a worker."""

    def __init__(self, accounts: Mapping[str, Account], timeout_seconds: float, most_calls: int, clock: Clock) -> None:
        tls = httpx.create_ssl_context(trust_env=False)
        self._clients = {
            name: httpx.Client(transport=transport(account, most_calls, tls), trust_env=False)
            for name, account in accounts.items()
            if isinstance(account, CalledAccount)
        }
        self._timeout_seconds, self._clock = timeout_seconds, clock

    def open(self, name: str, account: Account) -> HttpSession:
        """Return the session of one attempt at an account."""
        if not isinstance(account, CalledAccount):  # the loader lets no rule name such an account
            raise PermanentError(Reason.WRONG_ACCOUNT, f"nothing can be done at an account of {account.vendor}")
        return HttpSession(self._clients[name], account.base_url, self._timeout_seconds, self._clock)

    def close(self) -> None:
        """Close every connection."""
        for client in self._clients.values():
            client.close()
