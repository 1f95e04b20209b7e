"""The webhooks Wabotick sends: what a customer wrote, what the bot sent, how far a message came, who was blocked.

Invariant: a body has the fields seen live and no more; it says neither its direction nor, mostly, which button.
"""

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from sandbox.exchange import Json
from sandbox.phones import Button, Message
from sandbox.vendors.wabotick.state import BOT_ID, BOT_NAME, wall_clock
from sandbox.whatsapp_account import PHONE_NUMBER_ID, SHOWN_NUMBER

if TYPE_CHECKING:
    from sandbox.vendors.wabotick.vendor import Wabotick

TRIGGERS = ("incoming", "outgoing", "status", "conversation", "flow")
_MERGE_TAG = re.compile(r"#(\w+)#")
FORM = "application/x-www-form-urlencoded"

# What an agent does to a conversation, and the number it is known by afterwards.
ACTION_STATUSES = {
    "reopen": "0",
    "unarchived": "0",
    "unblocked": "0",
    "resolved": "1",
    "archived": "2",
    "blocked": "3",
}


def message_body(vendor: "Wabotick", message: Message) -> dict[str, Json]:
    """Return the body of `incoming` and `outgoing`: both have one shape."""
    subscriber = vendor.chats.subscribers.get(message.phone)
    body = {
        **_bot(vendor, message.phone),
        "wa_message_id": message.id,
        "label_names": ",".join(vendor.chats.label_names(subscriber)) if subscriber else "",
        **_person(vendor, message.phone),
        "user_message": _words(message),
        "whatsapp_bot_username": SHOWN_NUMBER,
    }
    if subscriber and subscriber.custom_fields:
        body["custom_fields"] = dict(subscriber.custom_fields)
    if not message.by_person and not vendor.settings.outgoing_text:
        del body["user_message"]
    if message.reply_to and vendor.settings.tap_names_message:
        body["reply_message_id"] = message.reply_to
    return body


def status_body(vendor: "Wabotick", message: Message, status: str) -> dict[str, Json]:
    """Return the body of `status`."""
    at = message.times.get(status) or vendor.setup.clock()
    return {
        **_bot(vendor, message.phone),
        "webhook_type": "message_status_change",
        "wa_message_id": message.id,
        "message_status": status,
        "status_time": wall_clock(at),
        "failed_reason": vendor.failed_reason(message) or None,
        **_person(vendor, message.phone),
        "whatsapp_bot_username": SHOWN_NUMBER,
    }


def conversation_body(vendor: "Wabotick", phone: str, action: str) -> dict[str, Json]:
    """Return the body of `conversation`."""
    return {
        **_bot(vendor, phone),
        "event": f"conversation.{action}",
        "action": action,
        "action_status": ACTION_STATUSES[action],
        "agent_name": "Agent One",
        "changed_at": wall_clock(vendor.setup.clock()),
        "wa_message_id": "",
        **_person(vendor, phone),
        "whatsapp_bot_username": SHOWN_NUMBER,
    }


def flow_body(vendor: "Wabotick", message: Message, button: Button) -> dict[str, Json]:
    """Return the body of `flow` for a tapped button."""
    body: dict[str, Json] = {
        "first_name": _person(vendor, message.phone)["first_name"],
        "chat_id": message.phone,
        "postbackid": _postback_id(vendor, button),
        "user_input_data": [],
        "user_message": button.title,
        "whatsapp_bot_username": SHOWN_NUMBER,
    }
    return {**body, **_ticked(vendor, message)} if vendor.settings.all_flow_fields else body


def encoded_form(body: dict[str, Json]) -> bytes:
    """Return a body as a form: lists and objects as JSON text, null as nothing."""
    fields = {
        name: json.dumps(value) if isinstance(value, list | dict) else "" if value is None else str(value)
        for name, value in body.items()
    }
    return urlencode(fields).encode()


def filled_address(vendor: "Wabotick", url: str, phone: str) -> str:
    """Return the address of the flow's webhook with its merge tags filled from the subscriber."""
    subscriber = vendor.chats.subscribers.get(phone)
    fields = subscriber.custom_fields if subscriber and vendor.settings.merge_tags == "filled" else {}
    if vendor.settings.merge_tags == "raw":
        return _MERGE_TAG.sub(r"%23\1%23", url)
    return _MERGE_TAG.sub(lambda tag: quote(str(fields.get(tag[1], "")), safe=""), url)


def is_flow_button(vendor: "Wabotick", message: Message, button: Button) -> bool:
    """Return whether a button starts a flow: those of templates do, others when the bot knows their id."""
    return bool(message.content.template) or vendor.chats.postback(button.id.partition("::")[0]) is not None


def _postback_id(vendor: "Wabotick", button: Button) -> str:
    match vendor.settings.postback_id:
        case "suffixed":
            return f"{button.id}::{vendor.ids.uuid('postback').replace('-', '')[:15]}"
        case "empty":
            return ""
        case _:
            return button.id


def _ticked(vendor: "Wabotick", message: Message) -> dict[str, Json]:
    """Return the fields of the flow's webhook that are seldom ticked."""
    subscriber = vendor.chats.subscribers.get(message.phone)
    return {
        "subscriber_id": f"{message.phone}-{BOT_ID}",
        "last_name": subscriber.last_name if subscriber else "",
        "email": "",
        "phone_number": message.phone,
        "whatsapp_bot_id": _bot(vendor, message.phone)["whatsapp_bot_id"],
        "label_names": ",".join(vendor.chats.label_names(subscriber)) if subscriber else "",
        "wa_message_id": message.id,
        "reply_message_id": message.reply_to,
        "timestamp": wall_clock(message.at),
        **(subscriber.custom_fields if subscriber else {}),
    }


def _words(message: Message) -> str:
    if message.tapped is not None:
        return f"#Button Reply#{message.tapped.title}"
    if message.content.media is not None:
        return json.dumps({"type": message.content.media[0], "caption": message.content.text})
    return message.content.text


def _bot(vendor: "Wabotick", phone: str) -> dict[str, Json]:
    number_id = vendor.settings.bot_id_is_number_id
    return {
        "whatsapp_bot_name": BOT_NAME,
        "whatsapp_bot_id": int(PHONE_NUMBER_ID) if number_id else BOT_ID,
        "subscriber_id": f"{phone}-{BOT_ID}",
    }


def _person(vendor: "Wabotick", phone: str) -> dict[str, Json]:
    subscriber = vendor.chats.subscribers.get(phone)
    return {"first_name": subscriber.first_name or None if subscriber else None, "chat_id": phone}
