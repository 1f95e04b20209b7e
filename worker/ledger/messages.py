"""The messages in the ledger: how far each came, written by the send and by receipts, in whatever order they come.

Invariant: a message moves forward only (accepted, sent, delivered, read; failed ends it unless it had arrived), and a
receipt that comes before its send was recorded waits for it here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Table, bindparam, case, func, select, text
from sqlalchemy.dialects.postgresql import Insert, insert

from worker.ledger.tables import messages
from worker.reading import Receipt
from worker.states import MessageState, Reason

_ORDER = [MessageState.ACCEPTED, MessageState.SENT, MessageState.FAILED, MessageState.DELIVERED, MessageState.READ]
_MOMENTS = tuple(f"{state}_at" for state in _ORDER)


@dataclass(frozen=True)
class Sent:
    """A message that a delivery sent."""

    account: str
    message_id: str
    delivery_id: UUID
    person: str | None
    """The person's key, see `worker.holding`."""
    at: datetime


def _rank(state: Any) -> Any:
    return case(*((state == known, rank) for rank, known in enumerate(_ORDER)), else_=0)


# Every column is named: this goes into another statement, whose own values would else be taken for those left out.
_send = insert(messages).values({c.name: bindparam(f"m_{c.name}", type_=c.type) for c in messages.columns})
# What receipts have told already stands.
RECORD: Insert = _send.on_conflict_do_update(
    index_elements=["account", "message_id"],
    set_={name: _send.excluded[name] for name in ("delivery_id", "person", "accepted_at")},
)
"""Writes a `Sent` down, as `bound` gives it."""

_receive = insert(messages)


def _advanced(table: Table, given: Any) -> dict[str, Any]:
    ends = (table.c.state == MessageState.FAILED) | (_rank(given.state) <= _rank(table.c.state))
    moments = {name: func.coalesce(table.c[name], given[name]) for name in _MOMENTS}
    newer = {name: case((ends, table.c[name]), else_=given[name]) for name in ("state", "changed_at")}
    why = {name: case((ends, table.c[name]), else_=given[name]) for name in ("error_code", "reason")}
    # What could be one of several stays so, whatever else is told of it.
    why["reason"] = case((table.c.reason == Reason.AMBIGUOUS, table.c.reason), else_=why["reason"])
    reference = {name: func.coalesce(table.c[name], given[name]) for name in ("delivery_id", "person")}
    return moments | newer | why | reference


_ADVANCE = _receive.on_conflict_do_update(
    index_elements=["account", "message_id"], set_=_advanced(messages, _receive.excluded)
).returning(messages)


def record(connection: Connection, sent: Sent) -> None:
    """Write down that a message was sent."""
    connection.execute(RECORD, bound(sent))


def bound(sent: Sent) -> dict[str, Any]:
    """Return what `RECORD` is executed with."""
    values: dict[str, Any] = {name: value for name, value in vars(sent).items() if name != "at"}
    values |= {"state": MessageState.ACCEPTED, "accepted_at": sent.at, "changed_at": sent.at}
    return {f"m_{column.name}": values.get(column.name) for column in messages.columns}


def advance(
    connection: Connection, account: str, receipt: Receipt, delivery_id: UUID | None, person: str | None, now: datetime
) -> Row[Any]:
    """Move a message forward by a receipt, or keep it for the send to come; return it as it is now."""
    values: dict[str, Any] = dict.fromkeys(_MOMENTS) | {
        "account": account, "message_id": receipt.message_id, "state": receipt.state,
        f"{receipt.state}_at": min(receipt.at, now), "error_code": receipt.error_code, "reason": receipt.reason,
        "changed_at": now, "delivery_id": delivery_id, "person": person,
    }  # fmt: skip
    return connection.execute(_ADVANCE, values).one()


def read(connection: Connection, account: str, message_id: str) -> Row[Any] | None:
    """Return a message; None when nothing is known of it."""
    mine = (messages.c.account == account) & (messages.c.message_id == message_id)
    return connection.execute(select(messages).where(mine)).one_or_none()


def mark(connection: Connection, message: Row[Any], reason: Reason) -> None:
    """Write down what is remarkable about a message."""
    mine = (messages.c.account == message.account) & (messages.c.message_id == message.message_id)
    connection.execute(messages.update().where(mine).values(reason=reason))


def of_deliveries(connection: Connection, delivery_ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    """Return the messages that some deliveries sent."""
    return connection.execute(select(messages).where(messages.c.delivery_id.in_(delivery_ids))).all()


_UNDER_WAY = text(
    """
    UPDATE messages SET asked_at = :now WHERE (account, message_id) IN (
        SELECT account, message_id FROM messages
        WHERE account = :account AND state IN ('accepted', 'sent') AND changed_at < :before AND changed_at > :after
        AND delivery_id IS NOT NULL AND (asked_at IS NULL OR asked_at < :asked_before)
        ORDER BY asked_at NULLS FIRST, changed_at LIMIT :most FOR UPDATE SKIP LOCKED
    ) RETURNING message_id, state
    """
)


def under_way(
    connection: Connection, account: str, span: tuple[datetime, datetime], asked_before: datetime, now: datetime,
    most: int,
) -> Sequence[Row[Any]]:  # fmt: skip
    """Return messages of which nothing new came since a moment within `span`, and note that they are asked about."""
    values = {
        "account": account, "after": span[0], "before": span[1], "asked_before": asked_before, "now": now, "most": most,
    }  # fmt: skip
    return connection.execute(_UNDER_WAY, values).all()
