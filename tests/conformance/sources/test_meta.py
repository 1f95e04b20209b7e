"""Meta's webhooks: the challenge, the signature, batches, taps and reports."""

import hashlib
import hmac
import json
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest

from config.accounts import MetaAccount
from webhooks.examples import load_example
from webhooks.inbound import Inbound
from webhooks.source import Identity
from webhooks.sources.meta.source import SOURCE
from webhooks.verification import Match, VerificationError
from worker.reading import OrderReference, Receipt, Stored, Understanding, UnreadableError
from worker.states import Handling, MessageState, Reason

AT = datetime(2026, 1, 15, 10, 5, 30, tzinfo=UTC)
ACCOUNT = MetaAccount.model_validate(
    {
        "vendor": "meta", "app_secrets": ["example-app-secret"], "verify_token": "example-verify-token",
        "access_token": "t", "phone_number_id": "100000000000001",
    }
)  # fmt: skip
CHANGE = "entry.0.changes.0"
# Meta escapes what is not ASCII, so that another serialisation of the same JSON has another signature.
SIGNED_BODY = (
    b'{"object":"whatsapp_business_account","entry":[{"id":"200000000000002","changes":[{"value":{"messaging_product":'
    b'"whatsapp","metadata":{"display_phone_number":"12025550100","phone_number_id":"100000000000001"},"contacts":'
    b'[{"profile":{"name":"Zo\\u00eb"},"wa_id":"12025550143"}],"messages":[{"from":"12025550143","id":"wamid.HRgLMTIw'
    b'MjU1NTAxNDMVAgASGBQzQTAwMDAwMDAwMDAwMDAwMDBCMgA=","timestamp":"1768471500","type":"button","context":{"from":'
    b'"12025550100","id":"wamid.HRgLMTIwMjU1NTAxNDMVAgARGBQzQTAwMDAwMDAwMDAwMDAwMDBBMQA="},"button":{"payload":"gT9xK'
    b'2mQvLw0RTU","text":"Confirm order"}}]},"field":"messages"}]}]}'
)
SIGNATURE = "sha256=7418c9fb5b429d13ff2335fffef827f8ac63585fe8e9c06c1242773ccecded05"


def _identify(body: Any) -> tuple[Identity, ...]:
    inbound = Inbound("meta", json.dumps(body).encode(), {}, "", None, None, AT)
    return tuple(SOURCE.identify(inbound, body, Match(0), ACCOUNT))


def _read(body: Any, part: str | None = f"{CHANGE}.value.messages.0") -> Understanding:
    stored = Stored("meta", "", json.dumps(body).encode(), "application/json", None, {}, None, AT, part)
    return SOURCE.read(stored, ACCOUNT, "ID")


def _value(body: Any) -> Any:
    return body["entry"][0]["changes"][0]["value"]


def _message(**said: Any) -> Any:
    body = load_example("meta", "message.received")
    person = {"from": "12025550143", "id": "wamid.A", "timestamp": "1768471500"}
    _value(body)["messages"] = [person | said]
    return body


def _status(**said: Any) -> Any:
    body = load_example("meta", "message.status")
    report = {"id": "wamid.A", "status": "sent", "timestamp": "1768471201", "recipient_id": "12025550143"}
    _value(body)["statuses"] = [report | said]
    return body


# Is it Meta?


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ({}, "1158201444"),
        ({"hub.verify_token": "another"}, None),
        ({"hub.verify_token": ""}, None),
        ({"hub.verify_token": "\ud800é"}, None),
        ({"hub.mode": "unsubscribe"}, None),
        ({"hub.mode": None}, None),
        ({"hub.verify_token": None}, None),
        ({"hub.challenge": None}, None),
    ],
)
def test_the_challenge_is_given_back_to_whom_knows_the_token(query: dict[str, Any], answer: str | None) -> None:
    """The challenge as it came, or nothing."""
    right = {"hub.mode": "subscribe", "hub.verify_token": "example-verify-token", "hub.challenge": "1158201444"}
    asked = {name: value for name, value in (right | query).items() if value is not None}

    assert SOURCE.challenge is not None
    assert SOURCE.challenge(ACCOUNT, asked) == answer


def _check(body: bytes, signature: str) -> Match:
    [scheme] = SOURCE.schemes(ACCOUNT)
    inbound = Inbound("meta", body, {"x-hub-signature-256": (signature,)}, "", None, None, AT)
    return scheme.check(scheme.evidence(inbound), body, AT)


def test_the_signature_is_over_the_bytes_as_they_came() -> None:
    """A recorded request verifies; the same JSON written in another way does not."""
    assert _check(SIGNED_BODY, SIGNATURE) == Match(0)
    with pytest.raises(VerificationError):
        _check(json.dumps(json.loads(SIGNED_BODY), ensure_ascii=False).encode(), SIGNATURE)


@pytest.mark.parametrize("prefix", ["", "sha1=", "SHA256="])
def test_a_signature_of_another_form_is_refused(prefix: str) -> None:
    """Only what Meta writes is taken."""
    digest = hmac.new(b"example-app-secret", SIGNED_BODY, hashlib.sha256).hexdigest()

    with pytest.raises(VerificationError):
        _check(SIGNED_BODY, prefix + digest)


