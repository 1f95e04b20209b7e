"""What every action does, whatever the vendor: tell apart what had no effect, what may have had one, and what had.

A new action is held to all of this by standing in the registry.
"""

import json
import socket
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tasks.actions.registry import ACTIONS, make_catalog
from tests.conformance.actions.conftest import NOW, TIMEOUT_SECONDS, Caller, Talk
from tests.conformance.actions.vendors.registry import CASES, SECRETS
from tests.support.sandbox import Sandbox
from worker.ledger.memory import Memory
from worker.masking import mask
from worker.retry import decide

NAMES = sorted(ACTIONS)
ON_THE_WIRE = [name for case in CASES.values() for name in case.on_the_wire]
MAYBE, LATER, NEVER = "UncertainError", "RetryableError", "PermanentError"
Talking = Callable[[Talk], Any]

each_action = pytest.mark.parametrize("name", NAMES)
# How a connection fails is the same for every row of a vendor's table: these stand for the others.
each_way = pytest.mark.parametrize("name", ON_THE_WIRE)


def answering(memory: Memory, status: int, body: str) -> Caller:
    """Return what runs actions against a vendor that gives every request this answer."""

    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, stream=httpx.ByteStream(body.encode()))

    return Caller("http://127.0.0.1:9", memory, httpx.Client(transport=httpx.MockTransport(answer)))


def vendor_of(name: str) -> str:
    """Return the vendor that an action belongs to."""
    return name.partition(".")[0]


@each_action
def test_it_works(name: str, caller: Caller, sandbox: Sandbox) -> None:
    """It is in the catalog, is tried here, does what it says, once, and its result can be kept."""
    case = CASES[vendor_of(name)]
    assert name in make_catalog().actions
    assert name in case.parameters
    case.prepare(sandbox)
    before = len(sandbox.effects())

    tried = caller.run(name)

    assert tried.error is None
    assert tried.outcome is not None
    assert json.dumps(tried.outcome.result)
    assert (len(sandbox.effects()) > before) is not (ACTIONS[name].is_read or name in case.without_effect)
    assert tried.session.sent


@each_way
@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, "", (NEVER, "invalid_request")),
        (401, "", (NEVER, "credentials_refused")),
        (403, "", (NEVER, "forbidden")),
        (404, "", (NEVER, "not_found")),
        (408, "", (LATER, "unavailable")),
        (413, "", (NEVER, "invalid_request")),
        (418, "", (NEVER, "rejected")),
        (422, "", (NEVER, "invalid_request")),
        (425, "", (LATER, "unavailable")),
        (429, "Too many requests", (LATER, "rate_limited")),
        (500, "", (MAYBE, "server_error")),
        (500, "<html>Server Error</html>", (MAYBE, "server_error")),
        (502, "<html>Bad Gateway</html>", (MAYBE, "server_error")),
        (503, "<html>Be right back</html>", (LATER, "unavailable")),
        (504, "", (MAYBE, "timeout")),
        (520, "", (MAYBE, "server_error")),
        (200, "", (MAYBE, "unreadable_answer")),
        (200, "not json", (MAYBE, "unreadable_answer")),
        (200, "[" * 100_000, (MAYBE, "unreadable_answer")),
        (200, "null", (MAYBE, "unreadable_answer")),
    ],
    ids=lambda value: str(value)[:12] if isinstance(value, int | str) else "",
)
def test_statuses_without_the_vendors_own_words(
    name: str, status: int, body: str, expected: tuple[str, str], caller: Caller, sandbox: Sandbox
) -> None:
    """What an answer amounts to when nothing but its status says so."""
    sandbox.fail(vendor=vendor_of(name), status=status, body=body)

    assert caller.run(name).verdict == expected


@each_way
@pytest.mark.parametrize(("retry_after", "seconds"), [(77, 77.0), ("Thu, 15 Jan 2026 03:02:00 GMT", 120.0)])
@pytest.mark.parametrize("status", [429, 503, 504])
def test_a_retry_after_is_heard(
    name: str, status: int, retry_after: int | str, seconds: float, caller: Caller, sandbox: Sandbox
) -> None:
    """As seconds or as a date, and wherever another attempt may follow."""
    sandbox.fail(vendor=vendor_of(name), status=status, body="", retry_after=retry_after)

    error = caller.run(name).error

    assert error is not None
    decision = decide(error, 1, NOW, idempotent=True, draw=lambda: 0.0)
    assert decision.due_at is not None
    assert (decision.due_at - NOW).total_seconds() == seconds


@each_way
@pytest.mark.parametrize("said", ["", "soon", "-5", "1.5", "١٢", "Thu, 99 Jan 2026"])
def test_a_retry_after_that_says_nothing_is_passed_over(name: str, said: str, talking: Talking) -> None:
    """It is not a reason to fail otherwise."""

    def talk(connection: socket.socket) -> None:
        connection.sendall(f"HTTP/1.1 429 X\r\nContent-Length: 0\r\nRetry-After: {said}\r\n\r\n".encode())

    with talking(talk) as caller:
        error = caller.run(name).error

    assert error.reason == "rate_limited"
    assert error.retry_after_seconds is None


