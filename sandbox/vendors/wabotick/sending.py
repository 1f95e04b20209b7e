"""Wabotick's three send calls: template, session text, interactive buttons.

Invariant: a refused send leaves no message behind, so repeating it cannot send twice.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call, Effect, Json
from sandbox.intake import load_json
from sandbox.vendors.wabotick.state import Message
from sandbox.vendors.wabotick.words import (
    BUTTON_COUNT,
    COUNT_MISMATCH,
    MEDIA_HEADER_MISSING,
    NOT_TRANSLATED,
    OUTSIDE_WINDOW,
    PARAMETER_TEXT,
    SUBSCRIBER_LIMIT,
    TEMPLATE_NOT_FOUND,
    checked,
)

if TYPE_CHECKING:
    from sandbox.vendors.wabotick.vendor import Wabotick

MEDIA_TYPES = ("image", "video", "document")
MAX_BUTTONS = 3
MAX_TITLE = 20

_VARIABLE = re.compile(r"templateVariable-.+-([1-9]\d{0,2})")
_PLACEHOLDER = re.compile(r"\{\{(\d+)\}\}")
# Meta refuses line breaks, tabs and more than four blanks in a row.
_BAD_VALUE = re.compile(r"[\r\n\t]| {5,}")


def send_template(vendor: "Wabotick", call: Call) -> Answer:
    """POST /whatsapp/send/template."""
    if "template_id" not in call.params and "template_name" in call.params:
        return send_text(vendor, call)  # seen live: a call without template_id is handled as plain text
    refusal = checked(call, "phone_number_id", "template_id", "phone_number") or vendor.check_number(call)
    if refusal is not None:
        return refusal
    template = vendor.chats.templates.get(call.params["template_id"])
    if template is None:
        return vendor.refuse(200, TEMPLATE_NOT_FOUND)
    if template["status"] != "Approved":
        return vendor.refuse(200, NOT_TRANSLATED)
    values = _variables(call.params)
    problem = _template_problem(template, values, call.params)
    if problem:
        return vendor.refuse(200, problem)
    variables = [values[position] for position in sorted(values)]
    effect = {"template_id": str(template["id"]), "template_name": template["template_name"], "variables": variables}
    return _sent(vendor, call, _template_content(template, variables), effect)


def send_text(vendor: "Wabotick", call: Call) -> Answer:
    """POST /whatsapp/send: session text."""
    required = ("phone_number_id", "phone_number") if "template_name" in call.params else ()
    refusal = checked(call, *(required or ("phone_number_id", "message", "phone_number"))) or vendor.check_number(call)
    if refusal is None and not vendor.window_open(call.params["phone_number"]):
        refusal = vendor.refuse(200, OUTSIDE_WINDOW)
    if refusal is not None:
        return refusal
    text = call.params.get("message", "")
    return _sent(vendor, call, {"type": "text", "text": {"body": text}}, {"template_id": None, "text": text})


def send_buttons(vendor: "Wabotick", call: Call) -> Answer:
    """POST /whatsapp/send/interactive-buttons."""
    refusal = checked(call, "phone_number_id", "phone_number", "message", "buttons") or vendor.check_number(call)
    if refusal is not None:
        return refusal
    buttons = _buttons(call.params["buttons"])
    if isinstance(buttons, str):
        return vendor.refuse(200, buttons)
    if call.params.get("media_type", MEDIA_TYPES[0]) not in MEDIA_TYPES:
        return vendor.refuse(200, f"media_type must be one of {', '.join(MEDIA_TYPES)}.")
    if not vendor.window_open(call.params["phone_number"]):
        return vendor.refuse(200, OUTSIDE_WINDOW)
    text = call.params["message"]
    replies = [{"type": "reply", "reply": button} for button in buttons]
    interactive = {"type": "button", "body": {"text": text}, "action": {"buttons": replies}}
    effect = {"template_id": None, "text": text, "buttons": buttons}
    return _sent(vendor, call, {"type": "interactive", "interactive": interactive}, effect)


def _sent(vendor: "Wabotick", call: Call, content: dict[str, Json], details: Effect) -> Answer:
    phone = call.params["phone_number"]
    if vendor.subscriber_limit_reached(phone):
        return vendor.refuse(200, SUBSCRIBER_LIMIT)
    now = vendor.setup.clock()
    vendor.chats.subscribe(phone, "", now, vendor.settings.subscriber_delay_seconds)
    whole = {"messaging_product": "whatsapp", "to": phone, **content}
    message = vendor.chats.add_message(phone, "bot", whole, now)
    effect = {"kind": "message", "id": message.wa_message_id, "phone_number": phone, **details}
    return Answer(200, _send_body(vendor, message, template=content["type"] == "template"), effects=(effect,))


def _send_body(vendor: "Wabotick", message: Message, *, template: bool) -> dict[str, Json]:
    if template and vendor.settings.shape == "document":
        data = {"message_id": message.wa_message_id}
        return {"status": "success", "message": "Template message sent successfully.", "data": data}
    return {"status": "1", "wa_message_id": message.wa_message_id, "message": "Message sent successfully."}


def _variables(params: Mapping[str, Json]) -> dict[int, str]:
    """Return the body variables by position: only the position binds, the name is decoration."""
    found = ((_VARIABLE.fullmatch(name), value) for name, value in params.items())
    return {int(match[1]): str(value) for match, value in found if match}


def _template_problem(template: dict[str, Json], values: dict[int, str], params: Mapping[str, Json]) -> str:
    """Say why the template cannot go out with these values; empty when it can."""
    if set(values) != {int(position) for position in _PLACEHOLDER.findall(template["body_content"])}:
        return COUNT_MISMATCH
    if any(not value.strip() or _BAD_VALUE.search(value) for value in values.values()):
        return PARAMETER_TEXT
    if template["header_type"] and not params.get("template_header_media_url"):
        return MEDIA_HEADER_MISSING
    return _quick_reply_problem(template, params)


def _quick_reply_problem(template: dict[str, Json], params: Mapping[str, Json]) -> str:
    text = params.get("template_quick_reply_button_values")
    if not text:
        return ""
    values = _json(text)
    if not isinstance(values, list) or len(values) != len(template["buttons"]):
        return "template_quick_reply_button_values must be a JSON array with one value for each quick reply button."
    return ""


def _template_content(template: dict[str, Json], variables: list[str]) -> dict[str, Json]:
    parameters = [{"type": "text", "text": value} for value in variables]
    components = [{"type": "body", "parameters": parameters}]
    language = {"code": template["locale"]}
    return {
        "type": "template",
        "template": {"name": template["template_name"], "language": language, "components": components},
    }


def _buttons(text: str) -> list[dict[str, str]] | str:
    """Return the buttons, or what is wrong with them."""
    raw = _json(text)
    if not isinstance(raw, list) or not 1 <= len(raw) <= MAX_BUTTONS:
        return BUTTON_COUNT
    buttons = []
    for number, item in enumerate(raw, start=1):
        given = item if isinstance(item, dict) else {"title": item}
        title, identity = given.get("title"), given.get("id", f"button-{number}")
        if not isinstance(title, str) or not isinstance(identity, str) or not 1 <= len(title.strip()) <= MAX_TITLE:
            return f"Button title must be between 1 and {MAX_TITLE} characters."
        buttons.append({"id": identity, "title": title})
    return buttons


def _json(text: Json) -> Json:
    try:
        return load_json(text) if isinstance(text, str) else None
    except ValueError:
        return None
