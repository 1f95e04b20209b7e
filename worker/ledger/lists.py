"""Lists of events, deliveries and attempts, for people: narrowed, newest first, a page at a time.

Invariant: a page costs about the same in a ledger of ten million rows as in an empty one, and never leaves anything
out silently. One condition, the one an index serves best, says which rows are looked through; they are looked through
by id, which is by time, in pieces. When the time for looking is up, the page says how far it came, and the next one
goes on from there. Pages are found by the id they begin after, so nothing is counted or skipped to get there.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    FromClause,
    Row,
    Select,
    Table,
    Text,
    bindparam,
    func,
    literal,
    literal_column,
    select,
    text,
    tuple_,
)

from worker.ids import FIRST_ID, LAST_ID, first_id, moment_of
from worker.ledger.queries import EVENT_COLUMNS, HELD, PAUSED, held_back, shown_reason
from worker.ledger.storable import storable
from worker.ledger.tables import ID, attempts, deliveries, events, holds, pauses
from worker.ledger.texts import FIRST_PIECE, in_bodies, in_deliveries, next_piece
from worker.states import DeliveryState, HoldKind, Reason

SECONDS = 0.5
"""How long a page looks through rows unless told."""


@dataclass(frozen=True)
class Filter:
    """What a list is narrowed to; None does not narrow."""

    account: str | None = None
    type: str | None = None
    """An event's type; of deliveries and attempts, the action."""
    state: str | None = None
    reason: str | None = None
    subject: str | None = None
    since: datetime | None = None
    limit: int = 50
    ambiguous: bool = False
    """Only taps that could mean several things."""
    until: datetime | None = None
    """Before this moment."""
    rule: str | None = None
    event: UUID | None = None
    """Of deliveries: those of this event; of events: the facts and parts that came of it."""
    handling: str | None = None
    text: str | None = None
    """What stands in the body, as written or in small or capital letters."""
    before: UUID | None = None
    """The page of what is older than this row."""
    after: UUID | None = None
    """The page of what is newer than this row."""


@dataclass(frozen=True)
class Page:
    """Some rows, newest first, and where to go on."""

    rows: Sequence[Row[Any]]
    newer: UUID | None = None
    """Give it as `after` for the page before this one; None when this is the newest."""
    older: UUID | None = None
    """Give it as `before` for the next page; None when there is nothing more."""
    searched_to: datetime | None = None
    """The time for looking was up here: what is beyond has not been looked at."""


@dataclass(frozen=True)
class Bounded:
    """How many there are, counted no further than a bound."""

    total: int
    more: bool


@dataclass(frozen=True)
class _Driver:
    """The condition that says which rows are looked through."""

    column: Column[Any] | None
    """None where the rows of the partial index are those that are wanted, sorted by id."""
    value: Any
    guard: str | None = None
    """The condition of its partial index."""
    sorted_by_id: bool = True
    """Whether its index goes on with the id; others find few rows."""


@dataclass(frozen=True)
class _List:
    """What one list is made of."""

    table: Table
    columns: tuple[Any, ...]
    joined: FromClause
    driver: _Driver | None
    rest: tuple[ColumnElement[bool], ...]
    """The other conditions: each row that is looked through is asked them."""


def list_events(connection: Connection, wanted: Filter, seconds: float = SECONDS) -> Page:
    """Return a page of events, without their bodies."""
    return _page(connection, _events_list(_clean(wanted)), wanted, seconds)


def list_deliveries(connection: Connection, wanted: Filter, seconds: float = SECONDS) -> Page:
    """Return a page of deliveries; what is held back has the columns `held_…`."""
    return _page(connection, _deliveries_list(connection, _clean(wanted)), wanted, seconds)


def list_attempts(connection: Connection, wanted: Filter, seconds: float = SECONDS) -> Page:
    """Return a page of attempts, with their delivery's action, account, rule and subject."""
    return _page(connection, _attempts_list(_clean(wanted)), wanted, seconds)


def count_events(connection: Connection, wanted: Filter, most: int = 1_000) -> Bounded | None:
    """Return how many events match; None where each would have to be looked at."""
    return _count(connection, _events_list(_clean(wanted)), wanted, most)


def count_deliveries(connection: Connection, wanted: Filter, most: int = 1_000) -> Bounded | None:
    """Return how many deliveries match; None where each would have to be looked at."""
    return _count(connection, _deliveries_list(connection, _clean(wanted)), wanted, most)


def _clean(wanted: Filter) -> Filter:
    """Return a filter whose texts the database can be asked for; what it cannot hold matches nothing."""
    return replace(wanted, **{name: storable(value) for name, value in vars(wanted).items() if isinstance(value, str)})


