"""Wabotick's WhatsApp API, faked after its API page and what its sister products on the same code base do.

Invariant: a failure is HTTP 200 with status "0"; only a wrong token (401) and a missing one (302) differ.
"""

from dataclasses import asdict
from typing import Literal

from sandbox.exchange import Answer, Call, Effect, Json
from sandbox.routing import Route
from sandbox.vendors.base import Settings, Setup, Vendor, dispatch
from sandbox.vendors.wabotick.reading import get_conversation, get_message_status, list_templates
from sandbox.vendors.wabotick.sending import send_buttons, send_template, send_text
from sandbox.vendors.wabotick.state import BOT_ID, PHONE_NUMBER_ID, Chats
from sandbox.vendors.wabotick.subscribers import (
    assign_custom_fields,
    assign_labels,
    create_subscriber,
    get_subscriber,
    trigger_bot,
)
from sandbox.vendors.wabotick.words import ACCOUNT_NOT_FOUND, failure

HTML = "text/html; charset=UTF-8"
LOGIN_PATH = "/wabotick/login"
LOGIN_PAGE = "<!DOCTYPE html><html><head><title>Login</title></head><body><h1>Login</h1></body></html>"

Status = Literal["sent", "delivered", "read", "failed"]


class WabotickSettings(Settings):
    """Traps: answers that differ between the document and the white labels, and limits of an account."""

    shape: Literal["white_label", "document"] = "white_label"
    list_shape: Literal["list", "json_string", "indexed_object"] = "list"
    message_status: Status = "delivered"
    undeliverable: tuple[str, ...] = ()
    enforce_window: bool = True
    subscriber_limit: int | None = None
    subscriber_delay_seconds: float = 0.0
    trigger_bot_fails: bool = False


class Wabotick(Vendor):
    """One account with one connected number."""

    name = "wabotick"
    mount = "/wabotick/api/v1"
    credential_variable = "SANDBOX_WABOTICK_TOKEN"
    settings_model = WabotickSettings
    settings: WabotickSettings

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.chats = Chats.seeded(self.ids, setup.clock())

    def answer(self, call: Call) -> Answer:
        """Check the token, then answer. Only form bodies are read: a token anywhere else counts as missing."""
        if call.path == LOGIN_PATH:
            return Answer(200, LOGIN_PAGE, HTML)
        if call.problem is not None and "too large" in call.problem:
            return self.refuse(413, call.problem)
        token = call.params.get("apiToken") if call.body_kind in ("form", "multipart") else None
        if not isinstance(token, str) or not token:
            headers = {"Location": LOGIN_PATH}
            body = f"<html><body>Redirecting to {LOGIN_PATH}</body></html>"
            return Answer(302, body, HTML, headers, refusal="The apiToken is missing")
        if not self.accepts(token):
            return self.refuse(401, "Unauthenticated.")
        return dispatch(self, ROUTES, call)

    def refuse(self, status: int, message: str) -> Answer:
        """Say no with status "0"."""
        return failure(message, status)

    def control(self, call: Call) -> Answer | None:
        """`POST /incoming`: a customer wrote. `PUT /messages/<id>`: WhatsApp reported on a message."""
        parts = call.path.strip("/").split("/", 1)
        if (call.method, call.path) == ("POST", "/incoming"):
            return self._incoming(call)
        if call.method == "PUT" and parts[0] == "messages" and len(parts) == 2:
            return self._report(call, parts[1])
        return None

    def state(self) -> dict[str, Json]:
        """Return templates, subscribers and messages."""
        return {"phone_number_id": PHONE_NUMBER_ID, "whatsapp_bot_id": BOT_ID, **self.chats.state()}

    def describe(self, effect: Effect) -> str:
        """Say what went to whom."""
        phone = effect["phone_number"]
        match effect["kind"]:
            case "message" if effect["template_id"]:
                return f"WhatsApp template {effect['template_id']} to {phone}: {', '.join(effect['variables'])}"
            case "message":
                titles = ", ".join(button["title"] for button in effect.get("buttons", ()))
                return f"WhatsApp message to {phone}: {effect['text']}" + (f" [{titles}]" if titles else "")
            case "bot_trigger":
                return f"Bot flow {effect['bot_flow_unique_id']} started for {phone}"
            case "labels":
                return f"Labels {', '.join(effect['label_ids'])} on {phone}"
            case "custom_fields":
                return f"Custom fields {', '.join(effect['custom_fields'])} on {phone}"
            case _:
                return f"Subscriber {phone} created"

    def check_account(self, call: Call) -> Answer | None:
        """Refuse a number that is not connected."""
        return None if call.params["phone_number_id"] == PHONE_NUMBER_ID else self.refuse(200, ACCOUNT_NOT_FOUND)

    def check_number(self, call: Call) -> Answer | None:
        """Refuse a number that is not connected, or a recipient that is not digits only."""
        phone = call.params["phone_number"]
        if not (phone.isascii() and phone.isdecimal()):
            return self.refuse(200, "The phone number must be digits only with country code.")
        return self.check_account(call)

    def window_open(self, phone: str) -> bool:
        """Return whether a session message may go to this customer."""
        return not self.settings.enforce_window or self.chats.window_open(phone, self.setup.clock())

    def subscriber_limit_reached(self, phone: str) -> bool:
        """Return whether a message to this phone would need one subscriber too many."""
        limit = self.settings.subscriber_limit
        return limit is not None and phone not in self.chats.subscribers and len(self.chats.subscribers) >= limit

    def _incoming(self, call: Call) -> Answer:
        phone, text = call.params.get("phone_number"), call.params.get("message", "")
        if not isinstance(phone, str) or not phone or not isinstance(text, str):
            return Answer(400, {"error": "phone_number: the customer's digits are needed"})
        now = self.setup.clock()
        subscriber = self.chats.subscribe(phone, str(call.params.get("first_name") or ""), now)
        subscriber.last_message_at = now
        content = {"from": phone, "type": "text", "text": {"body": text}}
        message = self.chats.add_message(phone, "user", content, now)
        return Answer(200, {"wa_message_id": message.wa_message_id, "subscriber_id": f"{phone}-{BOT_ID}"})

    def _report(self, call: Call, identity: str) -> Answer:
        message, status = self.chats.messages.get(identity), call.params.get("message_status")
        if message is None:
            return Answer(404, {"error": f"there is no message {identity!r}"})
        if status not in ("sent", "delivered", "read", "failed"):
            return Answer(400, {"error": "message_status: must be sent, delivered, read or failed"})
        message.status, message.failed_reason = status, str(call.params.get("failed_reason") or "")
        return Answer(200, {**asdict(message), "at": message.at.isoformat()})


ROUTES: tuple[Route[Wabotick], ...] = (
    Route("POST", "/whatsapp/send/template", send_template),
    Route("POST", "/whatsapp/send", send_text),
    Route("POST", "/whatsapp/send/interactive-buttons", send_buttons),
    Route("POST", "/whatsapp/get/message-status", get_message_status),
    Route("POST", "/whatsapp/get/conversation", get_conversation),
    Route("POST", "/whatsapp/template/list", list_templates),
    Route("POST", "/whatsapp/subscriber/get", get_subscriber),
    Route("POST", "/whatsapp/subscriber/create", create_subscriber),
    Route("POST", "/whatsapp/subscriber/chat/assign-labels", assign_labels),
    Route("POST", "/whatsapp/subscriber/chat/assign-custom-fields", assign_custom_fields),
    Route("POST", "/whatsapp/trigger-bot", trigger_bot),
)
