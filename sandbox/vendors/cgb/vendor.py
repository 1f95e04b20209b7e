"""ChatGPT Builder's API (a white label of Chatrace), faked after its document and what was observed.

Invariant: only `X-ACCESS-TOKEN` counts; the Bearer scheme of the vendor's own document is refused as a wrong key.
"""

from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import ClassVar, Literal

from sandbox.exchange import Answer, Call, Effect, Json
from sandbox.phones import Message
from sandbox.routing import Route
from sandbox.targets import Target
from sandbox.vendors.base import Settings, Setup, Vendor, dispatch
from sandbox.vendors.cgb import accounts, contacts, pipelines, sending, shop
from sandbox.vendors.cgb.chatting import keep_message
from sandbox.vendors.cgb.state import Bot, Contact, Record
from sandbox.vendors.cgb.tapping import TRIGGER, button_tapped, carry_out, tap
from sandbox.vendors.cgb.words import INVALID_KEY, RefusedError, failure
from sandbox.whatsapp_account import NUMBER

EFFECTS: Mapping[str, str] = {
    "bot_field": "Bot field {name} changed",
    "cart": "Cart of {contact_id}: {products} products",
    "comment": "Comment on opportunity {opportunity_id}",
    "comment_delete": "Comment on opportunity {opportunity_id} deleted",
    "contact": "Contact {id} created: {first_name}",
    "contact_tag": "Contact {contact_id} tagged {tag_name}",
    "contact_untag": "Contact {contact_id} no longer tagged {tag_name}",
    "custom_field": "Custom field {name} created",
    "custom_field_value": "Field {field_name} of {contact_id} changed",
    "flow": 'Flow "{name}" sent to {phone}',
    "link": "Link to template {template_id} made",
    "message": "Message ({type}) sent to {phone}",
    "opportunity": 'Opportunity "{title}" created for contact {contact_id}',
    "opportunity_delete": 'Opportunity "{title}" deleted',
    "opportunity_update": 'Opportunity "{title}" changed',
    "order_status": "Order {id} set to status {status}",
    "payment": "Order {id} paid: {amount_received} cents",
    "product": "Product {id} changed",
    "tag": "Tag {name} created",
    "tag_delete": "Tag {name} deleted",
}


class CgbSettings(Settings):
    """Traps: what no document says, and what was seen to differ from the one there is.

    Attributes:
        create_existing: what a create with a known phone does; `error` fails inside HTTP 200.
        contact_ids: the type of contact ids in answers; `as_seen`: text from a create, else numbers.
        find_other_channels: a find also returns a webchat contact with the same phone.
        stored_phone: how phones are stored, and so the only form a find matches.
        fail_in_200: sends answer 200 with `success: false` and do nothing.
        unresolved: how the placeholders named in `unresolved_fields` arrive in an External API Request.
        per_second: more calls in any second are answered 429.
    """

    unknown_contact: Literal["shell", "not_found"] = "shell"
    create_shape: Literal["nested", "flat"] = "nested"
    create_existing: Literal["conflict", "error", "duplicate", "returns"] = "conflict"
    contact_ids: Literal["as_seen", "number", "text"] = "as_seen"
    find_other_channels: bool = False
    stored_phone: Literal["digits", "plus"] = "digits"
    hide_phone: bool = False
    fail_in_200: bool = False
    checkout_fails: bool = False
    unresolved: Literal["empty", "raw"] = "empty"
    unresolved_fields: tuple[str, ...] = ()
    per_second: int | None = None


