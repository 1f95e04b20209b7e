"""What people paused: accounts and rules, whose deliveries wait until a person resumes them.

Invariant: nothing that is paused is claimed; what waited comes due anew when it is resumed, and the time that passed
meanwhile counts against none of it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert

from worker.ledger.tables import deliveries, pauses
from worker.states import OPEN_STATES, PauseKind


@dataclass(frozen=True)
class Pause:
    """Something that a person paused."""

    kind: PauseKind
    name: str
    since: datetime
    actor: str
    comment: str

    @property
    def said(self) -> str:
        """Who paused it, since when and why."""
        why = f": {self.comment}" if self.comment else ""
        return f"{self.kind} {self.name} is paused by {self.actor} since {self.since:%Y-%m-%d %H:%M} UTC{why}"


PAUSED = (
    select(func.min(pauses.c.kind + " is paused by " + pauses.c.actor + ": " + pauses.c.comment))
    .where(
        deliveries.c.state.in_(OPEN_STATES),
        ((pauses.c.kind == PauseKind.ACCOUNT) & (pauses.c.name == deliveries.c.account))
        | ((pauses.c.kind == PauseKind.RULE) & (pauses.c.name == deliveries.c.rule)),
    )
    .correlate(deliveries)
    .scalar_subquery()
)
"""Of a delivery in a query: who paused what it waits for, and why; NULL when nothing of it is paused."""
# A sweep that lays deliveries of a rule aside, and a person who resumes that rule, exclude each other: otherwise some
# would stay aside. What is being resumed counts as not paused.
_RULES = select(pauses.c.name).where(pauses.c.kind == PauseKind.RULE).with_for_update(read=True, skip_locked=True)
_COME_DUE = """
    UPDATE deliveries SET due_at = :now, wake_at = :now, held_since = NULL, updated_at = :now,
           series_at = series_at + greatest(
               CAST(:now AS timestamptz) - greatest(series_at, CAST(:since AS timestamptz)), interval '0'
           )
    WHERE {what} = :name AND state IN ('waiting', 'ready', 'retrying') AND due_at <= :now
          AND reason IS DISTINCT FROM 'awaiting_delivery' AND (needs = '{{}}' OR released)
    """
_COME_DUE_OF = {kind: text(_COME_DUE.format(what=kind)) for kind in PauseKind}


def begin(connection: Connection, pause: Pause) -> bool:
    """Pause something; False when it is paused already."""
    wanted = insert(pauses).values(vars(pause)).on_conflict_do_nothing().returning(pauses.c.name)
    return connection.scalar(wanted) is not None


def read(connection: Connection, kind: PauseKind, name: str) -> Pause | None:
    """Return the pause of an account or a rule."""
    row = connection.execute(select(pauses).where(pauses.c.kind == kind, pauses.c.name == name)).one_or_none()
    return None if row is None else _pause(row)


def end(connection: Connection, kind: PauseKind, name: str, now: datetime) -> tuple[Pause, int] | None:
    """Resume something: return the pause that stood and how many deliveries come due; None when it was not paused."""
    taken = delete(pauses).where(pauses.c.kind == kind, pauses.c.name == name).returning(*pauses.columns)
    row = connection.execute(taken).one_or_none()
    if row is None:
        return None
    values = {"name": name, "now": now, "since": min(row.since, now)}
    return _pause(row), connection.execute(_COME_DUE_OF[kind], values).rowcount


def in_force(connection: Connection) -> list[Pause]:
    """Return what is paused, accounts first."""
    query = select(pauses).order_by(pauses.c.kind, pauses.c.name)
    return [_pause(row) for row in connection.execute(query)]


def rules(connection: Connection) -> list[str]:
    """Return the names of the paused rules; none of them is resumed before the transaction ends."""
    return list(connection.scalars(_RULES))


def _pause(row: Row[Any]) -> Pause:
    return Pause(PauseKind(row.kind), row.name, row.since, row.actor, row.comment)
