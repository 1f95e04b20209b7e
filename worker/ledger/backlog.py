"""What is due and not done: the work that nothing but a worker keeps waiting.

Left out is what waits for a reason of its own: an open circuit, a pause, its turn, its receipt, another step.
Invariant: what is counted here should be gone within seconds; when it grows old, something is wrong.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, text

from worker.celery_app import CONTROL_QUEUE, EVENTS_QUEUE, delivery_queue

LATE = timedelta(seconds=60)
"""What is overdue for so long is behind."""

_WOKEN_WITHIN = timedelta(minutes=1)  # what is due is to be woken soon, over and over; an index knows when
# Account by account, so that the index leads to what is due past any number of timers that are not.
_DUE = text(
    """
    WITH RECURSIVE there AS (
        (SELECT account FROM deliveries WHERE state IN ('waiting', 'ready', 'retrying') ORDER BY account LIMIT 1)
        UNION ALL
        SELECT (
            SELECT account FROM deliveries
            WHERE state IN ('waiting', 'ready', 'retrying') AND account > there.account ORDER BY account LIMIT 1
        ) FROM there WHERE there.account IS NOT NULL
    )
    SELECT there.account, found.* FROM there CROSS JOIN LATERAL (
        SELECT count(*) AS due, count(*) FILTER (WHERE due_at <= :late) AS late, min(due_at) AS oldest_at
        FROM deliveries d
        WHERE d.account = there.account AND state IN ('waiting', 'ready', 'retrying')
              AND wake_at <= :soon AND due_at <= :now
              AND (needs = '{}' OR released) AND reason IS DISTINCT FROM 'awaiting_delivery'
              AND reason IS DISTINCT FROM 'paced'
              AND NOT EXISTS (SELECT FROM pauses p WHERE p.kind = 'rule' AND p.name = d.rule)
    ) AS found
    WHERE found.due > 0 AND NOT EXISTS (
        SELECT FROM holds h WHERE h.account = there.account AND h.kind = 'account' AND h.opened_at IS NOT NULL
    ) AND NOT EXISTS (SELECT FROM pauses p WHERE p.kind = 'account' AND p.name = there.account)
    """
)
_EVENTS = text(
    """
    SELECT count(*) AS due, count(*) FILTER (WHERE received_at <= :late) AS late, min(received_at) AS oldest_at
    FROM events WHERE state = 'received'
    """
)


@dataclass(frozen=True)
class Backlog:
    """What is due of one queue."""

    queue: str
    due: int = 0
    late: int = 0
    oldest_at: datetime | None = None

    def with_(self, row: Row[Any]) -> "Backlog":
        """Return it together with another part."""
        oldest = min((at for at in (self.oldest_at, row.oldest_at) if at), default=None)
        return Backlog(self.queue, self.due + row.due, self.late + row.late, oldest)


def by_queue(connection: Connection, vendors: Mapping[str, str], now: datetime) -> Sequence[Backlog]:
    """Return what is due of each queue; `vendors`: of each account."""
    given = {"now": now, "late": now - LATE}
    names = [EVENTS_QUEUE, *sorted({delivery_queue(vendor) for vendor in vendors.values()})]
    found = {name: Backlog(name) for name in names}
    found[EVENTS_QUEUE] = found[EVENTS_QUEUE].with_(connection.execute(_EVENTS, {"late": given["late"]}).one())
    for row in connection.execute(_DUE, given | {"soon": now + _WOKEN_WITHIN}):
        name = delivery_queue(vendors[row.account]) if row.account in vendors else CONTROL_QUEUE
        found[name] = found.get(name, Backlog(name)).with_(row)
    return list(found.values())
