"""CGB's sends: a flow, text, a file, ready content, products.

Invariant: `success` means accepted and nothing more: what WhatsApp thinks of it shows only in its status webhooks.
"""

import re
from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call, Effect, Json
from sandbox.vendors.cgb.accounts import found
from sandbox.vendors.cgb.actions import apply_actions
from sandbox.vendors.cgb.chatting import keep_message
from sandbox.vendors.cgb.state import CHANNELS, Contact, Record
from sandbox.vendors.cgb.words import RefusedError, failure, json_fields, json_text, ok, whole_number

if TYPE_CHECKING:
    from sandbox.vendors.cgb.vendor import Cgb

FILE_TYPES = ("image", "video", "audio", "file")
NOT_SENT = "message not sent"

_PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def send_flow(vendor: "Cgb", call: Call) -> Answer:
    """POST /contacts/{contact_id}/send/{flow_id}: the id is a number; words in its place are other calls."""
    flow_id = whole_number(call.ids["flow_id"], "flow_id")
    contact, flow = vendor.contact(call), found(vendor.bot.flows, str(flow_id), "Flow")
    if vendor.settings.fail_in_200:
        return failure(200, NOT_SENT)
    return ok(vendor.send_flow(contact, flow))


def send_text(vendor: "Cgb", call: Call) -> Answer:
    """POST /contacts/{contact_id}/send/text."""
    contact, text = vendor.contact(call), json_text(call, "text")
    return _sent(vendor, call, contact, ({"type": "text", "text": {"body": text}},))


def send_file(vendor: "Cgb", call: Call) -> Answer:
    """POST /contacts/{contact_id}/send/file."""
    contact, url, kind = vendor.contact(call), json_text(call, "url"), json_text(call, "type")
    if kind not in FILE_TYPES:
        raise RefusedError(f"type must be one of {', '.join(FILE_TYPES)}")
    return _sent(vendor, call, contact, ({"type": kind, kind: {"link": url}},))


def send_content(vendor: "Cgb", call: Call) -> Answer:
    """POST /contacts/{contact_id}/send_content: own messages or whole WhatsApp ones, and actions."""
    contact, fields = vendor.contact(call), json_fields(call)
    contents = message_contents(fields.get("messages", []))
    if not contents and not fields.get("actions"):
        raise RefusedError("messages or actions are required")
    return _sent(vendor, call, contact, contents, fields.get("actions"))


def send_products(vendor: "Cgb", call: Call) -> Answer:
    """POST /contacts/{contact_id}/send/products."""
    contact, product_ids = vendor.contact(call), json_fields(call).get("product_id")
    if not isinstance(product_ids, list) or not product_ids:
        raise RefusedError("product_id must be a list")
    products = [found(vendor.bot.products, str(product_id), "Product") for product_id in product_ids]
    return _sent(vendor, call, contact, ({"type": "products", "products": [item["id"] for item in products]},))


def message_contents(messages: Json) -> tuple[Record, ...]:
    """Return messages of a send or of a dynamic reply as WhatsApp content.

    Raises:
        RefusedError: they are no list of messages.
    """
    if not isinstance(messages, list):
        raise RefusedError("messages must be a list")
    return tuple(_content(message) for message in messages)


def flow_content(vendor: "Cgb", contact: Contact, flow: Record) -> Record:
    """Return the message a flow sends: its approved template, filled from the contact's fields."""
    values = {vendor.bot.custom_fields[field_id]["name"]: value for field_id, value in contact.values.items()}
    values |= {"first_name": contact.first_name, "phone": contact.phone}
    text = _PLACEHOLDER.sub(lambda found: values.get(found[1], ""), flow["text"])
    name = flow["name"].lower().replace(" ", "_")
    return {"type": "template", "template": {"name": name}, "text": {"body": text}, "buttons": flow["buttons"]}


def _sent(vendor: "Cgb", call: Call, contact: Contact, contents: tuple[Record, ...], actions: Json = None) -> Answer:
    channel = json_fields(call).get("channel")
    if channel is not None and CHANNELS.get(str(channel)) != contact.channel:
        raise RefusedError("the contact is not on this channel")
    if vendor.settings.fail_in_200:
        return failure(200, NOT_SENT)
    done = apply_actions(vendor, contact, actions)
    return ok(*(_effect(keep_message(vendor, contact, content)) for content in contents), *done)


def _effect(message: Record) -> Effect:
    content = message["content"]
    text, template = content.get("text", {}).get("body"), content.get("template", {}).get("name")
    names = {"id": message["id"], "contact_id": message["contact_id"], "phone": message["phone"]}
    return {"kind": "message", **names, "type": content["type"], "text": text, "template_name": template}


def _content(message: Json) -> Record:
    """Read one message: CGB's own form `{"message": {"text": …}}`, or WhatsApp's with its `type`."""
    own = message.get("message") if isinstance(message, dict) else None
    if isinstance(own, dict) and isinstance(own.get("text"), str):
        return {"type": "text", "text": {"body": own["text"]}}
    if not isinstance(message, dict) or not isinstance(message.get(message.get("type")), dict):
        raise RefusedError("each message needs a text or a WhatsApp type with its object")
    return {"type": message["type"], message["type"]: message[message["type"]]}
