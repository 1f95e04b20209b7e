"""Look things up in the ledger, for people.

Invariant: lists are newest first and bounded; what is returned is data, shown or masked by whoever asked.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, case, func, select

from worker.ledger import pauses
from worker.ledger.tables import attempts, audit, deliveries, events, holds
from worker.states import OPEN_STATES, EventState, HoldKind, Reason

EVENT_COLUMNS = tuple(column for column in events.columns if column.name not in {"body", "headers", "dedupe_key"})


# What is open and due at an account whose circuit is open waits for that, whatever stands in its own row.
held_back = (
    (holds.c.account == deliveries.c.account)
    & (holds.c.kind == HoldKind.ACCOUNT)
    & holds.c.opened_at.is_not(None)
    & deliveries.c.state.in_(OPEN_STATES)
)
HELD = (
    holds.c.until.label("held_until"),
    holds.c.reason.label("held_reason"),
    holds.c.error.label("held_error"),
)
# What a person paused waits for that before anything else.
PAUSED = pauses.PAUSED.label("paused")
shown_reason = case(
    (pauses.PAUSED.is_not(None), Reason.PAUSED), else_=func.coalesce(holds.c.reason, deliveries.c.reason)
)


def get_event(connection: Connection, event_id: UUID) -> Row[Any] | None:
    """Return one event, whole."""
    return connection.execute(select(events).where(events.c.id == event_id)).one_or_none()


def body_of(connection: Connection, event: Row[Any]) -> bytes | None:
    """Return the body an event came in, which may be that of a request with several events."""
    if event.body is not None or event.parent_id is None:
        return bytes(event.body) if event.body is not None else None
    return connection.scalar(select(events.c.body).where(events.c.id == event.parent_id))


def get_delivery(connection: Connection, delivery_id: UUID) -> Row[Any] | None:
    """Return one delivery, whole."""
    return connection.execute(select(deliveries).where(deliveries.c.id == delivery_id)).one_or_none()


def facts_of(connection: Connection, event_id: UUID) -> Sequence[Row[Any]]:
    """Return the facts derived from an event."""
    return connection.execute(select(*EVENT_COLUMNS).where(events.c.parent_id == event_id).order_by(events.c.id)).all()


def deliveries_of(connection: Connection, event_ids: Sequence[UUID], most: int | None = None) -> Sequence[Row[Any]]:
    """Return the deliveries of some events, oldest first."""
    query = select(deliveries, *HELD, PAUSED).outerjoin(holds, held_back).where(deliveries.c.event_id.in_(event_ids))
    return connection.execute(query.order_by(deliveries.c.id).limit(most)).all()


def attempts_of(connection: Connection, delivery_ids: Sequence[UUID], most: int | None = None) -> Sequence[Row[Any]]:
    """Return every attempt of some deliveries, or the newest of them, oldest first."""
    query = select(attempts).where(attempts.c.delivery_id.in_(delivery_ids)).order_by(attempts.c.id.desc()).limit(most)
    return connection.execute(query).all()[::-1]


def audit_of(connection: Connection, targets: Sequence[UUID]) -> Sequence[Row[Any]]:
    """Return what people did to some events and deliveries, oldest first."""
    query = select(audit).where(audit.c.target.in_([str(target) for target in targets])).order_by(audit.c.id)
    return connection.execute(query).all()


def secrets_used(connection: Connection, since: datetime) -> Sequence[Row[Any]]:
    """Return how many events each of an account's secrets verified."""
    query = (
        select(
            events.c.account,
            events.c.trigger,
            events.c.secret_index,
            func.count().label("events"),
            func.max(events.c.received_at).label("last_received_at"),
        )
        .where(events.c.received_at >= since, events.c.parent_id.is_(None))
        .group_by(events.c.account, events.c.trigger, events.c.secret_index)
        .order_by(events.c.account, events.c.trigger, events.c.secret_index)
    )
    return connection.execute(query).all()


def count_by_state(connection: Connection) -> dict[str, int]:
    """Return how many deliveries need a person, or wait."""
    interesting = ["dead", "unknown", "in_flight", "ready", "waiting", "retrying"]
    query = select(deliveries.c.state, func.count().label("total")).where(deliveries.c.state.in_(interesting))
    return {row.state: row.total for row in connection.execute(query.group_by(deliveries.c.state))}


def count_failed_events(connection: Connection) -> int:
    """Return how many events could not be routed."""
    query = select(func.count()).select_from(events).where(events.c.state == EventState.FAILED)
    return connection.scalar(query) or 0
