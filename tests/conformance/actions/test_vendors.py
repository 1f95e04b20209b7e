"""What each vendor's own words amount to: the answers of vendors/*.md, to the letter."""

from typing import Any

import pytest

from tests.conformance.actions.conftest import Caller
from tests.support.sandbox import Sandbox

MAYBE, LATER, NEVER = "UncertainError", "RetryableError", "PermanentError"
CREATE, CHANGE, READ = "proton.create_opportunity", "scalev.change_status", "scalev.get_order"


def proton_error(code: str) -> dict[str, Any]:
    """Return the body of a documented error."""
    return {"status_message": "error", "error": {"code": code, "message": "x"}}


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, {"status_message": "SUCCESS", "data": {"opportunity_id": "o-1"}}, ("", "")),
        (200, {"status_message": "success", "data": {"opportunity_id": "o-1"}}, ("", "")),
        (201, {"opportunity_id": "o-1"}, ("", "")),
        (200, {"status_message": "error", "error": {"code": "X", "message": "no"}}, (NEVER, "rejected")),
        (200, {"status_message": "FAILED"}, (NEVER, "rejected")),
        (200, {"status_message": "SUCCESS", "data": {}}, (MAYBE, "unreadable_answer")),
        (200, {"status_message": "SUCCESS", "data": None}, (MAYBE, "unreadable_answer")),
        (200, ["o-1"], (MAYBE, "unreadable_answer")),
        (400, proton_error("INVALID_REQUEST"), (NEVER, "invalid_request")),
        (400, proton_error("BAD_REQUEST"), (NEVER, "invalid_request")),
        (401, proton_error("UNAUTHORIZED"), (NEVER, "forbidden")),
        (401, None, (NEVER, "credentials_refused")),
        (403, proton_error("FORBIDDEN"), (NEVER, "forbidden")),
        (404, proton_error("NOT_FOUND"), (NEVER, "not_found")),
        (500, None, (MAYBE, "server_error")),
        (429, None, (LATER, "rate_limited")),
    ],
)  # fmt: skip
def test_proton_says_it_in_its_envelope(
    status: int, body: Any, expected: tuple[str, str], caller: Caller, sandbox: Sandbox
) -> None:
    """Two cases of success, bare bodies, failures inside a 200, and a 401 that is about the owner, not the key."""
    sandbox.fail(vendor="proton", status=status, body=body)

    assert caller.run(CREATE).verdict == expected


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (429, "Too many requests", (LATER, "rate_limited")),
        (401, {"error": "Invalid API key"}, (NEVER, "credentials_refused")),
        (401, {"error": "API key has expired"}, (NEVER, "credentials_refused")),
        (402, {"error": "Payment Required"}, (NEVER, "rejected")),
        (403, {"error": "Forbidden"}, (NEVER, "forbidden")),
        (404, {"error": ["Order", "not found"]}, (NEVER, "not_found")),
        (409, {"error": "Conflict"}, (LATER, "not_yet")),
        (422, {"error": {"status": ["is invalid"]}, "errors": 3}, (NEVER, "invalid_request")),
        (200, {"successes": {}, "failures": {"x": "y"}}, (NEVER, "rejected")),
        (200, {"failures": 3}, (NEVER, "rejected")),
        (204, "", ("", "")),
        (200, {"data": [{"nothing": "known"}]}, ("", "")),
        (200, [], ("", "")),
    ],
)
def test_scalev_says_it_in_any_type(
    status: int, body: Any, expected: tuple[str, str], caller: Caller, sandbox: Sandbox
) -> None:
    """Errors may be text, lists or objects, the limit speaks plain text; a success may be empty."""
    sandbox.fail(vendor="scalev", status=status, body=body)

    assert caller.run(CHANGE).verdict == expected


@pytest.mark.parametrize("body", [{"id": "x"}, {"error": "no"}, [], "text", {"order_id": ["x"]}])
def test_scalev_answers_with_what_is_no_order(body: Any, caller: Caller, sandbox: Sandbox) -> None:
    """Nothing is taken into the snapshot, and nothing breaks."""
    sandbox.fail(vendor="scalev", status=200, body=body)

    assert caller.run(READ).verdict[0] in {MAYBE, NEVER}


def test_scalev_is_asked_for_one_path_only(caller: Caller, sandbox: Sandbox) -> None:
    """An id out of an event cannot lead to another place of the API."""
    caller.run(READ, id="../me?x=1")

    [request] = sandbox.requests()
    assert request["path"].startswith("/scalev/v3/orders/")
    assert request["query"] == {}


@pytest.mark.parametrize("rows", [[], [{"order_id": "ANOTHER", "id": "1"}], None, [None]])
def test_scalev_finds_no_order_of_that_number(rows: Any, caller: Caller, sandbox: Sandbox) -> None:
    """A search that gives another order gives none."""
    sandbox.fail(vendor="scalev", status=200, body={"data": rows})

    assert caller.run(READ, id=None, order_id="250804QWERTY").verdict == (NEVER, "not_found")
