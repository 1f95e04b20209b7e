"""Wabotick's reading calls: a message's status, a conversation, the templates.

Invariant: reading changes nothing, and the three disguises a list may come in are one setting, never chance.
"""

import json
from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call, Json
from sandbox.vendors.wabotick.state import BOT_ID, PHONE_NUMBER_ID, Message, wall_clock
from sandbox.vendors.wabotick.words import ACCOUNT_NOT_FOUND, UNDELIVERABLE, checked

if TYPE_CHECKING:
    from sandbox.vendors.wabotick.vendor import Wabotick

DEFAULT_LIMIT = 20


def get_message_status(vendor: "Wabotick", call: Call) -> Answer:
    """POST /whatsapp/get/message-status; `whatsapp_bot_id` may be either id of the number, as the texts disagree."""
    refusal = checked(call, "wa_message_id", "whatsapp_bot_id")
    if refusal is not None:
        return refusal
    if call.params["whatsapp_bot_id"] not in (str(BOT_ID), PHONE_NUMBER_ID):
        return vendor.refuse(200, ACCOUNT_NOT_FOUND)
    message = vendor.chats.messages.get(call.params["wa_message_id"])
    if message is None:
        return vendor.refuse(200, "Message not found.")
    status, reason = status_of(vendor, message)
    at = wall_clock(message.at)
    shown = {
        "message_status": status,
        "delivery_status_updated_at": at,
        "read_time": at if status == "read" else None,
        "failed_time": at if status == "failed" else None,
        "failed_reason": reason,
    }
    return Answer(200, {"status": "1", "message": shown})


def status_of(vendor: "Wabotick", message: Message) -> tuple[str, str]:
    """Return a message's status and why it failed: as set for it, else as the settings say."""
    if message.status is not None:
        return message.status, message.failed_reason
    if message.chat_id in vendor.settings.undeliverable:
        return "failed", UNDELIVERABLE
    return vendor.settings.message_status, ""


def get_conversation(vendor: "Wabotick", call: Call) -> Answer:
    """POST /whatsapp/get/conversation: newest first; `offset` skips rows, as the document says."""
    refusal = checked(call, "phone_number_id", "phone_number") or vendor.check_number(call)
    if refusal is not None:
        return refusal
    limit, offset = _number(call.params.get("limit"), DEFAULT_LIMIT), _number(call.params.get("offset"), 0)
    messages = vendor.chats.conversation(call.params["phone_number"])[offset : offset + limit]
    return Answer(200, {"status": "1", "message": _disguised(vendor, [_row(vendor, item) for item in messages])})


def list_templates(vendor: "Wabotick", call: Call) -> Answer:
    """POST /whatsapp/template/list; `template_json` holds a (here invented) access token, as the vendor's does."""
    refusal = checked(call, "phone_number_id") or vendor.check_account(call)
    if refusal is not None:
        return refusal
    secret = json.dumps({"access_token": "EXAMPLE-NOT-A-REAL-TOKEN"})
    rows = [
        {**{name: value for name, value in template.items() if name != "buttons"}, "template_json": secret}
        for template in vendor.chats.templates.values()
    ]
    return Answer(200, {"status": "1", "message": _disguised(vendor, rows)})


def _disguised(vendor: "Wabotick", rows: list[dict[str, Json]]) -> Json:
    match vendor.settings.list_shape:
        case "json_string":
            return json.dumps(rows)
        case "indexed_object":
            return {str(number): row for number, row in enumerate(rows)}
        case _:
            return rows


def _row(vendor: "Wabotick", message: Message) -> dict[str, Json]:
    status, reason = status_of(vendor, message) if message.sender == "bot" else (None, "")
    return {
        "id": message.number,
        "whatsapp_bot_subscriber_subscriber_id": f"{message.chat_id}-{BOT_ID}",
        "whatsapp_bot_id": BOT_ID,
        "sender": message.sender,
        "agent_name": None,
        "message_content": json.dumps(message.content),
        "conversation_time": wall_clock(message.at),
        "wa_message_id": message.wa_message_id,
        "reaction_data": None,
        "message_status": status,
        "delivery_status_updated_at": wall_clock(message.at),
        "failed_reason": reason,
    }


def _number(text: Json, default: int) -> int:
    fits = isinstance(text, str) and text.isascii() and text.isdecimal() and len(text) < 10
    return int(text) if fits else default
