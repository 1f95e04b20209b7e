"""The traps of Wabotick: where its document, its sisters and what was seen live disagree.

Invariant: with no trap set it behaves as the sisters on the same code base were seen to behave.
"""

from typing import Annotated, Literal

from pydantic import Field

from sandbox.exchange import Json
from sandbox.vendors.base import Settings

Spelling = Literal["own", "text_number", "number", "boolean", "text_boolean", "word"]

# How each spelling writes failure and success.
SPELLINGS: dict[str, tuple[Json, Json]] = {
    "text_number": ("0", "1"),
    "number": (0, 1),
    "boolean": (False, True),
    "text_boolean": ("false", "true"),
    "word": ("error", "success"),
}


class WabotickSettings(Settings):
    """Traps of the answers, of an account, and of the webhooks.

    Attributes:
        shape: which of the two families of answers, where they differ.
        list_shape: the disguise a list comes in; `object` gives the first row only.
        status_spelling: how every `status` is written; `own` leaves each endpoint its own.
        misspell_everywhere: `mesasge` in every answer, not only where it was seen.
        send_without_id: a send says success and does not say which message.
        paging: `offset` skips rows, or is a page number from 1 with at most 50 rows.
        message_status: how far a message comes by itself.
        undeliverable: phones that every message to fails for, with 131026.
        unknown_fields_lost: a custom field that does not exist is answered with success and not kept.
        upload_field: the name an uploaded file must have.
        status_delay_seconds: how long after each other the statuses of a message are reported.
        tap_names_message: a tap says by `reply_message_id` which message it answers.
        postback_id: how a tapped button names itself on the flow's webhook.
        all_flow_fields: every field of the flow's webhook is ticked, not only the usual ones.
        merge_tags: what becomes of `#name#` in the address of the flow's webhook: the subscriber's custom field of
            that name, nothing (seen live), or what stands there.
        outgoing_text: whether the outgoing webhook holds the text.
        form_webhooks: webhooks are form encoded.
        bot_id_is_number_id: `whatsapp_bot_id` in webhooks is Meta's id of the number.
    """

    shape: Literal["white_label", "document"] = "white_label"
    list_shape: Literal["list", "json_string", "indexed_object", "object"] = "list"
    status_spelling: Spelling = "own"
    misspell_everywhere: bool = False
    send_without_id: bool = False
    paging: Literal["rows", "pages"] = "rows"
    message_status: Literal["accepted", "sent", "delivered", "read", "failed"] = "delivered"
    undeliverable: tuple[str, ...] = ()
    enforce_window: bool = True
    subscriber_limit: int | None = None
    subscriber_delay_seconds: float = 0.0
    trigger_bot_fails: bool = False
    unknown_fields_lost: bool = False
    upload_field: Literal["either", "file", "media_file"] = "either"
    status_delay_seconds: Annotated[float, Field(ge=0, le=3600)] = 0.0
    tap_names_message: bool = True
    postback_id: Literal["plain", "suffixed", "empty"] = "plain"
    all_flow_fields: bool = False
    merge_tags: Literal["filled", "empty", "raw"] = "filled"
    outgoing_text: bool = True
    form_webhooks: bool = False
    bot_id_is_number_id: bool = False
