"""Every kind of fault does what its definition says. Invariant: an effect is there exactly when the vendor worked."""

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.support.programs import eventually

Post = Callable[..., httpx.Response]

ORDER = "0198a1b2-3c4d-7e5f-8a9b-0c1d2e3f4a5b"
SHIP = {"ids": [ORDER], "status": "shipped"}


def put(sandbox: httpx.Client, *faults: dict[str, Any]) -> None:
    answer = sandbox.put("/_sandbox/faults", json=[{"vendor": "scalev", **fault} for fault in faults])
    assert answer.status_code == 200, answer.text


def ship(scalev: httpx.Client) -> httpx.Response:
    return scalev.post("/orders/change-status", json=SHIP)


def effect_count(sandbox: httpx.Client) -> int:
    return len(sandbox.get("/_sandbox/effects").json())


@pytest.mark.parametrize(("when", "effects"), [("before", 0), ("after", 1)])
def test_a_reset_is_a_tcp_reset(scalev: httpx.Client, sandbox: httpx.Client, when: str, effects: int) -> None:
    """The connection is reset, and `after` leaves the effect of an answer that was lost."""
    put(sandbox, {"reset": True, "when": when})
    with pytest.raises(httpx.ReadError, match="reset by peer"):
        ship(scalev)

    (record,) = sandbox.get("/_sandbox/requests").json()
    assert (record["status"], record["fault"]) == (None, f"reset {when}")
    assert (record["effect"] is not None) is bool(effects)
    assert effect_count(sandbox) == effects


@pytest.mark.parametrize(("when", "effects"), [("before", 0), ("after", 1)])
def test_a_hang_lasts_until_the_client_leaves(
    scalev: httpx.Client, sandbox: httpx.Client, when: str, effects: int
) -> None:
    """No answer comes; the client's own timeout ends it."""
    put(sandbox, {"hang": True, "when": when})
    with pytest.raises(httpx.ReadTimeout):
        scalev.post("/orders/change-status", json=SHIP, timeout=httpx.Timeout(10, read=0.2))

    eventually(lambda: sandbox.get("/_sandbox/requests").json(), "the request is seen")
    eventually(lambda: effect_count(sandbox) == effects, "its effect is there, or is not")
    assert sandbox.get("/_sandbox/requests").json()[0]["status"] is None


@pytest.mark.parametrize(("when", "effects"), [("before", 0), ("after", 1)])
def test_a_truncated_answer_breaks_off(scalev: httpx.Client, sandbox: httpx.Client, when: str, effects: int) -> None:
    """The whole length is announced, half of it comes."""
    put(sandbox, {"truncate": True, "when": when})
    with pytest.raises(httpx.RemoteProtocolError, match="complete message body"):
        ship(scalev)

    assert effect_count(sandbox) == effects


@pytest.mark.parametrize(("when", "effects"), [("before", 0), ("after", 1)])
def test_a_status_replaces_the_answer(scalev: httpx.Client, sandbox: httpx.Client, when: str, effects: int) -> None:
    """A status comes with the vendor's own error body."""
    put(sandbox, {"status": 503, "when": when})
    answer = ship(scalev)

    assert answer.status_code == 503
    assert "error" in answer.json()
    assert effect_count(sandbox) == effects
    assert sandbox.get("/_sandbox/requests").json()[0]["status"] == 503


def test_a_status_speaks_each_vendors_words(
    scalev: httpx.Client, proton: httpx.Client, wabotick: Post, sandbox: httpx.Client
) -> None:
    """429 is plain text at Scalev, status "0" at Wabotick and empty at Proton."""
    sandbox.put("/_sandbox/faults", json=[{"vendor": "*", "status": 429}])

    assert scalev.get("/me").headers["Content-Type"].startswith("text/plain")
    assert wabotick("template/list").json()["status"] == "0"
    assert proton.get("/v1/customers/HL-20418").content == b""


