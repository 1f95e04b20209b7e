"""What the end of a completion means for the event that waited for it.

Invariant: an event never waits for a delivery that will not come back.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, bindparam

from worker.ledger import subjects
from worker.ledger.tables import events
from worker.snapshots import Patch
from worker.states import EventState, Reason

_ABOUT = (events.c.subject == bindparam("b_subject")) & (events.c.subject_account == bindparam("b_account"))
_IN_VAIN = (events.c.state == EventState.FAILED) & (events.c.reason == Reason.COMPLETION_FAILED)
_WAKE = (
    events.update()
    .where(_ABOUT, (events.c.state == EventState.WAITING) | _IN_VAIN)
    .values(state=EventState.RECEIVED, wake_at=bindparam("b_now"))
    .returning(events.c.id)
)


def take_in(connection: Connection, account: str, patches: Iterable[Patch], now: datetime) -> list[UUID]:
    """Merge what a vendor's answer said; return the events that waited for it and can be routed now."""
    woken: list[UUID] = []
    for patch in patches:
        if subjects.merge(connection, account, patch, now).snapshot.complete:
            woken += wake_waiting(connection, account, patch.subject, now)
    return woken


def wake_waiting(connection: Connection, account: str, subject: str, now: datetime) -> list[UUID]:
    """Let the events go on that waited, or waited in vain, for what is now known of a subject; return them."""
    return list(connection.scalars(_WAKE, {"b_subject": subject, "b_account": account, "b_now": now}))


def wake_after_completion(connection: Connection, event_id: UUID, now: datetime) -> list[UUID]:
    """Let the event that asked go on, also when it had been given up before a person retried the read."""
    stuck = (events.c.id == event_id) & events.c.state.in_([EventState.WAITING, EventState.FAILED])
    changed = events.update().where(stuck).values(state=EventState.RECEIVED, wake_at=now).returning(events.c.id)
    return list(connection.scalars(changed))


def give_up(connection: Connection, event_id: UUID, what: str, now: datetime) -> None:
    """Say on the event that what it waited for will not come."""
    waiting = (events.c.id == event_id) & (events.c.state == EventState.WAITING)
    failed = {"state": EventState.FAILED, "reason": Reason.COMPLETION_FAILED, "last_error": what, "processed_at": now}
    connection.execute(events.update().where(waiting).values(failed))
