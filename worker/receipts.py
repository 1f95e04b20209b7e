"""What a receipt of a message means: the message moves forward, and what it settles is settled.

Invariant: receipts may come twice, late, in any order, or before the send was recorded; none is lost, none turns back.
A delivery follows its own message only: after a person sent it again, the old message's receipts mean nothing for it.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Connection, Row, text

from config.load import Config
from worker import matching
from worker.awaiting import patience_of
from worker.ids import parse_id
from worker.ledger import messages
from worker.ledger.attempting import Conclusion
from worker.ledger.deliveries import DeadLetter
from worker.messaging import consent
from worker.messaging.consent import BY_RECEIPT, Wish
from worker.reading import Receipt
from worker.states import DeliveryState, MessageState, Reason

log = structlog.get_logger()
WHOLE_SECONDS = timedelta(seconds=2)
"""How much earlier than it was sent a message may seem to be, by a vendor's clock that tells whole seconds."""
_Values = dict[str, Any]
ARRIVED = frozenset({MessageState.DELIVERED, MessageState.READ})

_NAMED = text("SELECT id, rule, step, state FROM deliveries WHERE id = :id AND account = :account FOR UPDATE")
# The vendor names the delivery: it happened, whatever became of the answer that would have said so.
_IT_HAPPENED = text(
    """
    UPDATE deliveries SET state = :state, reason = :reason, last_error = NULL, settle_at = NULL, settles = 0,
           due_at = coalesce(:due_at, due_at), wake_at = :due_at,
           result = coalesce(result, '{}') || jsonb_build_object('message_id', CAST(:message_id AS text)),
           updated_at = :now
    WHERE id = :id
    """
)
# Of this attempt: a receipt of a message before it may come at any time, but what it tells began earlier.
_REPORTED = text(
    """
    SELECT * FROM messages WHERE delivery_id = :id AND message_id NOT LIKE 'unmatched:%'
           AND least(accepted_at, sent_at, delivered_at, read_at, failed_at) >= :since
    ORDER BY changed_at DESC, message_id LIMIT 1
    """
)
_ARRIVED = text(
    """
    UPDATE deliveries SET state = 'succeeded', reason = NULL, wake_at = NULL, updated_at = :now
    WHERE id = :id AND state = 'waiting' AND reason = 'awaiting_delivery' AND result ->> 'message_id' = :message_id
    """
)
_FAILED = text(
    """
    UPDATE deliveries SET state = 'dead', reason = :reason, last_error = :error, wake_at = NULL, updated_at = :now
    WHERE id = :id AND result ->> 'message_id' = :message_id
          AND (state = 'succeeded' OR state = 'waiting' AND reason = 'awaiting_delivery')
    RETURNING id, event_id, action, account
    """
)


@dataclass(frozen=True)
class Taken:
    """What a receipt led to."""

    dead: DeadLetter | None
    """The delivery that is dead by it."""
    facts: tuple[UUID, ...] = ()
    """Facts that are to be routed, as the person opted out."""


def take_in(connection: Connection, config: Config, account: str, receipt: Receipt, now: datetime) -> Taken:
    """Take a receipt in."""
    delivery_id, is_ambiguous = _referenced(connection, config, account, receipt, now), False
    if person := matching.person_of(receipt.reference):
        account, is_ambiguous = matching.account_of(connection, _unnamed(config), account, receipt, person)
    facts: tuple[UUID, ...] = ()
    message = messages.advance(connection, account, receipt, delivery_id, person, now)
    if is_ambiguous:
        messages.mark(connection, message, Reason.AMBIGUOUS)
    if receipt.state is MessageState.FAILED and message.state == MessageState.FAILED:
        log.warning(
            "message.failed", account=account, delivery_id=message.delivery_id and str(message.delivery_id),
            reason=message.reason, error_code=message.error_code,
        )  # fmt: skip
        facts = _wished(connection, message, receipt.at, now)
    return Taken(_decide(connection, message, now), facts)


def _wished(connection: Connection, message: Row[Any], at: datetime, now: datetime) -> tuple[UUID, ...]:
    """Write down that a person opted out, where a message failed for that and whose it was is known."""
    if message.state != MessageState.FAILED or message.reason != Reason.OPTED_OUT or not message.person:
        return ()
    wish = Wish(stopped=True, why=BY_RECEIPT)
    return consent.follow(connection, wish, message.account, message.person, at, now, is_key=True)


