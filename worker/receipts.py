"""What a receipt of a message means: the message moves forward, and what it settles is settled.

Invariant: receipts may come twice, late, in any order, or before the send was recorded; none is lost, none turns back.
"""

from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy import Connection, Row, text

from worker.holding import Failure, waiting
from worker.ids import parse_id
from worker.ledger import holds, messages
from worker.reading import Receipt
from worker.states import HoldKind, MessageState, Reason

log = structlog.get_logger()

# The vendor names the delivery: it happened, whatever became of the answer that would have said so.
_IT_HAPPENED = text(
    """
    UPDATE deliveries SET state = 'succeeded', reason = NULL, last_error = NULL, settle_at = NULL, wake_at = NULL,
           result = coalesce(result, '{}') || jsonb_build_object('message_id', CAST(:message_id AS text)),
           updated_at = :now
    WHERE id = :id AND account = :account AND state = 'unknown' RETURNING id
    """
)
_IS_OURS = text("SELECT id FROM deliveries WHERE id = :id AND account = :account")


def take_in(connection: Connection, account: str, receipt: Receipt, now: datetime) -> None:
    """Take a receipt in."""
    delivery_id = _referenced(connection, account, receipt, now)
    message = messages.advance(connection, account, receipt, delivery_id, now)
    if receipt.state is MessageState.FAILED and message.state == MessageState.FAILED:
        log.warning(
            "message.failed", account=account, delivery_id=message.delivery_id and str(message.delivery_id),
            reason=message.reason, error_code=message.error_code,
        )  # fmt: skip
        if receipt.reason is Reason.OPTED_OUT and message.person:
            _hold(connection, message, now)


def _referenced(connection: Connection, account: str, receipt: Receipt, now: datetime) -> UUID | None:
    """Return the delivery that the vendor names, settled when it was unknown."""
    named = parse_id(receipt.reference) if receipt.reference else None
    if named is None or connection.scalar(_IS_OURS, {"id": named, "account": account}) is None:
        return None
    values = {"id": named, "account": account, "message_id": receipt.message_id, "now": now}
    if connection.scalar(_IT_HAPPENED, values):
        log.info("delivery.settled", delivery_id=str(named), account=account, settled="by a receipt")
    return named


def _hold(connection: Connection, message: Row[tuple[object, ...]], now: datetime) -> None:
    """Write down that a person wants no more messages of this account."""
    failure = Failure(message.delivery_id, message.account, "", Reason.OPTED_OUT, "said by a receipt")
    kind = HoldKind.RECIPIENT
    holds.change(
        connection, message.account, kind, message.person,
        lambda found: waiting(found, failure, kind, message.person, now, growth=None, for_good=True),
    )  # fmt: skip
