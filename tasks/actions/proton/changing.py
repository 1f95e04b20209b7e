"""Changing at Proton: lists are replaced whole and some fields are reset when left out, so a change may have to look.

Invariant: a change that does not look sends only what it names; one that looks writes back what it read, plus what is
added. One of our workers at a time does that for a record; what others write in between is lost, as the vendor has no
condition to set.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tasks.actions.operations import as_sent
from tasks.actions.proton import parameters, shapes
from tasks.actions.proton.client import ask, look
from tasks.actions.proton.creating import of
from tasks.actions.proton.shapes import Merge
from webhooks import fields
from webhooks.sources.proton.records import call_note_patch, customer_patch
from worker.acting import Action, Call, Outcome
from worker.errors import PermanentError, UncertainError
from worker.snapshots import Patch
from worker.states import Reason


@dataclass(frozen=True)
class _Change:
    """How one kind of record is changed."""

    name: str
    parameters: type[parameters.Change]
    summary: str
    method: str
    path: str
    """Of all records of the kind."""
    ids: tuple[str, ...]
    """What the answer names the record by; the first has to be there."""
    merges: Mapping[str, Merge]
    """How each list is added to."""
    reset: tuple[str, ...] = ()
    """What the vendor empties when it is not sent."""
    emptied: Mapping[str, Any] = field(default_factory=dict)
    """What clears a field where null does not."""
    patch: Callable[[Any, Call], Patch | None] = lambda _data, _call: None
    """What the answer says of the record, for its snapshot."""


def _run(change: _Change, call: Call) -> Outcome:
    wanted: parameters.Change = call.parameters
    body = _named(change, wanted)
    if wanted.add is None and not [name for name in change.reset if name not in body]:
        return _written(change, call, body)
    key = hashlib.sha256(f"{change.path}/{wanted.identifier}".encode()).hexdigest()
    with call.memory.alone(f"record:{key}"):
        old = look(call, of(change.path, wanted.identifier))
        if not isinstance(old, dict):
            raise PermanentError(Reason.NOT_FOUND, "there is no such record")
        kept = {name: old.get(name) for name in change.reset if old.get(name) is not None}
        added = as_sent(wanted.add) if wanted.add else {}
        return _written(
            change, call, kept | body | {name: change.merges[name](old.get(name), some) for name, some in added.items()}
        )


def _named(change: _Change, wanted: parameters.Change) -> dict[str, Any]:
    """Return what a change names, as it is sent; what is cleared is null, a list empty."""
    body = {name: value for name, value in as_sent(wanted).items() if name not in {"identifier", "clear", "add"}}
    return body | {name: change.emptied.get(name, [] if name in _LISTS else None) for name in wanted.clear}


def _written(change: _Change, call: Call, body: dict[str, Any]) -> Outcome:
    data = ask(call, change.method, of(change.path, call.parameters.identifier), json=body)
    found = {name: fields.text(fields.at(data, name)) for name in change.ids}
    if found[change.ids[0]] is None:
        raise UncertainError(Reason.UNREADABLE_ANSWER, f"accepted, but the answer has no {change.ids[0]}")
    patch = change.patch(data, call)
    return Outcome({name: value for name, value in found.items() if value}, (patch,) if patch else ())


_LISTS = frozenset(
    {
        "representative_ids", "visibility_ids", "custom_fields", "emails", "phone_numbers", "tagged_users",
        "associations", "pitched_items", "owner", "groupings",
    }
)  # fmt: skip

_CHANGES = (
    _Change(
        "proton.update_customer", parameters.CustomerChange, "Change a customer, or add to its lists.",
        "PATCH", "/v1/customers", ("customer_id", "id"),
        {"representative_ids": shapes.union, "visibility_ids": shapes.union,
         "custom_fields": shapes.custom("custom_field_id")},
        patch=lambda data, call: customer_patch(data, call.session.clock(), call.country),
    ),
    _Change(
        "proton.update_contact", parameters.ContactChange, "Change a contact, or add to its lists.",
        "PUT", "/v1/contacts", ("contact_id", "id"),
        {"emails": shapes.by("email"), "phone_numbers": shapes.by("phone_number"), "address": shapes.keys,
         "custom_fields": shapes.custom("field_id")},
    ),
    _Change(
        "proton.update_call_note", parameters.NoteChange, "Change a call note of our own user, or add to its lists.",
        "PUT", "/v1/call_notes", ("interaction_id", "id"),
        {"tagged_users": shapes.by("user_id"), "associations": shapes.union, "additional_info": shapes.keys,
         "custom_fields": shapes.custom("custom_field_id")},
        reset=("notes", "call_type"), emptied={"notes": "", "call_type": "phone", "additional_info": {}},
        patch=lambda data, call: call_note_patch(data, call.session.clock()),
    ),
    _Change(
        "proton.update_opportunity", parameters.OpportunityChange, "Change an opportunity, or add to its lists.",
        "PATCH", "/opportunities", ("opportunity_id", "stage_id"),
        {"owner": shapes.union, "associations": shapes.union, "groupings": shapes.by("field"),
         "custom_fields": shapes.custom("custom_field_id")},
    ),
)  # fmt: skip


def _action(change: _Change) -> Action:
    def run(call: Call) -> Outcome:
        return _run(change, call)

    return Action(
        change.name, change.parameters, run, idempotent=True, summary=change.summary,
        endpoint=f"{change.method} {change.path}/{{identifier}}",
    )  # fmt: skip


ACTIONS = tuple(map(_action, _CHANGES))
