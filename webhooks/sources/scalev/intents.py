"""Scalev's checkout intent, in our words: what a buyer began and may not have finished.

Invariant: an intent's snapshot follows the time at which things happened to it, whatever order they are told in.
"""

from datetime import datetime
from typing import Any

from config.phones import to_e164
from webhooks import fields
from webhooks.sources.scalev import places
from worker.snapshots import Patch

_text = fields.text

_INTENT: places.Places = {
    "id": (_text, "id"),
    "status": (_text, "status"),
    "last_sequence": (places.count, "last_sequence"),
    "contactable": (places.flag, "contactable"),
    "is_follow_up_email_sent": (places.flag, "is_email_follow_up_already_sended"),
    "name": (_text, "customer.name"),
    "email": (fields.email, "customer.email"),
    "phone_raw": (_text, "customer.phone"),
    "store": (_text, "store.name"),
    "store_unique_id": (_text, "store.unique_id", "store.id"),
    "item_quantity": (places.count, "cart_summary.item_quantity"),
    "estimated_total": (fields.money, "cart_summary.estimated_total"),
    "currency": (_text, "cart_summary.currency"),
    "order_id": (_text, "order.order_id"),
    "recovery_url": (_text, "recovery_url"),
    **{name: (places.instant, name) for name in (
        "recovery_url_expires_at", "started_at", "last_activity_at", "follow_up_eligible_at", "completed_at",
        "occurred_at",
    )},
}  # fmt: skip
_ITEM: places.Places = {
    "type": (_text, "type"),
    "name": (_text, "name"),
    "variant_id": (_text, "variant_id"),
    "quantity": (places.count, "quantity"),
    "unit_price": (fields.money, "unit_price"),
    "line_total": (fields.money, "line_total"),
    "currency": (_text, "currency"),
}


def intent_patch(data: Any, said_at: datetime, country: str) -> Patch | None:
    """Return what Scalev says of a checkout intent; None when it does not say which."""
    values = places.read(data, _INTENT)
    key = fields.key_text(values["id"])
    if key is None:
        return None
    items = places.rows(fields.at(data, "items"), _ITEM)
    staff = places.handler(data)
    values |= {
        "phone": to_e164(values["phone_raw"], country), "items": items, "products": places.names(items, "name"),
        "handler": staff["handler"], "handler_id": staff["handler_id"],
        **places.campaign(data, "attribution", "source_url"),
    }  # fmt: skip
    as_of = fields.moment(values["occurred_at"]) or said_at
    return Patch(f"intent:{key}", values, as_of, complete=values["status"] is not None)
