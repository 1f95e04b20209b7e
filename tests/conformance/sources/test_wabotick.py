"""Wabotick's webhooks after wabotick.md section 4: one tolerant table for payloads that carry no name."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from config.accounts import WabotickAccount
from webhooks.inbound import Inbound
from webhooks.sources.wabotick.normalized import normalize
from webhooks.sources.wabotick.source import SOURCE
from webhooks.verification import Match, VerificationError
from worker.reading import OrderReference, Receipt, Stored, Understanding
from worker.states import Handling, MessageState, Reason

AT = datetime(2026, 1, 15, 10, 0, 5, tzinfo=UTC)
ACCOUNT = WabotickAccount.model_validate(
    {"vendor": "wabotick", "api_token": "t", "phone_number_id": "1", "url_secrets": {"flow": "flow-secret"}}
)


def _key(body: dict[str, Any], trigger: str = "flow", query: str = "", after: float = 0) -> str:
    inbound = Inbound("wa", json.dumps(body).encode(), {}, query, None, None, AT + timedelta(seconds=after))
    return SOURCE.identify(inbound, body, Match(0, trigger), ACCOUNT)[0].dedupe_key


def _read(body: bytes, trigger: str = "flow", query: str = "", content_type: str = "application/json") -> Understanding:
    return SOURCE.read(Stored("wa", "", body, content_type, query, {}, trigger, AT), ACCOUNT, "ID")


@pytest.mark.parametrize(
    ("field", "body", "query", "expected"),
    [
        ("phone", {"chat_id": "12025550143"}, "", "+12025550143"),
        ("phone", {"chat_id": 628123456789}, "", "+628123456789"),
        ("phone", {"phone": "+1 202-555-0100", "subscriber_id": "12025550143-4242"}, "", "+12025550143"),
        *(
            ("phone", {name: "0812-3456-789"}, "", "+628123456789")
            for name in ("subscriber_phone", "from_phone", "phone_number", "phone", "mobile", "wa_id")
        ),
        ("phone", {"phone": "12025550100", "whatsapp_bot_username": "+1 202-555-0100"}, "", None),
        ("phone", {"chat_id": "12025550100", "whatsapp_bot_username": "+1 202-555-0100", "phone": "12025550143"}, "",
         "+12025550143"),
        ("phone", {"subscriber_id": 4711}, "", None),
        ("phone", {"chat_id": "abc"}, "", None),
        ("bot_id", {"phone_number_id": "100000000000001", "whatsapp_bot_id": 4242}, "", "100000000000001"),
        ("bot_id", {"whatsapp_bot_id": 4242}, "", "4242"),
        ("bot_id", {"whatsapp_bot_username": "+1 202-555-0100"}, "", "12025550100"),
        *(
            ("postback_id", {name: " abc "}, "", "abc")
            for name in ("postback_id", "postbackid", "postbackId", "payload", "button_id")
        ),
        ("postback_id", {"button": {"payload": "abc"}}, "", "abc"),
        ("postback_id", {"button_reply": {"id": "abc"}}, "", "abc"),
        ("postback_id", {"postbackid": "CONFIRM::CBa0000000000zQ"}, "", "CONFIRM"),
        ("postback_id", {"postbackid": ""}, "", None),
        ("postback_id", {"postback_id": "{{1}}", "postbackid": "abc"}, "", "abc"),
        ("title", {"user_message": "#Button Reply#Confirm order"}, "", "Confirm order"),
        ("title", {"user_message": " #button reply# Confirm"}, "", "Confirm"),
        ("title", {"postbackid": "x", "user_message": "Confirm"}, "", "Confirm"),
        ("title", {"button_text": "Confirm"}, "", "Confirm"),
        ("title", {"button_reply": {"title": "Confirm"}}, "", "Confirm"),
        *(
            ("text", {name: "hello"}, "", "hello")
            for name in ("user_message", "message", "last_message", "text", "body", "user_input", "value")
        ),
        ("text", {"message": {"type": "image", "n": 1.5}}, "", '{"type": "image", "n": 1.5}'),
        ("message_id", {"wa_message_id": "wamid.A", "message_id": "B"}, "", "wamid.A"),
        ("message_id", {"wa_message_id": "", "message_id": "B"}, "", "B"),
        ("message_id", {"id": "wamid.C"}, "", "wamid.C"),
        ("message_id", {"id": "4711"}, "", None),
        ("replied_to", {"reply_message_id": "wamid.A"}, "", "wamid.A"),
        ("replied_to", {"context": {"id": "wamid.B"}}, "", "wamid.B"),
        ("name", {"first_name": None, "subscriber_name": "Avery"}, "", "Avery"),
        ("order_id", {"order_id": "ORD-2"}, "order_id=ORD-1", "ORD-1"),
        ("order_id", {"order_id": "ORD-2"}, "order_id=", "ORD-2"),
        ("order_id", {"order_id": "ORD-2"}, "order_id=%23order_id%23", "ORD-2"),
        ("order_id", {"order_id": "{{ order }}", "custom_fields": {"order_id": 1001}}, "", "1001"),
        ("order_id", {"order_id": "#order_id#"}, "", None),
        ("order_id", {"custom_fields": "order_id:1"}, "order_id=%00", "\ufffd"),
        ("action", {"action": "b"}, "action=a", "a"),
        ("status", {"message_status": "undelivered"}, "", "failed"),
        ("status", {"message_status": "Delivered"}, "", "delivered"),
        ("status", {"message_status": "sent", "failed_reason": "(Error Code : 131049 )In order"}, "", "failed"),
        ("status", {"message_status": "played"}, "", None),
        ("status_raw", {"message_status": "played"}, "", "played"),
        ("error_code", {"failed_reason": "(Error Code : 131026 )Undeliverable"}, "", "131026"),
        ("error_code", {"failed_reason": "(#132001) no such template"}, "", "132001"),
        ("error_code", {"failed_reason": None}, "", None),
        ("reason", {"message_status": "failed", "failed_reason": "(Error Code : 131050 )no"}, "", "opted_out"),
        ("reason", {"message_status": "failed", "failed_reason": "no code"}, "", "rejected"),
        ("reason", {"message_status": "read"}, "", None),
        ("subscriber_id", {"subscriber_id": 9822}, "", "9822"),
        ("name", {"first_name": "#first_name#", "name": "Avery"}, "", "Avery"),
        ("order_id", {"custom_fields": '{"order_id": "ORD-1"}'}, "", "ORD-1"),
        ("order_id", {"custom_fields": "brand_name:Example, order_id:ORD-1"}, "", "ORD-1"),
        ("order_id", {"custom_fields": "order_id:#order_id#"}, "", None),
        ("button_order_id", {"postbackid": "confirm:ORD-1::CBa0000000000zQ"}, "", "ORD-1"),
        ("button_order_id", {"postbackid": "gT9xK2mQvLw0RTU"}, "", None),
        ("occurred_at", {"status_time": "2026-01-15 10:00:03"}, "", None),
        ("occurred_at", {"timestamp": "2026-01-15T10:05:00Z"}, "", datetime(2026, 1, 15, 10, 5, tzinfo=UTC)),
        ("occurred_at", {"timestamp": "1768471500"}, "", datetime(2026, 1, 15, 10, 5, tzinfo=UTC)),
        ("occurred_at", {"created_at": 1768471500000}, "", datetime(2026, 1, 15, 10, 5, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_the_table_of_fields(field: str, body: dict[str, Any], query: str, expected: object) -> None:
    """4.4: the first name that has something wins; unresolved merge tags and blanks are nothing."""
    assert getattr(normalize(body, query, "flow", "ID"), field) == expected


TAP = {"chat_id": "12025550143", "user_message": "#Button Reply#Confirm"}


@pytest.mark.parametrize(
    ("trigger", "body", "query", "kind"),
    [
        ("incoming", {"user_message": "hello"}, "", "message.received"),
        ("incoming", {"user_message": "hello", "custom_fields": {"order_id": "ORD-1"}}, "", "message.received"),
        ("incoming", TAP, "", "postback"),
        ("incoming", {"message_status": "read"}, "", "message.status"),
        ("incoming", {"user_message": "hello"}, "direction=out", "message.sent"),
        ("incoming", {"event": "conversation.resolved"}, "", "conversation.status"),
        ("outgoing", {"user_message": "Your order is ready. Confirm?"}, "", "message.sent"),
        ("outgoing", TAP, "", "message.sent"),
        ("status", {"status": "delivered"}, "", "message.status"),
        ("conversation", {"action": "resolved"}, "", "conversation.status"),
        ("flow", {"postbackid": "abc", "user_message": "Confirm"}, "", "postback"),
        ("flow", {"postbackid": "", "user_message": "Confirm"}, "", "postback"),
        ("flow", {"postbackid": ""}, "order_id=ORD-1&action=confirm", "postback"),
        ("flow", {"user_input_data": [{"answer": "x"}], "user_message": "x"}, "", "flow.completed"),
        ("flow", {"postbackid": "QUICK_REPLY_LOCATION_REPLY_BOT", "latitude": "1"}, "", "flow.completed"),
        ("flow", {"user_input_data": "[]", "postbackid": "abc"}, "", "postback"),
        ("flow", {}, "", "flow.completed"),
        (None, {"postbackid": "abc"}, "", "postback"),
        (None, {"order_id": "ORD-1"}, "", "postback"),
        ("incoming", {"action": "blocked", "action_status": "3"}, "", "conversation.status"),
        ("incoming", {"action": "confirm", "action_status": "3", "user_message": "x"}, "", "message.received"),
    ],
)
def test_the_kind_is_told_by_the_payload_then_by_the_endpoint(
    trigger: str | None, body: dict[str, Any], query: str, kind: str
) -> None:
    """4.1 and 4.4: status, conversation, direction, filled forms, taps, text; an order in a custom field is no tap."""
    assert normalize(body, query, trigger, "ID").kind == kind


def test_only_a_tap_has_a_title_and_says_which_order_it_is_about() -> None:
    """The order of trust begins with the order's own number, then the message that was answered."""
    tap = _read(json.dumps(TAP | {"reply_message_id": "wamid.A"}).encode(), query="order_id=ORD-1")
    said = _read(b'{"chat_id": "12025550143", "user_message": "hi", "order_id": "ORD-1"}', "incoming")

    assert (tap.data["title"], tap.order) == ("Confirm", OrderReference("ORD-1", "wamid.A", None))
    assert (said.data["title"], said.order) == (None, None)
    assert tap.subject == said.subject == "phone:12025550143"


