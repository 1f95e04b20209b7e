"""Meta's one call for messages: it sends them, or marks one of a person as read.

Invariant: a call that is refused leaves nothing on the phone; what fails later was accepted first.
"""

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call, Effect, Json
from sandbox.phones import Content
from sandbox.vendors.meta.contents import MISSING, UNSUPPORTED, WRONG, media_reader, read_interactive, read_text
from sandbox.vendors.meta.templates import read_template
from sandbox.vendors.meta.words import RefusedError, refusal, unknown_object
from sandbox.whatsapp_account import NUMBER, PHONE_NUMBER_ID, Template
from sandbox.whatsapp_errors import error_of

if TYPE_CHECKING:
    from sandbox.vendors.meta.vendor import Meta

WINDOW_CLOSED = 131047
MAX_CALLBACK = 512
_SEPARATORS = re.compile(r"[+\s()-]")

_READERS: dict[str, Callable[[Mapping[str, Json]], Content]] = {
    "text": read_text,
    "interactive": read_interactive,
    **{kind: media_reader(kind) for kind in ("image", "video", "audio", "document")},
}


def post_message(vendor: "Meta", call: Call) -> Answer:
    """POST /{version}/{phone_number_id}/messages."""
    if call.ids["phone_number_id"] != PHONE_NUMBER_ID:
        return unknown_object(call.ids["phone_number_id"])
    if call.params.get("messaging_product") != "whatsapp":
        return refusal(100, "The parameter messaging_product is required.")
    try:
        return _send(vendor, call) if call.params.get("status") is None else _mark_read(vendor, call)
    except RefusedError as error:
        return refusal(error.code, error.details)


def _mark_read(vendor: "Meta", call: Call) -> Answer:
    identity = call.params.get("message_id")
    message = vendor.setup.phones.messages.get(identity) if isinstance(identity, str) else None
    if call.params["status"] != "read" or message is None or not message.by_person:
        raise RefusedError(WRONG, "message_id must be that of a received message, and status must be read.")
    effect = {"kind": "read", "id": message.id, "phone_number": message.phone}
    return Answer(200, {"success": True}, effects=(effect,))


def _send(vendor: "Meta", call: Call) -> Answer:
    params = call.params
    phone = _recipient(params)
    kind = params.get("type", "text")
    content, details = _read(vendor, params, kind)
    callback = params.get("biz_opaque_callback_data")
    if callback is not None and not (isinstance(callback, str) and len(callback) <= MAX_CALLBACK):
        raise RefusedError(WRONG, f"biz_opaque_callback_data must be a text of at most {MAX_CALLBACK} characters.")
    error = _obstacle(vendor, phone, template=kind == "template")
    identity = vendor.deliver(phone, content, dict(params), details, error)
    effect: Effect = {"kind": "message", "id": identity, "phone_number": phone, "type": kind, **details}
    message = {"id": identity, **({"message_status": "accepted"} if kind == "template" else {})}
    contacts = [{"input": params["to"], "wa_id": phone}]
    body = {"messaging_product": "whatsapp", "contacts": contacts, "messages": [message]}
    return Answer(200, body, effects=(effect,))


def _recipient(params: Mapping[str, Json]) -> str:
    to = params.get("to")
    if not isinstance(to, str) or not to.strip():
        raise RefusedError(MISSING, "The parameter to is required.")
    digits = _SEPARATORS.sub("", to)
    if not (digits.isascii() and digits.isdecimal()):
        raise RefusedError(WRONG, "Recipient phone number not valid.")
    if digits == NUMBER:
        raise RefusedError(131021)
    return digits


def _read(vendor: "Meta", params: Mapping[str, Json], kind: Json) -> tuple[Content, Effect]:
    if kind == "template":
        content, template, values = read_template(params, vendor.templates)
        return content, _template_effect(template, values)
    read = _READERS.get(kind) if isinstance(kind, str) else None
    if read is None:
        raise RefusedError(UNSUPPORTED, f"Message type {kind} is not supported.")
    content = read(params)
    titles = [{"id": button.id, "title": button.title} for button in content.buttons]
    effect: Effect = {"template_name": None, "text": content.text}
    if titles:
        effect["buttons"] = titles
    if content.media:
        effect["media"] = content.media[1]
    return content, effect


def _template_effect(template: Template, values: list[str]) -> Effect:
    name, language = template["template_name"], template["locale"]
    return {"template_name": name, "language": language, "variables": values, "category": template["category"]}


def _obstacle(vendor: "Meta", phone: str, *, template: bool) -> int | None:
    """Return the error the message will fail with, if any; one that shows at once is raised."""
    error = vendor.meet_error()
    if error is None:
        error = vendor.setup.phones.person(phone).meet_error()
    if error is None and not template and not vendor.window_open(phone):
        if vendor.settings.window == "at_once":
            raise RefusedError(WINDOW_CLOSED)
        error = WINDOW_CLOSED
    if error is not None and not error_of(error).late:
        raise RefusedError(error)
    return error
