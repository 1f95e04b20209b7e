"""Wabotick's calls that put words on a phone: template, session text, buttons.

Invariant: a refused send leaves no message behind, so repeating it cannot send twice.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call, Effect, Json
from sandbox.intake import load_json
from sandbox.phones import UNDELIVERABLE, Button, Content
from sandbox.vendors.wabotick.words import (
    BUTTON_COUNT,
    COUNT_MISMATCH,
    MEDIA_HEADER_MISSING,
    NOT_MAPPED,
    OUTSIDE_WINDOW,
    PARAMETER_TEXT,
    SUBSCRIBER_LIMIT,
    TEMPLATE_NOT_FOUND,
    UNSENDABLE,
    checked,
)
from sandbox.whatsapp_account import Template, filled, is_sendable, positions
from sandbox.whatsapp_errors import error_of

if TYPE_CHECKING:
    from sandbox.vendors.wabotick.vendor import Wabotick

BUTTON_MEDIA_TYPES = ("image", "video", "document")
MAX_BUTTONS = 3
MAX_TITLE = 20

_VARIABLE = re.compile(r"templateVariable-.+-([1-9]\d{0,2})")


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
    values = _variables(call.params)
    problem = _template_problem(template, values, call.params)
    if problem:
        return vendor.refuse(200, problem)
    variables = [values[position] for position in sorted(values)]
    content = Content(
        text=filled(template, values),
        media=_header_media(template, call.params),
        buttons=_template_buttons(template, call.params),
        template=template["template_name"],
    )
    effect = {"template_id": str(template["id"]), "template_name": template["template_name"], "variables": variables}
    return sent(vendor, call, content, _template_form(template, variables), effect)


def send_text(vendor: "Wabotick", call: Call) -> Answer:
    """POST /whatsapp/send: session text."""
    required = ("phone_number_id", "phone_number") if "template_name" in call.params else ()
    refusal = checked(call, *(required or ("phone_number_id", "message", "phone_number"))) or session_refusal(
        vendor, call
    )
    if refusal is not None:
        return refusal
    text = call.params.get("message", "")
    form = {"type": "text", "text": {"body": text}}
    return sent(vendor, call, Content(text=text), form, {"template_id": None, "text": text})


def send_buttons(vendor: "Wabotick", call: Call) -> Answer:
    """POST /whatsapp/send/interactive-buttons."""
    params = call.params
    refusal = checked(call, "phone_number_id", "phone_number", "message", "buttons") or vendor.check_number(call)
    if refusal is not None:
        return refusal
    buttons = _buttons(params["buttons"])
    if isinstance(buttons, str):
        return vendor.refuse(200, buttons)
    if params.get("media_type", BUTTON_MEDIA_TYPES[0]) not in BUTTON_MEDIA_TYPES:
        return vendor.refuse(200, f"media_type must be one of {', '.join(BUTTON_MEDIA_TYPES)}.")
    refusal = session_refusal(vendor, call)
    if refusal is not None:
        return refusal
    text, media = params["message"], params.get("media_url") or params.get("media_id")
    content = Content(
        text=text,
        header=str(params.get("button_header_text") or ""),
        footer=str(params.get("button_footer_text") or ""),
        media=(str(params.get("media_type") or "image"), str(media)) if media else None,
        buttons=tuple(Button(item["id"], item["title"]) for item in buttons),
    )
    replies = [{"type": "reply", "reply": button} for button in buttons]
    interactive = {"type": "button", "body": {"text": text}, "action": {"buttons": replies}}
    effect = {"template_id": None, "text": text, "buttons": buttons}
    return sent(vendor, call, content, {"type": "interactive", "interactive": interactive}, effect)


def session_refusal(vendor: "Wabotick", call: Call) -> Answer | None:
    """Refuse a session message to somebody who did not write lately."""
    refusal = vendor.check_number(call)
    if refusal is None and not vendor.window_open(call.params["phone_number"]):
        refusal = vendor.refuse(200, OUTSIDE_WINDOW)
    return refusal


def sent(vendor: "Wabotick", call: Call, content: Content, form: dict[str, Json], details: Effect) -> Answer:
    """Bring a message to the phone of the call, unless the phone or the account stands against it."""
    phone = call.params["phone_number"]
    if vendor.subscriber_limit_reached(phone):
        return vendor.refuse(200, SUBSCRIBER_LIMIT)
    error = vendor.setup.phones.person(phone).meet_error()
    if error is not None and not error_of(error).late:
        return vendor.refuse(200, f"(#{error}) {error_of(error).title}")
    if phone in vendor.settings.undeliverable or vendor.settings.message_status == "failed":
        error = UNDELIVERABLE
    identity = vendor.deliver(phone, content, form, error)
    effect = {"kind": "message", "id": identity, "phone_number": phone, **details}
    return Answer(200, _send_body(vendor, identity, template=bool(content.template)), effects=(effect,))


def _send_body(vendor: "Wabotick", identity: str, *, template: bool) -> dict[str, Json]:
    document = template and vendor.settings.shape == "document"
    said = "Template message sent successfully." if document else "Message sent successfully."
    if vendor.settings.send_without_id:
        return {"status": "success" if document else "1", "message": said}
    if document:
        return {"status": "success", "message": said, "data": {"message_id": identity}}
    return {"status": "1", "wa_message_id": identity, "message": said}


def _variables(params: Mapping[str, Json]) -> dict[int, str]:
    """Return the body variables by position: only the position binds, the name is decoration."""
    found = ((_VARIABLE.fullmatch(name), value) for name, value in params.items())
    return {int(match[1]): str(value) for match, value in found if match}


def _template_problem(template: Template, values: dict[int, str], params: Mapping[str, Json]) -> str:
    """Say why the template cannot go out with these values; empty when it can."""
    if template["status"] in UNSENDABLE:
        return UNSENDABLE[template["status"]]
    if template["map_needed"] != "0":
        return NOT_MAPPED
    if set(values) != positions(template):
        return COUNT_MISMATCH
    if not is_sendable(list(values.values())):
        return PARAMETER_TEXT
    if template["header_type"] and not params.get("template_header_media_url"):
        return MEDIA_HEADER_MISSING
    given = params.get("template_quick_reply_button_values")
    if given and len(_json_list(given)) != len(template["buttons"]):
        return "template_quick_reply_button_values must be a JSON array with one value for each quick reply button."
    return ""


def _template_buttons(template: Template, params: Mapping[str, Json]) -> tuple[Button, ...]:
    """Return the quick replies: the values of the call are the postback ids, else the template's own."""
    titles: list[str] = template["buttons"]
    given = _json_list(params.get("template_quick_reply_button_values")) or template.get("postbacks") or titles
    return tuple(Button(str(identity), title) for identity, title in zip(given, titles, strict=True))


