"""A button tapped in a CGB chat: the flow's External API Request goes out, and its answer may speak in the chat.

Invariant: whatever a receiver answers is kept and never raises; only what reads as dynamic content is carried out.
"""

from contextlib import suppress
from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call, Json
from sandbox.intake import load_json
from sandbox.phones import Button
from sandbox.vendors.cgb.actions import apply_actions
from sandbox.vendors.cgb.chatting import keep_message
from sandbox.vendors.cgb.sending import message_contents
from sandbox.vendors.cgb.state import CHANNEL_NAMES, Contact, Record
from sandbox.vendors.cgb.words import RefusedError

if TYPE_CHECKING:
    from sandbox.vendors.cgb.vendor import Cgb

TRIGGER = "external_request"
FIELDS = ("contact_id", "phone", "first_name", "channel", "button", "order_id", "last_text_input")


def tap(vendor: "Cgb", call: Call) -> Answer:
    """`POST /tap`: `contact_id` or `phone`, and the `button` by its id or title.

    The newest message that shows the button is tapped on the phone; where none does (the buttons of a template are
    known to Meta only), the flow answers all the same, with the `title` and `order_id` given here.
    """
    wanted = str(call.params.get("contact_id") or call.params.get("phone") or "").lstrip("+")
    contact = vendor.bot.contacts.get(wanted) or vendor.bot.whatsapp_contact(wanted)
    button, order_id = call.params.get("button"), str(call.params.get("order_id") or "")
    if contact is None or not isinstance(button, str) or not button:
        return Answer(400, {"error": "give the contact_id or phone of a contact, and a button"})
    for message in reversed(vendor.setup.phones.on_phone(contact.phone)):
        if message.vendor == vendor.name and not order_id:
            with suppress(LookupError):
                vendor.setup.phones.tap(message, button)
                return Answer(200, vendor.bot.taps[-1]["request"])
    title = str(call.params.get("title") or button)
    return Answer(200, button_tapped(vendor, contact, Button(button, title), order_id))


def button_tapped(vendor: "Cgb", contact: Contact, button: Button, order_id: str = "") -> Record:
    """Send the External API Request of the flow behind a button; return its body."""
    body = _request(vendor, contact, button, order_id)
    vendor.bot.taps.append({"request": body, "status": None, "answer": None, "shown": [], "refused": None})
    vendor.emit(TRIGGER, body)
    return body


def carry_out(vendor: "Cgb", body: Json, status: int, answer: bytes) -> None:
    """Keep a receiver's answer; show its dynamic content and do its actions."""
    taps = (tap for tap in vendor.bot.taps if tap["request"] == body and tap["status"] is None)
    kept = next(taps, None)
    if kept is None:
        return
    kept["status"], kept["answer"] = status, answer.decode("utf-8", "replace")
    contact = vendor.bot.contacts.get(str(body["contact_id"]))
    if contact is None or not 200 <= status < 300:
        return
    try:
        reply = load_json(answer) if answer.strip() else {}
        kept["shown"] = _show(vendor, contact, reply if isinstance(reply, dict) else {})
    except (RefusedError, ValueError) as error:
        kept["refused"] = str(error)


def _show(vendor: "Cgb", contact: Contact, reply: Record) -> list[Json]:
    contents = message_contents(reply.get("messages", []))
    apply_actions(vendor, contact, reply.get("actions"))
    return [keep_message(vendor, contact, content)["content"] for content in contents]


def _request(vendor: "Cgb", contact: Contact, button: Button, order_id: str) -> Record:
    """Fill the flow author's body: every value arrives as text, and an empty placeholder as a trap says."""
    order_field = vendor.bot.field_named("order_id") or {}
    values = {
        "contact_id": contact.id,
        "phone": contact.phone,
        "first_name": contact.first_name,
        "channel": CHANNEL_NAMES.get(contact.channel, ""),
        "button": button.id,
        "order_id": order_id or contact.values.get(str(order_field.get("id")), ""),
        "last_text_input": button.title,
    }
    for name in vendor.settings.unresolved_fields:
        if name in FIELDS:
            values[name] = f"{{{{{name}}}}}" if vendor.settings.unresolved == "raw" else ""
    return {"event": "button", **{name: str(value) for name, value in values.items()}}
