"""What many are pressed by: a filter over deliveries or events, the same for the preview and for the job.

Invariant: what a filter selects is said by the ledger alone, so what was previewed and what is pressed are found alike.
"""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Self

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, case, exists, func, literal, select

from worker.ids import first_id
from worker.ledger.pauses import PAUSED
from worker.ledger.storable import storable_text
from worker.ledger.tables import deliveries, events, holds
from worker.states import OPEN_STATES, DeliveryState, EventState, HoldKind, JobKind, Reason

PRESSABLE = {
    JobKind.RETRY: (DeliveryState.DEAD, DeliveryState.CANCELLED, *OPEN_STATES),
    JobKind.CANCEL: (*OPEN_STATES, DeliveryState.DEAD),
    JobKind.REPLAY: (EventState.FAILED, EventState.PROCESSED, EventState.WAITING),
}
"""The states in which something can be pressed; the first is meant where a retry or replay names none."""
_circuit = (
    select(holds.c.reason)
    .where(holds.c.account == deliveries.c.account, holds.c.kind == HoldKind.ACCOUNT, holds.c.opened_at.is_not(None))
    .where(deliveries.c.state.in_(OPEN_STATES))
    .correlate(deliveries)
    .scalar_subquery()
)
SHOWN_REASON = case((PAUSED.is_not(None), Reason.PAUSED), else_=func.coalesce(_circuit, deliveries.c.reason))
"""Why a delivery is where it is, as lists show it: what is paused or held waits for that."""


@dataclass(frozen=True)
class Selection:
    """What is selected; None does not narrow."""

    account: str | None = None
    type: str | None = None
    """An event's type; of deliveries, the action."""
    state: str | None = None
    reason: str | None = None
    subject: str | None = None
    rule: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_narrow(self) -> bool:
        """Whether anything but a state is asked for."""
        return any(value is not None for name, value in vars(self).items() if name != "state")

    def told(self) -> dict[str, str]:
        """Return what it is narrowed to, as the ledger keeps it."""
        given = {name: value for name, value in vars(self).items() if value is not None}
        return {
            name: value.isoformat() if isinstance(value, datetime) else storable_text(str(value))
            for name, value in given.items()
        }

    @classmethod
    def read(cls, told: dict[str, str]) -> Self:
        """Return the selection that was kept."""
        known: dict[str, Any] = {field.name: told.get(field.name) for field in fields(cls)}
        for name in ("since", "until"):
            known[name] = datetime.fromisoformat(known[name]) if known[name] else None
        return cls(**known)


@dataclass(frozen=True)
class Group:
    """Some of what is selected: those alike."""

    account: str
    type: str
    """An event's type, or an action."""
    state: str
    reason: str | None
    count: int


def targets(kind: JobKind, wanted: Selection) -> Select[Any]:
    """Return the query of what is selected: id, state, attempts."""
    table = table_of(kind)
    return select(table.c.id, table.c.state, table.c.attempts).where(*conditions(kind, wanted))


def groups(connection: Connection, kind: JobKind, wanted: Selection, most: int) -> list[Group]:
    """Return what is selected, those alike together, the largest group first; of more than `most` so many."""
    table = table_of(kind)
    type_, reason = (events.c.type, events.c.reason) if table is events else (deliveries.c.action, SHOWN_REASON)
    found = select(table.c.account, type_.label("type"), table.c.state, reason.label("reason"))
    found = found.where(*conditions(kind, wanted)).limit(most)
    some = found.subquery()
    alike = (some.c.account, some.c.type, some.c.state, some.c.reason)
    query = select(*alike, func.count().label("total")).group_by(*alike).order_by(func.count().desc(), *alike)
    return [_group(row) for row in connection.execute(query)]


def table_of(kind: JobKind) -> Table:
    """Return what a job of this kind presses."""
    return events if kind is JobKind.REPLAY else deliveries


def conditions(kind: JobKind, wanted: Selection) -> list[ColumnElement[bool]]:
    """Return the conditions of what is selected and can be pressed."""
    table = table_of(kind)
    is_events = table is events
    given = [
        (table.c.account, wanted.account),
        (events.c.type if is_events else deliveries.c.action, wanted.type),
        (events.c.reason if is_events else SHOWN_REASON, wanted.reason),
        (table.c.subject, wanted.subject),
        (literal(None) if is_events else deliveries.c.rule, wanted.rule),
    ]
    found: list[ColumnElement[bool]] = [column == storable_text(value) for column, value in given if value is not None]
    states = [wanted.state] if wanted.state else list(_usual(kind))
    found.append(table.c.state.in_(state for state in states if state in PRESSABLE[kind]))
    if wanted.since:
        found.append(table.c.id >= first_id(wanted.since))
    if wanted.until:
        found.append(table.c.id < first_id(wanted.until))
    if is_events:  # a fact is replayed by the event it came from, a request with several events by each of them
        part = events.alias()
        found.append(events.c.parent_id.is_(None) | events.c.part.is_not(None))
        found.append(~exists().where(part.c.parent_id == events.c.id, part.c.part.is_not(None)))
    else:
        found.append(deliveries.c.reason.is_distinct_from(Reason.AWAITING_DELIVERY))
    return found


def _usual(kind: JobKind) -> tuple[str, ...]:
    return OPEN_STATES if kind is JobKind.CANCEL else PRESSABLE[kind][:1]


def _group(row: Row[Any]) -> Group:
    return Group(row.account, row.type, row.state, row.reason, row.total)
