"""Messages through ChatGPT Builder: to a contact, or to a phone number whose contact is found or made first.

No send has an idempotency key, and no answer names the message: how it fared shows only in Meta's own receipts.
Invariant: everything before the send only looks or makes a contact, so a failure there may be repeated; from the send
on an answer that does not come leaves it unknown. One delivery at a time writes to a contact.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from config.phones import to_e164
from tasks.actions.cgb.client import ask
from tasks.actions.cgb.contents import ContactAction, Id, MessageContent
from tasks.actions.cgb.people import EnsureContact, ensure, memory_key
from tasks.actions.operations import as_sent
from tasks.actions.parameters import Parameters, Phone, TemplateComponents, TemplateValue, Text
from worker.acting import Action, Call, Outcome, nobody
from worker.errors import PermanentError
from worker.states import Reason

Channel = Annotated[str, Field(pattern=r"^[a-z]+$", description="whatsapp, messenger, …")]
# Known to the platform before the send: who it goes to and, when there is no such contact, what to call them.
_ADDRESS = ("phone", "contact_id", "first_name", "last_name")


class Addressed(Parameters):
    """Who a message goes to; the names count only when a contact has to be made."""

    phone: Phone | None = None
    contact_id: Id | None = None
    first_name: Text | None = None
    last_name: Text | None = None

    @model_validator(mode="after")
    def _one_address(self) -> Self:
        if (self.phone is None) == (self.contact_id is None):
            raise ValueError("either phone or contact_id is wanted")
        if self.phone and getattr(self, "channel", "whatsapp") != "whatsapp":
            raise ValueError("a phone is written to by WhatsApp: for another channel give contact_id")
        return self


class SendText(Addressed):
    """A text, within 24 hours of the customer's last message."""

    text: Text
    channel: Channel = "whatsapp"


class SendFile(Addressed):
    """A file by its address, within 24 hours of the customer's last message."""

    url: Annotated[str, Field(pattern=r"^https?://\S+$")]
    type: Literal["image", "video", "audio", "file"]
    channel: Channel = "whatsapp"


class SendFlow(Addressed):
    """A flow, at any time when it begins with an approved template.

    Custom fields (by name) are set in the same call, so that no other delivery comes in between.
    """

    flow_id: Id
    custom_fields: dict[Text, str] = Field(default_factory=dict)


class SendContent(Addressed):
    """Messages and actions as they are."""

    messages: list[MessageContent] = Field(default_factory=list)
    actions: list[ContactAction] = Field(default_factory=list)
    channel: Channel = "whatsapp"

    @model_validator(mode="after")
    def _has_content(self) -> Self:
        if not self.messages and not self.actions:
            raise ValueError("either messages or actions are wanted")
        return self


class SendProducts(Addressed):
    """Products of the shop."""

    product_id: list[Id] = Field(min_length=1)


class SendTemplate(Parameters):
    """An approved WhatsApp template, at any time, with its values inside the call."""

    phone: Phone
    name: Text
    language: Text = "en"
    variables: list[TemplateValue] = Field(default_factory=list, description="In the order of {{1}}, {{2}} … .")
    components: TemplateComponents = Field(
        default_factory=list, description="As Meta takes them, in place of variables: headers, buttons."
    )
    first_name: Text | None = None
    last_name: Text | None = None

    @model_validator(mode="after")
    def _one_kind_of_values(self) -> Self:
        if self.variables and self.components:
            raise ValueError("either variables or components, not both")
        return self


def _content(wanted: Any) -> dict[str, Any]:
    return {name: value for name, value in as_sent(wanted).items() if name not in _ADDRESS}


def _flow(wanted: SendFlow) -> tuple[str, dict[str, Any]]:
    if not wanted.custom_fields:
        return f"send/{wanted.flow_id}", {}
    values = [
        {"action": "set_field_value", "field_name": name, "value": value}
        for name, value in wanted.custom_fields.items()
    ]
    actions = [*values, {"action": "send_flow", "flow_id": wanted.flow_id}]
    return "send_content", {"messages": [], "actions": actions, "channel": "whatsapp"}


def _template(wanted: SendTemplate) -> tuple[str, dict[str, Any]]:
    values = [{"type": "text", "text": value} for value in wanted.variables]
    components = wanted.components or ([{"type": "body", "parameters": values}] if values else [])
    template = {"name": wanted.name, "language": {"code": wanted.language}, "components": components}
    message = {
        "messaging_product": "whatsapp", "recipient_type": "individual", "to": wanted.phone.lstrip("+"),
        "type": "template", "template": template,
    }  # fmt: skip
    return "send_content", {"messages": [message], "channel": "whatsapp"}


