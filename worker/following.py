"""What the end of a delivery means for other deliveries of its rule: those that need it, and what is done instead.

Invariant: each end is followed up once. That it has not been yet stands in the ledger (`followed`), so whoever moved
the delivery, a worker, a sweep, a person, may die before: the next sweep does it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Text, any_, bindparam, select, text

from config.load import Config
from config.rules import Step
from worker.context import Subject
from worker.ledger import deliveries as life
from worker.ledger import plans
from worker.ledger.deliveries import Wake
from worker.ledger.tables import deliveries
from worker.planning import Happening, fallbacks
from worker.states import DeliveryState, Reason

MOST_AT_ONCE = 200

_LOCK = text(
    """
    SELECT d.*, event.type AS event_type, event.account AS event_account, event.occurred_at
    FROM deliveries d JOIN events event ON event.id = d.event_id
    WHERE d.id = :id AND d.has_followers AND d.followed IS DISTINCT FROM d.state FOR UPDATE OF d
    """
)
_TO_FOLLOW = text(
    """
    SELECT id FROM deliveries
    WHERE has_followers AND state IN ('succeeded', 'dead', 'cancelled', 'suppressed')
          AND followed IS DISTINCT FROM state
    ORDER BY id LIMIT :most
    """
)
_FOLLOWED = deliveries.update().where(deliveries.c.id == bindparam("b_id")).values(followed=bindparam("b_state"))
_DEPENDENTS = (
    select(deliveries)
    .where(
        deliveries.c.event_id == bindparam("b_event"),
        deliveries.c.rule == bindparam("b_rule"),
        bindparam("b_step", type_=Text) == any_(deliveries.c.needs),
    )
    .order_by(deliveries.c.id)
)
ENDS = frozenset({DeliveryState.SUCCEEDED, DeliveryState.DEAD, DeliveryState.CANCELLED, DeliveryState.SUPPRESSED})


def to_follow(connection: Connection) -> list[UUID]:
    """Return the deliveries whose end has not been followed up."""
    return list(connection.scalars(_TO_FOLLOW, {"most": MOST_AT_ONCE}))


@dataclass(frozen=True)
class Follower:
    """Follows up ends."""

    config: Config
    rewake_seconds: float

    def follow(self, connection: Connection, delivery_id: UUID, now: datetime) -> list[Wake]:
        """Release, or give up, what needs a delivery that ended; plan what is done instead. Return whom to wake."""
        row = connection.execute(_LOCK, {"id": delivery_id}).one_or_none()
        if row is None or row.state not in ENDS:
            return []
        connection.execute(_FOLLOWED, {"b_id": row.id, "b_state": row.state})
        wakes = self._dependents(connection, row, now)
        if row.state == DeliveryState.DEAD:
            wakes += self._instead(connection, row, now)
        return wakes

    def _dependents(self, connection: Connection, row: Row[Any], now: datetime) -> list[Wake]:
        given = {"b_event": row.event_id, "b_rule": row.rule, "b_step": row.step}
        dependents = connection.execute(_DEPENDENTS.with_for_update(), given).all()
        if row.state != DeliveryState.SUCCEEDED:
            what = f"step {row.step}, which it needs, is {row.state}"
            for dependent in dependents:
                if dependent.state in life.OPEN and dependent.reason != Reason.AWAITING_DELIVERY:
                    values = {"state": DeliveryState.SUPPRESSED, "reason": Reason.NEED_FAILED, "last_error": what}
                    _change(connection, dependent, values | {"wake_at": None}, now)
            return []
        return [
            Wake(dependent.id, dependent.account, dependent.priority)
            for dependent in dependents
            if self._released(connection, dependent, now)
        ]

    def _released(self, connection: Connection, row: Row[Any], now: datetime) -> bool:
        """Let a delivery go on once everything that it needs succeeded; return whether it is due now."""
        given_up = row.state == DeliveryState.SUPPRESSED and row.reason == Reason.NEED_FAILED
        if not given_up and (row.state not in life.OPEN or row.attempts):
            return False
        if not life.all_succeeded(connection, row.event_id, row.rule, row.needs):
            return False
        step = self._step(row)
        due_at = max(row.due_at, now + (step.after if step and step.after else timedelta()))
        is_due = due_at <= now
        values = {
            "state": DeliveryState.READY if is_due else DeliveryState.WAITING, "reason": None, "last_error": None,
            "due_at": due_at, "wake_at": now + timedelta(seconds=self.rewake_seconds) if is_due else due_at,
            "released": True, "series_at": due_at,
        }  # fmt: skip
        return life.move_if_free(connection, row.id, values | {"updated_at": now}) and is_due

    def _instead(self, connection: Connection, row: Row[Any], now: datetime) -> list[Wake]:
        step, rule = self._step(row), self.config.rule(row.rule)
        if step is None or rule is None:
            return []
        happening = Happening(
            row.event_id, row.event_type, row.event_account, "", Subject(row.subject_account or "", row.subject),
            row.occurred_at,
        )  # fmt: skip
        suffix = row.step[len(step.id) :]
        wakes = []
        for wanted in fallbacks(rule, step, suffix, happening, row.reason or "", now):
            written = plans.plan(connection, wanted, now, self.rewake_seconds)
            if written and written.state is DeliveryState.READY:
                wakes.append(Wake(written.id, written.account, wanted.priority))
        return wakes

    def _step(self, row: Row[Any]) -> Step | None:
        rule = self.config.rule(row.rule)
        return rule.step(row.step) if rule else None


def _change(connection: Connection, row: Row[Any], values: Mapping[str, Any], now: datetime) -> None:
    connection.execute(deliveries.update().where(deliveries.c.id == row.id).values(updated_at=now, **values))
