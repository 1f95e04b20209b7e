"""Meta's WhatsApp Cloud API, faked: messages are sent, templates listed, and signed webhooks tell what became of them.

Invariant: `accepted` says nothing of delivery; what became of a message comes by webhook only.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from sandbox.exchange import Answer, Call, Effect, Json, path_parts
from sandbox.phones import STEPS, Content, Message, Status, shown_message
from sandbox.routing import Route
from sandbox.targets import Target
from sandbox.vendors.base import Settings, Setup, Vendor, dispatch
from sandbox.vendors.meta import events
from sandbox.vendors.meta.sending import post_message
from sandbox.vendors.meta.template_list import change_template, list_templates
from sandbox.vendors.meta.words import refusal, refusal_of_status
from sandbox.whatsapp_account import NUMBER, load_templates

_VERSION = re.compile(r"v\d{1,2}\.\d")


class MetaSettings(Settings):
    """Traps of the account and of the webhooks.

    Attributes:
        error: the error code that every message meets, whoever it goes to.
        error_times: how many messages meet it; None means all.
        window: how a session message outside the 24 hours fails: by webhook, at once, or never.
        reach: how far a message comes by itself.
        skip_delivered: `read` comes without a `delivered` before it.
        overhears: this app is told of everything on the number, also of what other systems send.
        merging: what the webhook trap `batch` puts together: entries, changes of one entry, or lists of one change.
    """

    error: int | None = None
    error_times: Annotated[int | None, Field(ge=0)] = None
    window: Literal["by_webhook", "at_once", "never"] = "by_webhook"
    reach: Literal["accepted", "sent", "delivered", "read"] = "delivered"
    status_delay_seconds: Annotated[float, Field(ge=0, le=3600)] = 0.0
    skip_delivered: bool = False
    overhears: bool = False
    merging: events.Merging = "changes"


class Meta(Vendor):
    """One app on one business number."""

    name = "meta"
    mount = "/meta"
    credential_variable = "SANDBOX_META_TOKEN"
    triggers = (events.TRIGGER,)
    retry_seconds = (0.5, 1.0, 2.0, 4.0, 8.0)  # Meta goes on for days; here it ends in seconds
    settings_model = MetaSettings
    settings: MetaSettings
    number = NUMBER

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.templates = load_templates()
        self._errors_met = 0
        self._details: dict[str, Effect] = {}
        setup.phones.join(self)

    @property
    def overhears(self) -> bool:
        """Whether this app is told of other systems' messages."""
        return self.settings.overhears

    def answer(self, call: Call) -> Answer:
        """Check the version and the token, then answer."""
        if call.problem is not None:
            return refusal_of_status(413 if "too large" in call.problem else 400, call.problem)
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return refusal_of_status(401, "An access token is required to request this resource.")
        if not self.accepts(token):
            return refusal_of_status(401, "Invalid OAuth access token - Cannot parse access token")
        if not _VERSION.fullmatch(path_parts(call.path)[0]):
            return refusal_of_status(400, f"Unknown path components: {call.path}")
        if call.method == "POST" and call.body_kind not in ("json", "none"):
            return refusal(100, "The body must be JSON.")
        return dispatch(self, ROUTES, call)

    def refuse(self, status: int, message: str) -> Answer:
        """Say no in Meta's envelope."""
        return refusal_of_status(status, message)

    def control(self, call: Call) -> Answer | None:
        """Let something happen from outside.

        `POST /incoming`: a person wrote. `POST /message`: a message of any type comes, as given. `PUT /messages/<id>`:
        a message comes further, or fails. `PUT /templates/<name>`: Meta judged a template, or its text is another one.
        """
        kind, _, identity = call.path.strip("/").partition("/")
        match call.method, kind, bool(identity):
            case "POST", "incoming" | "message", False:
                return self._incoming(call, kind)
            case "PUT", "messages", True:
                return self._report(call, identity)
            case "PUT", "templates", True:
                return change_template(self.templates, call, identity)
            case _:
                return None

    def state(self) -> dict[str, Json]:
        """Return templates and messages."""
        messages = [shown_message(item) for item in self.setup.phones.messages.values() if item.vendor == self.name]
        return {"templates": self.templates, "messages": messages}

    def describe(self, effect: Effect) -> str:
        """Say what went to whom."""
        phone = effect["phone_number"]
        if effect["kind"] == "read":
            return f"Message of {phone} marked as read"
        if effect["template_name"]:
            return f"WhatsApp template {effect['template_name']} to {phone}: {', '.join(effect['variables'])}"
        titles = ", ".join(button["title"] for button in effect.get("buttons", ()))
        text = f"WhatsApp {effect['type']} to {phone}: {effect['text'] or effect.get('media', '')}"
        return text + (f" [{titles}]" if titles else "")

    def sign(self, target: Target, body: bytes, now: datetime) -> Mapping[str, str]:  # noqa: ARG002 - Meta signs no time
        """Sign the raw bytes with the app secret."""
        return {events.SIGNATURE_HEADER: events.signature(target.secret, body)} if target.secret else {}

    def encode(self, trigger: str, body: Json) -> tuple[bytes, str]:  # noqa: ARG002 - there is one trigger
        """Return JSON with Meta's escapes."""
        return events.encoded(body), "application/json"

    def combine(self, first: Json, second: Json) -> Json | None:
        """Put two webhooks into one call."""
        return events.merged(first, second, self.settings.merging)

    def meet_error(self) -> int | None:
        """Return the error that the account meets with this message, and count it."""
        times = self.settings.error_times
        if self.settings.error is None or (times is not None and self._errors_met >= times):
            return None
        self._errors_met += 1
        return self.settings.error

    def change_settings(self, changes: Mapping[str, Json]) -> None:
        """Change the traps that are named; the count of errors begins anew."""
        super().change_settings(changes)
        self._errors_met = 0

    def window_open(self, phone: str) -> bool:
        """Return whether a session message may go to this person."""
        return self.settings.window == "never" or self.setup.phones.window_open(NUMBER, phone)

    def deliver(self, phone: str, content: Content, raw: dict[str, Json], details: Effect, error: int | None) -> str:
        """Bring a message to a phone and return its id."""
        identity = self.ids.wamid()
        self._details[identity] = details
        reach: Status = self.settings.reach
        self.setup.phones.deliver(self, phone, content, message_id=identity, raw=raw, error=error, reach=reach)
        return identity

    def next_message_id(self) -> str:
        """Return an id for a person's message."""
        return self.ids.wamid()

    def status_changed(self, message: Message) -> None:
        """Report each status but `accepted`, which the answer said."""
        status = message.status
        if status == "accepted" or (status == "delivered" and self.settings.skip_delivered):
            return
        steps = STEPS.index(status) if status in STEPS else 1
        self._report_status(message, status, self.settings.status_delay_seconds * steps)

    def person_wrote(self, message: Message) -> None:
        """Report what a person wrote or tapped."""
        phones = self.setup.phones
        name, answered = phones.person(message.phone).name, phones.messages.get(message.reply_to or "")
        self.emit(events.TRIGGER, events.envelope(events.message_value(message, name, answered)))

    def _report_status(self, message: Message, status: Status, delay_seconds: float = 0.0) -> None:
        at = message.times.get(status) or self.setup.clock()
        category = str(self._details.get(message.id, {}).get("category", "service")).lower()
        raw = message.raw if isinstance(message.raw, dict) else {}  # also of what another system sent on the number
        value = events.status_value(message, status, at, category, raw.get("biz_opaque_callback_data"))
        self.emit(events.TRIGGER, events.envelope(value), delay_seconds=delay_seconds)

    def _incoming(self, call: Call, kind: str) -> Answer:
        phone, name = call.params.get("phone_number"), str(call.params.get("first_name") or "")
        if not isinstance(phone, str) or not (phone.isascii() and phone.isdecimal()):
            return Answer(400, {"error": "phone_number: the person's digits are needed"})
        if kind == "message":
            own = {name: value for name, value in call.params.items() if name not in ("phone_number", "first_name")}
            now = self.setup.clock()
            shown = {"from": phone, "id": self.ids.wamid(), "timestamp": str(int(now.timestamp())), **own}
            self.emit(events.TRIGGER, events.envelope(events.person_value(phone, name, shown)))
            return Answer(200, {"id": shown["id"]})
        media_type = call.params.get("media_type")
        media = (str(media_type), str(call.params.get("media_url") or "")) if media_type else None
        text = str(call.params.get("message") or "")
        message = self.setup.phones.write(self, phone, text, name=name, media=media)
        return Answer(200, {"id": message.id})

    def _report(self, call: Call, identity: str) -> Answer:
        message, status = self.setup.phones.messages.get(identity), call.params.get("status")
        if message is None or message.vendor != self.name:
            return Answer(404, {"error": f"there is no message {identity!r}"})
        error = call.params.get("error", 131026)
        if status not in (*STEPS[1:], "failed") or not isinstance(error, int):
            return Answer(400, {"error": "status: must be sent, delivered, read or failed; error: a number"})
        before = message.status
        if status == "failed":
            self.setup.phones.fail(message, error)
        else:
            self.setup.phones.advance(message, status)
        if message.status == before:  # a report that says nothing new is a report all the same
            self._report_status(message, status)
        return Answer(200, shown_message(message))


ROUTES: tuple[Route[Meta], ...] = (
    Route("POST", "/{version}/{phone_number_id}/messages", post_message),
    Route("GET", "/{version}/{business_account_id}/message_templates", list_templates),
)
