"""The orders of the faked Scalev.

Invariant: an order is found by its UUID or its legacy number, never by the human `order_id` a person reads.
"""

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sandbox.exchange import Json
from sandbox.ids import IdMaker

Order = dict[str, Json]

STATUSES = (
    "draft",
    "pending",
    "confirmed",
    "in_process",
    "ready",
    "shipped",
    "completed",
    "rts",
    "canceled",
    "closed",
)
PAYMENT_STATUSES = ("unpaid", "paid", "conflict", "settled")

# The merchant guide's moves; nothing is said about leaving canceled and closed.
ALLOWED_MOVES: Mapping[str, tuple[str, ...]] = {
    "draft": ("pending", "canceled"),
    "pending": ("confirmed", "in_process", "ready", "shipped", "canceled"),
    "confirmed": ("pending", "in_process", "ready", "shipped", "canceled"),
    "in_process": ("pending", "confirmed", "ready", "shipped", "canceled"),
    "ready": ("pending", "confirmed", "in_process", "shipped", "canceled"),
    "shipped": ("pending", "confirmed", "in_process", "ready", "completed", "rts", "closed"),
    "completed": ("shipped",),
    "rts": ("shipped",),
    "canceled": (),
    "closed": (),
}

FULL_ORDER_EVENTS = {"order.created", "order.epayment_created", "order.updated", "order.spam_created"}
PARTIAL_EVENTS = {"order.status_changed", "order.payment_status_changed", "payment.received", "payment.failed"}

# What the sandbox itself reads of an order; everything else is kept as it comes.
_TEXTS = ("order_id", "status", "payment_status", "created_at", "last_updated_at")
_LISTS = ("tags", "orderlines", "payment_status_history")

_FIRST_LEGACY_NUMBER = 9_100_000
_SEED_FILE = Path(__file__).with_name("orders.json")


def event_problem(event: Json, data: Json) -> str:
    """Say what is wrong with an event envelope; empty when the orders can be brought in line with it."""
    if not isinstance(event, str) or not isinstance(data, dict):
        return "event: an envelope with event and data is needed"
    for name in _TEXTS:
        if not isinstance(data.get(name), str | None):
            return f"data.{name}: must be text or null"
    for name in _LISTS:
        if not isinstance(data.get(name), list | None):
            return f"data.{name}: must be a list"
    if not all(isinstance(tag, str) for tag in data.get("tags") or []):
        return "data.tags: must be a list of texts"
    return ""


def stamp(moment: datetime) -> str:
    """Write a time as Scalev does: UTC, seconds, `Z`."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def part(order: Order, name: str) -> Order:
    """Return an object inside an order; empty where an event brought none, or something else under its name."""
    value = order.get(name)
    return value if isinstance(value, dict) else {}


@dataclass
class Orders:
    """All orders, by UUID. `legacy` and `numbers` lead from a legacy number and a human number to the UUID."""

    ids: IdMaker
    by_id: dict[str, Order] = field(default_factory=dict)
    legacy: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def seeded(cls, ids: IdMaker) -> "Orders":
        """Return the orders a fresh sandbox starts with."""
        orders = cls(ids)
        for entry in json.loads(_SEED_FILE.read_text(encoding="utf-8")):
            orders.put(entry["order"])
        return orders

    def get(self, identity: Json) -> Order | None:
        """Find an order by UUID or legacy number."""
        text = str(identity) if isinstance(identity, str | int) and not isinstance(identity, bool) else ""
        return self.by_id.get(self.legacy.get(text, text))

    def by_order_id(self, order_id: Json) -> Order | None:
        """Find an order by its human number."""
        return self.by_id.get(self.numbers.get(order_id, "")) if isinstance(order_id, str) else None

    def put(self, order: Order) -> Order:
        """Add or replace an order; an older event without `id` keeps the known one or gets a new one."""
        known = self.get(order.get("id")) or self.by_order_id(order.get("order_id"))
        identity = known["id"] if known else str(order.get("id") or self.ids.uuid("order"))
        merged: Order = {**(known or {}), **deepcopy(order), "id": identity}
        if known is None:
            self.legacy[str(self.ids.number("order number", _FIRST_LEGACY_NUMBER))] = identity
        self.by_id[identity] = merged
        if isinstance(merged.get("order_id"), str):
            self.numbers[merged["order_id"]] = identity
        return merged

    def remove(self, order: Order) -> None:
        """Delete an order."""
        del self.by_id[order["id"]]

    def apply(self, event: str, data: Order) -> tuple[str, Order | None]:
        """Bring the orders in line with an event, as if the change had happened here.

        Returns:
            What was done (`upserted`, `patched`, `deleted`, `unknown order`, `ignored`) and the order.
        """
        if event in FULL_ORDER_EVENTS:
            return "upserted", self.put(data)
        order = self.get(data.get("id")) or self.by_order_id(data.get("order_id"))
        if event not in PARTIAL_EVENTS | {"order.deleted"}:
            return "ignored", None
        if order is None:
            return "unknown order", None
        if event == "order.deleted":
            self.remove(order)
            return "deleted", order
        order.update({key: deepcopy(value) for key, value in data.items() if key != "id" and value != {}})
        return "patched", order


def set_status(order: Order, status: str, now: datetime) -> None:
    """Move an order to a fulfilment status; times of earlier statuses stay, as at Scalev."""
    order["status"] = status
    order[f"{status}_time"] = order["last_updated_at"] = stamp(now)


def set_payment_status(order: Order, status: str, now: datetime, by: str) -> None:
    """Move an order to a payment status and write it into the history, newest first."""
    order["payment_status"] = status
    order[f"{status}_time"] = order["last_updated_at"] = stamp(now)
    entry = {"at": stamp(now), "by": {"avatar": "", "email": "cs1@example.com", "name": by}, "status": status}
    order["payment_status_history"] = [entry, *(order.get("payment_status_history") or [])]
