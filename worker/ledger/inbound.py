"""What came in last at each account, and what was refused last: whether a vendor is connected.

Invariant: each question looks at a bounded number of the newest rows, however many there are.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from worker.figures import Grain, Name
from worker.ledger.tables import events, figures, quarantine
from worker.states import RECONCILED

NEWEST = 500
"""How many of an account's newest events are looked at."""


@dataclass(frozen=True)
class Arrivals:
    """What is known of one account's inbound side."""

    newest: Row[Any] | None
    """The event that a webhook brought last."""
    by_secret: tuple[Row[Any], ...]
    """Of the newest: how many came by which secret of which trigger, and the last of them."""
    refused: Row[Any] | None
    """The newest request that was refused and is still in quarantine."""
    looked_at: int
    """How many of the newest rows there were to look at."""


def arrivals_at(connection: Connection, account: str) -> Arrivals:
    """Return what came in last at an account."""
    columns = ("id", "type", "trigger", "secret_index", "received_at", "parent_id", "last_duplicate_at")
    mine = select(*(events.c[name] for name in columns)).where(events.c.account == account)
    newest = mine.order_by(events.c.id.desc()).limit(NEWEST).subquery()
    brought = newest.c.parent_id.is_(None) & newest.c.trigger.is_distinct_from(RECONCILED)
    last = select(newest).where(brought).order_by(newest.c.id.desc()).limit(1)
    groups = (newest.c.trigger, newest.c.secret_index)
    by_secret = (
        select(*groups, func.count().label("events"), func.max(newest.c.received_at).label("last_received_at"))
        .where(brought)
        .group_by(*groups)
        .order_by(*groups)
    )
    return Arrivals(
        newest=connection.execute(last).one_or_none(),
        by_secret=tuple(connection.execute(by_secret)),
        refused=_last_refused(connection, account),
        looked_at=connection.scalar(select(func.count()).select_from(newest)) or 0,
    )


def was_challenged(connection: Connection, account: str) -> tuple[int, datetime | None]:
    """Return how often a vendor asked whether an endpoint is ours and was told so, and the hour when it did last."""
    mine = (figures.c.name == Name.CHALLENGED) & (figures.c.account == account)
    times = select(func.sum(figures.c.total)).where(mine, figures.c.grain == Grain.EVER)
    last = select(func.max(figures.c.at)).where(mine, figures.c.grain == Grain.HOUR)
    return int(connection.scalar(times) or 0), connection.scalar(last)


def _last_refused(connection: Connection, account: str) -> Row[Any] | None:
    columns = [quarantine.c[name] for name in ("id", "reason", "received_at", "times")]
    query = select(*columns).where(quarantine.c.account == account, quarantine.c.released_at.is_(None))
    return connection.execute(query.order_by(quarantine.c.id.desc()).limit(1)).one_or_none()