class Cgb(Vendor):
    """One account with its bot."""

    name = "cgb"
    mount = "/cgb/api"
    credential_variable = "SANDBOX_CGB_TOKEN"
    triggers: ClassVar[tuple[str, ...]] = (TRIGGER,)
    retry_seconds = ()  # nothing is known of a repetition: a flow goes on without the answer
    settings_model = CgbSettings
    settings: CgbSettings
    number = NUMBER
    overhears = True  # people write to one number, whoever answers there

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.bot = Bot.seeded(setup.clock())
        setup.phones.join(self)
        for contact in self.bot.contacts.values():
            setup.phones.person(contact.phone, contact.first_name)
            setup.phones.open_window(NUMBER, contact.phone)
        self._calls: deque[datetime] = deque()

    def answer(self, call: Call) -> Answer:
        """Check the key and the pace, then answer."""
        if not self.accepts(call.headers.get("x-access-token", "")):
            return failure(401, INVALID_KEY)
        if self._is_too_fast():
            return failure(429, "Too many requests")
        if call.problem is not None:
            return failure(413 if "too large" in call.problem else 400, call.problem)
        try:
            return dispatch(self, ROUTES, call)
        except RefusedError as error:
            return failure(error.status, str(error))

    def refuse(self, status: int, message: str) -> Answer:
        """Say no with an `error` text."""
        return failure(status, message)

    def contact(self, call: Call) -> Contact:
        """Return the contact of a call; a phone in the place of an id finds nothing.

        Raises:
            RefusedError: 404, there is none.
        """
        contact = self.bot.contacts.get(call.ids["contact_id"])
        if contact is None:
            raise RefusedError("Contact not found", 404)
        return contact

    def send_flow(self, contact: Contact, flow: Record) -> Effect:
        """Let a flow send its message."""
        message = keep_message(self, contact, sending.flow_content(self, contact, flow))
        names = {"id": message["id"], "contact_id": contact.id, "phone": contact.phone}
        return {"kind": "flow", **names, "flow_id": flow["id"], "name": flow["name"]}

    def sign(self, target: Target, body: bytes, now: datetime) -> Mapping[str, str]:  # noqa: ARG002 - a fixed secret
        """Return the header that the author of the flow set."""
        return {"X-Webhook-Secret": target.secret} if target.secret else {}

    def answered(self, trigger: str, body: Json, status: int, answer: bytes) -> None:  # noqa: ARG002 - one trigger only
        """Carry out dynamic content."""
        carry_out(self, body, status, answer)

    def next_message_id(self) -> str:
        """Return an id for a message of a person."""
        return self.ids.wamid()

    def status_changed(self, message: Message) -> None:
        """Keep how a message of CGB's own fares; nobody is told."""
        for known in self.bot.messages:
            if known["id"] == message.id:
                known["status"], known["error_code"] = message.status, message.error

    def person_wrote(self, message: Message) -> None:
        """Note a contact, and let the flow answer a tap on a message of CGB's own."""
        contact = self.bot.whatsapp_contact(message.phone)
        if contact is None:
            name, now = self.setup.phones.person(message.phone).name, self.setup.clock()
            contact = self.bot.contacts[message.phone] = Contact(message.phone, now, message.phone, first_name=name)
        contact.last_interaction_at = self.setup.clock()
        own = any(known["id"] == message.reply_to for known in self.bot.messages)
        if message.tapped is not None and own:
            button_tapped(self, contact, message.tapped)

    def control(self, call: Call) -> Answer | None:
        """`POST /tap`: a button was tapped. `POST /contacts/<id>/incoming` and `/checkout`: the customer did it."""
        parts = call.path.strip("/").split("/")
        if (call.method, parts) == ("POST", ["tap"]):
            return tap(self, call)
        if call.method != "POST" or len(parts) != 3 or parts[0] != "contacts":
            return None
        contact = self.bot.contacts.get(parts[1])
        if contact is None:
            return Answer(404, {"error": "there is no such contact"})
        if parts[2] == "incoming":
            self.setup.phones.write(self, contact.phone, str(call.params.get("message") or ""))
            return Answer(200, contacts.shown(self, contact))
        return Answer(200, shop.check_out(self, contact)) if parts[2] == "checkout" else None

    def state(self) -> dict[str, Json]:
        """Return everything; messages carry what Meta's statuses will say of them."""
        return self.bot.state()

    def describe(self, effect: Effect) -> str:
        """Say what happened."""
        return EFFECTS[effect["kind"]].format_map(effect)

    def _is_too_fast(self) -> bool:
        now, allowed = self.setup.clock(), self.settings.per_second
        while self._calls and now - self._calls[0] >= timedelta(seconds=1):
            self._calls.popleft()
        if allowed is not None and len(self._calls) >= allowed:
            return True
        self._calls.append(now)
        return False


_CONTACT = "/contacts/{contact_id}"
_OPPORTUNITIES = "/pipelines/{pipeline_id}/opportunities"
_OPPORTUNITY = _OPPORTUNITIES + "/{opportunity_id}"

