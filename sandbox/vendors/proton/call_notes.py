"""Proton's call notes: one note a customer, edited and deleted by its creator only.

Invariant: an edit that leaves out `notes` or `call_type` resets it; a note keeps its date for ever.
"""

from collections.abc import Mapping
from copy import deepcopy
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call, Effect, Json
from sandbox.vendors.proton import events
from sandbox.vendors.proton.search import CALL_NOTES, search_page
from sandbox.vendors.proton.state import Company, Record, bare_stamp, stamp
from sandbox.vendors.proton.words import (
    InvalidError,
    failure,
    found,
    not_the_owner,
    objects,
    structure,
    success,
    text,
    texts,
)

if TYPE_CHECKING:
    from sandbox.vendors.proton.vendor import Proton

LISTS = ("tagged_users", "custom_fields", "associations")
ASSOCIATION_TYPES = ("opportunity", "quote", "order", "campaign", "file", "customer", "task", "product")
PITCH_LIMIT = timedelta(hours=24)
_PITCH_TEXTS = ("pitch_key", "pitch_value", "subject")


def create(vendor: "Proton", call: Call) -> Answer:
    """POST /{company}/v1/call_notes: bare `{call_notes}`, without null keys and without pitched items."""
    company = vendor.company(call)
    notes = make_notes(vendor, company, call.params)
    tell_created(vendor, company, notes)
    shown = [{name: value for name, value in _shown(company, note).items() if value is not None} for note in notes]
    return Answer(200, {"call_notes": shown}, effects=tuple(_effect("call_note", note) for note in notes))


def show(vendor: "Proton", call: Call) -> Answer:
    """GET /{company}/v1/call_notes/{identifier}: here custom fields are under `field_id`."""
    company, note = vendor.company(call), _note(vendor, call)
    customer = company.customer(note["customer_id"])
    if customer is None:
        return failure(500, "The customer record of the call note is missing")
    fields = [
        {"field_id": item.get("custom_field_id"), **{k: v for k, v in item.items() if k != "custom_field_id"}}
        for item in note["custom_fields"]
    ]
    return Answer(200, {**full(company, note), "custom_fields": fields, "customer_info": {**customer}})


def update(vendor: "Proton", call: Call) -> Answer:
    """PUT /{company}/v1/call_notes/{identifier}."""
    company, note = vendor.company(call), _note(vendor, call)
    if not _owns(call, note):
        return not_the_owner("Only the creator can edit a call note")
    edit(vendor, company, note, call.params)
    return Answer(200, _shown(company, note), effects=(_effect("call_note_update", note),))


def delete(vendor: "Proton", call: Call) -> Answer:
    """DELETE /{company}/v1/call_notes/{identifier}: not with pitches that are older than a day or attributed."""
    company, note = vendor.company(call), _note(vendor, call)
    if not _owns(call, note):
        return not_the_owner("Only the creator can delete a call note")
    if any(item.get("attributed") for item in note["pitched_items"]):
        raise InvalidError("A call note with attributed products cannot be deleted", "BAD_REQUEST")
    age = vendor.setup.clock() - datetime.fromisoformat(str(note["created_at"]))
    if note["pitched_items"] and age > PITCH_LIMIT:
        raise InvalidError("A call note with pitched products can be deleted for 24 hours", "BAD_REQUEST")
    remove(vendor, company, note)
    return Answer(200, {"message": "Call note deleted"}, effects=(_effect("call_note_delete", note),))


def search(vendor: "Proton", call: Call) -> Answer:
    """POST /{company}/v1/call_notes/search: with the pitched items of each note."""
    company = vendor.company(call)
    rows = [full(company, note) for note in company.call_notes.values()]
    return success(search_page(rows, call.params, CALL_NOTES))


def create_legacy(vendor: "Proton", call: Call) -> Answer:
    """POST /{company}/create/interaction/call_note: a JSON array as the text of one form field; no webhook is told."""
    company, made = vendor.company(call), []
    entries = objects(call.params, "interactions")
    if not entries:
        raise InvalidError("interactions must be a JSON array of call notes")
    for entry in entries:
        text(entry, "customer_id", required=True)
    for entry in entries:
        made += make_notes(vendor, company, {**entry, "customer_ids": [entry["customer_id"]]})
    effects = tuple(_effect("call_note", note) for note in made)
    body = {"data": [_shown(company, note) for note in made], "status_message": "SUCCESS"}
    return Answer(200, body, effects=effects)


def make_notes(vendor: "Proton", company: Company, params: Mapping[str, Json]) -> list[Record]:
    """Make one note for each customer; nobody is told yet."""
    user = str(text(params, "user_id", required=True)).lower()
    customer_ids = list(dict.fromkeys(texts(params, "customer_ids")))
    if not customer_ids:
        raise InvalidError("customer_ids is required")
    unknown = [identity for identity in customer_ids if identity not in company.customers]
    if unknown:
        raise InvalidError(f"unknown customer_ids: {', '.join(unknown)}", "BAD_REQUEST")
    now = vendor.setup.clock()
    common: Record = {
        "user_id": user,
        "date": text(params, "date") or stamp(now),
        "call_type": text(params, "call_type") or "phone",
        "notes": text(params, "notes") or "",
        "shared_call_id": vendor.ids.uuid("shared call") if len(customer_ids) > 1 else None,
        **{name: objects(params, name) for name in LISTS},
        "additional_info": structure(params, "additional_info"),
        "mode": "phone",
        "action": text(params, "action") or "general_call_notes",
        "created_at": now.isoformat(),
    }
    _check_associations(common["associations"])
    pitches = [_pitch(company, item) for item in objects(params, "pitched_items")]
    return [_note_of(vendor, company, identity, deepcopy(common), deepcopy(pitches)) for identity in customer_ids]


