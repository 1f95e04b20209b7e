"""Signs of life, kept in the ledger.

Invariant: the worker's heartbeat travels through the queue, so that it stops when consuming stops, whatever else lives.
"""

from datetime import datetime

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from worker.ledger.tables import heartbeats

STALE_SECONDS = 30.0
"""A heartbeat older than this means that nobody consumes."""


def beat(connection: Connection, name: str, now: datetime) -> None:
    """Write down that `name` is alive."""
    row = insert(heartbeats).values(name=name, at=now)
    connection.execute(row.on_conflict_do_update(index_elements=["name"], set_={"at": now}))


def last_beat(connection: Connection, name: str) -> datetime | None:
    """Return when `name` was last alive; None if it never was."""
    return connection.scalar(select(heartbeats.c.at).where(heartbeats.c.name == name))
