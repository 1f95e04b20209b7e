"""The names that an expression may speak of, filled for one event.

Invariant: routing and delivering build the same names in the same way; only the snapshot may be newer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

ORDER_FIELDS = (
    "id", "order_id", "status", "payment_status", "payment_method", "is_probably_spam", "customer_name", "phone",
    "phone_raw", "email", "shipment_receipt", "courier", "gross_revenue", "net_revenue", "total_quantity", "products",
    "city", "province", "store", "tags", "notes", "created_at", "last_updated_at", "shipped_at", "paid_at",
)  # fmt: skip
CUSTOMER_FIELDS = ("id", "customer_id", "name", "email", "phone", "phone_raw", "company", "city", "state", "country")
_PERSONAL = ("phone", "phone_raw", "chat_id", "customer_name", "name", "first_name", "email", "address")
_FIELDS = {"order": ORDER_FIELDS, "customer": CUSTOMER_FIELDS}


@dataclass(frozen=True)
class Subject:
    """What an event is about: a key such as `order:250804QWERTY`, within one account. No key: nothing known."""

    account: str
    key: str | None


def expression_context(
    event: dict[str, Any], data: dict[str, Any], subject: Subject, snapshot: dict[str, Any], now: datetime
) -> dict[str, Any]:
    """Return every name of the expression language for one event.

    `order` and `customer` have all their fields whatever was seen, None where nothing is known, so that a rule may
    ask for any of them.
    """
    kind = (subject.key or "").partition(":")[0]
    snapshots = {name: dict.fromkeys(fields) | (snapshot if name == kind else {}) for name, fields in _FIELDS.items()}
    event = {**event, "subject": subject.key}
    return {"event": event, "data": data, "account": event["account"], "now": now, **snapshots}


def personal_values(context: dict[str, Any]) -> set[str]:
    """Return the texts in a context that tell who somebody is, for masking wherever they turn up."""
    return set().union(*(personal_texts(context[part]) for part in ("data", "order", "customer")))


def personal_texts(values: Mapping[str, Any]) -> set[str]:
    """Return the texts among a subject's or an event's own fields that tell who somebody is."""
    found = (values.get(name) for name in _PERSONAL)
    return {str(value) for value in found if isinstance(value, str | int) and value and value is not True}
