"""Messages that have done what their step is for only once they arrived: from being accepted to being delivered.

Invariant: what waits for its receipt was sent, so nothing but a person's knowing word sends it again.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Connection, Row, text

from config.rules import Step
from worker.acting import Outcome
from worker.ledger.attempting import Conclusion
from worker.ledger.deliveries import DeadLetter, Wake
from worker.ledger.messages import Sent
from worker.ledger.storable import storable
from worker.states import DeliveryState, Reason

UNLESS_SAID = timedelta(hours=24)
ANSWER_SECONDS = 60.0
"""How long the vendor's answer, when it is asked at the end, is waited for."""
NOT_DELIVERED = "nothing told in time that the message arrived"
log = structlog.get_logger()

_OVERDUE = text(
    """
    SELECT * FROM deliveries WHERE state = 'waiting' AND reason = 'awaiting_delivery' AND wake_at <= :now
    ORDER BY wake_at, id LIMIT :most FOR UPDATE SKIP LOCKED
    """
)
_ASK = text("UPDATE deliveries SET settles = settles + 1, wake_at = :again WHERE id = :id")
_GIVE_UP = text(
    """
    UPDATE deliveries SET state = 'dead', reason = :reason, last_error = :error, wake_at = NULL, updated_at = :now
    WHERE id = :id
    """
)
_AWAITED = text(
    """
    SELECT messages.account, messages.message_id, messages.state FROM deliveries
    JOIN messages ON messages.delivery_id = deliveries.id AND messages.message_id = deliveries.result ->> 'message_id'
    WHERE deliveries.id = :id AND deliveries.state = 'waiting' AND deliveries.reason = 'awaiting_delivery'
    """
)


def patience_of(step: Step | None) -> timedelta | None:
    """Return how long a step's message has to arrive; None when being accepted is enough."""
    if step is None or step.success != "delivered":
        return None
    return step.delivered_within or UNLESS_SAID


def accepted(step: Step | None, sent: Sent | None, outcome: Outcome, now: datetime) -> Conclusion:
    """Return how an attempt ended that the vendor accepted."""
    patience, more = patience_of(step), {"result": storable(outcome.result), "wrote": bool(outcome.patches)}
    if sent is None or patience is None:
        return Conclusion(DeliveryState.SUCCEEDED, sent=sent, **more)
    return Conclusion(DeliveryState.WAITING, Reason.AWAITING_DELIVERY, due_at=now + patience, sent=sent, **more)


def end_overdue(
    connection: Connection, vendors: Mapping[str, str], askable: Collection[str], now: datetime, most: int
) -> tuple[list[Wake], list[DeadLetter]]:
    """Look at what should have arrived by now: return whose vendor is to be asked, once, and what is given up.

    `vendors`: by account; `askable`: those that tell how far a message came.
    """
    ask, dead = [], []
    for row in connection.execute(_OVERDUE, {"now": now, "most": most}):
        if not row.settles and vendors.get(row.account) in askable and "message_id" in (row.result or {}):
            again = now + timedelta(seconds=ANSWER_SECONDS)
            connection.execute(_ASK, {"id": row.id, "again": again})
            ask.append(Wake(row.id, row.account))
        else:
            dead.append(_given_up(connection, row, now))
    return ask, dead


def _given_up(connection: Connection, row: Row[Any], now: datetime) -> DeadLetter:
    values = {"id": row.id, "reason": Reason.NOT_DELIVERED, "error": NOT_DELIVERED, "now": now}
    connection.execute(_GIVE_UP, values)
    log.warning("delivery.not_delivered", delivery_id=str(row.id), event_id=str(row.event_id), account=row.account)
    return DeadLetter(row.id, row.event_id, row.action, row.account, Reason.NOT_DELIVERED, NOT_DELIVERED)


def awaited(connection: Connection, delivery_id: UUID) -> Row[Any] | None:
    """Return the message (account, id, state) whose receipt a delivery waits for; None when it waits for none."""
    return connection.execute(_AWAITED, {"id": delivery_id}).one_or_none()
