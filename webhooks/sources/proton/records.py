"""Proton's records in our words: customers and call notes, out of events and out of the API's answers.

Invariant: whatever a record holds, a patch of it can be stored; one that does not say which it is gives none.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from phonenumbers import SUPPORTED_REGIONS

from config.phones import to_e164
from webhooks import fields
from worker.snapshots import Patch

# Our field: where it stands in Proton's record.
_CUSTOMER = {
    "customer_id": ("customer_id",),
    "id": ("id",),
    "name": ("name",),
    "email": ("email",),
    "phone_raw": ("office_phone_number",),
    "company": ("branch",),
    "city": ("city",),
    "state": ("state",),
    "country": ("country",),
    "source": ("source",),
}
_CALL_NOTE = {
    "interaction_id": ("interaction_id",),
    "id": ("id",),
    "call_id": ("call_id",),
    "user_id": ("user_id",),
    "customer_id": ("customer_id",),
    "customer_name": ("customer_name",),
    "contact_id": ("additional_info.contact_id",),
    "call_type": ("call_type",),
    "notes": ("notes",),
    "date": ("date",),
}
# Under which names a custom field stands: three shapes, after the endpoint.
_FIELD_ID_AT = ("custom_field_id", "field_id")
_FIELD_VALUES = ("value", "string_val", "float_val", "bool_val", "date_val", "string_val_list")


def customer_patch(data: Any, said_at: datetime, country: str) -> Patch | None:
    """Return what Proton says of a customer; None when it does not say which one."""
    values = _texts(data, _CUSTOMER)
    key = fields.key_text(values["customer_id"]) or fields.key_text(values["id"])
    if key is None:
        return None
    values["customer_id"] = key
    own = (values["country"] or "").upper()
    values["phone"] = to_e164(values["phone_raw"], own if own in SUPPORTED_REGIONS else country)
    values["custom_fields"] = custom_fields(data)
    return Patch(f"customer:{key}", values, said_at, complete=values["name"] is not None)


def call_note_patch(data: Any, said_at: datetime) -> Patch | None:
    """Return what Proton says of a call note; None when it does not say which one."""
    values = _texts(data, _CALL_NOTE)
    key = next(
        (found for name in ("interaction_id", "id", "call_id") if (found := fields.key_text(values[name]))), None
    )
    if key is None:
        return None
    associations = fields.at(data, "associations")
    values["associations"] = fields.jsonable(associations) if isinstance(associations, list) else None
    values["custom_fields"] = custom_fields(data)
    return Patch(f"call_note:{key}", values, said_at, complete=values["user_id"] is not None)


def custom_fields(data: Any) -> dict[str, Any] | None:
    """Return a record's custom fields as values by id, from a list or an object of any of the three shapes."""
    given = fields.at(data, "custom_fields")
    if isinstance(given, Mapping):
        pairs = [(fields.key_text(name), value) for name, value in given.items()]
    elif isinstance(given, list):
        pairs = [(fields.first_key(entry, _FIELD_ID_AT), entry) for entry in given]
    else:
        return None
    return {name: _value(value) for name, value in pairs if name}


def _value(entry: Any) -> Any:
    if not isinstance(entry, Mapping):
        return fields.jsonable(entry)
    return fields.jsonable(next((entry[name] for name in _FIELD_VALUES if entry.get(name) is not None), None))


def _texts(data: Any, table: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    return {ours: fields.text(fields.first(data, places)) for ours, places in table.items()}
