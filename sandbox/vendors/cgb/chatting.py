"""What CGB puts on people's phones: its messages, with the buttons that can be tapped there.

Invariant: CGB keeps no status webhook of its own: how a message fared is known to the phone and told by Meta.
"""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sandbox.exchange import Json
from sandbox.phones import Button, Content
from sandbox.vendors.cgb.state import WHATSAPP, Contact, Record

if TYPE_CHECKING:
    from sandbox.vendors.cgb.vendor import Cgb

OUTSIDE_WINDOW = 131047
MEDIA = ("image", "video", "audio", "document", "file")


def keep_message(vendor: "Cgb", contact: Contact, content: Record) -> Record:
    """Keep a message that CGB accepted, and bring it to the contact's phone.

    CGB writes its own `biz_opaque_callback_data` over whatever was sent: the phone, and nothing of ours.
    """
    message: Record = {
        "id": vendor.ids.wamid(),
        "contact_id": contact.id,
        "phone": contact.phone,
        "at": vendor.setup.clock().isoformat(),
        "content": content,
        "biz_opaque_callback_data": json.dumps({"c": contact.phone}, separators=(",", ":")),
        "status": "accepted",
        "error_code": None,
    }
    vendor.bot.messages.append(message)
    if contact.channel == WHATSAPP:
        _bring(vendor, contact, message)
    return message


def _bring(vendor: "Cgb", contact: Contact, message: Record) -> None:
    phones, content = vendor.setup.phones, message["content"]
    error = phones.person(contact.phone, contact.first_name).meet_error()
    if error is None and content["type"] != "template" and not phones.window_open(vendor.number, contact.phone):
        error = OUTSIDE_WINDOW
    raw = {**content, "biz_opaque_callback_data": message["biz_opaque_callback_data"]}
    phones.deliver(vendor, contact.phone, phone_content(content), message_id=message["id"], raw=raw, error=error)


def phone_content(content: Record) -> Content:
    """Return a message as a phone shows it; the wording of a template is known to Meta only, its values are shown."""
    kind = content["type"]
    own: Record = content[kind] if isinstance(content.get(kind), dict) else {}
    if kind == "template" and "text" not in content:
        values, buttons = _components(own)
        return Content(text=" · ".join(values), template=str(own.get("name", "")), buttons=tuple(buttons))
    if kind == "interactive":
        return Content(text=_text(own.get("body")), buttons=tuple(_replies(own.get("action"))))
    if kind in MEDIA:
        return Content(text=str(own.get("caption") or ""), media=(kind, str(own.get("link") or "")))
    text = _text(content.get("text")) or ", ".join(map(str, content.get("products", [])))
    buttons = [Button(button["id"], button["title"]) for button in content.get("buttons", [])]
    return Content(text=text, template=str(own.get("name", "")) if kind == "template" else "", buttons=tuple(buttons))


def _components(template: Record) -> tuple[list[str], list[Button]]:
    """Return the body's values and the quick replies of a template message."""
    values, buttons = [], []
    for component in _objects(template.get("components")):
        for parameter in _objects(component.get("parameters")):
            if component.get("type") == "body":
                values.append(str(parameter.get("text", "")))
            elif component.get("type") == "button" and "payload" in parameter:
                buttons.append(Button(str(parameter["payload"]), str(parameter["payload"])))
    return values, buttons


def _replies(action: Json) -> Iterable[Button]:
    for button in _objects(action.get("buttons") if isinstance(action, dict) else None):
        reply = button.get("reply")
        if isinstance(reply, dict):
            yield Button(str(reply.get("id", "")), str(reply.get("title", "")))


def _text(value: Json) -> str:
    if not isinstance(value, dict):
        return ""
    return str(value.get("body") or value.get("text") or "")


def _objects(value: Json) -> list[Record]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