# Batches.


def test_everything_in_a_call_is_an_event_of_its_own() -> None:
    """Reports and messages, of several changes, entries and numbers, each read from its own place."""
    body = load_example("meta", "batch")

    found = {identity.part: _read(body, identity.part) for identity in _identify(body)}

    assert {part: (what.type, what.data["is_own_number"]) for part, what in found.items()} == {
        "entry.0.changes.0.value.statuses.0": ("meta.message.status", True),
        "entry.0.changes.0.value.statuses.1": ("meta.message.status", True),
        "entry.0.changes.0.value.statuses.2": ("meta.message.status", True),
        "entry.0.changes.1.value.messages.0": ("meta.message.received", True),
        "entry.1.changes.0.value.messages.0": ("meta.postback", False),
    }
    states = [found[f"entry.0.changes.0.value.statuses.{n}"].data["status"] for n in range(3)]
    assert states == ["sent", "read", "failed"]


def test_a_change_of_another_number_is_handled_and_says_so() -> None:
    """One app may have several numbers; a rule can tell them apart."""
    body = load_example("meta", "batch")

    other = _read(body, "entry.1.changes.0.value.messages.0")

    assert (other.handling, other.data["phone_number_id"]) == (Handling.HANDLED, "100000000000002")
    assert (other.data["is_own_number"], other.data["display_phone_number"]) == (False, "12025550199")


def test_two_calls_that_tell_the_same_name_it_in_one_order() -> None:
    """So that they never wait for each other's rows crosswise."""
    body = load_example("meta", "batch")
    turned = deepcopy(body)
    turned["entry"].reverse()
    for entry in turned["entry"]:
        entry["changes"].reverse()

    keys = [[identity.dedupe_key for identity in _identify(some)] for some in (body, turned)]

    assert keys[0] == keys[1]
    assert len(set(keys[0])) == 5


@pytest.mark.parametrize(
    ("change", "type_"),
    [
        (
            {"field": "message_template_status_update", "value": {"event": "PAUSED"}},
            "meta.message_template_status_update",
        ),
        ({"field": "account_update", "value": None}, "meta.account_update"),
        ({"field": "message.received", "value": {}}, "meta.unrecognized"),
        ({"field": "postback", "value": {}}, "meta.unrecognized"),
        ({"field": None}, "meta.unrecognized"),
        ({"field": "messages", "value": {}}, "meta.unrecognized"),
        ({"field": "messages", "value": {"messages": [], "statuses": {}}}, "meta.unrecognized"),
        ({"field": "messages", "value": {"messages": [{}]}}, "meta.unrecognized"),
        ({"field": "messages", "value": {"messages": [None]}}, "meta.unrecognized"),
        ({"field": "messages", "value": {"statuses": [{"status": "sent"}]}}, "meta.unrecognized"),
        ({"field": "messages", "value": {"errors": [{"code": 131051}]}}, "meta.unrecognized"),
        ("text", "meta.unrecognized"),
    ],
)
def test_what_is_not_known_is_kept_as_unknown(change: Any, type_: str) -> None:
    """Under the field's name where it has a new one, never under a name of ours, and read without an error."""
    body = {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}

    [identity] = _identify(body)

    assert (identity.type, identity.handling) == (type_, Handling.UNKNOWN)
    understood = _read(body, identity.part)
    assert (understood.type, understood.handling) == (type_, Handling.UNKNOWN)
    assert (understood.subject, understood.receipt, understood.order) == (None, None, None)


def test_a_part_that_is_not_there_is_unreadable() -> None:
    """A stored event that its body no longer explains is an error of reading, not of ours."""
    with pytest.raises(UnreadableError):
        _read(load_example("meta", "message.received"), "entry.7.changes.0.value.messages.0")


# Messages.


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"type": "text", "text": {"body": "Hi"}}, {"text": "Hi", "phone": "+12025550143", "name": "Avery Doe"}),
        ({"type": "image", "image": {"id": "3", "caption": "receipt", "mime_type": "image/jpeg"}},
         {"text": "receipt", "media_id": "3", "mime_type": "image/jpeg"}),
        ({"type": "audio", "audio": {"id": "3"}}, {"text": None, "media_id": "3"}),
        ({"type": "reaction", "reaction": {"emoji": "👍", "message_id": "wamid.B"}}, {"text": "👍"}),
        ({"type": "location", "location": {"latitude": "1"}}, {"text": None, "location": {"latitude": "1"}}),
        ({"type": "unsupported", "errors": [{"code": 131051}]}, {"text": None, "errors": [{"code": 131051}]}),
        ({"type": "text", "text": {"body": "Yes"}, "context": {"id": "wamid.B"}}, {"replied_to": "wamid.B"}),
        ({"from": None, "type": "text"}, {"phone": None, "phone_raw": None, "message_id": "wamid.A"}),
        ({"new_key": {"a": 1}}, {"new_key": {"a": 1}}),
    ],
)  # fmt: skip
def test_what_a_message_says(said: dict[str, Any], expected: dict[str, Any]) -> None:
    """Our words beside Meta's own, which are all kept; a person may come without a number."""
    understood = _read(_message(**said))

    assert understood.type == "meta.message.received"
    assert {name: understood.data[name] for name in expected} == expected
    assert understood.order is None
    assert understood.subject == ("phone:12025550143" if understood.data["phone"] else None)