def _header_media(template: Template, params: Mapping[str, Json]) -> tuple[str, str] | None:
    if not template["header_type"]:
        return None
    return template["header_type"], str(params["template_header_media_url"])


def _template_form(template: Template, variables: list[str]) -> dict[str, Json]:
    parameters = [{"type": "text", "text": value} for value in variables]
    components = [{"type": "body", "parameters": parameters}]
    language = {"code": template["locale"]}
    return {
        "type": "template",
        "template": {"name": template["template_name"], "language": language, "components": components},
    }


def _buttons(text: str) -> list[dict[str, str]] | str:
    """Return the buttons, or what is wrong with them."""
    raw = _json_list(text)
    if not 1 <= len(raw) <= MAX_BUTTONS:
        return BUTTON_COUNT
    buttons = []
    for number, item in enumerate(raw, start=1):
        given = item if isinstance(item, dict) else {"title": item}
        title, identity = given.get("title"), given.get("id", f"button-{number}")
        if not isinstance(title, str) or not isinstance(identity, str) or not 1 <= len(title.strip()) <= MAX_TITLE:
            return f"Button title must be between 1 and {MAX_TITLE} characters."
        buttons.append({"id": identity, "title": title})
    return buttons


def _json_list(text: Json) -> list[Json]:
    """Read a JSON array; anything else is an empty one."""
    try:
        value = load_json(text) if isinstance(text, str) else None
    except ValueError:
        value = None
    return value if isinstance(value, list) else []
