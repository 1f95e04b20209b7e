"""A Wabotick webhook in our words: one tolerant table for five kinds of payload that carry no name of their own.

Nothing here is documented by the vendor; the names come from sister products on the same code base and from captured
deliveries. Invariant: any object reads without an error, and unknown keys are kept.
"""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from config.phones import to_e164
from webhooks import fields

_TAP = re.compile(r"\A\s*#Button Reply#\s*", re.IGNORECASE)
_ERROR_CODE = re.compile(r"Error Code\s*:\s*(\d+)|\(#(\d+)\)", re.IGNORECASE)
_MOST_FIELDS = 200

# Our field: the names it comes under, the first that has something.
_NAMES = {
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
    "button_text": ("button_text", "title", "button_reply.title"),
    "text": ("user_message", "message", "last_message", "text", "body", "user_input", "value"),
    "message_id": ("wa_message_id", "message_id"),
    "replied_to": ("reply_message_id", "context.id"),
    "subscriber_id": ("subscriber_id",),
    "name": ("first_name", "name", "subscriber_name"),
    "order_id": ("query.order_id", "order_id", "custom_fields.order_id"),
    "action": ("query.action", "action"),
    "status": ("message_status",),
    "failed_reason": ("failed_reason",),
    "conversation_event": ("event",),
    "webhook_type": ("webhook_type",),
    "query_direction": ("query.direction",),
}
_PHONES = ("chat_id", "subscriber_phone", "from_phone", "phone_number", "phone", "mobile", "wa_id")
_TIMES = ("timestamp", "created_at", "status_time", "changed_at")
_STATUSES = {"sent": "sent", "delivered": "delivered", "read": "read", "failed": "failed", "undelivered": "failed"}


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
    order_id: str | None
    action: str | None
    status: str | None
    error_code: str | None
    failed_reason: str | None
    occurred_at: datetime | None


def normalize(body: Any, query: str, trigger: str | None, country: str) -> Normalized:
    """Read a parsed body (and the query of its URL) into our words."""
    given = body if isinstance(body, dict) else {}
    asked = dict(parse_qsl(query, max_num_fields=_MOST_FIELDS)) if query else {}
    found = {ours: fields.first({**given, "query": asked}, theirs) for ours, theirs in _NAMES.items()}
    words = {ours: fields.key_text(value) for ours, value in found.items()}
    message = _message(found["text"])
    postback_id = (words["postback_id"] or "").partition("::")[0] or None
    phone_raw = _phone(given, words["subscriber_id"])
    title = _title(message, words["button_text"], postback_id)
    status = _STATUSES.get((words["status"] or "").lower())
    code = _ERROR_CODE.search(str(found["failed_reason"] or ""))
    return Normalized(
        kind=_kind(words, trigger, title, given),
        phone=(to_e164("+" + phone_raw, country) or to_e164(phone_raw, country)) if phone_raw else None,
        phone_raw=phone_raw, bot_id=words["bot_id"], postback_id=postback_id, title=title, text=message,
        message_id=words["message_id"], replied_to=words["replied_to"], name=fields.text(found["name"]),
        order_id=words["order_id"], action=words["action"], status="failed" if code else status,
        error_code=(code[1] or code[2]) if code else None, failed_reason=fields.text(found["failed_reason"]),
        occurred_at=_occurred_at(given),
    )  # fmt: skip


def _kind(words: dict[str, str | None], trigger: str | None, title: str | None, given: dict[str, Any]) -> str:
    """Tell which kind it is: by what it says of itself, then by the endpoint it came in by."""
    if words["webhook_type"] == "message_status_change" or trigger == "status" or words["status"]:
        return "message.status"
    if trigger == "conversation" or (words["conversation_event"] or "").startswith("conversation."):
        return "conversation.status"
    if trigger == "outgoing" or words["query_direction"] == "out":
        return "message.sent"
    if given.get("user_input_data"):
        return "flow.completed"
    if words["postback_id"] or title or words["order_id"]:
        return "postback"
    return "flow.completed" if trigger == "flow" else "message.received"


def _message(value: Any) -> str | None:
    if isinstance(value, dict | list):
        return json.dumps(fields.jsonable(value), ensure_ascii=False)
    return fields.text(value)


def _title(message: str | None, button_text: str | None, postback_id: str | None) -> str | None:
    """Return the tapped button's words: marked in the message, named, or the message that comes with a postback id."""
    if message and _TAP.match(message):
        return _TAP.sub("", message).strip() or None
    return button_text or (message if postback_id else None)


def _phone(given: dict[str, Any], subscriber_id: str | None) -> str | None:
    business = _digits(given.get("whatsapp_bot_username"))
    candidates = [given.get(name) for name in _PHONES[:1]]
    candidates += [(subscriber_id or "").partition("-")[0] if "-" in (subscriber_id or "") else None]
    candidates += [given.get(name) for name in _PHONES[1:]]
    return next((digits for value in candidates if (digits := _digits(value)) and digits != business), None)


def _digits(value: Any) -> str | None:
    digits = "".join(filter(str.isdecimal, fields.text(value) or ""))
    return digits if 5 <= len(digits) <= 20 else None


def _occurred_at(given: dict[str, Any]) -> datetime | None:
    """Return the time only where it has a zone or is an epoch: Wabotick's own times have none."""
    value = fields.first(given, _TIMES)
    if isinstance(value, str) and not value.strip().isdecimal():
        return None
    return fields.moment(value)
