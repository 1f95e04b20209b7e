"""Messages that go out by Scalev's WhatsApp account: what they are made of, and what an answer says of them.

Source: the message object of the WhatsApp Cloud API, which Scalev takes as it is and adds sender and receiver to.
Invariant: a message that WhatsApp would refuse for its shape is refused before it is sent.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, model_validator

from tasks.actions.judging import Verdict, error_of
from tasks.actions.parameters import Parameters, Text
from tasks.actions.scalev.client import ask
from tasks.actions.scalev.parameters import WabaUniqueId, WaUserId
from tasks.actions.whatsapp import verdict_in
from webhooks import fields
from worker.acting import Call, Outcome
from worker.errors import PermanentError, UncertainError
from worker.states import Reason

MessageType = Literal[
    "text", "image", "video", "audio", "document", "sticker", "interactive", "template", "reaction", "location",
    "contacts",
]  # fmt: skip
_REFUSED = Verdict(PermanentError, Reason.REJECTED)


class OfPerson(Parameters):
    """A customer's conversation with a WhatsApp account."""

    waba_unique_id: WabaUniqueId
    wa_user_id: WaUserId


class TextContent(Parameters):
    """A text."""

    body: Annotated[Text, Field(max_length=4096)]
    preview_url: bool | None = None


class MediaContent(Parameters):
    """A picture, film, sound or document: by link, or by the id of what was uploaded."""

    link: Annotated[Text, Field(pattern=r"^https?://")] | None = None
    id: Text | None = None
    caption: Annotated[Text, Field(max_length=1024)] | None = None
    filename: Text | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.link is None) == (self.id is None):
            raise ValueError("either link or id is wanted")
        return self


class SendMessage(OfPerson):
    """A message within 24 hours of the customer's last one; `send_mode` mock only records it, on test accounts."""

    type: MessageType
    text: TextContent | None = None
    image: MediaContent | None = None
    video: MediaContent | None = None
    audio: MediaContent | None = None
    document: MediaContent | None = None
    sticker: MediaContent | None = None
    interactive: dict[str, Any] | None = None
    template: dict[str, Any] | None = None
    reaction: dict[str, Any] | None = None
    location: dict[str, Any] | None = None
    contacts: list[dict[str, Any]] | None = None
    context: dict[str, Any] | None = None
    send_mode: Literal["mock"] | None = None

    @model_validator(mode="after")
    def _has_its_content(self) -> Self:
        if getattr(self, self.type) is None:
            raise ValueError(f'type "{self.type}" wants a field of this name')
        if self.interactive is not None:
            _check_buttons(self.interactive)
        return self

    def content(self) -> dict[str, Any]:
        """Return what the message says, as it is sent."""
        value = getattr(self, self.type)
        return {self.type: value.model_dump(exclude_none=True) if isinstance(value, BaseModel) else value}


def _check_buttons(interactive: dict[str, Any]) -> None:
    action = interactive.get("action")
    buttons = action.get("buttons") if isinstance(action, dict) else None
    if interactive.get("type") != "button":
        return
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= 3:
        raise ValueError("interactive.action.buttons: 1 to 3 buttons are wanted")
    titles = [fields.at(button, "reply.title") for button in buttons]
    if not all(isinstance(title, str) and 1 <= len(title) <= 20 for title in titles):
        raise ValueError("interactive.action.buttons: a title has 1 to 20 characters")


def ask_with_mode(call: Call, method: str, path: str, **given: Any) -> Any:
    """Ask with the send mode where it belongs: in a header."""
    body = dict(given["json"])
    mode = body.pop("send_mode", None)
    headers = {"X-Scalev-Waba-Send-Mode": mode} if mode else {}
    return ask(call, method, path, json=body, headers=headers)


def sent(_call: Call, answer: Any) -> Outcome:
    """Make the result of a message: its id; one that failed at once was not sent."""
    told = state(_call, answer)
    if told.result.get("state") == "failed":
        error = fields.at(answer, "error")
        raise error_of(verdict_in({"error": error}) or _REFUSED, "WhatsApp refused the message")
    if not told.result.get("message_id"):
        raise UncertainError(Reason.NO_MESSAGE_ID, "accepted, but the answer has no wamid")
    return told


def state(_call: Call, answer: Any) -> Outcome:
    """Make the result of a message that was read: its id, how far it came, WhatsApp's code when it failed."""
    if not isinstance(answer, dict):
        raise UncertainError(Reason.UNREADABLE_ANSWER, "Scalev's answer is not a message")
    places = {"message_id": ("wamid",), "state": ("status",), "error_code": ("error.code", "error.error_code")}
    found = {name: fields.text(fields.first(answer, paths)) for name, paths in places.items()}
    return Outcome({name: text for name, text in found.items() if text})


def recipient(parameters: OfPerson) -> str:
    """Return whom a message goes to."""
    return f"+{parameters.wa_user_id}"
