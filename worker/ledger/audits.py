"""What people did, as it is read: who, when, what, to what, why.

Invariant: newest first and bounded; a page goes on behind the entry it is told.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select

from worker.ids import first_id
from worker.ledger.storable import storable_text
from worker.ledger.tables import audit
from worker.states import Press


@dataclass(frozen=True)
class Wanted:
    """What the audit is narrowed to; None does not narrow."""

    actor: str | None = None
    action: Press | None = None
    target: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: UUID | None = None
    limit: int = 50


def entries(connection: Connection, wanted: Wanted) -> Sequence[Row[Any]]:
    """Return what people did, newest first."""
    query = select(audit).order_by(audit.c.id.desc()).limit(wanted.limit)
    for column in (audit.c.actor, audit.c.action, audit.c.target):
        value = getattr(wanted, column.name)
        if value is not None:
            query = query.where(column == storable_text(value))
    if wanted.since:
        query = query.where(audit.c.id >= first_id(wanted.since))
    if wanted.until:
        query = query.where(audit.c.id < first_id(wanted.until))
    if wanted.before:
        query = query.where(audit.c.id < wanted.before)
    return connection.execute(query).all()
