"""Events as they come in, for whoever watches.

Ids sort by time, but a commit may come after one with a later id: what lies close behind the newest is looked at again.
Invariant: each event is returned once; one that is committed later than the overlap after its id was made is missed.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, select

from worker.ids import first_id, moment_of
from worker.ledger.queries import EVENT_COLUMNS
from worker.ledger.tables import events
from worker.states import RECONCILED, EventState

OVERLAP = timedelta(seconds=10)
ROUTED_SECONDS = 2.0
"""How long an event is waited for that is not routed yet: only then it is known what it is about."""
MOST_AT_ONCE = 500
_NEWEST = select(events.c.id).order_by(events.c.id.desc()).limit(1)


@dataclass(frozen=True)
class Wanted:
    """Which events."""

    account: str | None = None
    type: str | None = None
    """A type, or a pattern like scalev.order.*."""
    subject: str | None = None
    state: str | None = None
    whole: bool = False
    """Only what a webhook brought, with body and headers, one for each request."""

    def query(self) -> Select[Any]:
        """Return the query, in the order of the ids."""
        query = select(events) if self.whole else select(*EVENT_COLUMNS)
        if self.whole:
            query = query.where(events.c.body.is_not(None), events.c.trigger.is_distinct_from(RECONCILED))
        given = ((events.c.account, self.account), (events.c.subject, self.subject), (events.c.state, self.state))
        for column, value in given:
            query = query if value is None else query.where(column == value)
        if self.type is not None:
            query = query.where(events.c.type.like(_pattern(self.type), escape="\\"))
        return query.order_by(events.c.id).limit(MOST_AT_ONCE)


@dataclass
class Arrivals:
    """Follows the events."""

    wanted: Wanted
    since: datetime | None
    """None: from now on."""
    monotonic: Callable[[], float] = time.monotonic
    _has_begun: bool = False
    _newest: UUID | None = None
    _seen: set[UUID] = field(default_factory=set)
    _waited_since: dict[UUID, float] = field(default_factory=dict)

    def look(self, connection: Connection) -> Sequence[Row[Any]]:
        """Return what came since the last look, oldest first."""
        if not self._has_begun:
            self._begin(connection)
        newest = connection.scalar(_NEWEST)
        found: list[Row[Any]] = []
        after = first_id(moment_of(self._newest) - OVERLAP) if self._newest else UUID(int=0)
        while rows := connection.execute(self.wanted.query().where(events.c.id > after)).all():
            found += [row for row in rows if row.id not in self._seen and self._is_ready(row)]
            after = rows[-1].id
        self._newest = newest or self._newest
        self._remember(found)
        return found

    def _begin(self, connection: Connection) -> None:
        self._has_begun = True
        if self.since is not None:
            self._newest = first_id(self.since + OVERLAP)
            return
        self._newest = connection.scalar(_NEWEST)
        if self._newest is not None:
            near = events.c.id > first_id(moment_of(self._newest) - OVERLAP)
            self._seen = set(connection.scalars(select(events.c.id).where(near)))

    def _is_ready(self, row: Row[Any]) -> bool:
        if row.state != EventState.RECEIVED:
            return True
        now = self.monotonic()
        return now - self._waited_since.setdefault(row.id, now) >= ROUTED_SECONDS

    def _remember(self, found: Sequence[Row[Any]]) -> None:
        self._seen |= {row.id for row in found}
        for row in found:
            self._waited_since.pop(row.id, None)
        if self._newest is not None:
            oldest = first_id(moment_of(self._newest) - 2 * OVERLAP)
            self._seen = {one for one in self._seen if one > oldest}


def _pattern(type_: str) -> str:
    escaped = type_.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return escaped.replace("*", "%")
