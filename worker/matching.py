"""Finds the message that a receipt is of, where the platform that sent it told no id.

ChatGPT Builder answers a send without the message's id, and writes its own mark over ours: the report that Meta sends
carries `{"c": "<phone>"}`. So the first report of a message is matched by person and time, the later ones by its id.
Invariant: nothing is guessed. With two messages to one person under way, neither gets a receipt that may be the
other's: both are marked, and so is the report, whose later ones are no first report any more. What is just leaving,
or may have left, is under way as well.
"""

import json
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Connection, Row, text

from worker.holding import person_key
from worker.ledger.messages import Sent
from worker.reading import Receipt
from worker.states import Reason

VENDOR = "cgb"
WINDOW = timedelta(minutes=5)
EARLY = timedelta(seconds=30)
"""How much earlier than our clock says a report may say it was, of a message that was being sent."""
_UNMATCHED = "unmatched:"
_DIGITS = re.compile(r"[0-9]{6,15}\Z")
log = structlog.get_logger()

# One at a time for each person: a report that comes while its send is being written down sees it, or is seen.
_ALONE = text("SELECT pg_advisory_xact_lock(hashtextextended(:person, 0))")
_KNOWN = text("SELECT account FROM messages WHERE account = ANY(:accounts) AND message_id = :message_id")
_CANDIDATES = text(
    """
    SELECT * FROM messages
    WHERE person = :person AND message_id LIKE 'unmatched:%' AND account = ANY(:accounts)
          AND accepted_at BETWEEN :since AND :until
    ORDER BY accepted_at DESC FOR UPDATE
    """
)
_LEAVING = text(
    """
    SELECT count(*) FROM deliveries
    WHERE sending_to = :person AND account = ANY(:accounts) AND state IN ('in_flight', 'unknown')
          AND sending_at BETWEEN :since AND :until
    """
)
_REPORTED = text(
    """
    SELECT * FROM messages
    WHERE person = :person AND delivery_id IS NULL AND account <> ALL(:accounts) AND changed_at >= :since
    FOR UPDATE
    """
)
_MATCH = text("UPDATE messages SET message_id = :message_id WHERE account = :account AND message_id = :unmatched")
_TELL = text(
    """
    UPDATE deliveries SET result = coalesce(result, '{}') || jsonb_build_object('message_id', CAST(:message_id AS text))
    WHERE id = :id
    """
)
_MARK = text(
    """
    UPDATE messages SET reason = :reason
    WHERE (account = ANY(:accounts) AND message_id = ANY(:unmatched)) OR (account = :account AND message_id = :other)
    """
)
_ADOPT = text(
    """
    UPDATE messages SET state = told.state, sent_at = told.sent_at, delivered_at = told.delivered_at,
           read_at = told.read_at, failed_at = told.failed_at, error_code = told.error_code, reason = told.reason,
           message_id = told.message_id, changed_at = told.changed_at
    FROM messages told
    WHERE messages.account = :account AND messages.message_id = :unmatched
          AND told.account = :told_by AND told.message_id = :message_id
    """
)
_FORGET = text("DELETE FROM messages WHERE account = :told_by AND message_id = :message_id")


def unmatched(delivery_id: UUID, attempt: int) -> str:
    """Return the name that a message stands under until its first report tells its id."""
    return f"{_UNMATCHED}{delivery_id}:{attempt}"


def person_to_match(action: str, recipient: str | None) -> str | None:
    """Return the key of the person whom a message's first report is matched by; None where its id is told."""
    return person_key(recipient) if recipient and action.partition(".")[0] == VENDOR else None


def person_of(reference: str | None) -> str | None:
    """Return the key of the person whom ChatGPT Builder's mark names; None for any other mark."""
    try:
        mark = json.loads(reference) if reference and reference.startswith("{") else None
    except (ValueError, RecursionError):
        return None
    phone = str(mark.get("c")).lstrip("+") if isinstance(mark, dict) and set(mark) == {"c"} else ""
    return person_key(f"+{phone}") if _DIGITS.match(phone) else None


def account_of(
    connection: Connection, accounts: Sequence[str], account: str, receipt: Receipt, person: str
) -> tuple[str, bool]:
    """Return under which account a reported message stands, and whether it could be one of several.

    `accounts`: those of ChatGPT Builder; `account`: the one that was told.
    """
    connection.execute(_ALONE, {"person": person})
    given = {"accounts": list(accounts), "message_id": receipt.message_id}
    if found := connection.scalar(_KNOWN, given):
        return str(found), False
    if connection.scalar(_KNOWN, {**given, "accounts": [account]}):
        return account, False  # not its first report: that one found no message, or more than one
    whose: dict[str, Any] = {"person": person, "accounts": list(accounts)}
    span = {**whose, "since": receipt.at - WINDOW, "until": receipt.at + EARLY}
    rows, leaving = connection.execute(_CANDIDATES, span).all(), connection.scalar(_LEAVING, span)
    if rows and len(rows) + leaving > 1:
        _mark(connection, rows, account, receipt.message_id)
        return account, True
    if not rows or rows[0].reason == Reason.AMBIGUOUS:
        return account, bool(rows)
    [row] = rows
    values = {"account": row.account, "message_id": receipt.message_id, "unmatched": row.message_id}
    connection.execute(_MATCH, values)
    connection.execute(_TELL, {"id": row.delivery_id, "message_id": receipt.message_id})
    return str(row.account), False


def reported_before(connection: Connection, accounts: Sequence[str], sent: Sent, since: datetime) -> str | None:
    """Return the id of a message sent just now whose report was faster; None when there is none, or one of several."""
    connection.execute(_ALONE, {"person": sent.person})
    given = {"person": sent.person, "accounts": list(accounts)}
    told = connection.execute(_REPORTED, {**given, "since": since}).all()
    if not told:
        return None
    span = {**given, "since": sent.at - WINDOW, "until": sent.at}
    own, leaving = connection.execute(_CANDIDATES, span).all(), connection.scalar(_LEAVING, span)
    if len(told) > 1 or len(own) + leaving != 1 or told[0].reason == Reason.AMBIGUOUS:
        for row in told:
            _mark(connection, own, row.account, row.message_id)
        return None
    [row] = told
    values = {"account": sent.account, "unmatched": sent.message_id, "told_by": row.account}
    connection.execute(_ADOPT, {**values, "message_id": row.message_id})
    connection.execute(_FORGET, {"told_by": row.account, "message_id": row.message_id})
    connection.execute(_TELL, {"id": sent.delivery_id, "message_id": row.message_id})
    return str(row.message_id)


def _mark(connection: Connection, rows: Sequence[Row[Any]], account: str, message_id: str) -> None:
    names = {"accounts": [row.account for row in rows], "unmatched": [row.message_id for row in rows]}
    connection.execute(_MARK, {**names, "account": account, "other": message_id, "reason": Reason.AMBIGUOUS})
    log.warning(
        "message.ambiguous", account=account, deliveries=[str(row.delivery_id) for row in rows if row.delivery_id]
    )