@dataclass(frozen=True)
class _Send:
    """One way to send."""

    name: str
    parameters: type[Parameters]
    summary: str
    body: Callable[[Any], tuple[str, dict[str, Any]]]
    """Below the contact's path, and what is sent there."""
    endpoint: str
    template: Callable[[Any], str | None] = nobody
    in_session: bool | Callable[[Any], bool] = False


def _has_session_messages(wanted: SendContent) -> bool:
    """Whether a message is among them that only goes out within the 24 hours: any but a template, at WhatsApp."""
    return wanted.channel == "whatsapp" and any(message.get("type") != "template" for message in wanted.messages)


_SENDS = (
    _Send(
        "cgb.send_text", SendText, "Send a text.", lambda wanted: ("send/text", _content(wanted)),
        "POST /contacts/{contact_id}/send/text", in_session=True,
    ),
    _Send(
        "cgb.send_file", SendFile, "Send a file.", lambda wanted: ("send/file", _content(wanted)),
        "POST /contacts/{contact_id}/send/file", in_session=True,
    ),
    _Send(
        "cgb.send_flow", SendFlow, "Send a flow.", _flow,
        "POST /contacts/{contact_id}/send/{flow_id}; with custom fields …/send_content",
    ),
    _Send(
        "cgb.send_content", SendContent, "Send messages and do actions, as they are.",
        lambda wanted: ("send_content", _content(wanted)), "POST /contacts/{contact_id}/send_content",
        in_session=_has_session_messages,
    ),
    _Send(
        "cgb.send_products", SendProducts, "Send products of the shop.",
        lambda wanted: ("send/products", _content(wanted)), "POST /contacts/{contact_id}/send/products",
    ),
    _Send(
        "cgb.send_template", SendTemplate, "Send an approved WhatsApp template.", _template,
        "POST /contacts/{contact_id}/send_content", template=lambda wanted: str(wanted.name),
    ),
)  # fmt: skip


def recipient(wanted: Any) -> str | None:
    """Return the person a message goes to; a WhatsApp contact's id was seen to be the phone's digits."""
    contact_id: str | None = getattr(wanted, "contact_id", None)
    return wanted.phone or (to_e164(f"+{contact_id}", "ID") if contact_id else None)


def _deliver(send: _Send, call: Call) -> Outcome:
    wanted = call.parameters
    path, body = send.body(wanted)
    contact_id: str | None = getattr(wanted, "contact_id", None)
    key = memory_key(contact_id or wanted.phone.lstrip("+"))
    with call.memory.alone(key):
        if contact_id:
            _post(call, contact_id, path, body)
        else:
            _post_to_phone(call, key, path, body)
    return Outcome({"message_state": "accepted"})


def _post_to_phone(call: Call, key: str, path: str, body: dict[str, Any]) -> None:
    """Send to a phone's contact; one that is remembered and gone is looked for once more."""
    remembered = call.memory.recall(key)
    if remembered:
        try:
            return _post(call, remembered, path, body)
        except PermanentError as error:
            if error.reason is not Reason.NOT_FOUND:
                raise
            call.memory.forget(key)
            missing = error
    contact_id = _contact_of(call)
    if contact_id == remembered:
        raise missing  # the contact is there: what was not found is something else, such as the flow
    call.memory.remember(key, contact_id)
    return _post(call, contact_id, path, body)


def _contact_of(call: Call) -> str:
    wanted = call.parameters
    person = {name: getattr(wanted, name) for name in ("phone", "first_name", "last_name")}
    return ensure(call, wanted.phone, EnsureContact.model_construct(**person))


def _post(call: Call, contact_id: str, path: str, body: dict[str, Any]) -> None:
    ask(call, "POST", f"/contacts/{contact_id}/{path}", json=body)


def _action(send: _Send) -> Action:
    def run(call: Call) -> Outcome:
        return _deliver(send, call)

    return Action(
        send.name, send.parameters, run, idempotent=False, summary=send.summary, endpoint=send.endpoint,
        recipient=recipient, template=send.template, in_session=send.in_session,
    )  # fmt: skip


ACTIONS = tuple(map(_action, _SENDS))
