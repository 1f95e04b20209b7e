"""The messages that can be sent through Meta's Cloud API: their parameters, and how each goes out.

Source: Meta's page of each type; the lengths are Meta's. Invariant: what passes validation is a message that Meta's
documents allow.
"""

from abc import abstractmethod
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from tasks.actions.parameters import Parameters, Phone, TemplateComponents, TemplateVariables, Text

MediaType = Literal["image", "video", "audio", "document"]
Body = Annotated[Text, Field(max_length=1024)]
Short = Annotated[Text, Field(max_length=60)]


def _web_address(url: str) -> str:
    if not url.startswith(("https://", "http://")):
        raise ValueError("an address that starts with https:// is wanted")
    return url


Link = Annotated[Text, AfterValidator(_web_address)]


class Message(Parameters):
    """What every message has."""

    to: Phone
    reply_to: Text | None = Field(default=None, description="The id of the message that is answered.")

    @abstractmethod
    def content(self) -> dict[str, Any]:
        """Return the message's `type` and what belongs to it."""


class SendMessage(Message):
    """Send a text, within 24 hours of what the person wrote last."""

    body: Annotated[Text, Field(max_length=4096)]
    preview_url: bool = False

    def content(self) -> dict[str, Any]:
        """Return a text."""
        return {"type": "text", "text": {"body": self.body, "preview_url": self.preview_url}}


class Media(Parameters):
    """A file that Meta fetches from an address."""

    type: Literal["image", "video", "document"]
    link: Link
    filename: Text | None = None

    @model_validator(mode="after")
    def _only_documents_have_names(self) -> Self:
        if self.filename and self.type != "document":
            raise ValueError("filename: only a document has one")
        return self

    def content(self) -> dict[str, Any]:
        """Return the file as a header has it."""
        return {"type": self.type, self.type: _given(link=self.link, filename=self.filename)}


class SendTemplate(Message):
    """Send an approved template; `components` says what the other parameters cannot."""

    name: Text
    language: Annotated[Text, Field(description="As the template has it: id, en_US …")]
    variables: TemplateVariables = Field(
        default_factory=list, description="Of the body: in the order of {{1}}, {{2}} …; by name where they have names."
    )
    header: Media | None = None
    quick_reply_payloads: list[Annotated[Text, Field(max_length=256)]] = Field(default_factory=list, max_length=10)
    components: TemplateComponents = Field(default_factory=list, description="Meta's own form, sent as it is.")

    @model_validator(mode="after")
    def _one_way_of_saying_it(self) -> Self:
        if self.components and (self.variables or self.header or self.quick_reply_payloads):
            raise ValueError("components: says it all, without variables, header and quick_reply_payloads")
        return self

    def content(self) -> dict[str, Any]:
        """Return a template."""
        template = {"name": self.name, "language": {"code": self.language}}
        components = self.components or [*self._header(), *self._body(), *self._buttons()]
        return {"type": "template", "template": template | _given(components=components)}

    def _header(self) -> list[dict[str, Any]]:
        return [{"type": "header", "parameters": [self.header.content()]}] if self.header else []

    def _body(self) -> list[dict[str, Any]]:
        if isinstance(self.variables, dict):
            named = self.variables.items()
            values = [{"type": "text", "parameter_name": name, "text": value} for name, value in named]
        else:
            values = [{"type": "text", "text": value} for value in self.variables]
        return [{"type": "body", "parameters": values}] if values else []

    def _buttons(self) -> list[dict[str, Any]]:
        return [
            {
                "type": "button",
                "sub_type": "quick_reply",
                "index": str(index),
                "parameters": [{"type": "payload", "payload": payload}],
            }
            for index, payload in enumerate(self.quick_reply_payloads)
        ]


class Button(Parameters):
    """A reply button; its id comes back when it is tapped."""

    id: Annotated[Text, Field(max_length=256)]
    title: Annotated[Text, Field(max_length=20)]


class SendButtons(Message):
    """Send a text with one to three reply buttons, within the 24 hours."""

    body: Body
    buttons: Annotated[list[Button], Field(min_length=1, max_length=3)]
    header_text: Short | None = None
    header_media: Media | None = None
    footer: Short | None = None

    @model_validator(mode="after")
    def _one_header_and_ids_that_differ(self) -> Self:
        if self.header_text and self.header_media:
            raise ValueError("either header_text or header_media is wanted")
        _check_different([button.id for button in self.buttons], "buttons")
        return self

    def content(self) -> dict[str, Any]:
        """Return an interactive message with buttons."""
        replies = [{"type": "reply", "reply": button.model_dump()} for button in self.buttons]
        media = self.header_media.content() if self.header_media else None
        shown = _interactive(self.body, media or _text_header(self.header_text), self.footer)
        return {"type": "interactive", "interactive": {"type": "button", **shown, "action": {"buttons": replies}}}


class Row(Parameters):
    """A row of a list; its id comes back when it is chosen."""

    id: Annotated[Text, Field(max_length=200)]
    title: Annotated[Text, Field(max_length=24)]
    description: Annotated[Text, Field(max_length=72)] | None = None


class Section(Parameters):
    """A part of a list."""

    title: Annotated[Text, Field(max_length=24)] | None = None
    rows: Annotated[list[Row], Field(min_length=1, max_length=10)]


class SendList(Message):
    """Send a text with a list of one to ten rows, within the 24 hours."""

    body: Annotated[Text, Field(max_length=4096)]
    button: Annotated[Text, Field(max_length=20, description="What opens the list.")]
    sections: Annotated[list[Section], Field(min_length=1, max_length=10)]
    header_text: Short | None = None
    footer: Short | None = None

    @model_validator(mode="after")
    def _rows_fit(self) -> Self:
        ids = [row.id for section in self.sections for row in section.rows]
        if len(ids) > 10:
            raise ValueError("sections: ten rows at most, in all of them together")
        if len(self.sections) > 1 and not all(section.title for section in self.sections):
            raise ValueError("sections: each needs a title where there are several")
        _check_different(ids, "sections")
        return self

    def content(self) -> dict[str, Any]:
        """Return an interactive message with a list."""
        sections = [section.model_dump(exclude_none=True) for section in self.sections]
        shown = _interactive(self.body, _text_header(self.header_text), self.footer)
        action = {"button": self.button, "sections": sections}
        return {"type": "interactive", "interactive": {"type": "list", **shown, "action": action}}


class SendMedia(Message):
    """Send a picture, film, sound or document from an address, within the 24 hours."""

    media_type: MediaType
    link: Link
    caption: Annotated[Text, Field(max_length=1024)] | None = None
    filename: Text | None = None

    @model_validator(mode="after")
    def _what_fits_the_type(self) -> Self:
        if self.caption and self.media_type == "audio":
            raise ValueError("caption: a sound has none")
        if self.filename and self.media_type != "document":
            raise ValueError("filename: only a document has one")
        return self

    def content(self) -> dict[str, Any]:
        """Return a file by its address."""
        media = _given(link=self.link, caption=self.caption, filename=self.filename)
        return {"type": self.media_type, self.media_type: media}


class MarkRead(Parameters):
    """Show a person that what they wrote was read."""

    message_id: Text


def _interactive(body: str, header: dict[str, Any] | None, footer: str | None) -> dict[str, Any]:
    return {"body": {"text": body}} | _given(header=header, footer={"text": footer} if footer else None)


def _text_header(text: str | None) -> dict[str, Any] | None:
    return {"type": "text", "text": text} if text else None


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}


def _check_different(ids: list[str], name: str) -> None:
    if len(set(ids)) < len(ids):
        raise ValueError(f"{name}: two of them have the same id")