def test_a_body_and_headers_are_sent_as_given(scalev: httpx.Client, sandbox: httpx.Client) -> None:
    """JSON bodies, text bodies, content types and headers are the test's to choose."""
    put(sandbox, {"body": {"a": [1]}, "headers": {"X-Extra": "1"}, "times": 1}, {"body": "<html>", "times": 1})
    first, second = scalev.get("/me"), scalev.get("/me")

    assert (first.status_code, first.json(), first.headers["X-Extra"]) == (200, {"a": [1]}, "1")
    assert (second.text, second.headers["Content-Type"]) == ("<html>", "text/plain; charset=utf-8")
    put(sandbox, {"status": 502, "body": "<html>", "content_type": "text/html"})
    assert scalev.get("/me").headers["Content-Type"] == "text/html"
    put(sandbox, {"body": None})
    assert scalev.get("/me").content == b""


def test_a_header_replaces_the_vendors_own_whatever_its_case(scalev: httpx.Client, sandbox: httpx.Client) -> None:
    """A header alone keeps the vendor's answer and is sent once."""
    put(sandbox, {"headers": {"x-ratelimit-remaining": "0", "content-type": "text/x-odd"}})
    answer = scalev.get("/me")

    assert answer.headers.get_list("X-Ratelimit-Remaining") == ["0"]
    assert answer.headers.get_list("Content-Type") == ["text/x-odd"]
    assert answer.json()["businesses"]


@pytest.mark.parametrize("extra", [{}, {"truncate": True}])
def test_a_status_without_a_body_is_possible(
    scalev: httpx.Client, sandbox: httpx.Client, extra: dict[str, Any]
) -> None:
    """204 has no body, so nothing of it can be cut off."""
    put(sandbox, {"status": 204, "times": 1, **extra})

    assert (scalev.get("/me").status_code, scalev.get("/me").status_code) == (204, 200)


@pytest.mark.parametrize("retry_after", [7, "7", "Fri, 07 Aug 2026 10:00:00 GMT"])
def test_retry_after_is_sent_as_given(scalev: httpx.Client, sandbox: httpx.Client, retry_after: int | str) -> None:
    """Seconds or an HTTP date; without a status it makes a 429."""
    put(sandbox, {"retry_after": retry_after})
    answer = scalev.get("/me")

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, str(retry_after))


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_delay_leaves_the_answer_as_it_is(scalev: httpx.Client, sandbox: httpx.Client, when: str) -> None:
    """A delay alone only takes time."""
    put(sandbox, {"delay_seconds": 0.15, "when": when})
    start = time.monotonic()
    answer = ship(scalev)

    assert time.monotonic() - start >= 0.15
    assert answer.status_code == 200
    assert effect_count(sandbox) == 1


def test_every_nth_matching_request_is_hit(scalev: httpx.Client, sandbox: httpx.Client) -> None:
    """`every: 3` hits the third and the sixth."""
    put(sandbox, {"status": 500, "every": 3})

    assert [scalev.get("/me").status_code for _ in range(6)] == [200, 200, 500, 200, 200, 500]


def test_times_limits_the_hits(scalev: httpx.Client, sandbox: httpx.Client) -> None:
    """`times: 2` with `every: 2` hits twice, then never again; the counts tell."""
    put(sandbox, {"status": 500, "every": 2, "times": 2})

    assert [scalev.get("/me").status_code for _ in range(6)] == [200, 500, 200, 500, 200, 200]
    (fault,) = sandbox.get("/_sandbox/faults").json()
    assert (fault["matched"], fault["hits"], fault["status"], fault["every"]) == (6, 2, 500, 2)


@pytest.mark.parametrize(
    ("fault", "hit"),
    [
        ({"path": "/scalev/v3/orders*"}, True),
        ({"path": "/orders/change-status"}, True),
        ({"path": "*/change-*"}, True),
        ({"path": "/orders"}, False),
        ({"method": "post"}, True),
        ({"method": "GET"}, False),
        ({"vendor": "proton"}, False),
        ({"vendor": "*"}, True),
    ],
)
def test_a_fault_hits_what_it_names(
    scalev: httpx.Client, sandbox: httpx.Client, fault: dict[str, Any], hit: bool
) -> None:
    """Vendor, method and a path pattern choose the requests; the path may be the vendor's own or the whole."""
    put(sandbox, {"status": 500, **fault})

    assert (ship(scalev).status_code == 500) is hit


