"""Scalev's WhatsApp routes: accounts, templates, conversations and messages.

Invariant: account routes take the numeric id, conversation routes the `waba_…` id; the other one is a 404.
"""

from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call, Json
from sandbox.phones import Content
from sandbox.routing import Route
from sandbox.vendors.scalev.bubbles import bubble, template_bubble
from sandbox.vendors.scalev.paging import mentions, page, whole_list
from sandbox.vendors.scalev.waba_state import ensure_user, new_record
from sandbox.vendors.scalev.words import (
    JSON_OR_MULTIPART,
    Record,
    RefusedError,
    body,
    found,
    numbered,
    route,
    structure,
    text,
    whole,
)
from sandbox.whatsapp_errors import error_of

if TYPE_CHECKING:
    from sandbox.vendors.scalev.vendor import Scalev

MESSAGE_TYPES = ("text", "image", "video", "audio", "document", "sticker", "interactive", "template", "reaction")
MODE_HEADER = "x-scalev-waba-send-mode"


def list_accounts(vendor: "Scalev", _call: Call) -> Answer:
    """GET /waba-accounts."""
    return Answer(200, whole_list(vendor.waba.accounts))


def show_account(vendor: "Scalev", call: Call) -> Answer:
    """GET /waba-accounts/{id}."""
    return Answer(200, account_by_number(vendor, call))


def list_templates(vendor: "Scalev", call: Call) -> Answer:
    """GET /waba-accounts/{id}/message-templates."""
    account_by_number(vendor, call)
    rows = [template for template in vendor.waba.templates if mentions(call.query, template["name"])]
    return Answer(200, page(rows, call.query))


def send_template(vendor: "Scalev", call: Call) -> Answer:
    """POST /waba-accounts/{unique_id}/customers/{user}/message-templates: to one person."""
    account_by_unique_id(vendor, call)
    template = found(numbered(vendor.waba.templates, str(whole(body(call), "template_id"))), "Template")
    record = deliver_template(vendor, user_phone(call), template, structure(call.params, "components_param"))
    return Answer(200, {**record}, effects=(message_effect(record, template["name"]),))


def list_messages(vendor: "Scalev", call: Call) -> Answer:
    """GET /waba-accounts/{unique_id}/customers/{user}/messages: newest first; `anchor_id` begins at a message."""
    account_by_unique_id(vendor, call)
    phone = user_phone(call)
    rows = [record for record in reversed(vendor.waba.messages.values()) if record["wa_user_id"] == phone]
    anchor = call.query.get("anchor_id")
    if anchor is not None:
        position = next((i for i, record in enumerate(rows) if record["wamid"] == anchor), len(rows))
        rows = rows[position:]
    return Answer(200, page(rows, call.query))


def send_message(vendor: "Scalev", call: Call) -> Answer:
    """POST /waba-accounts/{unique_id}/customers/{user}/messages: a Cloud API message object."""
    account_by_unique_id(vendor, call)
    params, phone = {**body(call)}, user_phone(call)
    kind = text(params, "type") or "text"
    if kind not in MESSAGE_TYPES or not isinstance(params.get(kind), dict):
        raise RefusedError(422, "type must be a message type and name the content that is sent")
    shown = bubble(kind, params[kind])
    mock = call.headers.get(MODE_HEADER, "").lower() == "mock"
    if not mock and vendor.settings.enforce_window and not vendor.setup.phones.window_open(vendor.line.number, phone):
        raise RefusedError(422, "the customer service window of 24 hours is closed")
    content = {"type": kind, kind: params[kind], "context": params.get("context")}
    if mock:
        record = new_record(vendor, phone, vendor.ids.wamid(), content, "outbound")
        vendor.waba.messages[record["wamid"]] = record
        return Answer(200, {**record})
    record = _deliver(vendor, phone, content, shown)
    return Answer(200, {**record}, effects=(message_effect(record, shown.text),))


def show_message(vendor: "Scalev", call: Call) -> Answer:
    """GET …/messages/{wamid}."""
    return Answer(200, {**_message(vendor, call)})


def mark_read(vendor: "Scalev", call: Call) -> Answer:
    """PATCH …/messages/{wamid}: `status` can only be read."""
    record = _message(vendor, call)
    if text(body(call), "status") != "read":
        raise RefusedError(422, "status must be read")
    _read(vendor, record)
    return Answer(200, {**record}, effects=({"kind": "message_read", "id": record["wamid"]},))