@each_way
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(name: str, status: int, caller: Caller, sandbox: Sandbox) -> None:
    """A vendor that sends us elsewhere gets no second request, and no credential goes there."""
    sandbox.fail(vendor=vendor_of(name), status=status, body="", headers={"Location": f"{sandbox.url}/proton/x"})

    tried = caller.run(name)

    assert tried.verdict[0] == NEVER
    assert len(sandbox.requests()) == 1


@each_way
@pytest.mark.parametrize("content_type", ["text/html", "text/plain", "application/octet-stream"])
def test_a_good_answer_under_a_wrong_name_is_a_good_answer(
    name: str, content_type: str, caller: Caller, sandbox: Sandbox
) -> None:
    """What was done was done, whatever the header calls the answer."""
    sandbox.fail(vendor=vendor_of(name), content_type=content_type)

    assert caller.run(name).error is None


@each_way
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("fault", "reason"), [("hang", "timeout"), ("reset", "connection_lost"), ("truncate", "connection_lost")]
)
def test_an_answer_that_does_not_come_may_have_been_a_yes(
    name: str, fault: str, reason: str, when: str, caller: Caller, sandbox: Sandbox
) -> None:
    """From here "it broke before" and "it broke after" look alike, so both are uncertain."""
    sandbox.fail(vendor=vendor_of(name), when=when, **{fault: True})

    tried = caller.run(name)

    assert tried.verdict == (MAYBE, reason)
    assert tried.session.sent


JUDGED = [
    (401, "", (NEVER, "credentials_refused")),
    (404, "", (NEVER, "not_found")),
    (429, "", (LATER, "rate_limited")),
    (500, "<html>Server Error</html>", (MAYBE, "server_error")),
    (503, "", (LATER, "unavailable")),
    (200, "not json", (MAYBE, "unreadable_answer")),
]


@each_action
def test_every_action_is_judged(name: str, memory: Memory) -> None:
    """Whatever the action, no status is taken for a success that is none; what only looked may look again."""
    looks_first = name in CASES[vendor_of(name)].looks_first
    for status, body, (kind, reason) in JUDGED:
        expected = (LATER if kind == MAYBE and looks_first else kind, reason)

        assert answering(memory, status, body).run(name).verdict == expected, status


@each_action
def test_no_connection_means_nothing_was_sent(name: str, nobody: Caller) -> None:
    """A refused connection is tried again later, whatever the action."""
    tried = nobody.run(name)

    assert tried.verdict == (LATER, "connect_failed")
    assert not tried.session.sent


@each_way
def test_an_answer_that_drips_ends_at_the_deadline(name: str, talking: Talking) -> None:
    """Each byte comes in time, the answer does not."""

    def talk(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(1000):
            connection.sendall(b" ")
            time.sleep(0.02)  # the vendor's slowness, not the test's patience

    began = time.monotonic()
    with talking(talk) as caller:
        assert caller.run(name).verdict == (MAYBE, "timeout")
    assert time.monotonic() - began < TIMEOUT_SECONDS * 10


@each_way
def test_an_answer_of_ten_megabytes_is_not_read(name: str, talking: Talking) -> None:
    """Memory is not the vendor's to fill."""

    def talk(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n")
        for _ in range(10):
            connection.sendall(b"x" * 1_000_000)

    with talking(talk) as caller:
        assert caller.run(name).verdict == (MAYBE, "unreadable_answer")


@each_way
@pytest.mark.parametrize("answer", [b"garbage\r\n\r\n", b"", b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"])
def test_what_is_no_http_is_uncertain(name: str, answer: bytes, talking: Talking) -> None:
    """A peer that speaks something else may have acted all the same."""
    with talking(lambda connection: connection.sendall(answer)) as caller:
        assert caller.run(name).verdict[0] == MAYBE


@each_action
def test_what_is_written_down_holds_no_secret(name: str, memory: Memory) -> None:
    """Request and answer are kept, the credential in neither, also when the vendor repeats it."""
    body = json.dumps({"message": f"bad token {' '.join(SECRETS)}", "token": "t-1"})

    tried = answering(memory, 400, body).run(name)

    written = json.dumps(mask(tried.session.exchanges, [], SECRETS))
    assert '"status": 400' in written
    assert not [secret for secret in (*SECRETS, "t-1") if secret in written]


@each_action
def test_an_error_names_neither_secret_nor_body(name: str, memory: Memory) -> None:
    """An error's text is short, however long the vendor's."""
    body = json.dumps({"message": "x" * 5_000, "error": {"message": "x" * 5_000}})

    assert len(str(answering(memory, 400, body).run(name).error)) < 400
