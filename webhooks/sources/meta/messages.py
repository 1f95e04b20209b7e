"""What stands in a call of Meta's: one object of a batch, read into our words.

Source: Meta's pages on the `messages` webhook. Invariant: any object reads without an error, and unknown keys are kept.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from config.phones import to_e164
from webhooks import fields
from webhooks.whatsapp import order_of_button, report

RECEIVED, POSTBACK, STATUS, UNRECOGNIZED = (
    "meta.message.received", "meta.postback", "meta.message.status", "meta.unrecognized",
)  # fmt: skip
_MESSAGES = "messages"
_MEDIA = ("image", "video", "audio", "document", "sticker")
_TAPS = ("button", "interactive.button_reply", "interactive.list_reply")
_TEXTS = ("text.body", *(f"{tap}.{name}" for tap in _TAPS for name in ("title", "text")),
          *(f"{kind}.caption" for kind in _MEDIA), "reaction.emoji")  # fmt: skip

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Piece:
    """One thing that a call tells."""

    type: str
    part: str
    """Where in the body it stands: `entry.0.changes.0.value.statuses.1`."""
    content: Any
    value: Object
    """What surrounds it: the number it is about, the names of the people."""


def pieces(body: Any) -> Iterator[Piece]:
    """Yield everything that a call tells: each message and each report, and each change that is neither."""
    for entry_at, entry in _items(body, "entry", ""):
        for change_at, change in _items(entry, "changes", entry_at + "."):
            yield from _of_change(change, change_at)


def _of_change(change: Any, at: str) -> Iterator[Piece]:
    value = fields.first_object(change, ("value",)) or {}
    name = fields.event_name(fields.at(change, "field"))
    if name != _MESSAGES:
        # What Meta would call like one of our own types is none of them.
        is_free = name is not None and f"meta.{name}" not in {RECEIVED, POSTBACK, STATUS, "meta.batch"}
        yield Piece(f"meta.{name}" if is_free else UNRECOGNIZED, at, change, value)
        return
    found = [
        Piece(type_of(content), part, content, value)
        for type_of, list_name in ((_type_of_message, "messages"), (_type_of_status, "statuses"))
        for part, content in _items(value, list_name, f"{at}.value.")
    ]
    yield from found or [Piece(UNRECOGNIZED, at, change, value)]


def _items(parent: Any, name: str, before: str) -> Iterator[tuple[str, Any]]:
    found = fields.at(parent, name)
    for index, item in enumerate(found if isinstance(found, list) else ()):
        yield f"{before}{name}.{index}", item


def _type_of_message(content: Any) -> str:
    if fields.first_key(content, ("id", "from")) is None:
        return UNRECOGNIZED
    return POSTBACK if fields.first_object(content, _TAPS) is not None else RECEIVED


def _type_of_status(content: Any) -> str:
    return UNRECOGNIZED if fields.first_key(content, ("id",)) is None else STATUS


def about(piece: Piece, own_number: str, country: str) -> dict[str, Any]:
    """Return what every piece tells beside its own: which of the business's numbers, and whom."""
    number = fields.first_key(piece.value, ("metadata.phone_number_id",))
    phone_raw = fields.first_key(piece.content, ("from", "recipient_id"))
    return {
        "phone_number_id": number,
        "is_own_number": number == own_number,
        "display_phone_number": fields.first_key(piece.value, ("metadata.display_phone_number",)),
        "phone_raw": phone_raw,
        "phone": to_e164("+" + phone_raw.lstrip("+"), country) if phone_raw else None,
        "message_id": fields.first_key(piece.content, ("id",)),
    }


def message(piece: Piece) -> dict[str, Any]:
    """Return what a message says, in our words."""
    content = piece.content
    tap = fields.first_object(content, _TAPS) or {}
    media = fields.first_object(content, _MEDIA) or {}
    button_id = fields.first_key(tap, ("id", "payload"))
    return {
        "text": fields.text(fields.first(content, _TEXTS)),
        "name": _name(piece),
        "postback_id": button_id,
        "title": fields.text(fields.first(tap, ("title", "text"))),
        "replied_to": fields.first_key(content, ("context.id",)),
        "button_order_id": order_of_button(button_id),
        "media_id": fields.first_key(media, ("id",)),
        "mime_type": fields.first_key(media, ("mime_type",)),
    }


def status(piece: Piece) -> dict[str, Any]:
    """Return what a report says of a message of ours, in our words."""
    errors = fields.at(piece.content, "errors")
    error = errors[0] if isinstance(errors, list) and errors else None
    places = ("title", "message", "error_data.details")
    said = dict.fromkeys(words for place in places if (words := fields.text(fields.at(error, place))))
    return {
        **report(fields.at(piece.content, "status"), fields.jsonable(errors)),
        "failed_reason": ": ".join(said) or None,
        "reference": fields.first_key(piece.content, ("biz_opaque_callback_data",)),
    }


def _name(piece: Piece) -> str | None:
    """Return the name that the person shows, out of the call's list of people."""
    people = fields.at(piece.value, "contacts")
    known = [person for person in people if isinstance(person, Mapping)] if isinstance(people, list) else []
    own = [person for person in known if person.get("wa_id") == fields.at(piece.content, "from")]
    found = own or (known if len(known) == 1 else [])
    return fields.text(fields.at(found[0], "profile.name")) if found else None
