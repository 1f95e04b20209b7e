"""Scalev's orders that changed without our hearing of it, as the events that their webhooks would have been.

Invariant: an order that the ledger knows as it is now leads to nothing.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from tasks.actions.scalev.reconciling import orders_updated_between
from tasks.reconciling.finding import Found, Search
from webhooks import fields
from worker.ledger import subjects
from worker.snapshots import Snapshot


def missed_orders(search: Search) -> Iterator[Found]:
    """Yield what happened to orders that the ledger does not know, or knows older."""

    def knows(order_id: str, changed_at: datetime | None) -> bool:
        search.looked_at()
        known_at = fields.moment(_known(search, order_id).values.get("last_updated_at"))
        return changed_at is not None and known_at is not None and known_at >= changed_at

    for order in orders_updated_between(search.call(None), search.since, search.until, knows=knows):
        order_id = fields.key_text(order.get("order_id"))
        if order_id is not None:
            known = _known(search, order_id)
            yield from (_as_webhook(name, order_id, order, search.now) for name in _happened(known, order))


def _known(search: Search, order_id: str) -> Snapshot:
    with search.engine.connect() as connection:
        return subjects.read_snapshot(connection, search.account, f"order:{order_id}")


def _happened(known: Snapshot, order: dict[str, Any]) -> list[str]:
    """Return the names of the webhooks that an order's present state amounts to, beside what is known of it."""
    if not known.values:
        return ["order.created"]
    changed = [
        name
        for name, field in (("order.status_changed", "status"), ("order.payment_status_changed", "payment_status"))
        if order.get(field) is not None and order[field] != known.values.get(field)
    ]
    return changed or ["order.updated"]


def _as_webhook(name: str, order_id: str, order: dict[str, Any], now: datetime) -> Found:
    # Dated now: it tells the order as it is now, so that a webhook of an earlier change, come late, tells nothing new.
    unique_id = f"reconciled:{name}:{order_id}:{order.get('last_updated_at')}"
    return Found({"event": name, "unique_id": unique_id, "timestamp": now.isoformat(), "data": order})