def delete_message(vendor: "Scalev", call: Call) -> Answer:
    """DELETE …/messages/{wamid}."""
    record = _message(vendor, call)
    del vendor.waba.messages[record["wamid"]]
    return Answer(204, effects=({"kind": "message_delete", "id": record["wamid"]},))


def show_typing(vendor: "Scalev", call: Call) -> Answer:
    """POST …/messages/{wamid}/typing-indicator: also marks as read."""
    record = _message(vendor, call)
    _read(vendor, record)
    return Answer(204, effects=({"kind": "typing_indicator", "id": record["wamid"]},))


_TALK = "/waba-accounts/{id}/customers/{user}"
_OPERATE = "waba_account:operate"

ROUTES: tuple["Route[Scalev]", ...] = (
    route("waba_account:list", "GET", "/waba-accounts", list_accounts),
    route("waba_account:read", "GET", "/waba-accounts/{id}", show_account),
    route("waba_template_message:send", "GET", "/waba-accounts/{id}/message-templates", list_templates),
    route(_OPERATE, "POST", f"{_TALK}/message-templates", send_template, JSON_OR_MULTIPART),
    route(_OPERATE, "GET", f"{_TALK}/messages", list_messages),
    route(_OPERATE, "POST", f"{_TALK}/messages", send_message),
    route(_OPERATE, "GET", f"{_TALK}/messages/{{wamid}}", show_message),
    route(_OPERATE, "PATCH", f"{_TALK}/messages/{{wamid}}", mark_read),
    route(_OPERATE, "DELETE", f"{_TALK}/messages/{{wamid}}", delete_message),
    route(_OPERATE, "POST", f"{_TALK}/messages/{{wamid}}/typing-indicator", show_typing),
)


def account_by_number(vendor: "Scalev", call: Call) -> Record:
    """Return the account that an account route names by its number."""
    return found(numbered(vendor.waba.accounts, call.ids["id"]), "WABA account")


def account_by_unique_id(vendor: "Scalev", call: Call) -> Record:
    """Return the account that a conversation route names by its text id."""
    known = (account for account in vendor.waba.accounts if account["unique_id"] == call.ids["id"])
    return found(next(known, None), "WABA account")


def user_phone(call: Call) -> str:
    """Return the WhatsApp id in the path: digits."""
    phone = call.ids["user"]
    if not (phone.isascii() and phone.isdecimal()):
        raise RefusedError(422, "the customer must be a WhatsApp id of digits")
    return phone


def deliver_template(vendor: "Scalev", phone: str, template: Record, components: Json) -> Record:
    """Bring a template to a phone; only an approved one goes out."""
    if template["status"] != "APPROVED":
        raise RefusedError(422, f"the template is {template['status']}")
    shown = template_bubble(template, components)
    content = {"type": "template", "template": {"name": template["name"], "language": {"code": template["language"]}}}
    return _deliver(vendor, phone, content, shown)


def receive(vendor: "Scalev", phone: str, message: str) -> Record:
    """Let a customer write to the business."""
    return vendor.waba.messages[vendor.setup.phones.write(vendor.line, phone, message).id]


def message_effect(record: Record, shown: str) -> Record:
    """Return the record of a message that went out."""
    return {"kind": "message", "id": record["wamid"], "phone_number": record["wa_user_id"], "text": shown}


def _deliver(vendor: "Scalev", phone: str, content: Record, shown: Content) -> Record:
    error = vendor.setup.phones.person(phone).meet_error()
    if error is not None and not error_of(error).late:
        problem = error_of(error)
        raise RefusedError(422, f"(#{problem.code}) {problem.title}")
    ensure_user(vendor, phone)
    record = new_record(vendor, phone, vendor.ids.wamid(), content, "outbound")
    vendor.waba.messages[record["wamid"]] = record
    vendor.setup.phones.deliver(vendor.line, phone, shown, message_id=record["wamid"], raw=content, error=error)
    return record


def _message(vendor: "Scalev", call: Call) -> Record:
    account_by_unique_id(vendor, call)
    record = found(vendor.waba.messages.get(call.ids["wamid"]), "Message")
    return found(record if record["wa_user_id"] == user_phone(call) else None, "Message")


def _read(vendor: "Scalev", record: Record) -> None:
    if record["direction"] != "inbound":
        raise RefusedError(422, "only a message of the customer can be marked as read")
    record.update({"status": "read", "timestamp_read": vendor.now()})
