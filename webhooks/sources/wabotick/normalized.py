"""A Wabotick webhook in our words: one tolerant table for five kinds of payload that carry no name of their own.

Nothing here is documented by the vendor; the names come from sister products on the same code base and from captured
deliveries. Invariant: any object reads without an error, and unknown keys are kept.
"""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from config.phones import to_e164
from webhooks import fields
from webhooks.forms import parse_query
from webhooks.strict_json import JsonError, parse_json
from webhooks.whatsapp import order_of_button, report

_MOST_DEPTH = 20
_TAP = re.compile(r"\A\s*#Button Reply#\s*", re.IGNORECASE)

# Our key: the names it comes under, the first that has something; a merge tag left unfilled is nothing.
_KEYS = {
    "bot_id": ("phone_number_id", "whatsapp_bot_id"),
    "postback_id": (
        "postback_id",
        "postbackid",
        "postbackId",
        "payload",
        "button_id",
        "button.payload",
        "button_reply.id",
    ),
    "message_id": ("wa_message_id", "message_id"),
    "replied_to": ("reply_message_id", "context.id"),
    "subscriber_id": ("subscriber_id",),
    "order_id": ("query.order_id", "order_id", "custom_fields.order_id"),
    "action": ("query.action", "action"),
    "status": ("message_status",),
    "conversation_event": ("event",),
    "webhook_type": ("webhook_type",),
    "name": ("first_name", "name", "subscriber_name"),
    "query_direction": ("query.direction",),
}
# Our text: likewise.
_TEXTS = {
    "button_text": ("button_text", "title", "button_reply.title"),
    "text": ("user_message", "message", "last_message", "text", "body", "user_input", "value"),
    "failed_reason": ("failed_reason",),
}
_PHONES = ("subscriber_phone", "from_phone", "phone_number", "phone", "mobile", "wa_id")
_TIMES = ("timestamp", "created_at", "status_time", "changed_at")
_BOT_TRIGGERS = ("incoming", "outgoing", "status", "conversation")  # all else comes from a node of a flow
_HAS_ZONE = re.compile(r"(?:[zZ]|[+-]\d{2}:?\d{2})\s*\Z")
_CONVERSATION_ACTIONS = ("resolved", "reopen", "archived", "unarchived", "blocked", "unblocked")


@dataclass(frozen=True)
class Normalized:
    """What one webhook says; None where it says nothing."""

    kind: str
    """The event type without the vendor: message.received, postback, message.status …"""
    phone: str | None
    phone_raw: str | None
    bot_id: str | None
    postback_id: str | None
    title: str | None
    text: str | None
    message_id: str | None
    replied_to: str | None
    name: str | None
    subscriber_id: str | None
    order_id: str | None
    """Said outright."""
    button_order_id: str | None
    """Said by the id of a button of the shop's own, such as `confirm:ORD-1`."""
    action: str | None
    status: str | None
    status_raw: str | None
    error_code: str | None
    """Of a failed message: WhatsApp's code, out of the text."""
    reason: str | None
    """What that amounts to, in our words."""
    failed_reason: str | None
    occurred_at: datetime | None


def normalize(body: Any, query: str, trigger: str | None, country: str) -> Normalized:
    """Read a parsed body (and the query of its URL) into our words."""
    given = body if isinstance(body, dict) else {}
    custom_fields = _custom_fields(given.get("custom_fields"))
    everything = {**given, "custom_fields": custom_fields, "query": parse_query(query)}
    words = {ours: fields.first_key(everything, theirs) for ours, theirs in _KEYS.items()}
    texts = {ours: _text(fields.first(given, theirs)) for ours, theirs in _TEXTS.items()}
    kind = _kind(words, texts, trigger, given)
    postback_id = (words["postback_id"] or "").partition("::")[0].strip() or None
    phone_raw = _phone(given, words["subscriber_id"])
    is_report = kind == "message.status"
    reported = report(words["status"] or (given.get("status") if is_report else None), texts["failed_reason"])
    return Normalized(
        kind=kind,
        phone=(to_e164("+" + phone_raw, country) or to_e164(phone_raw, country)) if phone_raw else None,
        phone_raw=phone_raw, bot_id=words["bot_id"] or _digits(given.get("whatsapp_bot_username")),
        postback_id=postback_id, title=_title(texts) if kind == "postback" else None, text=texts["text"],
        message_id=words["message_id"] or _wamid(given), replied_to=words["replied_to"], name=words["name"],
        subscriber_id=words["subscriber_id"], order_id=words["order_id"],
        button_order_id=order_of_button(postback_id), action=words["action"], failed_reason=texts["failed_reason"],
        occurred_at=_occurred_at(given), **reported,
    )  # fmt: skip


def _kind(
    words: dict[str, str | None], texts: dict[str, str | None], trigger: str | None, given: dict[str, Any]
) -> str:
    """Tell which kind it is: by what it says of itself, then by the endpoint it came in by."""
    if words["webhook_type"] == "message_status_change" or trigger == "status" or words["status"]:
        return "message.status"
    is_of_agent = "action_status" in given and words["action"] in _CONVERSATION_ACTIONS
    if trigger == "conversation" or (words["conversation_event"] or "").startswith("conversation.") or is_of_agent:
        return "conversation.status"
    if trigger == "outgoing" or words["query_direction"] == "out":
        return "message.sent"
    if given.get("user_input_data") not in (None, [], {}, "", "[]") or "latitude" in given:
        return "flow.completed"
    if words["postback_id"] or texts["button_text"] or _TAP.match(texts["text"] or ""):
        return "postback"
    if trigger in _BOT_TRIGGERS:  # an order in a custom field says nothing of what the message is
        return "message.received"
    return "postback" if words["order_id"] or texts["text"] else "flow.completed"


def _custom_fields(value: Any) -> Any:
    """Return custom fields as an object: forms hold them as JSON, a sister product writes `name:value,name:value`."""
    if not isinstance(value, str):
        return value
    try:
        return parse_json(value.encode(), _MOST_DEPTH)
    except JsonError:
        return dict(part.strip().partition(":")[::2] for part in value.split(","))


def _text(value: Any) -> str | None:
    if isinstance(value, dict | list):
        return json.dumps(fields.jsonable(value), ensure_ascii=False)
    return fields.text(value)


def _title(texts: dict[str, str | None]) -> str | None:
    """Return the tapped button's words: marked in the message, named, or the message itself."""
    message = texts["text"] or ""
    if _TAP.match(message):
        return _TAP.sub("", message).strip() or None
    return texts["button_text"] or message or None


def _wamid(given: dict[str, Any]) -> str | None:
    found = fields.key_text(given.get("id"))
    return found if found and found.startswith("wamid.") else None


def _phone(given: dict[str, Any], subscriber_id: str | None) -> str | None:
    business = _digits(given.get("whatsapp_bot_username"))
    of_subscriber, separator, _ = (subscriber_id or "").partition("-")
    candidates = [given.get("chat_id"), of_subscriber if separator else None, *map(given.get, _PHONES)]
    return next((digits for value in candidates if (digits := _digits(value)) and digits != business), None)


def _digits(value: Any) -> str | None:
    digits = "".join(filter(str.isdecimal, fields.text(value) or ""))
    return digits if 5 <= len(digits) <= 20 else None


def _occurred_at(given: dict[str, Any]) -> datetime | None:
    """Return the time only where it has a zone or is an epoch: Wabotick's own times have none."""
    value = fields.first(given, _TIMES)
    found = fields.moment(value)
    if isinstance(value, str) and not value.strip().isdecimal() and not _HAS_ZONE.search(value):
        return None
    return found
