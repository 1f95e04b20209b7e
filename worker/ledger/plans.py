"""What is planned in the ledger: which deliveries the rules want, each once, and each effect for one of them.

Invariant: an effect key belongs to at most one delivery that had, or may still have, its effect.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, bindparam, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from worker.ids import new_id
from worker.ledger.deliveries import NORMAL
from worker.ledger.tables import HOLDS_ITS_EFFECT, deliveries
from worker.states import OPEN_STATES, DeliveryState, Reason

MOST_EFFECT_KEY_CHARACTERS = 500


@dataclass(frozen=True)
class Planned:
    """A delivery that a rule wants."""

    event_id: UUID
    rule: str
    step: str
    action: str
    account: str
    effect_key: str | None
    due_at: datetime
    parameters: dict[str, str] | None = None
    failure: tuple[Reason, str] | None = None
    """Why it is dead from the start, and what is wrong in words."""
    unwanted: tuple[DeliveryState, Reason, str | None] | None = None
    """Why it is not wanted from the start: cancelled, or suppressed."""
    subject: str | None = None
    subject_account: str | None = None
    event_at: datetime | None = None
    needs: tuple[str, ...] = ()
    """The steps, of the same event and rule, that must succeed first."""
    priority: int = NORMAL
    """The lower, the sooner, where many wait."""
    has_followers: bool = False
    """Whether its end means something for other deliveries."""


@dataclass(frozen=True)
class Written:
    """A delivery that was planned just now."""

    id: UUID
    account: str
    state: DeliveryState


_PLAN = insert(deliveries).on_conflict_do_nothing().returning(deliveries.c.id)


def plan(connection: Connection, wanted: Planned, now: datetime, rewake_seconds: float) -> Written | None:
    """Write a delivery down, once per event, rule and step; None when it had been planned before.

    When another delivery has, or may have, the same effect, this one is `suppressed` and names the other.
    """
    new = new_id()
    row: dict[str, Any] = {
        "id": new, "event_id": wanted.event_id, "rule": wanted.rule, "step": wanted.step,
        "action": wanted.action, "account": wanted.account, "effect_key": wanted.effect_key,
        "parameters": wanted.parameters, "due_at": wanted.due_at, "created_at": now, "updated_at": now,
        "state": DeliveryState.READY if wanted.due_at <= now else DeliveryState.WAITING,
        "reason": None, "last_error": None, "duplicate_of": None, "series_at": wanted.due_at,
        "wake_at": max(wanted.due_at, now + timedelta(seconds=rewake_seconds) if wanted.due_at <= now else now),
        "subject": wanted.subject, "subject_account": wanted.subject_account, "event_at": wanted.event_at,
        "needs": list(wanted.needs), "has_followers": wanted.has_followers, "priority": wanted.priority,
    }  # fmt: skip
    if wanted.needs:
        row |= {"state": DeliveryState.WAITING, "wake_at": None}
    if wanted.failure:
        reason, what = wanted.failure
        row |= {"state": DeliveryState.DEAD, "reason": reason, "last_error": what, "wake_at": None}
    elif wanted.unwanted:
        state, why, said = wanted.unwanted
        row |= {"state": state, "reason": why, "last_error": said, "wake_at": None}
    while True:
        if connection.scalar(_PLAN, row):
            return Written(new, wanted.account, DeliveryState(str(row["state"])))
        if state_of(connection, wanted):
            return None
        if holder := holder_of_effect(connection, wanted.effect_key):
            row |= {
                "state": DeliveryState.SUPPRESSED, "reason": Reason.DUPLICATE_EFFECT,
                "duplicate_of": holder, "wake_at": None,
            }  # fmt: skip
        # No holder: it died between the two looks, so the effect is free and the insert is tried again.


def state_of(connection: Connection, wanted: Planned) -> Row[Any, Any] | None:
    """Return the id and state of the delivery that stands for this event, rule and step, if it is written down."""
    query = select(deliveries.c.id, deliveries.c.state).where(
        deliveries.c.event_id == wanted.event_id, deliveries.c.rule == wanted.rule, deliveries.c.step == wanted.step
    )
    return connection.execute(query).one_or_none()


def take_effect(connection: Connection, delivery_id: UUID, effect_key: str) -> bool:
    """Give a delivery the effect key it could not have when it was planned; False when another one holds it."""
    mine = deliveries.update().where(deliveries.c.id == delivery_id).values(effect_key=effect_key)
    try:
        with connection.begin_nested():
            connection.execute(mine)
    except IntegrityError:
        return False
    return True


def holder_of_effect(connection: Connection, effect_key: str | None) -> UUID | None:
    """Return the delivery that has, or may still have, an effect."""
    query = select(deliveries.c.id).where(deliveries.c.effect_key == effect_key, HOLDS_ITS_EFFECT)
    return connection.scalar(query)


_OPEN_OF_SUBJECT = select(deliveries).where(
    deliveries.c.subject_account == bindparam("b_account"),
    deliveries.c.subject == bindparam("b_subject"),
    deliveries.c.state.in_(OPEN_STATES),
    deliveries.c.reason.is_distinct_from(Reason.AWAITING_DELIVERY),
)


def open_of_subject(connection: Connection, account: str, subject: str) -> Sequence[Row[Any]]:
    """Lock and return what is still to be sent about a subject."""
    given = {"b_account": account, "b_subject": subject}
    return connection.execute(_OPEN_OF_SUBJECT.with_for_update(), given).all()


def cancel(connection: Connection, delivery_id: UUID, what: str, now: datetime) -> None:
    """Cancel a delivery that waits, because of what happened."""
    values = {
        "state": DeliveryState.CANCELLED, "reason": Reason.OVERTAKEN, "last_error": what, "wake_at": None,
        "updated_at": now,
    }  # fmt: skip
    connection.execute(deliveries.update().where(deliveries.c.id == delivery_id).values(values))
