"""What may happen at Wabotick from outside: customers write, WhatsApp reports, agents close conversations.

Invariant: whatever is changed here is told by webhook, as if it had really happened.
"""

import re
from typing import TYPE_CHECKING, TypeGuard

from sandbox.exchange import Answer, Call, Json
from sandbox.phones import STEPS, UNDELIVERABLE
from sandbox.vendors.wabotick.events import ACTION_STATUSES, conversation_body, status_body
from sandbox.vendors.wabotick.state import BOT_ID
from sandbox.vendors.wabotick.words import failed_reason
from sandbox.whatsapp_account import SHOWN_NUMBER, change

if TYPE_CHECKING:
    from sandbox.vendors.wabotick.vendor import Wabotick

_CODE = re.compile(r"Error Code : (\d{1,9})")


def control(vendor: "Wabotick", call: Call) -> Answer | None:
    """Change the state.

    `POST /incoming`: a customer wrote. `PUT /messages/<id>`: WhatsApp reported on a message. `POST /conversation`: an
    agent did something. `POST /flow`: a flow ended. `PUT /templates/<id>`: Meta judged a template, or its text is
    another one.
    """
    kind, _, identity = call.path.strip("/").partition("/")
    match call.method, kind, bool(identity):
        case "POST", "incoming", False:
            return _incoming(vendor, call)
        case "PUT", "messages", True:
            return _report(vendor, call, identity)
        case "POST", "conversation", False:
            return _conversation(vendor, call)
        case "POST", "flow", False:
            return _flow(vendor, call)
        case "PUT", "templates", True:
            return _template(vendor, call, identity)
        case _:
            return None


def _incoming(vendor: "Wabotick", call: Call) -> Answer:
    phone, text, kind = call.params.get("phone_number"), call.params.get("message", ""), call.params.get("media_type")
    if not _is_phone(phone) or not isinstance(text, str):
        return _wrong("phone_number: the customer's digits are needed")
    media = (str(kind), str(call.params.get("media_url") or "")) if kind else None
    name = str(call.params.get("first_name") or "")
    message = vendor.setup.phones.write(vendor, phone, text, name=name, media=media)
    return Answer(200, {"wa_message_id": message.id, "subscriber_id": f"{phone}-{BOT_ID}"})


def _report(vendor: "Wabotick", call: Call, identity: str) -> Answer:
    message, status = vendor.message(identity), call.params.get("message_status")
    if message is None:
        return Answer(404, {"error": f"there is no message {identity!r}"})
    if status not in (*STEPS[1:], "failed"):
        return _wrong("message_status: must be sent, delivered, read or failed")
    reason = str(call.params.get("failed_reason") or "")
    before = message.status
    if status == "failed":
        code = _CODE.search(reason)
        vendor.chats.reasons[identity] = reason or failed_reason(UNDELIVERABLE)
        vendor.setup.phones.fail(message, int(code[1]) if code else UNDELIVERABLE)
    else:
        vendor.setup.phones.advance(message, status)
    if message.status == before:  # a report that says nothing new is a report all the same
        vendor.emit("status", status_body(vendor, message, status))
    return Answer(200, vendor.shown_message(message))


def _conversation(vendor: "Wabotick", call: Call) -> Answer:
    phone, action = call.params.get("phone_number"), call.params.get("action")
    if not _is_phone(phone) or action not in ACTION_STATUSES:
        return _wrong(f"phone_number and action are needed; the actions are {', '.join(ACTION_STATUSES)}")
    body = conversation_body(vendor, phone, action)
    vendor.emit("conversation", body)
    return Answer(200, body)


def _flow(vendor: "Wabotick", call: Call) -> Answer:
    """A flow ended: what it gathered is merged over the usual fields of its webhook."""
    phone = call.params.get("phone_number")
    if not _is_phone(phone):
        return _wrong("phone_number: the customer's digits are needed")
    subscriber = vendor.chats.subscribers.get(phone)
    body: dict[str, Json] = {
        "first_name": subscriber.first_name if subscriber else None,
        "chat_id": phone,
        "postbackid": "",
        "user_input_data": [],
        "user_message": "",
        "whatsapp_bot_username": SHOWN_NUMBER,
        **{name: value for name, value in call.params.items() if name != "phone_number"},
    }
    vendor.emit("flow", body)
    return Answer(200, body)


def _template(vendor: "Wabotick", call: Call, identity: str) -> Answer:
    template = vendor.chats.templates.get(identity)
    if template is None:
        return Answer(404, {"error": f"there is no template {identity!r}"})
    problem = change(template, call.params)
    return _wrong(problem) if problem else Answer(200, template)


def _is_phone(value: Json) -> TypeGuard[str]:
    return isinstance(value, str) and value.isascii() and value.isdecimal()


def _wrong(problem: str) -> Answer:
    return Answer(400, {"error": problem})