def tell_created(vendor: "Proton", company: Company, notes: list[Record]) -> None:
    """Tell of new notes: each, or once a call; the document does not say which."""
    told = notes if vendor.settings.note_events == "per_customer" else notes[:1]
    for note in told:
        events.announce(vendor, company.name, "call_note.created", full(company, note))


def edit(vendor: "Proton", company: Company, note: Record, params: Mapping[str, Json]) -> None:
    """Change a note and tell of it: null and absent keep, an empty list clears, but for the two that are reset."""
    changes: Record = {"notes": text(params, "notes") or "", "call_type": text(params, "call_type") or "phone"}
    for name in (*LISTS, "pitched_items"):
        if structure(params, name) is not None:
            changes[name] = objects(params, name)
    if "pitched_items" in changes:
        pitches = [_pitch(company, item) for item in changes["pitched_items"]]
        changes["pitched_items"] = [_pitched(vendor, note, item) for item in pitches]
    if structure(params, "additional_info") is not None:
        changes["additional_info"] = structure(params, "additional_info")
    _check_associations(changes.get("associations", []))
    note.update({**changes, "last_edited_date": bare_stamp(vendor.setup.clock())})
    events.announce(vendor, company.name, "call_note.updated", full(company, note))


def remove(vendor: "Proton", company: Company, note: Record) -> None:
    """Delete a note and tell of it, with all that was in it."""
    del company.call_notes[note["interaction_id"]]
    events.announce(vendor, company.name, "call_note.deleted", full(company, note))


def full(company: Company, note: Record) -> Record:
    """Return a note with its pitched items, as reads and webhooks show it."""
    return {**_shown(company, note), "pitched_items": deepcopy(note["pitched_items"])}


def _shown(company: Company, note: Record) -> Record:
    customer = company.customer(note["customer_id"]) or {}
    own = {name: value for name, value in note.items() if name not in ("pitched_items", "created_at")}
    return {
        **deepcopy(own),
        "customer_name": customer.get("name"),
        "bill_to_id": customer.get("bill_to_id"),
        "customer_is_active": customer.get("is_active"),
        "visibility_ids": list(customer.get("visibility_ids") or []),
        "representative_ids": list(customer.get("representative_ids") or []),
    }


def _note_of(vendor: "Proton", company: Company, customer_id: str, common: Record, pitches: list[Record]) -> Record:
    call_id = vendor.ids.uuid("call")
    note: Record = {
        "id": vendor.ids.uuid("call note"),
        "call_id": call_id,
        "interaction_id": vendor.ids.uuid("interaction"),
        "customer_id": customer_id,
        "activity_id": f"phone_{call_id}",
        **common,
    }
    note["pitched_items"] = [_pitched(vendor, note, item) for item in pitches]
    company.call_notes[note["interaction_id"]] = note
    return note


def _pitch(company: Company, item: Record) -> Record:
    """Check a pitched item: a product must exist and be named twice alike."""
    for name in _PITCH_TEXTS:
        text(item, name, required=True)
    product_id = item.get("product_id")
    if item["pitch_key"] == "product_id" and product_id not in (None, item["pitch_value"]):
        raise InvalidError("product_id must equal pitch_value")
    named = item["pitch_value"] if item["pitch_key"] == "product_id" else product_id
    if named is not None and named not in company.products:
        raise InvalidError(f"unknown product_ids: {named}", "BAD_REQUEST")
    product = company.products.get(str(named))
    blob = None
    if product is not None:
        names = ("product_id", "product_category", "product_super_category", "manufacturer")
        blob = {"product_name": product["name"], **{name: product[name] for name in names}}
    return {"action": "checked", **item, "product_id": named, "product_blob": blob}


def _pitched(vendor: "Proton", note: Record, item: Record) -> Record:
    ids = {"id": vendor.ids.uuid("pitch"), "interaction_id": vendor.ids.uuid("pitch interaction")}
    return {**ids, "call_id": note["call_id"], "customer_id": note["customer_id"], **item}


def _check_associations(associations: list[Record]) -> None:
    for item in associations:
        if item.get("type") not in ASSOCIATION_TYPES:
            raise InvalidError(f"an association's type must be one of {', '.join(ASSOCIATION_TYPES)}")


def _note(vendor: "Proton", call: Call) -> Record:
    """Find a note by `interaction_id` or UUID; a `call_id` finds nothing."""
    return found(vendor.company(call).find("call_notes", call.ids["identifier"]), "Call note")


def _owns(call: Call, note: Record) -> bool:
    return call.headers.get("x-user-id", "").lower() == str(note["user_id"])


def _effect(kind: str, note: Record) -> Effect:
    return {"kind": kind, **{name: note[name] for name in ("id", "interaction_id", "customer_id", "user_id")}}