# What each list is made of: of the conditions that were given, the first is looked through, the others are asked.


def _events_list(wanted: Filter) -> _List:
    is_open = wanted.state in {"received", "waiting", "failed"}
    state = literal(wanted.state, literal_execute=True) if is_open else None  # as the partial indexes say it
    drivers = [
        _Driver(events.c.subject, wanted.subject, "events.subject IS NOT NULL"),
        _Driver(events.c.parent_id, wanted.event, sorted_by_id=False),
        _Driver(None, wanted.ambiguous or None, "(events.tap ->> 'ambiguous') = 'true'"),
        _Driver(events.c.reason, wanted.reason, "events.reason IS NOT NULL"),
        _Driver(events.c.state, state, sorted_by_id=False),
        _Driver(events.c.type, wanted.type),
        _Driver(events.c.account, wanted.account),
        _Driver(events.c.state, None if is_open else wanted.state),
        _Driver(events.c.handling, wanted.handling),
    ]
    rest = [in_bodies(events, wanted.text)] if wanted.text else []
    return _made(events, EVENT_COLUMNS, events, drivers, rest, indexed=7)


def _deliveries_list(connection: Connection, wanted: Filter) -> _List:
    joined = deliveries.join(events, events.c.id == deliveries.c.event_id).outerjoin(holds, held_back)
    reason, rest = wanted.reason, list[ColumnElement[bool]]()
    if reason and (held := _held_reasons(connection)):
        # What waits for its account shows the account's reason, whatever stands in its own row.
        rest.append(shown_reason == reason)
        reason = None if reason in held else reason
    is_usual = wanted.state == DeliveryState.SUCCEEDED
    drivers = [
        _Driver(deliveries.c.event_id, wanted.event, sorted_by_id=False),
        _Driver(deliveries.c.subject, wanted.subject, "deliveries.subject IS NOT NULL", sorted_by_id=False),
        _Driver(deliveries.c.reason, reason, "deliveries.reason IS NOT NULL"),
        _Driver(deliveries.c.state, None if is_usual else wanted.state, "deliveries.state <> 'succeeded'"),
        _Driver(deliveries.c.rule, wanted.rule),
        _Driver(deliveries.c.action, wanted.type),
        _Driver(deliveries.c.account, wanted.account),
        _Driver(deliveries.c.state, wanted.state if is_usual else None),
    ]
    if wanted.text:
        rest.append(in_deliveries(wanted.text))
    columns = (*deliveries.columns, events.c.type.label("event_type"), *HELD, PAUSED)
    return _made(deliveries, columns, joined, drivers, rest, indexed=7)


def _attempts_list(wanted: Filter) -> _List:
    drivers = [
        _Driver(attempts.c.reason, wanted.reason, "attempts.reason IS NOT NULL"),
        _Driver(attempts.c.state, wanted.state),
        _Driver(deliveries.c.subject, wanted.subject),
        _Driver(deliveries.c.rule, wanted.rule),
        _Driver(deliveries.c.action, wanted.type),
        _Driver(deliveries.c.account, wanted.account),
    ]
    its = (deliveries.c.action, deliveries.c.account, deliveries.c.rule, deliveries.c.subject)
    joined = attempts.join(deliveries, deliveries.c.id == attempts.c.delivery_id)
    rest = [func.strpos(attempts.c.exchanges.cast(Text), wanted.text) > 0] if wanted.text else []
    return _made(attempts, (*attempts.columns, *its), joined, drivers, rest, indexed=1)


def _made(
    table: Table, columns: Sequence[Any], joined: FromClause, drivers: Sequence[_Driver],
    rest: Sequence[ColumnElement[bool]], indexed: int,
) -> _List:  # fmt: skip
    """Choose what is looked through: the first condition that was given, of those with an index."""
    given = [(place, driver) for place, driver in enumerate(drivers) if driver.value is not None]
    chosen = next((driver for place, driver in given if place < indexed), None)
    others = [_asked(driver) for _, driver in given if driver is not chosen]
    return _List(table, tuple(columns), joined, chosen, (*others, *rest))


def _asked(driver: _Driver) -> ColumnElement[bool]:
    return literal_column(str(driver.guard), Boolean) if driver.column is None else driver.column == driver.value


def _held_reasons(connection: Connection) -> set[str]:
    """Return the reasons that deliveries are shown with while something of theirs is held or paused."""
    query = select(holds.c.reason).where(holds.c.kind == HoldKind.ACCOUNT, holds.c.opened_at.is_not(None))
    found = set(connection.scalars(query.distinct()))
    return found | {Reason.PAUSED} if connection.scalar(select(pauses.c.name).limit(1)) else found


