"""Open Mercato's records in our words: persons, companies, deals and orders.

A list spells its names with underscores for customers and in camel case for orders, a detail has the record below its
own name: each field is looked for in all of these places. Amounts come as text or as numbers.

Invariant: a record is known by its entity id, the id that the API takes; a profile's own id is kept beside it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from config.phones import to_e164
from webhooks import fields
from worker.snapshots import Patch

_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

Reading = Callable[[Any], Any]


def _moment(value: Any) -> str | None:
    found = fields.moment(value)
    return found.isoformat() if found else None


def _ids(value: Any) -> list[str] | None:
    """Return a list of ids, which may be given as the records that have them."""
    if not isinstance(value, list):
        return None
    found = (fields.text(fields.at(one, "id") if isinstance(one, Mapping) else one) for one in value)
    return [text for text in found if text]


@dataclass(frozen=True)
class Kind:
    """One kind of record that snapshots are kept of.

    Attributes:
        name: of its subjects, and of the record in a detail.
        action: the read that tells it whole.
        places: our field, what the API calls it, and how it is read.
    """

    name: str
    action: str
    places: Mapping[str, tuple[str, Reading]]


_TIMES: Mapping[str, tuple[str, Reading]] = {
    "created_at": ("createdAt", _moment),
    "updated_at": ("updatedAt", _moment),
}
_CUSTOMER: Mapping[str, tuple[str, Reading]] = {
    "name": ("displayName", fields.text),
    "email": ("primaryEmail", fields.email),
    "phone_raw": ("primaryPhone", fields.text),
    "status": ("status", fields.text),
    "lifecycle_stage": ("lifecycleStage", fields.text),
    "source": ("source", fields.text),
    "owner_id": ("ownerUserId", fields.text),
    **_TIMES,
}
PERSON = Kind(
    "person",
    "open_mercato.get_person",
    {
        "first_name": ("firstName", fields.text),
        "last_name": ("lastName", fields.text),
        "job_title": ("jobTitle", fields.text),
        "company_id": ("companyEntityId", fields.text),
        "profile_id": ("personId", fields.text),
        **_CUSTOMER,
    },
)
COMPANY = Kind(
    "company",
    "open_mercato.get_company",
    {
        "domain": ("domain", fields.text),
        "industry": ("industry", fields.text),
        "profile_id": ("companyId", fields.text),
        **_CUSTOMER,
    },
)
DEAL = Kind(
    "deal",
    "open_mercato.get_deal",
    {
        "title": ("title", fields.text),
        "status": ("status", fields.text),
        "pipeline_stage": ("pipelineStage", fields.text),
        "value_amount": ("valueAmount", fields.money),
        "value_currency": ("valueCurrency", fields.text),
        "probability": ("probability", fields.money),
        "expected_close_at": ("expectedCloseAt", _moment),
        "owner_id": ("ownerUserId", fields.text),
        "source": ("source", fields.text),
        "person_ids": ("personIds", _ids),
        "company_ids": ("companyIds", _ids),
        **_TIMES,
    },
)
SALES_ORDER = Kind(
    "sales_order",
    "open_mercato.get_order",
    {
        "order_number": ("orderNumber", fields.text),
        "status": ("status", fields.text),
        "status_id": ("statusEntryId", fields.text),
        "fulfillment_status": ("fulfillmentStatus", fields.text),
        "payment_status": ("paymentStatus", fields.text),
        "currency": ("currencyCode", fields.text),
        "total_net": ("grandTotalNetAmount", fields.money),
        "total_gross": ("grandTotalGrossAmount", fields.money),
        "customer_id": ("customerEntityId", fields.text),
        "customer_name": ("customerName", fields.text),
        "external_reference": ("externalReference", fields.text),
        "customer_reference": ("customerReference", fields.text),
        "channel_id": ("channelId", fields.text),
        "placed_at": ("placedAt", _moment),
        "expected_delivery_at": ("expectedDeliveryAt", _moment),
        **_TIMES,
    },
)

BY_ENTITY = {
    "customers.person": PERSON,
    "customers.company": COMPANY,
    "customers.deal": DEAL,
    "sales.order": SALES_ORDER,
}
"""By module and entity, as events name them."""


def told_patch(kind: Kind, data: Any, told_at: datetime, *, deleted: bool) -> Patch | None:
    """Return what an event says of a record: mostly no more than that it has changed; None without its id."""
    record_id = fields.first_key(data, ("entityId", "id"))
    if record_id is None:
        return None
    values = _values(kind, data, (), "") | {"id": record_id, "deleted": True if deleted else None}
    if fields.at(data, "entityId") is not None:
        values["profile_id"] = fields.key_text(fields.at(data, "id"))
    return Patch(f"{kind.name}:{record_id}", values, told_at, complete=False, outdates=not deleted)


def record_patch(kind: Kind, record: Any, read_at: datetime, country: str) -> Patch | None:
    """Return what a full record of the API says; None when it is none."""
    own = kind.name.removeprefix("sales_")
    record_id = fields.first_key(record, (f"{own}.id", "id"))
    if record_id is None:
        return None
    values = _values(kind, record, (own, "profile"), country) | {"id": record_id}
    return Patch(f"{kind.name}:{record_id}", values, read_at, complete=True)


def _values(kind: Kind, record: Any, below: tuple[str, ...], country: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for ours, (theirs, read) in kind.places.items():
        names = (theirs, _CAPITAL.sub("_", theirs).lower())
        places = [*(f"{parent}.{name}" for parent in below for name in names), *names]
        values[ours] = read(fields.first(record, places))
    if "phone_raw" in values:
        values["phone"] = to_e164(values["phone_raw"], country) if country else None
    return values
