"""Wabotick's WhatsApp API, faked after its API page and what its sister products on the same code base do.

Invariant: a failure is HTTP 200 with status "0"; only a wrong token (401) and a missing one (302) differ.
"""

from sandbox.exchange import Answer, Call, Effect, Json
from sandbox.phones import STEPS, Content, Message
from sandbox.routing import Route
from sandbox.targets import Target
from sandbox.vendors.base import Setup, Vendor, dispatch
from sandbox.vendors.wabotick import catalog, chat, events, media, reading, sending, subscribers
from sandbox.vendors.wabotick.control import control
from sandbox.vendors.wabotick.effects import SENTENCES
from sandbox.vendors.wabotick.settings import WabotickSettings
from sandbox.vendors.wabotick.shapes import dressed
from sandbox.vendors.wabotick.state import BOT_ID, Chats, Subscriber
from sandbox.vendors.wabotick.words import ACCOUNT_NOT_FOUND, SUBSCRIBER_NOT_FOUND, checked, failed_reason, failure
from sandbox.whatsapp_account import NUMBER, PHONE_NUMBER_ID

HTML = "text/html; charset=UTF-8"
LOGIN_PATH = "/wabotick/login"
LOGIN_PAGE = "<!DOCTYPE html><html><head><title>Login</title></head><body><h1>Login</h1></body></html>"


class Wabotick(Vendor):
    """One account with one connected number."""

    name = "wabotick"
    mount = "/wabotick/api/v1"
    credential_variable = "SANDBOX_WABOTICK_TOKEN"
    triggers = events.TRIGGERS
    retry_seconds = (1.0,)  # the vendor says nothing of repetitions; one keeps a restarting receiver whole
    settings_model = WabotickSettings
    settings: WabotickSettings
    number = NUMBER
    overhears = False

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.chats = Chats.seeded(self.ids, setup.clock())
        setup.phones.join(self)
        for subscriber in self.chats.subscribers.values():
            setup.phones.person(subscriber.chat_id, subscriber.first_name)
            if subscriber.last_message_at is not None:
                setup.phones.open_window(NUMBER, subscriber.chat_id)

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
        return dressed(self.settings, dispatch(self, ROUTES, call))

    def refuse(self, status: int, message: str) -> Answer:
        """Say no with status "0"."""
        return failure(message, status)

    def control(self, call: Call) -> Answer | None:
        """Let something happen from outside."""
        return control(self, call)

    def state(self) -> dict[str, Json]:
        """Return templates, subscribers, messages and the shop."""
        messages = [
            self.shown_message(item) for item in self.setup.phones.messages.values() if item.vendor == self.name
        ]
        own = {"phone_number_id": PHONE_NUMBER_ID, "whatsapp_bot_id": BOT_ID, "messages": messages}
        return {**own, **self.chats.state()}

    def describe(self, effect: Effect) -> str:
        """Say what went to whom."""
        return SENTENCES[effect["kind"]](effect)

    def encode(self, trigger: str, body: Json) -> tuple[bytes, str]:
        """Return JSON, or a form where the trap says so."""
        return (
            (events.encoded_form(body), events.FORM) if self.settings.form_webhooks else super().encode(trigger, body)
        )

    def address(self, target: Target, trigger: str, body: Json) -> str:
        """Return the target's address; that of the flow's webhook may hold merge tags."""
        return events.filled_address(self, target.url, str(body["chat_id"])) if trigger == "flow" else target.url

    def check_account(self, call: Call) -> Answer | None:
        """Refuse a number that is not connected."""
        return None if call.params["phone_number_id"] == PHONE_NUMBER_ID else self.refuse(200, ACCOUNT_NOT_FOUND)

    def check_number(self, call: Call) -> Answer | None:
        """Refuse a number that is not connected, or a recipient that is not digits only."""
        phone = call.params["phone_number"]
        if not (phone.isascii() and phone.isdecimal()):
            return self.refuse(200, "The phone number must be digits only with country code.")
        return self.check_account(call)

    def subscriber_of(self, call: Call, required: str = "phone_number") -> Subscriber | Answer:
        """Return the subscriber a call is about, or the refusal."""
        refusal = checked(call, "phone_number_id", "phone_number", required) or self.check_number(call)
        if refusal is not None:
            return refusal
        found = self.chats.visible(call.params["phone_number"], self.setup.clock())
        return self.refuse(200, SUBSCRIBER_NOT_FOUND) if found is None else found

    def window_open(self, phone: str) -> bool:
        """Return whether a session message may go to this customer."""
        return not self.settings.enforce_window or self.setup.phones.window_open(NUMBER, phone)

    def subscriber_limit_reached(self, phone: str) -> bool:
        """Return whether a message to this phone would need one subscriber too many."""
        limit = self.settings.subscriber_limit
        return limit is not None and phone not in self.chats.subscribers and len(self.chats.subscribers) >= limit

    def deliver(self, phone: str, content: Content, form: dict[str, Json], error: int | None) -> str:
        """Bring a message to a phone and return its id."""
        now, identity = self.setup.clock(), self.ids.wamid()
        self.chats.subscribe(phone, "", now, self.settings.subscriber_delay_seconds)
        whole = {"messaging_product": "whatsapp", "to": phone, **form}
        self.chats.add_row(phone, "bot", whole, now, identity)
        reach = self.settings.message_status if self.settings.message_status != "failed" else "accepted"
        self.setup.phones.deliver(self, phone, content, message_id=identity, raw=whole, error=error, reach=reach)
        return identity

    def message(self, identity: str) -> Message | None:
        """Find a message of this account by its wamid."""
        found = self.setup.phones.messages.get(identity)
        return found if found is not None and found.vendor == self.name else None

    def failed_reason(self, message: Message) -> str:
        """Say why a message failed; empty where it did not."""
        return self.chats.reasons.get(message.id) or failed_reason(message.error)

    def shown_message(self, message: Message) -> dict[str, Json]:
        """Return a message as the state shows it."""
        return {
            "wa_message_id": message.id,
            "chat_id": message.phone,
            "sender": "user" if message.by_person else "bot",
            "content": message.raw,
            "at": message.at.isoformat(),
            "status": message.status,
            "failed_reason": self.failed_reason(message),
        }

    def next_message_id(self) -> str:
        """Return an id for a customer's message."""
        return self.ids.wamid()

    def status_changed(self, message: Message) -> None:
        """Report a message as outgoing when it is accepted, and each status after that."""
        if message.status == "accepted":
            self.emit("outgoing", events.message_body(self, message))
            return
        steps = STEPS.index(message.status) if message.status in STEPS else 1
        delay = self.settings.status_delay_seconds * steps
        self.emit("status", events.status_body(self, message, message.status), delay_seconds=delay)

    def person_wrote(self, message: Message) -> None:
        """Note what a customer wrote or tapped, and report it; a flow's button is reported twice."""
        now, name = self.setup.clock(), self.setup.phones.person(message.phone).name
        self.chats.subscribe(message.phone, name, now).last_message_at = now
        message.raw = {"from": message.phone, "type": "text", "text": {"body": message.content.text}}
        self.chats.add_row(message.phone, "user", message.raw, now, message.id)
        self.emit("incoming", events.message_body(self, message))
        answered = self.setup.phones.messages.get(message.reply_to or "")
        if message.tapped and answered and events.is_flow_button(self, answered, message.tapped):
            self.emit("flow", events.flow_body(self, message, message.tapped))