@pytest.mark.parametrize(
    ("said", "postback_id", "title", "order"),
    [
        ({"button": {"payload": "gT9x", "text": "Confirm"}}, "gT9x", "Confirm", None),
        ({"button": {"payload": "cancel:ORD-1", "text": "Cancel"}}, "cancel:ORD-1", "Cancel", "ORD-1"),
        ({"interactive": {"type": "button_reply", "button_reply": {"id": "confirm:ORD-1", "title": "Yes"}}},
         "confirm:ORD-1", "Yes", "ORD-1"),
        ({"interactive": {"type": "list_reply", "list_reply": {"id": "slot:2", "title": "Tomorrow"}}},
         "slot:2", "Tomorrow", None),
    ],
)  # fmt: skip
def test_a_tap_says_what_was_tapped_and_what_it_answers(
    said: dict[str, Any], postback_id: str, title: str, order: str | None
) -> None:
    """A button of a template, of a message, a row of a list: one event; an id of our own may name the order."""
    understood = _read(_message(context={"from": "12025550100", "id": "wamid.B"}, **said))

    assert understood.type == "meta.postback"
    assert (understood.data["postback_id"], understood.data["title"]) == (postback_id, title)
    assert understood.order == OrderReference(None, "wamid.B", order)


def test_several_people_in_one_call_keep_their_names() -> None:
    """The name is that of whoever wrote, not of the first in the list."""
    body = _message(type="text", text={"body": "Hi"})
    _value(body)["contacts"] = [
        {"profile": {"name": "Budi"}, "wa_id": "628123456789"}, {"profile": {"name": "Avery"}, "wa_id": "12025550143"},
    ]  # fmt: skip

    assert _read(body).data["name"] == "Avery"
    _value(body)["contacts"][1]["wa_id"] = "1"
    assert _read(body).data["name"] is None


# Reports.

STATUS = f"{CHANGE}.value.statuses.0"


@pytest.mark.parametrize(
    ("said", "state", "code", "reason"),
    [
        ({"status": "sent"}, "sent", None, None),
        ({"status": "delivered"}, "delivered", None, None),
        ({"status": "read"}, "read", None, None),
        ({"status": "failed", "errors": [{"code": 131050}]}, "failed", "131050", "opted_out"),
        ({"status": "failed", "errors": [{"code": 999999}]}, "failed", "999999", "rejected"),
        ({"status": "failed"}, "failed", None, "rejected"),
        ({"status": "failed", "errors": "?"}, "failed", None, "rejected"),
    ],
)
def test_a_report_tells_how_far_a_message_came(
    said: dict[str, Any], state: str, code: str | None, reason: str | None
) -> None:
    """The same four words as every other vendor's reports, and a receipt for the message."""
    understood = _read(_status(**said), STATUS)

    told = {name: understood.data[name] for name in ("message_id", "status", "error_code", "reason")}
    assert told == {"message_id": "wamid.A", "status": state, "error_code": code, "reason": reason}
    expected = Receipt("wamid.A", MessageState(state), understood.occurred_at, code, reason and Reason(reason))
    assert understood.receipt == expected
    assert understood.occurred_at == datetime(2026, 1, 15, 10, 0, 1, tzinfo=UTC)


def test_a_failed_message_says_why_in_words() -> None:
    """The title and the details, each once."""
    body = load_example("meta", "message.status__failed_131047")

    words = _read(body, STATUS).data["failed_reason"]

    assert words == "Re-engagement message: More than 24 hours have passed since the customer last replied."


def test_a_word_that_is_not_known_moves_no_message() -> None:
    """It is kept, and gives no receipt."""
    understood = _read(_status(status="teleported"), STATUS)

    assert (understood.data["status"], understood.data["status_raw"]) == (None, "teleported")
    assert understood.receipt is None


def test_a_report_gives_back_the_mark_of_the_delivery() -> None:
    """So a message is known again whose own id was never told."""
    receipt = _read(_status(biz_opaque_callback_data="0198a1b2"), STATUS).receipt

    assert receipt is not None
    assert receipt.reference == "0198a1b2"


def test_each_report_on_a_message_is_one_event_however_often_it_comes() -> None:
    """By message and status; the same status again is the same event, with whatever else changed in it."""
    keys = [_identify(_status(**said))[0].dedupe_key for said in (
        {"status": "sent"}, {"status": "sent", "pricing": None}, {"status": "read"}, {"id": "wamid.B"},
    )]  # fmt: skip

    assert keys[0] == keys[1]
    assert len(set(keys)) == 3
