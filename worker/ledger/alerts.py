"""What is watched, what people are to be told, and the figures behind both.

Invariant: that something is to be told is written down together with what it follows from; a message is claimed by
one sender at a time, and is sent again when nobody wrote down that it was sent: told twice is better than never.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from config.alerts import FailureLimits
from worker.alerting import Cause, Measure, News, Watch
from worker.ids import first_id, new_id
from worker.ledger.tables import alert_messages, alerts

WITHIN = timedelta(hours=1)
FEWEST_ATTEMPTS = 10
"""Of fewer no share is told: one of two is no trend."""
LEASE = timedelta(minutes=2)
KEPT = timedelta(days=30)
_FIRST_PATIENCE_SECONDS, _MOST_PATIENCE_SECONDS = 60, 1800
GIVEN_UP = timedelta(hours=6)
"""News that could not be told for so long are none any more."""

_TRY = text("SELECT pg_try_advisory_xact_lock(hashtextextended('alerts', 0))")
# The attempts are bounded so that a look stays cheap however much is going on.
_QUERIES: Mapping[Cause, str] = {
    Cause.DEAD_LETTERS: """
        SELECT account, count(*) AS value FROM deliveries WHERE state = 'dead' AND updated_at >= :since GROUP BY account
    """,
    Cause.FAILED_EVENTS: """
        SELECT account, count(*) AS value FROM events WHERE state = 'failed' AND processed_at >= :since GROUP BY account
    """,
    Cause.UNKNOWN: "SELECT account, count(*) AS value FROM deliveries WHERE state = 'unknown' GROUP BY account",
    Cause.QUARANTINED: """
        SELECT account, count(*) AS value FROM quarantine
        WHERE released_at IS NULL AND received_at >= :since GROUP BY account
    """,
    Cause.FAILING_PERCENT: """
        SELECT account, 100.0 * count(*) FILTER (WHERE failed) / count(*) AS value FROM (
            SELECT d.account, a.state IN ('retrying', 'dead', 'unknown') AS failed FROM (
                SELECT delivery_id, state FROM attempts
                WHERE id >= CAST(:first_id AS uuid) AND kind = 'attempt' ORDER BY id DESC LIMIT 20000
            ) AS a JOIN deliveries AS d ON d.id = a.delivery_id
            WHERE a.state IN ('retrying', 'dead', 'unknown', 'succeeded')
        ) AS tried GROUP BY account HAVING count(*) >= :fewest
    """,
    Cause.HELD_SECONDS: """
        SELECT account, extract(epoch FROM :now - opened_at) AS value FROM holds
        WHERE kind = 'account' AND opened_at IS NOT NULL
    """,
    Cause.BACKLOG_SECONDS: """
        SELECT '' AS account, extract(epoch FROM :now - least(
            (SELECT min(received_at) FROM events WHERE state = 'received'),
            (SELECT min(due_at) FROM deliveries AS d
             WHERE state IN ('waiting', 'ready', 'retrying') AND due_at <= :now
                   AND wake_at <= :now + interval '1 minute' AND (needs = '{}' OR released)
                   AND reason IS DISTINCT FROM 'awaiting_delivery' AND reason IS DISTINCT FROM 'paced'
                   AND NOT EXISTS (
                       SELECT FROM holds AS h
                       WHERE h.account = d.account AND h.kind = 'account' AND h.opened_at IS NOT NULL))
        )) AS value
    """,
}


def measure(connection: Connection, limits: FailureLimits, now: datetime) -> list[Measure]:
    """Return how much of each watched cause there is."""
    since = now - WITHIN
    given = {"now": now, "since": since, "first_id": first_id(since), "fewest": FEWEST_ATTEMPTS}
    found = []
    for cause, query in _QUERIES.items():
        limit = getattr(limits, cause)
        if limit is None:
            continue
        rows = connection.execute(text(query), {k: v for k, v in given.items() if f":{k}" in query})
        found += [Measure(cause, row.account, max(0.0, float(row.value or 0)), limit) for row in rows]
    return found


def alone(connection: Connection) -> bool:
    """Whether this transaction is the only one that judges, until its end."""
    return bool(connection.scalar(_TRY))


def watches(connection: Connection) -> list[Watch]:
    """Return all that is remembered, the longest first."""
    rows = connection.execute(select(alerts).order_by(alerts.c.since, alerts.c.cause, alerts.c.account))
    return [_watch(row) for row in rows if row.cause in set(Cause)]


def remember(connection: Connection, watch: Watch) -> None:
    """Write a watch down."""
    found = watch.measure
    values = {
        "value": found.value, "limit": found.limit, "since": watch.since, "calm_since": watch.calm_since,
        "told": {str(step): at.isoformat() for step, at in watch.told.items()}, "told_step": watch.told_step,
    }  # fmt: skip
    row = insert(alerts).values(cause=found.cause, account=found.account, **values)
    connection.execute(row.on_conflict_do_update(index_elements=["cause", "account"], set_=values))


def forget(connection: Connection, watch: Watch) -> None:
    """Take a watch away."""
    found = watch.measure
    connection.execute(delete(alerts).where(alerts.c.cause == found.cause, alerts.c.account == found.account))


def enqueue(connection: Connection, targets: Iterable[str], news: Sequence[News], now: datetime) -> None:
    """Write down that some news are to be told to each target."""
    for target in targets:
        row = {"id": new_id(), "target": target, "news": [vars(one) for one in news]}
        connection.execute(insert(alert_messages).values(**row, created_at=now, next_at=now))


def claim(connection: Connection, now: datetime) -> Sequence[Row[Any]]:
    """Take what is due; whoever takes it has two minutes. What is too old is given up, what was long ago forgotten."""
    connection.execute(delete(alert_messages).where(alert_messages.c.created_at < now - KEPT))
    late = alert_messages.c.next_at.is_not(None) & (alert_messages.c.created_at < now - GIVEN_UP)
    connection.execute(update(alert_messages).where(late).values(next_at=None))
    due = select(alert_messages.c.id).where(alert_messages.c.next_at <= now).limit(100)
    due = due.order_by(alert_messages.c.id).with_for_update(skip_locked=True)
    taken = update(alert_messages).where(alert_messages.c.id.in_(due))
    values = {"next_at": now + LEASE, "attempts": alert_messages.c.attempts + 1}
    return sorted(connection.execute(taken.values(values).returning(alert_messages)).all(), key=lambda row: str(row.id))


def sent(connection: Connection, rows: Iterable[Row[Any]], now: datetime) -> None:
    """Note that messages were sent."""
    mine = alert_messages.c.id.in_([row.id for row in rows])
    connection.execute(update(alert_messages).where(mine).values(sent_at=now, next_at=None, last_error=None))


def not_sent(connection: Connection, rows: Iterable[Row[Any]], error: str, now: datetime) -> None:
    """Note that messages could not be sent, and when to try again."""
    for row in rows:
        seconds = min(_FIRST_PATIENCE_SECONDS * 2 ** (row.attempts - 1), _MOST_PATIENCE_SECONDS)
        values = {"next_at": now + timedelta(seconds=seconds), "last_error": error}
        connection.execute(update(alert_messages).where(alert_messages.c.id == row.id).values(values))


def last_of_targets(connection: Connection) -> dict[str, Row[Any]]:
    """Return by target when something was last sent to it, how many wait, and what went wrong last."""
    query = select(
        alert_messages.c.target,
        func.max(alert_messages.c.sent_at).label("last_sent_at"),
        func.count().filter(alert_messages.c.next_at.is_not(None)).label("waiting"),
        func.max(alert_messages.c.last_error).filter(alert_messages.c.sent_at.is_(None)).label("last_error"),
    ).group_by(alert_messages.c.target)
    return {row.target: row for row in connection.execute(query)}


def _watch(row: Row[Any]) -> Watch:
    told = {int(step): datetime.fromisoformat(at) for step, at in row.told.items()}
    found = Measure(Cause(row.cause), row.account, row.value, row.limit)
    return Watch(found, row.since, told, row.told_step, row.calm_since)
