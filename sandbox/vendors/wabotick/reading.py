"""Wabotick's calls that look at messages: one's status, a conversation, the templates.

Invariant: reading changes nothing.
"""

import json
from datetime import datetime
from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call, Json
from sandbox.phones import Message
from sandbox.vendors.wabotick.shapes import disguised, ok, paged
from sandbox.vendors.wabotick.state import BOT_ID, Row, wall_clock
from sandbox.vendors.wabotick.words import ACCOUNT_NOT_FOUND, checked
from sandbox.whatsapp_account import PHONE_NUMBER_ID

if TYPE_CHECKING:
    from sandbox.vendors.wabotick.vendor import Wabotick

# What the sandbox knows of a template and the list does not say.
_HIDDEN = ("buttons", "postbacks", "category")


def get_message_status(vendor: "Wabotick", call: Call) -> Answer:
    """POST /whatsapp/get/message-status; `whatsapp_bot_id` may be either id of the number, as the texts disagree."""
    refusal = checked(call, "wa_message_id", "whatsapp_bot_id")
    if refusal is not None:
        return refusal
    if call.params["whatsapp_bot_id"] not in (str(BOT_ID), PHONE_NUMBER_ID):
        return vendor.refuse(200, ACCOUNT_NOT_FOUND)
    message = vendor.message(call.params["wa_message_id"])
    if message is None:
        return vendor.refuse(200, "Message not found.")
    shown = {
        "message_status": message.status,
        "delivery_status_updated_at": wall_clock(_changed_at(message)),
        "read_time": wall_clock(message.times["read"]) if "read" in message.times else None,
        "failed_time": wall_clock(message.times["failed"]) if "failed" in message.times else None,
        "failed_reason": vendor.failed_reason(message),
    }
    return Answer(200, ok(shown))


def get_conversation(vendor: "Wabotick", call: Call) -> Answer:
    """POST /whatsapp/get/conversation: newest first."""
    refusal = checked(call, "phone_number_id", "phone_number") or vendor.check_number(call)
    if refusal is not None:
        return refusal
    rows = [_row(vendor, item) for item in vendor.chats.chat(call.params["phone_number"])]
    return paged(vendor, call, rows, "conversation")


def list_templates(vendor: "Wabotick", call: Call) -> Answer:
    """POST /whatsapp/template/list; `template_json` holds a (here invented) access token, as the vendor's does."""
    refusal = checked(call, "phone_number_id") or vendor.check_account(call)
    if refusal is not None:
        return refusal
    secret = json.dumps({"access_token": "EXAMPLE-NOT-A-REAL-TOKEN"})
    rows = [
        {**{name: value for name, value in template.items() if name not in _HIDDEN}, "template_json": secret}
        for template in vendor.chats.templates.values()
    ]
    return Answer(200, ok(disguised(vendor.settings, rows)))


def _row(vendor: "Wabotick", row: Row) -> dict[str, Json]:
    message = vendor.message(row.wa_message_id) if row.sender == "bot" else None
    return {
        "id": row.number,
        "whatsapp_bot_subscriber_subscriber_id": f"{row.chat_id}-{BOT_ID}",
        "whatsapp_bot_id": BOT_ID,
        "sender": row.sender,
        "agent_name": None,
        "message_content": json.dumps(row.content),
        "conversation_time": wall_clock(row.at),
        "wa_message_id": row.wa_message_id,
        "reaction_data": None,
        "message_status": message.status if message else None,
        "delivery_status_updated_at": wall_clock(_changed_at(message) if message else row.at),
        "failed_reason": vendor.failed_reason(message) if message else "",
    }


def _changed_at(message: Message) -> datetime:
    return max(message.times.values(), default=message.at)
