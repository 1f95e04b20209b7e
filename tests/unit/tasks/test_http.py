"""Every exception of httpx becomes one of ours, and says whether anything was sent."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tasks.actions.http import MAYBE_DONE, NOT_SENT, Answer, HttpSession
from tasks.actions.judging import verdict_of
from worker.errors import RetryableError, UncertainError, WorkerError
from worker.states import Reason

NOW = datetime(2026, 1, 15, 3, 0, tzinfo=UTC)
# What only a mistake in our own code raises: bugs, and treated as such.
OUR_MISTAKES = {httpx.StreamError, httpx.CookieConflict}


def tree(root: type[Exception]) -> Iterator[type[Exception]]:
    """Give a class of errors and all below it."""
    yield root
    for child in root.__subclasses__():
        yield from tree(child)


def session(handle: Any, url: str = "http://vendor.example") -> HttpSession:
    """Return a session whose vendor is a function."""
    client = httpx.Client(transport=httpx.MockTransport(handle))
    return HttpSession(client, url, 1.0, lambda: NOW)


def test_no_error_of_httpx_is_forgotten() -> None:
    """The module has no further kinds of errors than those that are translated, or are mistakes of ours."""
    known = {*tree(httpx.HTTPError), httpx.InvalidURL, *(kind for root in OUR_MISTAKES for kind in tree(root))}
    exported = {getattr(httpx, name) for name in httpx.__all__}

    assert {kind for kind in exported if isinstance(kind, type) and issubclass(kind, Exception)} <= known
    assert set(NOT_SENT).isdisjoint(MAYBE_DONE)


@pytest.mark.parametrize("kind", sorted(tree(httpx.HTTPError), key=str), ids=lambda kind: kind.__name__)
def test_every_error_under_way_is_translated(kind: type[httpx.HTTPError]) -> None:
    """Not sent: nothing happened, and the session knows. Everything else may have happened."""

    def fail(request: httpx.Request) -> httpx.Response:
        if issubclass(kind, httpx.HTTPStatusError):
            raise kind("secret text", request=request, response=httpx.Response(500))
        raise kind("secret text")

    calling = session(fail)
    with pytest.raises(WorkerError) as caught:
        calling.request("GET", "/x")

    expected = RetryableError if kind in NOT_SENT else UncertainError
    assert type(caught.value) is expected
    assert calling.sent is (kind not in NOT_SENT)
    assert "secret" not in str(caught.value)
    assert calling.exchanges[0]["error"] == caught.value.reason


def test_an_error_of_a_later_httpx_may_have_happened() -> None:
    """A kind that does not exist yet is taken for the worst."""

    class NewError(httpx.TransportError):
        pass

    def fail(_: httpx.Request) -> httpx.Response:
        raise NewError("x")

    with pytest.raises(UncertainError):
        session(fail).request("GET", "/x")


def test_a_second_request_that_is_not_sent_does_not_unsend_the_first() -> None:
    """An action of two requests has sent something once the first is out."""
    answers: list[Any] = [httpx.Response(200, stream=httpx.ByteStream(b"")), httpx.ConnectError("x")]

    def next_one(_: httpx.Request) -> httpx.Response:
        found = answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found  # type: ignore[no-any-return]

    calling = session(next_one)
    calling.request("GET", "/1")
    with pytest.raises(RetryableError):
        calling.request("GET", "/2")

    assert calling.sent


@pytest.mark.parametrize("url", ["http://[", "http://vendor.example:99999", "ftp://vendor.example", "http://"])
def test_an_address_that_is_none_sends_nothing(url: str) -> None:
    """The account's address is the operator's to mend; nothing left."""
    with httpx.Client(trust_env=False) as client:
        calling = HttpSession(client, url, 1.0, lambda: NOW)
        with pytest.raises(RetryableError):
            calling.request("GET", "/x")

    assert not calling.sent


def test_what_cannot_be_built_was_not_sent() -> None:
    """A bug before the wire is told from a bug behind it."""
    calling = session(lambda _: httpx.Response(200))

    with pytest.raises(TypeError):
        calling.request("POST", "/x", json={"at": object()})

    assert not calling.sent


@pytest.mark.parametrize(
    ("body", "parsed"),
    [
        (b'{"a": 1.10}', {"a": "1.10"}),
        (b'{"a": NaN, "b": 1e999}', {"a": "NaN", "b": "1e999"}),
        (b'"\\u0000\\ud800"', "\ufffd\ufffd"),
        (b"\xff\xfe", None),
        (b"", None),
        (b"[" * 200_000, None),
        (b"1" * 10_000, None),
        (b"0", 0),
    ],
    ids=lambda value: repr(value)[:12],
)
def test_an_answer_is_read_as_it_can_be_kept(body: bytes, parsed: Any) -> None:
    """Exact decimals as text; what is no JSON is None; nothing that a database refuses."""
    assert Answer(200, {}, body).json() == parsed


def test_every_status_has_a_verdict() -> None:
    """From 100 to 999: None only for the 2xx."""
    verdicts = {status: verdict_of(status, {}) for status in range(100, 1000)}

    assert {status for status, verdict in verdicts.items() if verdict is None} == set(range(200, 300))
    assert all(v.error is UncertainError for status, v in verdicts.items() if v and status >= 500 and status != 503)
    assert verdict_of(404, {404: verdicts[503]}) is verdicts[503]  # type: ignore[dict-item]
    assert verdicts[429] is not None
    assert verdicts[429].reason is Reason.RATE_LIMITED
