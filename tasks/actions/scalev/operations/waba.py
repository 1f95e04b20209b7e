"""What can be done with Scalev's WhatsApp accounts: templates, conversations, messages.

Source: the OpenAPI v3 file for the paths; bodies, where it has none, from version 2. No public code calls these.
Invariant: routes of an account take its number, conversations its text id; the one is never sent for the other.
"""

from collections.abc import Collection
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from tasks.actions.operations import Operation
from tasks.actions.parameters import Parameters, Text, checked_texts
from tasks.actions.scalev import messages, results, settling, templates
from tasks.actions.scalev.files import Part, Person, Picture, people_file
from tasks.actions.scalev.messages import OfPerson, SendMessage
from tasks.actions.scalev.parameters import Money, Nothing, Number, SearchedPage, WabaAccountId, WabaUniqueId
from worker.acting import Audience

_ONE = "/waba-accounts/{waba_account_id}"
_CONVERSATIONS = "/waba-accounts/{waba_unique_id}/customers"
_PERSON = f"{_CONVERSATIONS}/{{wa_user_id}}"
_MESSAGE = f"{_PERSON}/messages/{{wamid}}"


class OfAccount(Parameters):
    """One WhatsApp account, by its number."""

    waba_account_id: WabaAccountId


class ListTemplates(SearchedPage, OfAccount):
    """Its templates."""


class SendTemplate(OfPerson):
    """An approved template for one person; `components_param` has the variables as WhatsApp wants them."""

    template_id: Number
    components_param: Annotated[dict[str, Any] | list[Any] | None, AfterValidator(checked_texts)] = None
    file: Picture | None = None

    def part(self) -> Part | None:
        """Return the picture of the header."""
        return self.file.part() if self.file else None


class SendMessages(OfAccount):
    """An approved template for many: who gets it, and the variables."""

    template_id: Number
    people: Annotated[list[Person], Field(min_length=1, max_length=1000)]
    component_values: Annotated[dict[str, Any] | list[Any] | None, AfterValidator(checked_texts)] = None
    is_prevent_duplicate: bool = True
    is_prevent_multiple_in_period: bool | None = None

    def part(self) -> Part:
        """Return the people as a file."""
        return people_file(self.people)


def phones_of(wanted: SendMessages) -> list[str]:
    """Return the phones of those whom a batch goes to."""
    return [person.phone for person in wanted.people]


def without_some(wanted: SendMessages, phones: Collection[str]) -> SendMessages:
    """Return a batch without some of its people."""
    return wanted.model_copy(update={"people": [one for one in wanted.people if one.phone not in phones]})


class UploadMedia(Picture, OfAccount):
    """A picture for later."""


class ListConversations(SearchedPage):
    """The customers who write with an account."""

    waba_unique_id: WabaUniqueId


class OfWabaUser(Parameters):
    """A customer of a WhatsApp account, by the id that the list of conversations shows."""

    waba_unique_id: WabaUniqueId
    id: Text


class UpdateWabaUser(OfWabaUser):
    """Who answers a customer, tags, and whether he is blocked."""

    handler_id: Number | None = None
    handler_type: Literal["auto", "human"] | None = None
    tag_ids: list[Number] | None = None
    is_block: bool | None = None


class AddPurchase(OfWabaUser):
    """A purchase to report to Meta."""

    currency: Annotated[Text, Field(pattern=r"^[A-Z]{3}$")]
    value: Money


class ListMessages(OfPerson):
    """A conversation, the newest first."""

    page_size: Annotated[int, Field(ge=1, le=25)] | None = None
    next_cursor: Text | None = None
    previous_cursor: Text | None = None
    anchor_id: Text | None = None


class OfMessage(OfPerson):
    """One message, by its `wamid`."""

    wamid: Text


OPERATIONS = (
    Operation(
        "scalev.list_waba_accounts", Nothing, "GET", "/waba-accounts", "List the WhatsApp accounts.",
        finish=results.listed("unique_id", "status", "phone_status"),
    ),
    Operation(
        "scalev.get_waba_account", OfAccount, "GET", _ONE, "Read a WhatsApp account.",
        result={"id": ("id",), "unique_id": ("unique_id",), "status": ("status",), "phone_status": ("phone_status",)},
        must_tell=True,
    ),
    Operation(
        "scalev.list_templates", ListTemplates, "GET", f"{_ONE}/message-templates", "List an account's templates.",
        finish=results.listed("name", "language", "status"),
    ),
    Operation(
        "scalev.list_message_attempts", ListTemplates, "GET", f"{_ONE}/message-attempts",
        "List how the lines of batches fared.", finish=results.listed("status", "wamid"),
    ),
    Operation(
        "scalev.list_conversations", ListConversations, "GET", _CONVERSATIONS, "List an account's conversations.",
        finish=results.listed("handler_type"),
    ),
    Operation(
        "scalev.update_waba_user", UpdateWabaUser, "PATCH", f"{_CONVERSATIONS}/{{id}}",
        "Set who answers a customer, tags and blocking.", idempotent=True, result={"id": ("id",)},
    ),
    Operation(
        "scalev.add_purchase", AddPurchase, "POST", f"{_CONVERSATIONS}/{{id}}/purchase",
        "Report a customer's purchase to Meta.", idempotent=False,
    ),
    Operation(
        "scalev.list_messages", ListMessages, "GET", f"{_PERSON}/messages", "List the messages of a conversation.",
        finish=results.listed("wamid", "status"),
    ),
    Operation(
        "scalev.get_message", OfMessage, "GET", _MESSAGE, "Read a message and how far it came.",
        finish=messages.state,
    ),
    Operation(
        "scalev.mark_message_read", OfMessage, "PATCH", _MESSAGE, "Mark a customer's message as read.",
        idempotent=True, fixed={"status": "read"}, result={"message_id": ("wamid",)},
    ),
    Operation(
        "scalev.show_typing", OfMessage, "POST", f"{_MESSAGE}/typing-indicator",
        "Show the customer that somebody is typing; marks the message as read.", idempotent=True,
    ),
)  # fmt: skip

DELETING = (
    Operation(
        "scalev.delete_message", OfMessage, "DELETE", _MESSAGE, "Delete a message from the conversation.",
        idempotent=True,
    ),
)  # fmt: skip

SENDING = (
    Operation(
        "scalev.send_message", SendMessage, "POST", f"{_PERSON}/messages",
        "Send a message within 24 hours of the customer's last one.", idempotent=False, finish=messages.sent,
        recipient=messages.recipient, in_session=True, settle=settling.message_sent,
        settled_by="the conversation: the one message of this content since",
    ),
)  # fmt: skip

WITH_FILE = (
    Operation(
        "scalev.send_template", SendTemplate, "POST", f"{_PERSON}/message-templates",
        "Send a template to one person.", idempotent=False, encoding="multipart", finish=messages.sent,
        recipient=messages.recipient, template=lambda given: str(given.template_id), templates=templates.SOURCE,
        settle=settling.template_sent,
        settled_by="the conversation: the one message from this template since",
    ),
    Operation(
        "scalev.send_messages", SendMessages, "POST", f"{_ONE}/send-messages",
        "Send a template to many; how each fared is in the message attempts.", idempotent=False,
        encoding="multipart", audience=Audience(phones_of, without_some),
        template=lambda given: str(given.template_id), templates=templates.SOURCE_OF_MANY,
    ),
    Operation(
        "scalev.upload_media", UploadMedia, "POST", f"{_ONE}/upload-media", "Upload a picture.", idempotent=True,
        encoding="multipart", result={"id": ("id", "media_id")}, must_tell=True,
    ),
)  # fmt: skip
