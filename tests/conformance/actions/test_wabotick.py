"""What Wabotick's answers amount to, to the letter."""

from typing import Any

import pytest

from tests.conformance.actions.conftest import Caller
from tests.conformance.actions.vendors.wabotick import MESSAGE, answer, result
from tests.support.sandbox import Sandbox
from worker.errors import RetryableError
from worker.states import Scope

MAYBE, LATER, NEVER = "UncertainError", "RetryableError", "PermanentError"
SEND = "wabotick.send_template"


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
def test_it_says_it_in_words(
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
        ("(#131056) pair rate limit hit", (LATER, "pair_rate_limited")),
        ("(Error Code : 131042 )Business eligibility payment issue", (NEVER, "payment_problem")),
        ("(#131050) User has stopped marketing messages", (NEVER, "opted_out")),
        ("(#132015) Template is paused", (LATER, "template_stopped")),
        ("(#999999) Nobody knows", (LATER, "rejected")),
        ("Subscriber not found", (LATER, "not_yet")),
        ("Something else", (LATER, "rejected")),
        (None, (LATER, "rejected")),
    ],
)
def test_it_rejections(message: Any, expected: tuple[str, str], caller: Caller, sandbox: Sandbox) -> None:
    """By the words, in any case, wherever they stand; unknown words are tried three times, as nothing was sent."""
    sandbox.fail(vendor="wabotick", status=200, body={"status": "0", "message": message})

    tried = caller.run(SEND)

    assert tried.verdict == expected
    if expected == (LATER, "rejected"):
        assert getattr(tried.error, "most_attempts", None) == 3


@pytest.mark.parametrize("key", ["message", "mesasge"])
def test_it_misspells_its_message(key: str, caller: Caller, sandbox: Sandbox) -> None:
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
def test_it_spells_status_in_many_ways(status: Any, kind: str, caller: Caller, sandbox: Sandbox) -> None:
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
def test_it_says_no_under_an_error_status(
    status: int, expected: tuple[str, str], caller: Caller, sandbox: Sandbox
) -> None:
    """Its own "0" says that nothing was sent, so trying again cannot send twice; 429 keeps its full patience."""
    sandbox.fail(vendor="wabotick", status=status, body={"status": "0", "message": "Too Many Attempts."})

    tried = caller.run(SEND)

    assert tried.verdict == expected
    assert getattr(tried.error, "most_attempts", None) is None


@pytest.mark.parametrize("status", [200, 302])
def test_it_shows_its_login_page(status: int, caller: Caller, sandbox: Sandbox) -> None:
    """A page for people instead of an answer: the token is not good."""
    page = "<!DOCTYPE html><html><body><h1>Login</h1></body></html>"
    sandbox.fail(vendor="wabotick", status=status, body=page, content_type="text/html; charset=UTF-8")

    assert caller.run(SEND).verdict == (NEVER, "credentials_refused")


def test_it_gets_every_field_as_documented(caller: Caller, sandbox: Sandbox) -> None:
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
    ("said", "scope"),
    [
        ("Subscriber limit has been exceeded. You cannot have more subscribers.", Scope.ACCOUNT),
        ("WhatsApp account not found.", Scope.ACCOUNT),
        ("Unauthenticated.", Scope.ACCOUNT),
        ("(#131031) Business Account locked", Scope.ACCOUNT),
        ("(#131056) pair rate limit hit", Scope.RECIPIENT),
        ("(#132016) Template is disabled", Scope.TEMPLATE),
        ("Message template not found.", Scope.DELIVERY),
    ],
)
def test_what_else_an_answer_holds_for(said: str, scope: Scope, caller: Caller, sandbox: Sandbox) -> None:
    """The account, the person, the template, or this message only."""
    sandbox.fail(vendor="wabotick", status=200, body={"status": "0", "message": said})

    error = caller.run(SEND).error

    assert error is not None
    assert error.scope is scope


def test_a_person_that_is_not_there_yet_is_waited_for_ten_seconds(caller: Caller, sandbox: Sandbox) -> None:
    """A subscriber appears a second or two after the first message; labels wait for it, and not for ever."""
    sandbox.set_trap("wabotick", subscriber_delay_seconds=3600)
    caller.run(SEND, phone_number="081298765432")

    error = caller.run("wabotick.assign_labels", phone_number="081298765432").error

    assert isinstance(error, RetryableError)
    assert (error.reason, error.most_attempts, error.retry_after_seconds) == ("not_yet", 6, 2.0)


# Answers that mean something else than they say.


def test_a_flow_that_went_wrong_is_no_success(caller: Caller, sandbox: Sandbox) -> None:
    """Status "1" with "Something went wrong" is a failure, tried three times."""
    sandbox.set_trap("wabotick", trigger_bot_fails=True)

    tried = caller.run("wabotick.trigger_bot")

    assert tried.verdict == (LATER, "rejected")
    assert getattr(tried.error, "most_attempts", None) == 3


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        (
            "subscriber_get.document_shape",
            {"subscriber_id": "9822", "order_id": "ORD-1001", "labels": ["Lead", "Active"]},
        ),
        (
            "subscriber_get.white_label_shape",
            {"subscriber_id": "144", "assigned_agent_id": "12", "order_id": "ORD-1001", "labels": ["Label1", "Label2"]},
        ),
    ],
)
def test_a_subscriber_in_both_shapes(file: str, expected: Any, caller: Caller, sandbox: Sandbox) -> None:
    """Custom fields are an object or one text; the result has no name."""
    sandbox.fail(vendor="wabotick", status=200, body=answer(file))

    assert result(caller.run("wabotick.get_subscriber").outcome) == expected


@pytest.mark.parametrize("shape", ["white_label", "document"])
def test_nobody_is_found_in_both_shapes(shape: str, caller: Caller, sandbox: Sandbox) -> None:
    """ "Subscriber not found" comes with status "1", too."""
    sandbox.set_trap("wabotick", shape=shape)

    assert caller.run("wabotick.get_subscriber", phone_number="081298765432").verdict == (NEVER, "not_found")


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("message_status.delivered", {"message_id": MESSAGE, "message_state": "delivered"}),
        (
            "message_status.failed",
            {
                "message_id": MESSAGE, "message_state": "failed", "error_code": "131026",
                "error_reason": "undeliverable",
            },
        ),
    ],
)  # fmt: skip
def test_how_far_a_message_came(file: str, expected: Any, caller: Caller, sandbox: Sandbox) -> None:
    """Our states, and the code out of the text."""
    sandbox.fail(vendor="wabotick", status=200, body=answer(file))

    assert result(caller.run("wabotick.get_message_status").outcome) == expected


@pytest.mark.parametrize("row", [{}, {"message_status": "played"}, {"message_status": None}, []])
def test_a_state_that_is_not_known_is_none(row: Any, caller: Caller, sandbox: Sandbox) -> None:
    """Nothing is made up."""
    sandbox.fail(vendor="wabotick", status=200, body={"status": "1", "message": row})

    assert caller.run("wabotick.get_message_status").verdict == (MAYBE, "unreadable_answer")
