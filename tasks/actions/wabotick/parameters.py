"""What Wabotick's actions are given: in the vendor's names, misspellings and case mended, in the vendor's forms.

Invariant: a phone is E.164 to us and digits to the vendor; several ids are one text with commas.
"""

import base64
import json
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, PlainSerializer, field_validator, model_validator

from tasks.actions.parameters import Parameters, Phone, TemplateVariables, Text

MOST_TITLE_CHARACTERS = 20

Digits = Annotated[Phone, PlainSerializer(lambda phone: phone.lstrip("+"))]
Ids = Annotated[list[Text], Field(min_length=1), PlainSerializer(",".join)]
JsonText = PlainSerializer(lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _base64(text: str) -> str:
    try:
        base64.b64decode(text, validate=True)
    except ValueError:
        raise ValueError("is not Base64") from None
    return text


class Nothing(Parameters):
    """No parameters: the account says it all."""


class ToPerson(Parameters):
    """What is about one person."""

    phone_number: Digits


class SendTemplate(ToPerson):
    """Send an approved template."""

    template_id: Annotated[Text, Field(description="The platform's short id, not Meta's long one.")]
    variables: TemplateVariables = Field(
        default_factory=list, description="In the order of {{1}}, {{2}} …; with names where the template has them."
    )
    template_header_media_url: Text | None = None
    template_quick_reply_button_values: list[Text] = Field(default_factory=list, max_length=10)

    def form(self) -> dict[str, str]:
        """Return the fields of the form: one for each variable, whose number binds and whose name is decoration."""
        form = {"phone_number": self.phone_number.lstrip("+"), "template_id": self.template_id}
        form |= {f"templateVariable-{name}-{n}": value for n, (name, value) in enumerate(self._named(), start=1)}
        if self.template_header_media_url:
            form["template_header_media_url"] = self.template_header_media_url
        if values := self.template_quick_reply_button_values:  # the vendor wants no blanks after the commas
            form["template_quick_reply_button_values"] = json.dumps(values, separators=(",", ":"))
        return form

    def values(self) -> list[str]:
        """Return the values of the variables, in order."""
        return [value for _, value in self._named()]

    def _named(self) -> list[tuple[str, str]]:
        given = self.variables
        return list(given.items()) if isinstance(given, dict) else [("value", value) for value in given]


class SendMessage(ToPerson):
    """Send a text, within 24 hours of what the person wrote last."""

    message: Text


class Button(Parameters):
    """One reply button."""

    id: Text | None = Field(default=None, description="What a tap says; arrives on Meta's own webhook only.")
    title: Annotated[Text, Field(max_length=MOST_TITLE_CHARACTERS)]


class SendInteractiveButtons(ToPerson):
    """Send a text with one to three reply buttons, within the 24 hours."""

    message: Text
    buttons: Annotated[list[Button], Field(min_length=1, max_length=3), PlainSerializer(
        lambda buttons: [{"id": b.id, "title": b.title} if b.id else b.title for b in buttons]
    )]  # fmt: skip
    button_header_text: Text | None = None
    button_footer_text: Text | None = None
    media_url: Text | None = None
    media_id: Text | None = None
    media_type: Literal["image", "video", "document"] | None = None
    media_name: Text | None = None

    @field_validator("buttons", mode="before")
    @classmethod
    def _a_text_is_a_title(cls, given: Any) -> Any:
        return (
            [{"title": part} if isinstance(part, str) else part for part in given] if isinstance(given, list) else given
        )

    @model_validator(mode="after")
    def _media_is_whole(self) -> Self:
        given = [name for name in (self.media_url, self.media_id) if name]
        if len(given) > 1 or bool(given) != bool(self.media_type):
            raise ValueError("media_type belongs to either media_url or media_id")
        return self


class SendFile(ToPerson):
    """Send a picture, film, sound or document, within the 24 hours."""

    media_type: Literal["image", "video", "audio", "document"]
    media_url: Text | None = None
    media_id: Text | None = Field(default=None, description="Of an upload.")
    media_name: Text | None = Field(default=None, description="A document's name.")
    media_caption_text: Text | None = None

    @model_validator(mode="after")
    def _as_the_vendor_wants_it(self) -> Self:
        if (self.media_url is None) == (self.media_id is None):
            raise ValueError("either media_url or media_id is wanted")
        if self.media_type == "document" and not self.media_name:
            raise ValueError("media_name is wanted of a document")
        if self.media_type == "audio" and self.media_caption_text:
            raise ValueError("media_caption_text: a sound has none")
        return self


class UploadMedia(Parameters):
    """Upload a file that messages may name."""

    media_name: Text
    content: Annotated[Text, AfterValidator(_base64), Field(description="The file, in Base64.")]
    media_type: Annotated[str, Field(pattern=r"^[\w.+-]+/[\w.+-]+$")] = "application/octet-stream"


class TriggerBot(ToPerson):
    """Let a flow of the bot begin with a person."""

    bot_flow_unique_id: Text


class SendBroadcastTemplate(Parameters):
    """Begin a campaign; what `flow_data` holds is not documented."""

    flow_data: Annotated[dict[str, Any], Field(min_length=1)]


class ConnectAccount(Parameters):
    """Connect a WhatsApp business account: done once."""

    user_id: Text
    whatsapp_business_account_id: Text
    access_token: Text


class GetConversation(ToPerson):
    """Read the newest messages with a person."""

    limit: Annotated[int, Field(ge=1, le=50)] = 50
    offset: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="Rows to skip after the document; a page from 1 on sister products."
    )