def test_a_form_reads_like_the_same_json() -> None:
    """Both encodings are accepted, and say the same."""
    form = b"chat_id=12025550143&postbackid=gT9xK2mQvLw0RTU&user_message=Confirm+order&user_input_data=%5B%5D"
    same = {"chat_id": "12025550143", "postbackid": "gT9xK2mQvLw0RTU", "user_message": "Confirm order"}

    read = _read(form, content_type="application/x-www-form-urlencoded; charset=utf-8")

    assert read == _read(json.dumps(same | {"user_input_data": "[]"}).encode())
    assert (read.type, read.data["title"], read.handling) == ("wabotick.postback", "Confirm order", Handling.HANDLED)


def test_what_names_nobody_is_kept_as_unknown() -> None:
    """Nothing recognised: stored, counted, never refused."""
    assert _read(b'{"hello": "world"}', "incoming").handling is Handling.UNKNOWN


REPORT = {"wa_message_id": "wamid.A", "message_status": "delivered", "status_time": "2026-01-15 10:00:03"}


@pytest.mark.parametrize(
    ("said", "receipt"),
    [
        ({}, Receipt("wamid.A", MessageState.DELIVERED, AT)),
        (
            {"timestamp": 1768471500},
            Receipt("wamid.A", MessageState.DELIVERED, datetime(2026, 1, 15, 10, 5, tzinfo=UTC)),
        ),
        (
            {"failed_reason": "(Error Code : 131026 )Message Undeliverable."},
            Receipt("wamid.A", MessageState.FAILED, AT, "131026", Reason.UNDELIVERABLE),
        ),
        ({"message_status": "odd"}, None),
        ({"wa_message_id": ""}, None),
    ],
)
def test_a_report_moves_a_message(said: dict[str, Any], receipt: Receipt | None) -> None:
    """Which message, how far, when (surely: Wabotick's own times have no zone), and why not."""
    body = {"chat_id": "12025550143"} | REPORT | said

    assert _read(json.dumps(body).encode(), "status").receipt == receipt


