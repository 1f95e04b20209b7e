"""What each vendor's own words amount to: the answers of vendors/*.md, to the letter."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.actions.conftest import Caller
from tests.support.sandbox import Sandbox

RESPONSES = Path(__file__).parent / "responses"
MAYBE, LATER, NEVER = "UncertainError", "RetryableError", "PermanentError"
SEND, CREATE, CHANGE, READ = (
    "wabotick.send_template", "proton.create_opportunity", "scalev.change_status", "scalev.get_order",
)  # fmt: skip


def answer(file: str) -> Any:
    """Return a recorded answer."""
    return json.loads((RESPONSES / "wabotick" / f"{file}.json").read_text())


def proton_error(code: str) -> dict[str, Any]:
    """Return the body of a documented error."""
    return {"status_message": "error", "error": {"code": code, "message": "x"}}


@pytest.mark.parametrize(
    ("file", "status", "expected"),
    [
        ("fail.subscriber_limit", 200, (NEVER, "account_limit")),
        ("fail.account_not_found", 200, (NEVER, "wrong_account")),
        ("fail.outside_24h_window", 200, (NEVER, "outside_window")),
        ("fail.template_not_found", 200, (NEVER, "template")),
        ("fail.graph_param_count", 200, (NEVER, "template")),
        ("fail.button_count", 200, (NEVER, "invalid_request")),
        ("fail.subscriber_exists", 200, (LATER, "rejected")),
        ("fail.unauthenticated_http401", 401, (NEVER, "credentials_refused")),
        ("fail.unauthenticated_http401", 200, (NEVER, "credentials_refused")),
        ("send_template.ok_document_shape", 200, ("", "")),
        ("send_template.ok_white_label_shape", 200, ("", "")),
    ],
)
def test_wabotick_says_it_in_words(
    file: str, status: int, expected: tuple[str, str], caller: Caller, sandbox: Sandbox
) -> None:
    """Failures come with HTTP 200; both shapes of success give the message id."""
    sandbox.fail(vendor="wabotick", status=status, body=answer(file))

    tried = caller.run(SEND)

    assert tried.verdict == expected
    if tried.outcome:
        assert tried.outcome.result["message_id"].startswith("wamid.")


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("(#132001) Template name does not exist in the translation", (NEVER, "template")),
        ("media_type must be one of image, video, document.", (NEVER, "invalid_request")),
        ("Authentication failed", (NEVER, "credentials_refused")),
        ("Service temporarily unavailable, try later", (LATER, "unavailable")),
        ("SUBSCRIBER LIMIT HAS BEEN EXCEEDED", (NEVER, "account_limit")),
        ({"error": ["Message template not found."]}, (NEVER, "template")),
        ("Something else", (LATER, "rejected")),
        (None, (LATER, "rejected")),
    ],
)
def test_wabotick_rejections(message: Any, expected: tuple[str, str], caller: Caller, sandbox: Sandbox) -> None:
    """By the words, in any case, wherever they stand; unknown words are tried three times, as nothing was sent."""
    sandbox.fail(vendor="wabotick", status=200, body={"status": "0", "message": message})

    tried = caller.run(SEND)

    assert tried.verdict == expected
    if expected == (LATER, "rejected"):
        assert getattr(tried.error, "most_attempts", None) == 3


@pytest.mark.parametrize("key", ["message", "mesasge"])
def test_wabotick_misspells_its_message(key: str, caller: Caller, sandbox: Sandbox) -> None:
    """Both spellings are read."""
    sandbox.fail(vendor="wabotick", status=200, body={"status": "0", key: "Message template not found."})

    assert caller.run(SEND).verdict == (NEVER, "template")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("1", ""), (1, ""), (True, ""), ("true", ""), ("success", ""), ("Success", ""),
        ("0", LATER), (0, LATER), (False, LATER), ("false", LATER), ("error", LATER), ("failed", LATER),
        ("2", MAYBE), (None, MAYBE), ("", MAYBE), ([], MAYBE), ("queued", MAYBE),
    ],
)  # fmt: skip
def test_wabotick_spells_status_in_many_ways(status: Any, kind: str, caller: Caller, sandbox: Sandbox) -> None:
    """Known spellings of yes and no are both understood; with any other nobody knows whether it was sent."""
    sandbox.fail(vendor="wabotick", status=200, body={"status": status, "wa_message_id": "wamid.1"})

    assert caller.run(SEND).verdict[0] == kind


@pytest.mark.parametrize(
    "body",
    [
        {"status": "1", "message": "Message sent successfully."},
        {"status": "success", "data": {}},
        {"status": "1", "wa_message_id": ""},
        {"status": "1", "wa_message_id": None, "data": []},
        {"status": "1", "wa_message_id": {"id": "x"}},
        {"status": "1", "message": "Something went wrong when trigger the bot flow."},
    ],
)
def test_a_yes_without_a_message_id_is_no_yes(body: Any, caller: Caller, sandbox: Sandbox) -> None:
    """It was accepted, but nothing could ever tell whether it arrived."""
    sandbox.fail(vendor="wabotick", status=200, body=body)

    assert caller.run(SEND).verdict == (MAYBE, "no_message_id")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (429, (LATER, "rate_limited")), (500, (LATER, "server_error")), (502, (LATER, "server_error")),
        (503, (LATER, "unavailable")), (504, (LATER, "timeout")),
    ],
)  # fmt: skip
def test_wabotick_says_no_under_an_error_status(
    status: int, expected: tuple[str, str], caller: Caller, sandbox: Sandbox
) -> None:
    """Its own "0" says that nothing was sent, so trying again cannot send twice; 429 keeps its full patience."""
    sandbox.fail(vendor="wabotick", status=status, body={"status": "0", "message": "Too Many Attempts."})

    tried = caller.run(SEND)

    assert tried.verdict == expected
    assert getattr(tried.error, "most_attempts", None) is None


@pytest.mark.parametrize("status", [200, 302])
def test_wabotick_shows_its_login_page(status: int, caller: Caller, sandbox: Sandbox) -> None:
    """A page for people instead of an answer: the token is not good."""
    page = "<!DOCTYPE html><html><body><h1>Login</h1></body></html>"
    sandbox.fail(vendor="wabotick", status=status, body=page, content_type="text/html; charset=UTF-8")

    assert caller.run(SEND).verdict == (NEVER, "credentials_refused")


def test_wabotick_gets_every_field_as_documented(caller: Caller, sandbox: Sandbox) -> None:
    """Digits without plus, named and numbered variables, quick replies as JSON without blanks."""
    tried = caller.run(
        SEND,
        template_id="257001",
        variables={"name": "Budi", "order": "X-1"},
        template_quick_reply_button_values=["a", "b"],
    )

    assert tried.error is None
    [request] = sandbox.requests()
    assert request["params"]["templateVariable-name-1"] == "Budi"
    assert request["params"]["templateVariable-order-2"] == "X-1"
    assert request["params"]["template_quick_reply_button_values"] == '["a","b"]'
    assert sandbox.effects("message")[0]["phone_number"] == "628123456789"


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
