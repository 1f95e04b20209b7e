"""Accept events into the ledger.

Invariant: the commit of `accept` is the acknowledgement. Duplicates are found by the unique key, never by looking
first, and are counted on the row that came first.
"""

from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, bindparam
from sqlalchemy.dialects.postgresql import insert

from worker.ids import new_id
from worker.ledger.tables import events
from worker.states import EventState, Handling


@dataclass(frozen=True)
class NewEvent:
    """An event as it came in, verified and identified."""

    account: str
    dedupe_key: str
    type: str
    handling: Handling
    body: bytes | None
    """None for one of several in a request: the request as a whole has it."""
    content_type: str | None
    query: str | None
    headers: dict[str, str]
    source_ip: str | None
    trigger: str | None
    secret_index: int | None
    received_at: datetime
    occurred_at: datetime
    part: str | None = None
    """Where in the body this event stands."""
    parent_id: UUID | None = None
    trace: str | None = None


@dataclass(frozen=True)
class Arrival:
    """What one request brought: one event, or several that share its body."""

    events: tuple[NewEvent, ...]
    whole: NewEvent | None = None
    """The request as a whole, which has the body, when there are several events in it."""


@dataclass(frozen=True)
class Accepted:
    """The row that stands for a request: `duplicate` when nothing in it was new."""

    id: UUID
    duplicate: bool
    new: tuple[UUID, ...]
    """The events that were not there before, to be routed."""


_COLUMNS = {field.name for field in fields(NewEvent)} | {"id", "state", "wake_at", "processed_at"}
_insert = insert(events).values({name: bindparam(name, type_=events.c[name].type) for name in sorted(_COLUMNS)})
_ACCEPT = _insert.on_conflict_do_update(
    index_elements=["account", "dedupe_key"],
    set_={"duplicates": events.c.duplicates + 1, "last_duplicate_at": _insert.excluded.received_at},
).returning(events.c.id, events.c.duplicates)


def accept(connection: Connection, arrival: Arrival, rewake_seconds: float) -> Accepted:
    """Store what a request brought, or count it as a duplicate of what has its key.

    A request with several events needs a transaction: they are stored together or not at all.
    """
    if arrival.whole is None:
        [event] = arrival.events
        row = _store(connection, event, rewake_seconds)
        return Accepted(row.id, row.duplicates > 0, () if row.duplicates else (row.id,))
    whole = _store(connection, arrival.whole, None)
    rows = [_store(connection, replace(event, parent_id=whole.id), rewake_seconds) for event in arrival.events]
    new = tuple(row.id for row in rows if not row.duplicates)
    return Accepted(whole.id, duplicate=not new, new=new)


def _store(connection: Connection, event: NewEvent, rewake_seconds: float | None) -> Row[Any]:
    """Store one row; without `rewake_seconds` there is nothing to route in it."""
    values: dict[str, Any] = vars(event) | {"id": new_id(), "wake_at": None, "processed_at": None}
    if rewake_seconds is None:
        values |= {"state": EventState.PROCESSED, "processed_at": event.received_at}
    else:
        values |= {"state": EventState.RECEIVED, "wake_at": event.received_at + timedelta(seconds=rewake_seconds)}
    return connection.execute(_ACCEPT, values).one()