# A fixed word stands before a variable in its place: the first route that fits is taken.
ROUTES: tuple[Route[Cgb], ...] = (
    Route("GET", "/accounts/me", accounts.show_account),
    Route("GET", "/accounts/admins", accounts.list_admins),
    Route("GET", "/accounts/tags", accounts.list_tags),
    Route("POST", "/accounts/tags", accounts.create_tag),
    Route("GET", "/accounts/tags/{tag_id}", accounts.show_tag),
    Route("DELETE", "/accounts/tags/{tag_id}", accounts.delete_tag),
    Route("GET", "/accounts/tags/name/{name}", accounts.show_tag_named),
    Route("GET", "/accounts/flows", accounts.list_flows),
    Route("GET", "/accounts/custom_fields", accounts.list_fields),
    Route("POST", "/accounts/custom_fields", accounts.create_field),
    Route("GET", "/accounts/custom_fields/{field_id}", accounts.show_field),
    Route("GET", "/accounts/custom_fields/name/{name}", accounts.show_field_named),
    Route("GET", "/accounts/bot_fields/{field_id}", accounts.show_bot_field),
    Route("POST", "/accounts/bot_fields/{field_id}", accounts.set_bot_field),
    Route("DELETE", "/accounts/bot_fields/{field_id}", accounts.clear_bot_field),
    Route("POST", "/accounts/template/{template_id}/generateSingleUseLink", accounts.make_link),
    Route("GET", "/contacts/find_by_custom_field", contacts.find_contacts),
    Route("GET", _CONTACT, contacts.show_contact),
    Route("POST", "/contacts", contacts.create_contact),
    Route("GET", _CONTACT + "/tags", contacts.list_tags),
    Route("POST", _CONTACT + "/tags/{tag_id}", contacts.add_tag),
    Route("DELETE", _CONTACT + "/tags/{tag_id}", contacts.remove_tag),
    Route("GET", _CONTACT + "/custom_fields", contacts.list_values),
    Route("GET", _CONTACT + "/custom_fields/{field_id}", contacts.show_value),
    Route("POST", _CONTACT + "/custom_fields/{field_id}", contacts.set_value),
    Route("DELETE", _CONTACT + "/custom_fields/{field_id}", contacts.clear_value),
    Route("POST", _CONTACT + "/send/text", sending.send_text),
    Route("POST", _CONTACT + "/send/file", sending.send_file),
    Route("POST", _CONTACT + "/send/products", sending.send_products),
    Route("POST", _CONTACT + "/send/{flow_id}", sending.send_flow),
    Route("POST", _CONTACT + "/send_content", sending.send_content),
    Route("GET", "/pipelines", pipelines.list_pipelines),
    Route("GET", "/pipelines/{pipeline_id}", pipelines.show_pipeline),
    Route("GET", "/pipelines/{pipeline_id}/stages", pipelines.list_stages),
    Route("GET", _OPPORTUNITIES, pipelines.list_opportunities),
    Route("POST", _OPPORTUNITIES, pipelines.create_opportunity),
    Route("GET", _OPPORTUNITY, pipelines.show_opportunity),
    Route("POST", _OPPORTUNITY, pipelines.update_opportunity),
    Route("DELETE", _OPPORTUNITY, pipelines.delete_opportunity),
    Route("GET", _OPPORTUNITY + "/comments", pipelines.list_comments),
    Route("POST", _OPPORTUNITY + "/comments", pipelines.add_comment),
    Route("DELETE", _OPPORTUNITY + "/comments/{comment_id}", pipelines.delete_comment),
    Route("GET", _CONTACT + "/cart", shop.show_cart),
    Route("DELETE", _CONTACT + "/cart", shop.empty_cart),
    Route("POST", _CONTACT + "/cart/{product_id}", shop.set_quantity),
    Route("DELETE", _CONTACT + "/cart/{product_id}", shop.remove_product),
    Route("GET", _CONTACT + "/order/{order_id}", shop.show_order),
    Route("POST", _CONTACT + "/order/{order_id}", shop.set_status),
    Route("POST", _CONTACT + "/pay/{order_id}", shop.pay),
    Route("GET", "/products/{product_id}", shop.show_product),
    Route("POST", "/products/{product_id}", shop.update_product),
)
