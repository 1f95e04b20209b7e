"""Scalev's customer, in our words: the buyer that an order names, or the API's answer.

Invariant: a customer is known by Scalev's id; only one that came without an id is known by the phone number.
"""

from datetime import datetime
from typing import Any

from config.phones import to_e164
from webhooks import fields
from webhooks.sources.scalev import places
from worker.snapshots import Patch

FIRST_SEEN = "scalev.customer.first_seen"

_CUSTOMER: places.Places = {
    "id": (fields.text, "id"),
    "name": (fields.text, "name"),
    "email": (fields.email, "email"),
    "phone_raw": (fields.text, "phone"),
    "status": (fields.text, "status"),
    "tags": (places.texts, "tags"),
    "created_at": (places.instant, "created_at"),
}


def customer_key(customer_id: Any, phone: Any) -> str | None:
    """Return the subject of a customer."""
    key = fields.key_text(customer_id) or fields.key_text(phone)
    return f"customer:{key}" if key else None


def customer_patch(customer: Any, said_at: datetime, country: str) -> Patch | None:
    """Return what Scalev says of a customer; None when it does not say which."""
    values = places.read(customer, _CUSTOMER)
    phone = to_e164(values["phone_raw"], country)
    key = customer_key(values["id"], phone)
    if key is None:
        return None
    as_of = fields.moment(fields.at(customer, "last_updated_at")) or said_at
    return Patch(
        key, {**values, "customer_id": values["id"], "phone": phone}, as_of, complete=values["name"] is not None
    )


def buyer_patch(order: Patch, data: Any, country: str) -> Patch | None:
    """Return what an order says of its buyer; None when it says nothing of one.

    Only the customer's own block tells name and phone surely: the address may be that of somebody who gets a present.
    So the address counts where nothing else is said, as in the documented samples.
    """
    own = fields.at(data, "customer")
    own = own if isinstance(own, dict) else {}
    said = order.values
    block = {"id": said["customer_id"], **own}
    if not own:
        block |= {"name": said["customer_name"], "phone": said["phone_raw"], "email": said["email"]}
    patch = customer_patch(block, order.as_of, country)
    if patch is None:
        return None
    place = {"city": said["city"], "state": said["province"]}
    return Patch(patch.subject, patch.values | place, patch.as_of, patch.complete)