class GetMessageStatus(Parameters):
    """Ask how far a message came."""

    wa_message_id: Text
    whatsapp_bot_id: Text | None = Field(default=None, description="By default the account's.")


class CreateSubscriber(Parameters):
    """Create a subscriber, or find the one there is."""

    name: Text
    phone_number: Digits = Field(serialization_alias="phoneNumber")


class ListSubscribers(Parameters):
    """Read a part of the subscribers."""

    limit: Annotated[int, Field(ge=1, le=100)] = 100
    offset: Annotated[int, Field(ge=0)] | None = None
    order_by: Text | None = Field(default=None, serialization_alias="orderBy", description="Such as id DESC.")


class UpdateSubscriber(ToPerson):
    """Change what is known of a subscriber; `label_ids` replaces all labels."""

    first_name: Text | None = None
    last_name: Text | None = None
    gender: Text | None = None
    label_ids: Ids | None = None

    @model_validator(mode="after")
    def _something_changes(self) -> Self:
        if not any((self.first_name, self.last_name, self.gender, self.label_ids)):
            raise ValueError("one of first_name, last_name, gender and label_ids is wanted")
        return self


class AddNotes(ToPerson):
    """Add a note to a chat."""

    note_text: Text


class AssignToTeamMember(ToPerson):
    """Give a chat to a member of the team."""

    team_member_id: Text


class AssignCustomFields(ToPerson):
    """Set fields of a subscriber, by their names; one that does not exist is passed over without a word."""

    custom_fields: Annotated[dict[str, str | None], Field(min_length=1), JsonText]


class LabelIds(ToPerson):
    """A person and labels."""

    label_ids: Ids


class SequenceIds(ToPerson):
    """A person and sequences."""

    sequence_ids: Ids


class CreateLabel(Parameters):
    """Create a label, or find the one there is."""

    label_name: Text


class OfCatalog(Parameters):
    """A catalogue, by Meta's id of it."""

    whatsapp_catalog_id: Text


class ChangeOrderStatus(Parameters):
    """Set the status of a catalogue's order."""

    order_unique_id: Text
    cart_status: Literal["Approved", "Completed", "Shipped", "Delivered", "Refunded"]
