"""Unknown outcomes in the ledger: which to ask about, who asks, what was found.

Invariant: what was found is written only while the delivery is still unknown and nobody asked again since; a person's
word, and the vendor's own late answer, win.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, bindparam, text
from sqlalchemy.dialects.postgresql import insert

from worker.ids import new_id
from worker.ledger import messages
from worker.ledger.attempting import WITH_ITS_EVENT, Conclusion
from worker.ledger.deliveries import Wake
from worker.ledger.tables import attempts, deliveries
from worker.states import DeliveryState

PATIENCE_SECONDS = (30.0, 120.0, 600.0, 3600.0)
"""How long after the attempt, or after the last time, the vendor is asked."""
SETTLE = "settle"
"""The kind of an entry among the attempts that only asked."""

_TO_ASK = text(
    """
    UPDATE deliveries SET wake_at = :again WHERE id IN (
        SELECT id FROM deliveries
        WHERE state = 'unknown' AND settle_at IS NOT NULL AND wake_at <= :now AND account <> ALL(:busy) AND NOT EXISTS (
            SELECT FROM holds
            WHERE holds.account = deliveries.account AND kind = 'account' AND opened_at IS NOT NULL
        ) AND NOT EXISTS (SELECT FROM pauses WHERE kind = 'account' AND name = deliveries.account)
        ORDER BY wake_at, id LIMIT :most FOR UPDATE SKIP LOCKED
    ) RETURNING id, account
    """
)
# The next time is written down before anybody asks: whoever dies over it leaves that, and no more.
_CLAIM = text(
    f"""
    WITH claimed AS (
        UPDATE deliveries SET settles = settles + 1, settle_at = next.at, wake_at = next.at
        FROM (
            SELECT id, CAST(:now AS timestamptz) + make_interval(
                secs => (CAST(:patience AS double precision[]))[least(settles + 2, :most)]
            ) AS at FROM deliveries WHERE id = :id
        ) AS next
        WHERE deliveries.id = next.id AND state = 'unknown' AND settle_at <= :now
        RETURNING deliveries.*
    )
    {WITH_ITS_EVENT}
    """  # noqa: S608 - no values in it
)
_STILL_UNKNOWN = (
    (deliveries.c.id == bindparam("b_id"))
    & (deliveries.c.state == DeliveryState.UNKNOWN)
    & (deliveries.c.attempts == bindparam("b_number"))
    & (deliveries.c.settles == bindparam("b_settles"))
)
_CONCLUDED = ("state", "reason", "last_error", "result", "due_at", "wake_at", "settle_at", "updated_at")
_CONCLUDE = deliveries.update().where(_STILL_UNKNOWN).values({name: bindparam(name) for name in _CONCLUDED})


@dataclass(frozen=True)
class Asked:
    """One time that the vendor was asked."""

    row: Row[Any]
    started_at: datetime
    finished_at: datetime
    worker: str
    exchanges: list[dict[str, Any]]


def to_ask(connection: Connection, now: datetime, busy: Sequence[str], most: int, rewake_seconds: float) -> list[Wake]:
    """Return the deliveries whose vendor is to be asked now, and note that they are being woken."""
    again = now + timedelta(seconds=rewake_seconds)
    rows = connection.execute(_TO_ASK, {"now": now, "again": again, "busy": list(busy), "most": most})
    return [Wake(row.id, row.account) for row in rows]


def claim(connection: Connection, delivery_id: UUID, now: datetime) -> Row[Any] | None:
    """Take an unknown delivery to ask about it once; None when it is not the time, or it is not unknown any more."""
    values = {"id": delivery_id, "now": now, "patience": list(PATIENCE_SECONDS), "most": len(PATIENCE_SECONDS)}
    return connection.execute(_CLAIM, values).one_or_none()


def conclude(connection: Connection, asked: Asked, conclusion: Conclusion) -> bool:
    """Write down what was found; False when the delivery had moved on without it."""
    row, now = asked.row, asked.finished_at
    entry = {
        "id": new_id(), "delivery_id": row.id, "number": row.attempts, "started_at": asked.started_at,
        "finished_at": now, "worker": asked.worker, "state": conclusion.state, "reason": conclusion.reason,
        "error": conclusion.error, "exchanges": asked.exchanges, "kind": SETTLE,
    }  # fmt: skip
    connection.execute(insert(attempts).values(entry))
    is_open = conclusion.state is DeliveryState.UNKNOWN and row.settles < len(PATIENCE_SECONDS)
    settle_at = row.settle_at if is_open else None
    values = {
        "state": conclusion.state, "reason": conclusion.reason, "last_error": conclusion.error, "updated_at": now,
        "result": row.result if conclusion.result is None else conclusion.result,
        "due_at": conclusion.due_at or row.due_at, "settle_at": settle_at, "wake_at": conclusion.due_at or settle_at,
    }  # fmt: skip
    mine = {"b_id": row.id, "b_number": row.attempts, "b_settles": row.settles}
    if conclusion.sent is not None:
        messages.record(connection, conclusion.sent)
    return connection.execute(_CONCLUDE, {**mine, **values}).rowcount == 1
