"""Deliveries in the ledger, whatever stage they are in: who is woken, who is next, what steps came to.

Invariant: what is due is woken again and again until it was claimed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, func, select, text
from sqlalchemy.exc import IntegrityError

from config.rules import PRIORITIES
from worker.ledger import pauses
from worker.ledger.tables import deliveries
from worker.states import OPEN_STATES, DeliveryState, Reason

NORMAL = PRIORITIES["normal"]
OPEN = [str(state) for state in OPEN_STATES]
PARKED = timedelta(days=1)
"""How long what a paused rule planned is laid aside, unless the rule is resumed before."""


@dataclass(frozen=True)
class Wake:
    """A delivery to be woken: its id and the account it goes to."""

    id: UUID
    account: str
    priority: int = NORMAL


@dataclass(frozen=True)
class DeadLetter:
    """A delivery that nobody retries by itself, for whoever reports it."""

    id: UUID
    event_id: UUID
    action: str
    account: str
    reason: Reason
    error: str


_NEXT = text(
    """
    SELECT id, account, priority FROM deliveries
    WHERE subject_account = :account AND subject = :subject AND rule = :rule
          AND state IN ('waiting', 'ready', 'retrying') AND due_at <= :now AND (needs = '{}' OR released)
          AND reason IS DISTINCT FROM 'awaiting_delivery'
    ORDER BY event_at, event_id, id LIMIT 1
    """
)


def next_in_line(connection: Connection, row: Row[Any], now: datetime) -> list[Wake]:
    """Return which delivery of the same subject and rule may be taken now that another one ended."""
    given = {"account": row.subject_account, "subject": row.subject, "rule": row.rule, "now": now}
    return [Wake(found.id, found.account, found.priority) for found in connection.execute(_NEXT, given)]


def all_succeeded(connection: Connection, event_id: UUID, rule: str, steps: Sequence[str]) -> bool:
    """Whether these steps of an event's rule have all succeeded."""
    done = select(func.count()).where(
        deliveries.c.event_id == event_id, deliveries.c.rule == rule, deliveries.c.step.in_(steps),
        deliveries.c.state == DeliveryState.SUCCEEDED,
    )  # fmt: skip
    return connection.scalar(done) == len(steps)


def results_of(connection: Connection, event_id: UUID, rule: str, steps: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return state and result of these steps of an event's rule, by the step's id."""
    query = select(deliveries.c.step, deliveries.c.state, deliveries.c.result).where(
        deliveries.c.event_id == event_id, deliveries.c.rule == rule, deliveries.c.step.in_(steps)
    )
    return {row.step: {"state": row.state, "result": row.result or {}} for row in connection.execute(query)}


def move_if_free(connection: Connection, delivery_id: UUID, values: Mapping[str, Any]) -> bool:
    """Change a delivery; False when another one has taken its effect meanwhile."""
    try:
        with connection.begin_nested():
            connection.execute(deliveries.update().where(deliveries.c.id == delivery_id).values(values))
    except IntegrityError:
        return False
    return True


# Account by account, so that the backlog of one that is held or busy is not even looked at.
_WAKE = text(
    """
    WITH RECURSIVE there AS (
        (SELECT account FROM deliveries WHERE state IN ('waiting', 'ready', 'retrying') ORDER BY account LIMIT 1)
        UNION ALL
        SELECT (
            SELECT account FROM deliveries
            WHERE state IN ('waiting', 'ready', 'retrying') AND account > there.account ORDER BY account LIMIT 1
        ) FROM there WHERE there.account IS NOT NULL
    ), due AS (
        SELECT found.id FROM there CROSS JOIN LATERAL (
            SELECT id FROM deliveries
            WHERE account = there.account AND state IN ('waiting', 'ready', 'retrying') AND wake_at <= :now
                  AND reason IS DISTINCT FROM 'awaiting_delivery'
            ORDER BY wake_at, id LIMIT :most FOR UPDATE SKIP LOCKED
        ) AS found
        WHERE there.account <> ALL(:busy) AND NOT EXISTS (
            SELECT FROM holds
            WHERE holds.account = there.account AND kind = 'account' AND opened_at IS NOT NULL
        ) AND NOT EXISTS (SELECT FROM pauses WHERE kind = 'account' AND name = there.account)
    )
    UPDATE deliveries SET wake_at = CASE WHEN rule = ANY(:paused) THEN :parked ELSE :again END
    WHERE id IN (SELECT id FROM due) RETURNING id, account, priority, rule = ANY(:paused) AS is_parked
    """
)


def due(connection: Connection, now: datetime, busy: Sequence[str], most: int, rewake_seconds: float) -> list[Wake]:
    """Return what is due and nobody woke, so many an account, and note that it is being woken.

    Left out are accounts that are `busy`, those whose circuit is open, and what is paused. What a paused rule planned
    is laid aside, so that it does not stand in the way of the rest.
    """
    values = {
        "now": now, "again": now + timedelta(seconds=rewake_seconds), "busy": list(busy), "most": most,
        "paused": pauses.rules(connection), "parked": now + PARKED,
    }  # fmt: skip
    rows = connection.execute(_WAKE, values)
    return [Wake(row.id, row.account, row.priority) for row in rows if not row.is_parked]


def expired(connection: Connection, now: datetime, most: int) -> list[Row[Any]]:
    """Lock and return the deliveries whose holder has not concluded in time."""
    query = (
        select(deliveries)
        .where(deliveries.c.state == DeliveryState.IN_FLIGHT, deliveries.c.lease_expires_at < now)
        .order_by(deliveries.c.lease_expires_at, deliveries.c.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    return list(connection.execute(query))
