"""Accept events into the ledger.

Invariant: the commit of `accept` is the acknowledgement. Duplicates are found by the unique key, never by looking
first, and are counted on the row that came first.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam
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
    body: bytes
    content_type: str | None
    query: str | None
    headers: dict[str, str]
    source_ip: str | None
    trigger: str | None
    secret_index: int | None
    received_at: datetime
    occurred_at: datetime


@dataclass(frozen=True)
class Accepted:
    """The row that stands for the event: `duplicate` when it had been there before."""

    id: UUID
    duplicate: bool


_insert = insert(events).values(
    {
        column.name: bindparam(column.name)
        for column in events.columns
        if column.name
        in {
            "id",
            "account",
            "dedupe_key",
            "type",
            "handling",
            "state",
            "body",
            "content_type",
            "query",
            "headers",
            "source_ip",
            "trigger",
            "secret_index",
            "received_at",
            "occurred_at",
            "wake_at",
        }
    }
)
_ACCEPT = _insert.on_conflict_do_update(
    index_elements=["account", "dedupe_key"],
    set_={"duplicates": events.c.duplicates + 1, "last_duplicate_at": _insert.excluded.received_at},
).returning(events.c.id, events.c.duplicates)


def accept(connection: Connection, event: NewEvent, rewake_seconds: float) -> Accepted:
    """Store an event, or count it as a duplicate of the one that has its key."""
    values: dict[str, Any] = dict(vars(event))
    values["id"], values["state"] = new_id(), EventState.RECEIVED
    values["wake_at"] = event.received_at + timedelta(seconds=rewake_seconds)
    row = connection.execute(_ACCEPT, values).one()
    return Accepted(row.id, duplicate=row.duplicates > 0)
