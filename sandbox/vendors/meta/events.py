"""The webhooks Meta sends, in their batch envelope, and the signature over their bytes.

Invariant: the signature is computed over exactly the bytes that go out, escaped as Meta escapes them.
"""

import hashlib
import hmac
import json
from copy import deepcopy
from datetime import datetime
from typing import Literal

from sandbox.exchange import Json
from sandbox.phones import Message, Status
from sandbox.vendors.meta.words import DOCUMENT
from sandbox.whatsapp_account import NUMBER, PHONE_NUMBER_ID
from sandbox.whatsapp_errors import error_of

TRIGGER = "messages"
ACCOUNT_ID = "200000000000002"
SIGNATURE_HEADER = "X-Hub-Signature-256"

Merging = Literal["entries", "changes", "values"]
_BILLED: tuple[Status, ...] = ("sent", "delivered")
_MIME_TYPES = {"image": "image/jpeg", "video": "video/mp4", "audio": "audio/ogg", "document": "application/pdf"}


def signature(secret: str, body: bytes) -> str:
    """Return the value of the signature header."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def encoded(body: Json) -> bytes:
    """Return JSON as Meta writes it: other letters than ASCII and slashes are escaped."""
    return json.dumps(body, separators=(",", ":")).replace("/", "\\/").encode()


def envelope(value: dict[str, Json]) -> dict[str, Json]:
    """Return a webhook with one change."""
    metadata = {"display_phone_number": NUMBER, "phone_number_id": PHONE_NUMBER_ID}
    whole = {"messaging_product": "whatsapp", "metadata": metadata, **value}
    changes = [{"value": whole, "field": TRIGGER}]
    return {"object": "whatsapp_business_account", "entry": [{"id": ACCOUNT_ID, "changes": changes}]}


def status_value(
    message: Message, status: Status, at: datetime, category: str, callback: str | None
) -> dict[str, Json]:
    """Return the part of a webhook that reports on a message."""
    shown: dict[str, Json] = {
        "id": message.id,
        "status": status,
        "timestamp": str(int(at.timestamp())),
        "recipient_id": message.phone,
    }
    if status in _BILLED:
        free = category == "service"
        shown["pricing"] = {"billable": not free, "pricing_model": "PMP", "category": category, "type": "regular"}
        if free:
            shown["pricing"]["type"] = "free_customer_service"
    if message.error is not None and status == "failed":
        shown["errors"] = [_error(message.error)]
    if callback is not None:
        shown["biz_opaque_callback_data"] = callback
    return {"statuses": [shown]}


def message_value(message: Message, name: str, answered: Message | None) -> dict[str, Json]:
    """Return the part of a webhook that brings what a person wrote or tapped; `answered` had the button."""
    shown: dict[str, Json] = {
        "from": message.phone,
        "id": message.id,
        "timestamp": str(int(message.at.timestamp())),
    }
    if message.reply_to:
        shown["context"] = {"from": NUMBER, "id": message.reply_to}
    return person_value(message.phone, name, {**shown, **_said(message, answered)})


def person_value(phone: str, name: str, message: dict[str, Json]) -> dict[str, Json]:
    """Return the part of a webhook that brings one message of a person."""
    return {"contacts": [{"profile": {"name": name}, "wa_id": phone}], "messages": [message]}


def merged(first: Json, second: Json, how: Merging) -> Json:
    """Return one webhook that says what both say."""
    whole = deepcopy(first)
    if how == "entries":
        whole["entry"] += second["entry"]
        return whole
    changes = whole["entry"][-1]["changes"]
    new = [change for entry in second["entry"] for change in entry["changes"]]
    if how == "changes":
        changes += new
        return whole
    value = changes[-1]["value"]
    for change in new:
        for name in ("contacts", "messages", "statuses"):
            if name in change["value"]:
                value[name] = [*value.get(name, ()), *change["value"][name]]
    return whole


def _said(message: Message, answered: Message | None) -> dict[str, Json]:
    button = message.tapped
    if button is not None and answered is not None:
        if answered.content.template:
            return {"type": "button", "button": {"payload": button.id, "text": button.title}}
        reply: dict[str, Json] = {"id": button.id, "title": button.title}
        kind = "list_reply" if answered.content.menu else "button_reply"
        if answered.content.menu and button.description:
            reply["description"] = button.description
        return {"type": "interactive", "interactive": {"type": kind, kind: reply}}
    if message.content.media is not None:
        kind = message.content.media[0]
        digest = hashlib.sha256(message.id.encode()).digest()
        media: dict[str, Json] = {
            "mime_type": _MIME_TYPES.get(kind, "application/octet-stream"),
            "sha256": digest.hex(),
            "id": str(300_000_000_000_000 + int.from_bytes(digest[:4], "big")),
        }
        if message.content.text:
            media["caption"] = message.content.text
        return {"type": kind, kind: media}
    return {"type": "text", "text": {"body": message.content.text}}


def _error(code: int) -> dict[str, Json]:
    known = error_of(code)
    return {
        "code": code,
        "title": known.title,
        "message": known.title,
        "error_data": {"details": known.details},
        "href": DOCUMENT,
    }
