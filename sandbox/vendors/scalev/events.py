"""Scalev's webhooks: which ones a change causes, and what each of them says.

Invariant: every emission has a `unique_id` of its own, also after a restart, and carries the state of its moment.
"""

import hashlib
from collections.abc import Iterable
from copy import deepcopy
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sandbox.exchange import Json
from sandbox.vendors.scalev.making import by_gateway
from sandbox.vendors.scalev.state import STATUSES, Order

if TYPE_CHECKING:
    from sandbox.vendors.scalev.vendor import Scalev

TRIGGERS = (
    "business.test_event",
    "order.created",
    "order.epayment_created",
    "order.updated",
    "order.spam_created",
    "order.deleted",
    "order.status_changed",
    "order.payment_status_changed",
    "payment.received",
    "payment.failed",
    "checkout_intent.abandoned",
    "checkout_intent.completed",
    "whatsapp.message.received",
    "whatsapp.message.status.updated",
)
APP_HEADER = "X-Scalev-App-Id"

_IDENTITY = ("id", "payment_link_id", "is_from_payment_link", "order_id")
_EDITED = ("created_at", "last_updated_at")
STATUS_FIELDS = (*_IDENTITY, "status", *(f"{status}_time" for status in STATUSES), *_EDITED)
DELETED_FIELDS = (*_IDENTITY, *_EDITED)
PAYMENT_FIELDS = (
    *_IDENTITY,
    "is_probably_spam",
    "mark_as_spam_by",
    *_EDITED,
    "payment_status",
    "payment_account_id",
    "epayment_provider",
    "payment_method",
    "financial_entity",
    "payment_account_holder",
    "payment_account_number",
    "transferproof_url",
    "pg_payment_info",
    "pg_reference_id",
    "pg_paid_info",
    "unpaid_time",
    "paid_time",
    "conflict_time",
    "settled_time",
    "transfer_time",
    "payment_status_history",
)
# What a payment status also says under a name of its own; `unpaid` says nothing more.
PAYMENT_EVENTS = {"paid": "payment.received", "settled": "payment.received", "conflict": "payment.failed"}

_KEPT = 10_000
_UNIQUE_LETTERS = 24


def created(vendor: "Scalev", order: Order) -> None:
    """Tell of a new order: as spam when it is judged so, and of the payment that a gateway made for it."""
    announce(vendor, "order.spam_created" if order.get("is_probably_spam") else "order.created", _snapshot(order))
    if by_gateway(order) and not order.get("is_probably_spam"):
        epayment_created(vendor, order)


def epayment_created(vendor: "Scalev", order: Order) -> None:
    """Tell that the buyer can now pay at the gateway."""
    announce(vendor, "order.epayment_created", _snapshot(order))


def updated(vendor: "Scalev", order: Order) -> None:
    """Tell of an edited order."""
    announce(vendor, "order.updated", _snapshot(order))


def deleted(vendor: "Scalev", order: Order) -> None:
    """Tell of a deleted order: ids and two times."""
    announce(vendor, "order.deleted", _part(order, DELETED_FIELDS))


def status_changed(vendor: "Scalev", order: Order) -> None:
    """Tell of a new fulfilment status: no customer, no money, no lines."""
    announce(vendor, "order.status_changed", _part(order, STATUS_FIELDS))
    if vendor.settings.updated_with_changes:
        updated(vendor, order)


def payment_status_changed(vendor: "Scalev", order: Order) -> None:
    """Tell of a new payment status, under both its names; `business` is empty, as in the documented sample."""
    data = {**_part(order, PAYMENT_FIELDS), "business": {}}
    announce(vendor, "order.payment_status_changed", data)
    event = PAYMENT_EVENTS.get(str(order["payment_status"]))
    if event is not None:
        announce(vendor, event, {**data, "customer": order.get("customer")})
    if vendor.settings.updated_with_changes:
        updated(vendor, order)


def announce(vendor: "Scalev", event: str, data: Json, *, with_unique_id: bool = True) -> str:
    """Send one event, and once more to the app when the trap is on. Returns its `unique_id`."""
    now = vendor.setup.clock()
    if vendor.settings.without_order_uuid and event.startswith(("order.", "payment.")):
        data = {name: value for name, value in data.items() if name != "id"}
    envelope = {"event": event, "unique_id": _unique_id(vendor, now), "timestamp": _precise(now), "data": data}
    unique_id = str(envelope["unique_id"])
    if not with_unique_id:
        del envelope["unique_id"]
    _remember(vendor, unique_id, envelope)
    vendor.emit(event, deepcopy(envelope))
    if vendor.settings.app_id:
        twin = {**envelope, "unique_id": _unique_id(vendor, now)}
        vendor.emit(event, deepcopy(twin), headers={APP_HEADER: vendor.settings.app_id})
    return unique_id


def resend(vendor: "Scalev", unique_id: str) -> bool:
    """Send an event again as it was, as the dashboard can. Returns whether there is such an event."""
    envelope = vendor.events.get(unique_id)
    if envelope is not None:
        vendor.emit(str(envelope["event"]), deepcopy(envelope))
    return envelope is not None


def _snapshot(order: Order) -> Order:
    return deepcopy(order)


def _part(order: Order, names: Iterable[str]) -> Order:
    return {name: deepcopy(order.get(name)) for name in names}


def _unique_id(vendor: "Scalev", now: datetime) -> str:
    """Return `event_` and 24 letters; the moment is in it, so that a restart repeats none."""
    count = vendor.ids.number("event", 0)
    digest = hashlib.sha256(f"{vendor.setup.seed}:{count}:{now.isoformat()}".encode()).hexdigest()
    return f"event_{digest[:_UNIQUE_LETTERS].upper()}"


def _precise(now: datetime) -> str:
    return now.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _remember(vendor: "Scalev", unique_id: str, envelope: dict[str, Json]) -> None:
    vendor.events[unique_id] = deepcopy(envelope)
    if len(vendor.events) > _KEPT:
        del vendor.events[next(iter(vendor.events))]
