"""What the platforms send us of a person: words, taps and reports, each as its own webhooks tell them.

Invariant: pure; what a webhook means for the shop stands beside its body, said by the history and never read out of it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

CGB_NUMBER, META_NUMBER = "100000000000003", "100000000000002"
_OPTED_OUT, _UNDELIVERABLE = 131050, 131026


@dataclass(frozen=True)
class Wish:
    """What somebody wants of messages to them."""

    stopped: bool
    everything: bool = False
    """Any message at all, not only what is no news of an order."""


@dataclass(frozen=True)
class Arriving:
    """A webhook on its way to us."""

    at: datetime
    account: str
    body: bytes
    dedupe_key: str
    number: str
    """The order it is about, for people who read the story."""
    trigger: str | None = None
    part: str | None = None
    tells: frozenset[str] = frozenset()
    """What the shop knows of the order once this is routed: `paid`, `canceled`, `spam`."""
    phone: str | None = None
    """Who wrote, so that the number that was written to may answer for a day."""
    wish: Wish | None = None
    said_at: datetime | None = None
    """When, where the platform tells it; else it is when it came in."""
    reports: tuple[str, str] | None = None
    """Of a report: the message's id and how far it came."""
    opted_out: bool = False
    """Whether the report says that the person wants nothing more."""
    tapped: str | None = None
    """The label of the button."""
    is_sure: bool = False
    """Whether the tap says which order it is about."""


def iso(moment: datetime) -> str:
    """Write a moment as Scalev does."""
    return moment.isoformat().replace("+00:00", "Z")


def whole_second(moment: datetime) -> datetime:
    """Return a moment as exactly as Meta tells it."""
    return moment.replace(microsecond=0)


def _of_meta(kind: str, content: Mapping[str, Any], number_id: str) -> tuple[bytes, str]:
    value = {"metadata": {"phone_number_id": number_id}, kind: [content]}
    body = {"object": "whatsapp_business_account", "entry": [{"changes": [{"value": value, "field": "messages"}]}]}
    return json.dumps(body).encode(), f"entry.0.changes.0.value.{kind}.0"


def text(account: str, phone: str, said: str, at: datetime, key: str) -> dict[str, Any]:
    """Return what comes in when a person writes to an account's number."""
    if account == "meta":
        content = {"from": phone, "id": key, "timestamp": str(int(at.timestamp())), "text": {"body": said}}
        body, part = _of_meta("messages", content, META_NUMBER)
        return {"body": body, "part": part, "said_at": whole_second(at)}
    if account == "cgb":
        body = json.dumps({"event": "message", "phone": phone, "contact_id": phone, "last_text_input": said}).encode()
        return {"body": body}
    body = json.dumps({"chat_id": phone, "user_message": said, "wa_message_id": key}).encode()
    return {"body": body, "trigger": "incoming"}


def blocking(phone: str, *, blocked: bool) -> dict[str, Any]:
    """Return what comes in when a conversation is blocked, or is no more."""
    said = {"action_status": True, "action": "blocked" if blocked else "unblocked", "chat_id": phone}
    return {"body": json.dumps(said).encode(), "trigger": "conversation"}


def tap(account: str, phone: str, label: str, at: datetime, key: str, names: Mapping[str, str]) -> dict[str, Any]:
    """Return what comes in when a button is tapped; `names` says how it names what it is about: `message`, `order`."""
    message, order = names.get("message"), names.get("order")
    if account == "meta":
        reply = {"id": f"{label.lower()}:{order}" if order else "none", "title": label}
        content: dict[str, Any] = {"from": phone, "id": key, "timestamp": str(int(at.timestamp()))}
        content |= {"interactive": {"button_reply": reply}}
        content |= {"context": {"id": message}} if message else {}
        body, part = _of_meta("messages", content, META_NUMBER)
        return {"body": body, "part": part, "said_at": whole_second(at)}
    said = {"chat_id": phone, "user_message": f"#Button Reply#{label}", "id": key}
    said |= {"reply_message_id": message} if message else {}
    said |= {"order_id": order} if order else {}
    return {"body": json.dumps(said).encode(), "trigger": "flow"}


def report(
    account: str, phone: str, message_id: str, state: str, at: datetime, reference: str | None, *, opted_out: bool
) -> dict[str, Any]:
    """Return a report on a message, and the account whose endpoint it comes in by."""
    code = _OPTED_OUT if opted_out else _UNDELIVERABLE
    if account == "wa":
        body = {
            "chat_id": phone, "webhook_type": "message_status_change", "wa_message_id": message_id,
            "message_status": state, "status_time": iso(at),
            "failed_reason": f"(Error Code : {code} ) it failed" if state == "failed" else None,
        }  # fmt: skip
        return {"account": "wa", "body": json.dumps(body).encode(), "trigger": "status", "said_at": at}
    content = {"id": message_id, "status": state, "timestamp": str(int(at.timestamp())), "recipient_id": phone}
    content |= {"errors": [{"code": code, "title": "it failed"}]} if state == "failed" else {}
    content |= {"biz_opaque_callback_data": reference} if reference else {}
    raw, part = _of_meta("statuses", content, META_NUMBER if account == "meta" else CGB_NUMBER)
    return {"account": "meta", "body": raw, "part": part, "said_at": whole_second(at)}
