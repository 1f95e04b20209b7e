"""Proton's events in their envelopes: name, identity, company, time and record, wherever a sender puts them.

The vendor names its events and documents nothing of their form, so each of these is looked for in the places that
such senders use, in order; the first that has something counts.
Invariant: any entry gives an envelope, and the same entry with the same headers gives the same one.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from webhooks import fields

UNRECOGNIZED = "unrecognized"

_NAME_AT = ("event", "type", "event_type", "event_name", "topic")
_COMPANY_AT = ("company", "company_id", "tenant")
_TIME_AT = ("timestamp", "occurred_at", "created_at", "date")
_DATA_AT = ("data.object", "data", "payload", "object", "resource", "customer", "call_note")
# Beside a record these are the event's; a body that is the record itself has an `id` of its own.
_ID_AT = ("id", "event_id", "delivery_id", "uuid")
_ID_AT_OF_FLAT = _ID_AT[1:]
_ID_HEADERS = ("webhook-id", "svix-id")
_ENVELOPE = (*_NAME_AT, *_TIME_AT, *_COMPANY_AT, *_ID_AT)
_ENVELOPE_OF_FLAT = (*_NAME_AT, "timestamp", "occurred_at", "created_at", *_COMPANY_AT, *_ID_AT_OF_FLAT)

# What a record is known by, by the first part of the event's name.
_KEY_AT = {"customer": ("customer_id", "id"), "call_note": ("interaction_id", "id", "call_id")}
# What says which record it is and nothing of it.
_IDS = ("customer_id", "id", "interaction_id", "call_id", "created", "object")

Header = Callable[[str], str | None]


@dataclass(frozen=True)
class Envelope:
    """One event as it came."""

    name: str
    """In the vendor's words; `unrecognized` where nothing names it."""
    stated_id: str | None
    company: str | None
    """None where nothing says so: the account's own."""
    occurred_at: datetime | None
    data: dict[str, Any]
    """The record, as the ledger can keep it."""
    resource_id: str | None
    digest: str
    """Of the record: the same for two events that say the same of it."""

    @property
    def kind(self) -> str:
        """What the record is: customer, call_note, or anything else."""
        return self.name.partition(".")[0]

    @property
    def is_thin(self) -> bool:
        """Whether the record holds nothing but ids."""
        return not set(self.data) - set(_IDS)


def parts(body: Any) -> Iterator[tuple[str | None, Any]]:
    """Yield each event's place and entry: a body is one event, or a list of them."""
    if isinstance(body, list) and body:
        yield from ((str(place), entry) for place, entry in enumerate(body))
    else:
        yield None, body


def part_of(body: Any, part: str | None) -> Any:
    """Return the entry at a place that `parts` named; None when there is none."""
    if part is None:
        return body
    known = isinstance(body, list) and part.isascii() and part.isdecimal() and int(part) < len(body)
    return body[int(part)] if known else None


def opened(entry: Any, header: Header, event_header: str | None, known: Mapping[str, Any]) -> Envelope:
    """Return what an entry says; `known` are the names that we have heard of."""
    record = fields.first_object(entry, _DATA_AT)
    name = _name(entry, header(event_header) if event_header else None, known, is_flat=record is None)
    if record is None:
        record = {key: value for key, value in entry.items() if key not in _own(name)} if _is_object(entry) else {}
        stated = fields.first_key(entry, _ID_AT_OF_FLAT)
    else:
        stated = fields.first_key(entry, _ID_AT)
    data = fields.jsonable(record)
    canonical = json.dumps(data, sort_keys=True, ensure_ascii=True).encode()
    in_header = next((found for name_ in _ID_HEADERS if (found := fields.key_text(header(name_)))), None)
    return Envelope(
        name=name, stated_id=in_header or stated,
        company=fields.first_key(entry, _COMPANY_AT) or fields.key_text(header("x-company")),
        occurred_at=fields.moment(fields.first(entry, _TIME_AT)), data=data,
        resource_id=fields.first_key(data, _KEY_AT.get(name.partition(".")[0], ("id",))),
        digest=hashlib.sha256(canonical).hexdigest(),
    )  # fmt: skip


def _own(name: str) -> tuple[str, ...]:
    """Return the keys of a flat body that are the envelope's: a record's own `id` and `date` are not."""
    return _ENVELOPE_OF_FLAT if name.partition(".")[0] in _KEY_AT else _ENVELOPE


def _is_object(entry: Any) -> bool:
    return isinstance(entry, Mapping)


def _name(entry: Any, in_header: str | None, known: Mapping[str, Any], *, is_flat: bool) -> str:
    """Return the event's name: one we know first, because a body that is the record itself has a `type` of its own."""
    said = [name for path in _NAME_AT if (name := fields.event_name(fields.at(entry, path)))]
    named = fields.event_name(in_header)
    names = [*([] if is_flat and named else said), *([named] if named else []), *said]
    return next((name for name in names if name in known), names[0] if names else UNRECOGNIZED)
