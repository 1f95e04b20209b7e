"""Scalev's order, in our words: from a webhook's data or from the API's answer.

Invariant: one table says where each field comes from; the same order reads the same from either.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from config.phones import to_e164
from webhooks import fields
from worker.snapshots import Patch, Snapshot

_WHOLE_WHEN_IT_HAS = ("destination_address", "orderlines")

# Our field: where it stands at Scalev, the first place that has something; how it is read.
_FIELDS: dict[str, tuple[tuple[str, ...], Callable[[Any], Any]]] = {
    "id": (("id",), fields.text),
    "order_id": (("order_id",), fields.text),
    "status": (("status",), fields.text),
    "payment_status": (("payment_status",), fields.text),
    "payment_method": (("payment_method",), fields.text),
    "is_probably_spam": (("is_probably_spam",), lambda value: value if isinstance(value, bool) else None),
    "customer_name": (("destination_address.name", "customer.name", "message_variables.name"), fields.text),
    "phone_raw": (("destination_address.phone", "customer.phone", "message_variables.phone"), fields.text),
    "email": (("destination_address.email", "customer.email", "message_variables.email"), fields.email),
    "city": (("destination_address.city",), fields.text),
    "province": (("destination_address.province",), fields.text),
    "store": (("store.name",), fields.text),
    "shipment_receipt": (("shipment_receipt",), fields.text),
    "courier": (("courier_service.courier.name", "courier_service.name"), fields.text),
    "gross_revenue": (("gross_revenue",), fields.money),
    "net_revenue": (("net_revenue",), fields.money),
    "total_quantity": (("total_quantity",), lambda value: value if type(value) is int else None),
    "notes": (("notes",), fields.text),
    "created_at": (("created_at",), lambda value: _iso(fields.moment(value))),
    "last_updated_at": (("last_updated_at",), lambda value: _iso(fields.moment(value))),
    "shipped_at": (("shipped_time",), lambda value: _iso(fields.moment(value))),
    "paid_at": (("paid_time", "settled_time"), lambda value: _iso(fields.moment(value))),
}

# What an order's state amounts to. `paid` and `settled` are one payment (the gateway pays out later).
_STATUS_FACTS = {
    "shipped": "scalev.order.shipped",
    "completed": "scalev.order.completed",
    "canceled": "scalev.order.canceled",
    "rts": "scalev.order.returned",
}
_PAYMENT_FACTS = {"paid": "scalev.order.paid", "settled": "scalev.order.paid"}
FACTS = tuple(sorted({*_STATUS_FACTS.values(), *_PAYMENT_FACTS.values()}))


def order_patch(data: Any, said_at: datetime, country: str) -> Patch | None:
    """Return what Scalev says of an order; None when it does not say which order.

    `said_at` dates what carries no time of its own; `country` is where local phone numbers belong.
    """
    values = {name: read(fields.first(data, paths)) for name, (paths, read) in _FIELDS.items()}
    order_id = fields.key_text(values["order_id"])
    if order_id is None:
        return None
    values["phone"] = to_e164(values["phone_raw"], country)
    values["products"] = _names(fields.at(data, "orderlines"))
    tags = fields.at(data, "tags")
    values["tags"] = [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else None
    complete = any(fields.at(data, name) is not None for name in _WHOLE_WHEN_IT_HAS)
    as_of = fields.moment(fields.at(data, "last_updated_at")) or said_at
    return Patch(f"order:{order_id}", values, as_of, complete)


def order_facts(snapshot: Snapshot) -> tuple[str, ...]:
    """Return the facts that an order's newest state amounts to; a spam order amounts to nothing."""
    if snapshot.values.get("is_probably_spam"):
        return ()
    found = (
        _STATUS_FACTS.get(snapshot.values.get("status", "")),
        _PAYMENT_FACTS.get(snapshot.values.get("payment_status", "")),
    )
    return tuple(fact for fact in found if fact)


def _names(orderlines: Any) -> list[str] | None:
    if not isinstance(orderlines, list):
        return None
    return [name for line in orderlines if (name := fields.text(fields.at(line, "product_name")))]


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
