"""ChatGPT Builder's External API Request after our contract: what the flow's author fills in, and what is answered."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from config.accounts import CgbAccount
from webhooks.examples import load_example
from webhooks.inbound import Inbound
from webhooks.sources.cgb.source import SOURCE
from webhooks.verification import Match
from worker.reading import OrderReference, Stored, Understanding
from worker.states import Handling

NOW = datetime(2026, 3, 5, 12, 0, 30, tzinfo=UTC)
REPLY = {"messages": [{"message": {"text": "Thanks, noted."}}], "actions": [{"action": "add_tag", "tag_name": "asked"}]}
ACCOUNT = CgbAccount.model_validate(
    {"vendor": "cgb", "api_token": "1.t", "replies": {"button": REPLY},
     "webhook_auth": {"scheme": "static", "header": "X-Webhook-Secret", "secrets": ["long-enough"]}}
)  # fmt: skip
TAP = {"event": "button", "contact_id": "628123456789", "phone": "628123456789", "button": "confirm", "order_id": "X-1"}


def _read(body: Any, content_type: str = "application/json") -> Understanding:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return SOURCE.read(Stored("bot", "", raw, content_type, None, {}, None, NOW), ACCOUNT, "ID")


def _key(body: dict[str, Any], at: datetime = NOW) -> str:
    inbound = Inbound("bot", json.dumps(body).encode(), {}, "", None, None, at)
    return SOURCE.identify(inbound, body, Match(0), ACCOUNT)[0].dedupe_key


@pytest.mark.parametrize("unfilled", ["", "  ", "{{order_id}}", " {{ order_id }} ", None])
def test_a_placeholder_that_was_not_filled_is_missing(unfilled: Any) -> None:
    """Empty or raw, in our names and in those of the author."""
    understanding = _read(TAP | {"order_id": unfilled, "first_name": unfilled, "score": unfilled})

    assert understanding.data["order_id"] is understanding.data["first_name"] is None
    assert "score" not in understanding.data
    assert understanding.order == OrderReference(None)


def test_numbers_are_texts_whichever_way_they_come() -> None:
    """The contact's id is text or a number, the phone with or without a plus."""
    for phone in ("628123456789", 628123456789, "+628123456789", "08123456789"):
        understanding = _read(TAP | {"contact_id": 628123456789, "phone": phone, "score": 5})

        assert understanding.subject == "phone:628123456789"
        assert understanding.data["phone"] == "+628123456789"
        assert (understanding.data["contact_id"], understanding.data["score"]) == ("628123456789", 5)


@pytest.mark.parametrize(
    ("body", "order"),
    [
        (TAP, OrderReference("X-1")),
        (TAP | {"order_id": ""}, OrderReference(None)),
        (TAP | {"event": "flow"}, OrderReference("X-1")),
        (TAP | {"event": "flow", "order_id": ""}, None),
        (TAP | {"event": "message"}, None),
        (TAP | {"event": "survey"}, None),
    ],
)
def test_which_order_it_is_about(body: dict[str, Any], order: OrderReference | None) -> None:
    """A tap is always about an order, a flow's step where it says which, a message never."""
    assert _read(body).order == order


@pytest.mark.parametrize(
    ("event", "type_"),
    [
        ("button", "cgb.button"), ("Button", "cgb.button"), ("survey.done", "cgb.survey.done"),
        ("", "cgb.unrecognized"),
        ("{{event}}", "cgb.unrecognized"), ("no name!", "cgb.unrecognized"), (None, "cgb.unrecognized"),
    ],
)  # fmt: skip
def test_the_event_is_what_the_author_calls_it(event: Any, type_: str) -> None:
    """Names that we do not know are stored under their own and counted as unknown."""
    understanding = _read(TAP | {"event": event})

    assert understanding.type == type_
    assert understanding.handling is SOURCE.event_types.get(type_, Handling.UNKNOWN)


def test_the_same_tap_within_the_time_is_one_and_another_is_not() -> None:
    """Contact, button and order make a tap; what was typed before it does not."""
    first = _key(TAP)

    assert first == _key(TAP | {"last_text_input": "Confirm order", "first_name": "Budi"})
    for other in ({"button": "cancel"}, {"order_id": "X-2"}, {"contact_id": "1"}, {"event": "flow"}):
        assert _key(TAP | other) != first
    assert _key(TAP, NOW + timedelta(minutes=2)) != first


def test_messages_differ_by_what_they_say() -> None:
    """Two sentences within a minute are two events."""
    message = load_example("cgb", "message")

    assert _key(message) == _key(message) != _key(message | {"last_text_input": "And the price?"})


def test_a_form_is_read_like_json() -> None:
    """A text with a quote in it breaks JSON that is put together from placeholders, and no form."""
    written = TAP | {"event": "message", "last_text_input": 'the 5" one'}

    understanding = _read(urlencode(written).encode(), "application/x-www-form-urlencoded")

    assert understanding.data["last_text_input"] == 'the 5" one'
    assert understanding.type == "cgb.message"


@pytest.mark.parametrize(
    ("body", "expected"),
    [(TAP, REPLY), (TAP | {"event": "BUTTON"}, REPLY), (TAP | {"event": "flow"}, {}), ({}, {}), ([], {}), (None, {})],
)
def test_the_answer_is_the_accounts_dynamic_content(body: Any, expected: dict[str, Any]) -> None:
    """By the name of the event; nothing where none is configured."""
    assert SOURCE.reply is not None
    assert SOURCE.reply(ACCOUNT, body) == expected
