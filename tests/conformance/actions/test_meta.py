"""Meta's Cloud API: what its answers amount to."""

import json
from typing import Any

import pytest

from tests.conformance.actions.conftest import Caller
from tests.support.sandbox import Sandbox
from worker.states import Scope

MAYBE, LATER, NEVER = "UncertainError", "RetryableError", "PermanentError"
SEND = "meta.send_template"


def refusal(code: Any, message: str = "no") -> dict[str, Any]:
    """Return a refusal in Meta's envelope."""
    details = {"messaging_product": "whatsapp", "details": "the reason"}
    return {"error": {"message": message, "type": "OAuthException", "code": code, "error_data": details}}


@pytest.mark.parametrize(
    ("status", "code", "expected", "scope"),
    [
        (401, 190, (NEVER, "credentials_refused"), Scope.ACCOUNT),
        (403, 10, (NEVER, "credentials_refused"), Scope.ACCOUNT),
        (500, 131000, (LATER, "server_error"), Scope.DELIVERY),
        (503, 2, (LATER, "server_error"), Scope.DELIVERY),
        (429, 130429, (LATER, "rate_limited"), Scope.ACCOUNT),
        (400, 80007, (LATER, "rate_limited"), Scope.ACCOUNT),
        (429, 131056, (LATER, "pair_rate_limited"), Scope.RECIPIENT),
        (400, 131026, (NEVER, "undeliverable"), Scope.DELIVERY),
        (400, 131042, (NEVER, "payment_problem"), Scope.ACCOUNT),
        (400, 131047, (NEVER, "outside_window"), Scope.DELIVERY),
        (400, 131049, (LATER, "held_back"), Scope.DELIVERY),
        (400, 131050, (NEVER, "opted_out"), Scope.RECIPIENT),
        (404, 132001, (NEVER, "template"), Scope.DELIVERY),
        (400, 132015, (LATER, "template_stopped"), Scope.TEMPLATE),
        (400, 132016, (NEVER, "template_stopped"), Scope.TEMPLATE),
        (400, "131026", (NEVER, "undeliverable"), Scope.DELIVERY),
        (200, 131026, (NEVER, "undeliverable"), Scope.DELIVERY),
        (200, 999999, (NEVER, "rejected"), Scope.DELIVERY),
        (400, 999999, (NEVER, "invalid_request"), Scope.DELIVERY),
        (500, 999999, (MAYBE, "server_error"), Scope.DELIVERY),
        (400, None, (NEVER, "invalid_request"), Scope.DELIVERY),
        (400, "9" * 30, (NEVER, "invalid_request"), Scope.DELIVERY),
        (400, {"x": 1}, (NEVER, "invalid_request"), Scope.DELIVERY),
    ],
)
def test_a_refusal_is_judged_by_its_code(
    status: int, code: Any, expected: tuple[str, str], scope: Scope, caller: Caller, sandbox: Sandbox
) -> None:
    """The code decides; one that is not known leaves it to the HTTP status."""
    sandbox.fail(vendor="meta", status=status, body=refusal(code))

    tried = caller.run(SEND)

    assert tried.verdict == expected
    assert tried.error is not None
    assert tried.error.scope is scope


def test_a_refusal_tells_its_details(caller: Caller, sandbox: Sandbox) -> None:
    """Meta's message names the code, the details say what is wrong."""
    sandbox.fail(vendor="meta", status=400, body=refusal(100, "(#100) Invalid parameter"))

    assert str(caller.run(SEND).error) == "HTTP 400: (#100) Invalid parameter: the reason"


@pytest.mark.parametrize(
    "body",
    [
        {"messaging_product": "whatsapp"}, {"messages": []}, {"messages": [{}]}, {"messages": [{"id": ""}]},
        {"messages": {"id": "wamid.1"}}, {"messages": ["wamid.1"]}, {"error": None},
    ],
)  # fmt: skip
def test_a_yes_without_a_message_id_is_no_yes(body: Any, caller: Caller, sandbox: Sandbox) -> None:
    """Nothing could ever tell what became of it."""
    sandbox.fail(vendor="meta", status=200, body=body)

    assert caller.run(SEND).verdict == (MAYBE, "no_message_id")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"success": True}, ("", "")),
        ({"success": False}, (NEVER, "rejected")),
        ({}, (MAYBE, "unreadable_answer")),
    ],
)
def test_marking_as_read_has_to_be_confirmed(
    body: Any, expected: tuple[str, str], caller: Caller, sandbox: Sandbox
) -> None:
    """The answer says whether it was done."""
    sandbox.fail(vendor="meta", status=200, body=body)

    assert caller.run("meta.mark_read").verdict == expected


def test_a_message_that_nobody_wrote_cannot_be_marked(caller: Caller) -> None:
    """Meta's code for a wrong id is a bad request."""
    assert caller.run("meta.mark_read", message_id="wamid.unknown").verdict == (NEVER, "invalid_request")


def test_what_is_written_down_holds_no_token(caller: Caller) -> None:
    """The token goes in a header, and headers are not kept."""
    assert "EAAG-meta-access-secret" not in json.dumps(caller.run(SEND).session.exchanges)
