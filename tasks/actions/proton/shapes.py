"""Shapes that Proton's calls share: custom fields, which differ by endpoint, associations, and how lists are added to.

A rule writes custom fields one way, as values by the field's id; each endpoint gets its own shape of them.
Invariant: a list that is added to keeps every entry it had, in the shape that its endpoint takes.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer

from tasks.actions.parameters import Parameters, Text
from webhooks.sources.proton.records import custom_fields

MOST_PAGE = 100


class DateValue(Parameters):
    """A date, where its type has to be said: `{date_val: 2026-03-01}`."""

    date_val: Text


CustomValue = str | bool | int | float | list[str] | DateValue


def _by_id(given: Any) -> Any:
    """Take the vendor's own lists too."""
    if not isinstance(given, list):
        return given
    found = custom_fields({"custom_fields": given}) or {}
    if len(found) != len(given):
        raise ValueError("each needs a custom_field_id of its own")
    return found


def _values(fields: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    plain = {key: value.date_val if isinstance(value, DateValue) else value for key, value in fields.items()}
    return [{name: key, "value": value} for key, value in plain.items()]


def _typed(fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"custom_field_id": key, **_typed_value(value)} for key, value in fields.items()]


def _typed_value(value: Any) -> dict[str, Any]:
    if isinstance(value, DateValue):
        return {"date_val": value.date_val}
    kinds: tuple[tuple[type, str], ...] = (
        (bool, "bool_val"), (int, "float_val"), (float, "float_val"), (list, "string_val_list"),
    )  # fmt: skip
    return {next((name for kind, name in kinds if isinstance(value, kind)), "string_val"): value}


_FieldValues = Annotated[dict[Text, CustomValue], BeforeValidator(_by_id)]
Fields = Annotated[_FieldValues, PlainSerializer(lambda fields: _values(fields, "custom_field_id"))]
"""Custom fields as most endpoints take them."""
TypedFields = Annotated[_FieldValues, PlainSerializer(_typed)]
"""As creating a customer takes them: the type in the key."""
ContactFields = Annotated[_FieldValues, PlainSerializer(lambda fields: _values(fields, "field_id"))]
"""As contacts take them."""


class Association(Parameters):
    """What a note, task or opportunity goes with; one of the ids says which."""

    type: Literal["opportunity", "quote", "order", "campaign", "file", "customer", "task", "product"]
    opportunity_id: Text | None = None
    quote_id: Text | None = None
    order_id: Text | None = None
    campaign_id: Text | None = None
    file_id: Text | None = None
    customer_id: Text | None = None
    contact_id: Text | None = None
    document_id: Text | None = None
    product_id: Text | None = None
    user_id: Text | None = None
    task_id: Text | None = None
    call_id: Text | None = None


def _without_gaps(associations: list[Association]) -> list[dict[str, Any]]:
    return [association.model_dump(exclude_none=True) for association in associations]


Associations = Annotated[list[Association], PlainSerializer(_without_gaps), Field(default_factory=list)]

Merge = Callable[[Any, Any], Any]
"""What a field becomes: of what the record has there, and what is added."""


def union(old: Any, added: list[Any]) -> list[Any]:
    """Add entries that are not there yet."""
    kept = list(old) if isinstance(old, list) else []
    return [*kept, *(entry for entry in added if entry not in kept)]


def by(key: str) -> Merge:
    """Add entries that a key tells apart, in the place of those with the same."""

    def merge(old: Any, added: list[Any]) -> list[Any]:
        new = {entry[key] for entry in added}
        kept = [entry for entry in old if not isinstance(entry, dict) or entry.get(key) not in new] if old else []
        return [*kept, *added]

    return merge


def custom(key: str) -> Merge:
    """Add custom fields, in the shape of an endpoint, to those of a record in any shape."""

    def merge(old: Any, added: list[Any]) -> list[Any]:
        known = custom_fields({"custom_fields": old}) or {}
        return _values(known | {entry[key]: entry["value"] for entry in added}, key)

    return merge


def keys(old: Any, added: dict[str, Any]) -> dict[str, Any]:
    """Set parts of an object, and keep the others."""
    return {**(old if isinstance(old, dict) else {}), **added}
