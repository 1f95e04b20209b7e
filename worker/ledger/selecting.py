"""What many are pressed by: a filter over deliveries or events, the same for the preview and for the job.

Invariant: what a filter selects is said by the ledger alone, so what was previewed and what is pressed are found alike.
"""

from dataclasses import dataclass, fields, replace
from datetime import datetime
from functools import reduce
from operator import xor
from typing import Any, Self
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, Text, case, exists, func, literal, select

from worker.ids import first_id, moment_of
from worker.ledger.pauses import PAUSED
from worker.ledger.storable import storable_text
from worker.ledger.tables import deliveries, events, holds
from worker.ledger.texts import MILLISECOND, one_of, with_text
from worker.masking import mask_text
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
    handling: str | None = None
    text: str | None = None
    """As lists know it: what stands in a body, or in what a delivery says."""
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_narrow(self) -> bool:
        """Whether anything but a state is asked for."""
        return any(value for name, value in vars(self).items() if name != "state")

    def told(self) -> dict[str, str]:
        """Return what it is narrowed to, as forms carry it."""
        given = {name: value for name, value in vars(self).items() if value is not None}
        return {
            name: value.isoformat() if isinstance(value, datetime) else storable_text(str(value))
            for name, value in given.items()
        }

    def kept(self) -> dict[str, str]:
        """Return what it is narrowed to, as the ledger keeps it: masked where somebody was looked for by a text."""
        told = self.told()
        return told | {"text": mask_text(told["text"])} if "text" in told else told

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


@dataclass(frozen=True)
class Told:
    """How many somebody was told that it is, and which: others have another mark."""

    total: int
    mark: int


@dataclass(frozen=True)
class Matching:
    """What matches now."""

    groups: list[Group]
    """Those alike together, the largest group first."""
    told: Told
    selection: Selection
    """What was asked for, narrowed to the time in which all of these were made: nothing that comes later matches it."""
    looked_to: datetime | None
    """Where the time for looking was up: what is older was not looked through for the text, and does not match."""


def targets(connection: Connection, kind: JobKind, wanted: Selection, most: int) -> Select[Any]:
    """Return the query of what is selected, so many at most: id, state, attempts."""
    table = table_of(kind)
    found, _ = _selected(connection, kind, wanted, most, None)
    return select(table.c.id, table.c.state, table.c.attempts).where(*found).order_by(table.c.id).limit(most)


def matching(
    connection: Connection, kind: JobKind, wanted: Selection, most: int, seconds: float | None = None
) -> Matching:
    """Return what is selected, of more than `most` so many; `seconds`: how long a text is looked for."""
    table = table_of(kind)
    type_, reason = (events.c.type, events.c.reason) if table is events else (deliveries.c.action, SHOWN_REASON)
    conditions_, looked_to = _selected(connection, kind, wanted, most, seconds)
    found = select(table.c.id, table.c.account, type_.label("type"), table.c.state, reason.label("reason"))
    some = found.where(*conditions_).limit(most).subquery()
    alike = (some.c.account, some.c.type, some.c.state, some.c.reason)
    counted = (func.count().label("total"), mark_of(some.c.id), func.max(some.c.id.cast(Text)).label("newest"))
    query = select(*alike, *counted).group_by(*alike).order_by(func.count().desc(), *alike)
    rows = connection.execute(query).all()
    told = Told(sum(row.total for row in rows), reduce(xor, (row.mark for row in rows), 0))
    since, until = looked_to or wanted.since, wanted.until
    if rows:
        until = moment_of(UUID(max(row.newest for row in rows))) + MILLISECOND
    return Matching([_group(row) for row in rows], told, replace(wanted, since=since, until=until), looked_to)


def mark_of(ids: ColumnElement[Any]) -> ColumnElement[int]:
    """Return a number that stands for just these ids, in whatever order they are."""
    return func.coalesce(func.bit_xor(func.hashtextextended(ids.cast(Text), 0)), 0).label("mark")


def table_of(kind: JobKind) -> Table:
    """Return what a job of this kind presses."""
    return events if kind is JobKind.REPLAY else deliveries


def _selected(
    connection: Connection, kind: JobKind, wanted: Selection, most: int, seconds: float | None
) -> tuple[list[ColumnElement[bool]], datetime | None]:
    """Return the conditions of what is selected and can be pressed, and how far back a text was looked for."""
    found = _conditions(kind, wanted)
    if not wanted.text:
        return found, None
    table = table_of(kind)
    among = select(table.c.id).where(*found).order_by(table.c.id.desc())
    ids, looked_to = with_text(connection, among, table, storable_text(wanted.text), most, seconds)
    return [one_of(table.c.id, ids), *found], looked_to


def _conditions(kind: JobKind, wanted: Selection) -> list[ColumnElement[bool]]:
    """Return the conditions of what is selected and can be pressed, but for its text."""
    table = table_of(kind)
    is_events = table is events
    given = [
        (table.c.account, wanted.account),
        (events.c.type if is_events else deliveries.c.action, wanted.type),
        (events.c.reason if is_events else SHOWN_REASON, wanted.reason),
        (table.c.subject, wanted.subject),
        (literal(None) if is_events else deliveries.c.rule, wanted.rule),
        (events.c.handling if is_events else literal(None), wanted.handling),
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