# Looking through them.


@dataclass(frozen=True)
class _Range:
    """Ids from `low` to `high`, neither of them included, looked through from one end."""

    low: UUID
    high: UUID
    backwards: bool = True

    def beyond(self, end: UUID) -> "_Range":
        """Return what is left when it was looked through as far as `end`, included."""
        return replace(self, high=end) if self.backwards else replace(self, low=end)

    def up_to(self, end: UUID) -> "_Range":
        """Return what comes before `end`, and `end`."""
        number = end.int - 1 if self.backwards else end.int + 1
        return replace(self, low=UUID(int=number)) if self.backwards else replace(self, high=UUID(int=number))


def _range_of(wanted: Filter) -> _Range:
    low = UUID(int=first_id(wanted.since).int - 1) if wanted.since else FIRST_ID
    high = first_id(wanted.until) if wanted.until else LAST_ID
    if wanted.after is not None:
        return _Range(max(low, wanted.after), high, backwards=False)
    return _Range(low, high if wanted.before is None else min(high, wanted.before))


def _page(connection: Connection, listed: _List, wanted: Filter, seconds: float) -> Page:
    asked = _range_of(wanted)
    found: list[Row[Any]] = []
    stopped_at: UUID | None = None
    for piece, end in _pieces(connection, listed, asked, seconds):
        query = _within(select(*listed.columns).select_from(listed.joined), listed, piece).where(*listed.rest)
        found += connection.execute(query.limit(wanted.limit + 1 - len(found))).all()
        stopped_at = end
        if len(found) > wanted.limit:
            break
    more, rows = len(found) > wanted.limit, found[: wanted.limit]
    end = rows[-1].id if more else stopped_at
    searched_to = moment_of(end) if end and not more else None
    if asked.backwards:
        begin = (rows[0].id if rows else UUID(int=wanted.before.int - 1)) if wanted.before else None
        return Page(rows, begin, end, searched_to)
    begin = rows[0].id if rows else UUID(int=min(asked.low.int + 1, LAST_ID.int))
    return Page(rows[::-1], end, begin, searched_to)


def _pieces(
    connection: Connection, listed: _List, asked: _Range, seconds: float
) -> Iterator[tuple[_Range, UUID | None]]:
    """Give one piece of the range after the other, each with its end; no end for the last, or when all is one piece."""
    if not listed.rest:
        yield asked, None
        return
    size, began = FIRST_PIECE, time.monotonic()
    give_up_at = began + seconds
    while True:
        query = _within(select(listed.table.c.id), listed, asked).offset(size - 1).limit(1)
        end: UUID | None = connection.scalar(query)
        if end is None:
            yield asked, None
            return
        yield asked.up_to(end), end
        asked, now = asked.beyond(end), time.monotonic()
        if now >= give_up_at:
            return
        size, began = next_piece(size, now - began), now


def _within(query: Select[Any], listed: _List, asked: _Range) -> Select[Any]:
    """Look through a range by the index of the driver.

    Pairs are compared, as only that index can serve them: asked for `column = value ORDER BY id`, PostgreSQL may go
    through all ids instead, which takes for ever for an account that fell silent.
    """
    table, driver = listed.table, listed.driver
    low, high = bindparam(None, asked.low, type_=ID), bindparam(None, asked.high, type_=ID)
    order: list[ColumnElement[Any]] = [table.c.id]
    if driver is not None and driver.guard:
        query = query.where(text(driver.guard))
    if driver is not None and driver.column is not None and driver.sorted_by_id:
        pair = tuple_(driver.column, table.c.id)
        value = bindparam(None, driver.value, type_=driver.column.type)
        query = query.where(pair > tuple_(value, low), pair < tuple_(value, high))
        order = [driver.column, table.c.id]
    else:
        query = query.where(table.c.id > low, table.c.id < high)
        if driver is not None and driver.column is not None:
            query = query.where(driver.column == driver.value)
    return query.order_by(*(column.desc() for column in order) if asked.backwards else order)


def _count(connection: Connection, listed: _List, wanted: Filter, most: int) -> Bounded | None:
    if listed.rest:
        return None
    asked = _range_of(replace(wanted, before=None, after=None))
    found = _within(select(listed.table.c.id), listed, asked).limit(most + 1).subquery()
    total = connection.scalar(select(func.count()).select_from(found)) or 0
    return Bounded(min(total, most), more=total > most)
