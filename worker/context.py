"""The names that an expression may speak of, filled for one event.

Invariant: routing and delivering build the same names in the same way; only the snapshot may be newer.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

ORDER_FIELDS = (
    "id", "order_id", "status", "payment_status", "payment_method", "is_probably_spam", "customer_name", "phone",
    "phone_raw", "email", "shipment_receipt", "courier", "gross_revenue", "net_revenue", "total_quantity", "products",
    "city", "province", "store", "tags", "notes", "created_at", "last_updated_at", "shipped_at", "paid_at",
)  # fmt: skip
CUSTOMER_FIELDS = ("id", "customer_id", "name", "email", "phone", "phone_raw", "company", "city", "state", "country")
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
    names = ("phone", "phone_raw", "customer_name", "name", "email", "address")
    found: set[str] = set()
    for part in (context["data"], context["order"], context["customer"]):
        for name in names:
            value = part.get(name)
            if isinstance(value, str) and value.strip():
                found |= {value, value.lstrip("+")}
    return found