def test_a_report_needs_no_person() -> None:
    """Its message says enough."""
    understood = _read(json.dumps(REPORT).encode(), "status")

    assert (understood.handling, understood.subject) == (Handling.HANDLED, None)


def test_the_http_api_node_proves_itself_in_a_header() -> None:
    """Without a secret in the URL, with the header that the shop chose; what it sends is read as a node of a flow's."""
    account = WabotickAccount.model_validate({
        "vendor": "wabotick", "api_token": "t", "phone_number_id": "1", "url_secrets": {"flow": "flow-secret"},
        "webhook_auth": {"scheme": "static", "header": "X-Shop-Secret", "secrets": ["node-secret"]},
    })  # fmt: skip
    in_url, in_header = SOURCE.schemes(account)
    right = Inbound("wa", b"{}", {"x-shop-secret": ("node-secret",)}, "", None, None, AT)
    wrong = Inbound("wa", b"{}", {"x-shop-secret": ("flow-secret",)}, "", None, None, AT)

    assert (in_url.in_path, in_header.in_path) == (True, False)
    assert in_header.check(in_header.evidence(right), b"{}", AT) == Match(0)
    with pytest.raises(VerificationError):
        in_header.check(in_header.evidence(wrong), b"{}", AT)


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({}, "url_secrets or webhook_auth"),
        ({"webhook_auth": {"scheme": "url_secret", "secrets": ["long-enough"]}}, "stands under url_secrets"),
    ],
)
def test_an_account_without_a_credential_does_not_load(given: dict[str, Any], fault: str) -> None:
    """At least one of both, and each secret in its place."""
    with pytest.raises(ValidationError, match=fault):
        WabotickAccount.model_validate({"vendor": "wabotick", "api_token": "t", "phone_number_id": "1", **given})


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ({"wa_message_id": "wamid.A"}, {"wa_message_id": "wamid.A", "label_names": "VIP"}, True),
        ({"wa_message_id": "wamid.A"}, {"wa_message_id": "wamid.B"}, False),
        ({"wa_message_id": "A", "message_status": "sent"}, {"wa_message_id": "A", "message_status": "read"}, False),
        ({"wa_message_id": "A", "message_status": "odd"}, {"wa_message_id": "A", "message_status": "new"}, False),
        ({"postbackid": "a"}, {"postbackid": "a", "label_names": "VIP"}, True),
        ({"postbackid": "a"}, {"postbackid": "b"}, False),
        ({"postbackid": "a"}, {"postbackid": "a", "chat_id": "12025550199"}, False),
        ({"postbackid": "a"}, {"postbackid": "a", "order_id": "ORD-1"}, False),
        ({"event": "conversation.resolved", "action": "resolved"}, {"event": "conversation.x", "action": "x"}, False),
        ({"user_input_data": [{"q": "a"}]}, {"user_input_data": [{"q": "b"}]}, False),
        ({"user_input_data": [{"q": "a"}]}, {"user_input_data": [{"q": "a"}]}, True),
    ],
)
def test_which_two_deliveries_are_one_event(first: dict[str, Any], second: dict[str, Any], *, same: bool) -> None:
    """By message id, kind and status; without an id by what was said, within a minute."""
    person = {"chat_id": "12025550143"}

    assert (_key(person | first) == _key(person | second, after=1)) is same


def test_the_same_tap_a_minute_later_is_a_second_tap() -> None:
    """Without a message id a real second tap looks like a repeated delivery: only time tells them apart."""
    assert _key(TAP) == _key(TAP, after=30)
    assert _key(TAP) != _key(TAP, after=90)
    assert _key(TAP, "incoming") != _key(TAP, "flow")