def _unnamed(config: Config) -> list[str]:
    """Return the accounts whose messages' ids are told by their reports only."""
    return [name for name, account in config.accounts.items() if account.vendor == matching.VENDOR]


def look_back(
    connection: Connection, config: Config, conclusion: Conclusion, since: datetime, now: datetime
) -> Conclusion:
    """Return how a delivery ended whose message was sent since then: its receipt may have been faster."""
    sent = conclusion.sent
    if sent and sent.account in (unnamed := _unnamed(config)):
        told = matching.reported_before(connection, unnamed, sent, since)
        sent = replace(sent, message_id=told) if told else None
    message = messages.read(connection, sent.account, sent.message_id) if sent else None
    if message is None:
        return conclusion
    _wished(connection, message, message.failed_at or now, now)  # a sweep routes what follows from it
    dead = _decide(connection, message, now)
    if dead is not None:
        return replace(conclusion, state=DeliveryState.DEAD, reason=dead.reason, error=dead.error, due_at=None)
    if conclusion.reason is Reason.AWAITING_DELIVERY and message.state in ARRIVED:
        return replace(conclusion, state=DeliveryState.SUCCEEDED, reason=None, due_at=None)
    return conclusion


def look_back_at_unknown(
    connection: Connection, config: Config, row: Row[Any], conclusion: Conclusion, since: datetime, now: datetime
) -> Conclusion:
    """Return how a delivery ended whose outcome no answer told: its vendor may have named it in a receipt since then.

    It has to stand in the ledger as unknown by now.
    """
    values = {"id": row.id, "since": since - WHOLE_SECONDS}
    message = connection.execute(_REPORTED, values).one_or_none()
    if message is None:
        return conclusion
    ends = _it_happened(connection, config, row, message.message_id, now)
    dead = _decide(connection, message, now)
    log.info("delivery.settled", delivery_id=str(row.id), account=row.account, settled="by a receipt that was faster")
    if dead is not None:
        ends = {"state": DeliveryState.DEAD, "reason": dead.reason, "due_at": None, "error": dead.error}
    elif message.state in ARRIVED:
        ends = {"state": DeliveryState.SUCCEEDED, "reason": None, "due_at": None}
    return replace(conclusion, **{"error": None, "settle_at": None, **ends})


def _decide(connection: Connection, message: Row[Any], now: datetime) -> DeadLetter | None:
    """Let a message's delivery end as the message did; return it when it is dead by that."""
    if message.delivery_id is None:
        return None
    values = {"id": message.delivery_id, "message_id": message.message_id, "now": now}
    if message.state in ARRIVED:
        connection.execute(_ARRIVED, values)
    if message.state != MessageState.FAILED:
        return None
    reason = Reason(message.reason or Reason.REJECTED)
    error = "the message failed after it was accepted" + (f", code {message.error_code}" * bool(message.error_code))
    row = connection.execute(_FAILED, {**values, "reason": reason, "error": error}).one_or_none()
    return DeadLetter(row.id, row.event_id, row.action, row.account, reason, error) if row else None


def _referenced(connection: Connection, config: Config, account: str, receipt: Receipt, now: datetime) -> UUID | None:
    """Return the delivery that the vendor names, settled when it was unknown."""
    named = parse_id(receipt.reference) if receipt.reference else None
    row = connection.execute(_NAMED, {"id": named, "account": account}).one_or_none() if named else None
    if row is None:
        return None
    if row.state == DeliveryState.UNKNOWN:
        _it_happened(connection, config, row, receipt.message_id, now)
        log.info("delivery.settled", delivery_id=str(named), account=account, settled="by a receipt")
    return named


def _it_happened(connection: Connection, config: Config, row: Row[Any], message_id: str, now: datetime) -> _Values:
    """Let an unknown delivery end as one that was accepted; return what is true of it now."""
    rule = config.rule(row.rule)
    patience = patience_of(rule.step(row.step) if rule else None)
    ends: _Values = {"state": DeliveryState.SUCCEEDED, "reason": None, "due_at": None}
    if patience is not None:
        ends = {"state": DeliveryState.WAITING, "reason": Reason.AWAITING_DELIVERY, "due_at": now + patience}
    connection.execute(_IT_HAPPENED, {"id": row.id, "message_id": message_id, "now": now, **ends})
    return ends