ROUTES: tuple[Route[Wabotick], ...] = tuple(
    Route("POST", f"/whatsapp/{path}", handle)
    for path, handle in (
        ("account/connect", catalog.connect_account),
        ("send/template", sending.send_template),
        ("send", sending.send_text),
        ("get/conversation", reading.get_conversation),
        ("trigger-bot", chat.trigger_bot),
        ("send/interactive-buttons", sending.send_buttons),
        ("send/file", media.send_file),
        ("upload/media", media.upload_media),
        ("get/post-back-list", catalog.list_postbacks),
        ("get/message-status", reading.get_message_status),
        ("broadcast/template/send", catalog.send_broadcast),
        ("template/list", reading.list_templates),
        ("subscriber/get", subscribers.get_subscriber),
        ("subscriber/create", subscribers.create_subscriber),
        ("subscriber/list", subscribers.list_subscribers),
        ("subscriber/update", subscribers.update_subscriber),
        ("subscriber/delete", subscribers.delete_subscriber),
        ("subscriber/custom-fields/list", subscribers.list_custom_fields),
        ("subscriber/chat/add-notes", chat.add_note),
        ("subscriber/chat/assign-to-team-member", chat.assign_team_member),
        ("subscriber/reset/user-input-flow", chat.reset_input_flow),
        ("subscriber/chat/assign-custom-fields", chat.assign_custom_fields),
        ("subscriber/chat/assign-labels", chat.assign_labels),
        ("subscriber/chat/remove-labels", chat.remove_labels),
        ("subscriber/chat/assign-sequence", chat.assign_sequence),
        ("subscriber/chat/remove-sequence", chat.remove_sequence),
        ("label/list", catalog.list_labels),
        ("label/create", catalog.create_label),
        ("catalog/list", catalog.list_catalogs),
        ("catalog/sync", catalog.sync_catalog),
        ("catalog/order/list", catalog.list_orders),
        ("catalog/order/status-change", catalog.change_order_status),
    )
)