def test_the_first_fault_that_strikes_wins(scalev: httpx.Client, sandbox: httpx.Client) -> None:
    """One request meets one fault; those behind only count it."""
    put(sandbox, {"status": 500, "every": 2}, {"status": 503})

    assert [scalev.get("/me").status_code for _ in range(4)] == [503, 500, 503, 500]
    assert [fault["matched"] for fault in sandbox.get("/_sandbox/faults").json()] == [4, 4]


def test_chance_is_the_same_for_the_same_seed(scalev: httpx.Client, sandbox: httpx.Client) -> None:
    """A fault by chance hits some, and the same ones each time."""
    runs = []
    for _ in range(2):
        put(sandbox, {"status": 500, "chance": 0.5})
        runs.append([scalev.get("/me").status_code for _ in range(20)])

    assert runs[0] == runs[1]
    assert set(runs[0]) == {200, 500}


def test_the_connection_survives_an_ordinary_fault(scalev: httpx.Client, sandbox: httpx.Client) -> None:
    """After a fault without reset the same connection goes on."""
    put(sandbox, {"status": 500, "times": 1})

    assert [scalev.get("/me").status_code for _ in range(2)] == [500, 200]


def test_faults_are_added_shown_and_removed(sandbox: httpx.Client) -> None:
    """POST adds one, PUT replaces all, DELETE removes all."""
    put(sandbox, {"status": 500}, {"hang": True, "name": "stuck"})
    added = sandbox.post("/_sandbox/faults", json={"vendor": "proton", "reset": True}).json()
    assert [fault["label"] for fault in added] == ["status 500 before", "stuck", "reset before"]

    assert sandbox.delete("/_sandbox/faults").json() == []
    assert sandbox.get("/_sandbox/faults").json() == []


@pytest.mark.parametrize(
    ("fault", "field"),
    [
        ({"vendor": "nobody", "status": 500}, "vendor"),
        ({"status": 99}, "status"),
        ({"status": "x"}, "status"),
        ({"status": 500, "every": 0}, "every"),
        ({"status": 500, "times": 0}, "times"),
        ({"status": 500, "when": "never"}, "when"),
        ({"status": 500, "chance": 1.5}, "chance"),
        ({"delay_seconds": -1}, "delay_seconds"),
        ({"retry_after": "soon"}, "retry_after"),
        ({"retry_after": -1}, "retry_after"),
        ({"status": 500, "headers": {"X": "a\r\nb"}}, "headers"),
        ({"status": 500, "headers": {"Content-Length": "5"}}, "headers"),
        ({"status": 500, "content_type": "a\nb"}, "content_type"),
        ({"stats": 500}, "stats"),
        ({"hang": True, "reset": True}, "hang and reset"),
        ({}, "does nothing"),
    ],
)
def test_a_bad_definition_is_refused_by_field(sandbox: httpx.Client, fault: dict[str, Any], field: str) -> None:
    """A 400 names the field, and the faults in force stay."""
    put(sandbox, {"status": 500})
    for answer in (
        sandbox.put("/_sandbox/faults", json=[{"vendor": "scalev", **fault}]),
        sandbox.post("/_sandbox/faults", json={"vendor": "scalev", **fault}),
    ):
        assert answer.status_code == 400
        assert field in answer.json()["error"]

    assert len(sandbox.get("/_sandbox/faults").json()) == 1


@pytest.mark.parametrize("content", [b"{", b"", b'{"vendor": "scalev", "status": 500}'])
def test_put_wants_a_list(sandbox: httpx.Client, content: bytes) -> None:
    """A body that is no list of faults is a 400."""
    assert sandbox.put("/_sandbox/faults", content=content).status_code == 400
