"""Fill the figures from the ledger's other tables, minute by minute.

A minute is counted anew at every look until it is final, and replaced, never added to: counting it once more, by
another worker or after a restart, changes nothing. When it is final it goes into the totals, in the transaction that
moves the watermark past it, so it goes there once.
Invariant: whatever was down meanwhile, the next look begins where the last final minute ended; no gap, nothing twice.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, text

from worker.figures import BOUNDS_SECONDS, NO_BUCKET, OF_THE_LEDGER, Grain, Name, hour_of, minute_of
from worker.ids import first_id
from worker.ledger import watermarks
from worker.ledger.figures import EPOCH, WATERMARK, final_until
from worker.states import RECONCILED

FINAL_AFTER = timedelta(minutes=4)
"""An attempt has its id before it is written, and is written for up to two minutes while the ledger is away."""

BACK_AT_MOST = timedelta(days=14)
"""How far back is counted of a ledger that was never counted, or not for long."""

MOST_STEPS = 48
"""An hour each: how much is caught up with at one look."""

_LOCK = text("SELECT pg_try_advisory_xact_lock(hashtextextended('figures', 0))")
# The first 48 bits of an id are its time in milliseconds.
_MINUTE = "to_timestamp(('x' || left(replace({}.id::text, '-', ''), 12))::bit(48)::bigint / 60000 * 60)"
_NO_LABELS = "CAST('{}' AS text[])"
_OF_ATTEMPTS = """
    FROM attempts a JOIN deliveries d ON d.id = a.delivery_id {joins}
    WHERE a.id >= CAST(:first AS uuid) AND a.id < CAST(:last AS uuid)
"""
_BUCKET = "width_bucket(({})::float8, CAST(:bounds AS float8[]))"
# A step that a rule plans for later, or that a person began again, is measured from then.
_SINCE = "CASE WHEN d.series_at > d.created_at THEN d.series_at ELSE e.received_at END"
_EXCHANGES = "CASE jsonb_typeof(a.exchanges) WHEN 'array' THEN a.exchanges ELSE '[]' END"
_DONE = "a.kind = 'attempt' AND (a.state = 'succeeded' OR a.reason = 'awaiting_delivery')"


def _timed(name: Name, seconds: str, joins: str, where: str) -> str:
    return f"""
    SELECT {_MINUTE.format("a")}, d.account, '{name}', {_NO_LABELS}, {_BUCKET.format(seconds)}, count(*), sum({seconds})
    {_OF_ATTEMPTS.format(joins=joins)} AND {where} GROUP BY 1, 2, 5
    """


_COUNTED = (
    f"""
    SELECT {_MINUTE.format("e")}, e.account,
           CASE WHEN e.trigger = :reconciled THEN '{Name.RECONCILED}' ELSE '{Name.RECEIVED}' END,
           {_NO_LABELS}, {NO_BUCKET}, count(*), 0
    FROM events e
    WHERE e.id >= CAST(:first AS uuid) AND e.id < CAST(:last AS uuid)
          AND (e.parent_id IS NULL OR e.part IS NOT NULL) AND e.type NOT LIKE '%.batch'
    GROUP BY 1, 2, 3
    """,  # noqa: S608 - no values in it
    f"""
    SELECT {_MINUTE.format("a")}, d.account, '{Name.ATTEMPTS}', ARRAY[d.action, a.state, coalesce(a.reason, '')],
           {NO_BUCKET}, count(*), 0
    {_OF_ATTEMPTS.format(joins="")} AND a.kind = 'attempt' GROUP BY 1, 2, 4
    """,
    f"""
    SELECT date_trunc('minute', d.updated_at, 'UTC'), d.account, '{Name.DEAD}', ARRAY[d.action, coalesce(d.reason, '')],
           {NO_BUCKET}, count(*), 0
    FROM deliveries d WHERE d.state = 'dead' AND d.updated_at >= :since AND d.updated_at < :until GROUP BY 1, 2, 4
    """,  # noqa: S608 - no values in it
    # What is done instead of a step that failed is planned later, from the same match.
    f"""
    SELECT {_MINUTE.format("d")}, e.account, '{Name.MATCHED}', ARRAY[d.rule], {NO_BUCKET}, count(DISTINCT d.event_id), 0
    FROM deliveries d JOIN events e ON e.id = d.event_id
    WHERE d.id >= CAST(:first AS uuid) AND d.id < CAST(:last AS uuid)
          AND d.rule NOT LIKE 'hookyard.%' AND d.step NOT LIKE '%.%' GROUP BY 1, 2, 4
    """,  # noqa: S608 - no values in it
    _timed(
        Name.END_TO_END,
        f"greatest(0, extract(epoch FROM a.finished_at - {_SINCE}))",
        "JOIN events e ON e.id = d.event_id",
        f"{_DONE} AND d.rule NOT LIKE 'hookyard.%'",
    ),
    _timed(
        Name.VENDOR,
        "(x.exchange ->> 'seconds')::float8",
        f"CROSS JOIN LATERAL jsonb_array_elements({_EXCHANGES}) AS x (exchange)",
        "jsonb_typeof(x.exchange -> 'seconds') = 'number'",
    ),
)
_COLUMNS = "at, account, name, labels, bucket, total, seconds"
_INTO = f"INSERT INTO figures (grain, {_COLUMNS})"
_SAME = "ON CONFLICT (grain, name, account, at, labels, bucket) DO UPDATE SET"
# Never less than before: a dead letter that a person began again at once had been one, and a counter never goes back.
_AT_LEAST = (
    f"{_SAME} total = greatest(figures.total, excluded.total), seconds = greatest(figures.seconds, excluded.seconds)"
)
_MINUTES_OF_THE_SPAN = (
    f"FROM figures WHERE grain = {Grain.MINUTE:d} AND name = ANY(:names) AND at >= :since AND at < :until"
)
_MINUTES = [
    text(f"{_INTO} SELECT {Grain.MINUTE:d}, c.* FROM ({counted}) AS c ({_COLUMNS}) {_AT_LEAST}")  # noqa: S608 - no values in it
    for counted in _COUNTED
]
_HOURS = text(
    f"""
    {_INTO} SELECT {Grain.HOUR:d}, date_trunc('hour', at, 'UTC'), account, name, labels, bucket,
           sum(total), sum(seconds)
    {_MINUTES_OF_THE_SPAN} GROUP BY 2, 3, 4, 5, 6 {_AT_LEAST}
    """
)
_FINAL = text(
    f"""
    {_INTO} SELECT {Grain.EVER:d}, :epoch, account, name, labels, bucket, sum(total), sum(seconds)
    {_MINUTES_OF_THE_SPAN} GROUP BY account, name, labels, bucket
    {_SAME} total = figures.total + excluded.total, seconds = figures.seconds + excluded.seconds
    """
)
_OPEN = text(
    f"""
    {_INTO} SELECT :grain, :at, account, '{Name.OPEN}', ARRAY[state], {NO_BUCKET}, count(*), 0 FROM deliveries
    WHERE state IN ('waiting', 'ready', 'retrying', 'in_flight') GROUP BY account, state {_AT_LEAST}
    """  # noqa: S608 - no values in it
)
_FIRST_EVENT = text("SELECT received_at FROM events ORDER BY id LIMIT 1")


@dataclass(frozen=True)
class Counter:
    """Fills the figures, a part of the time in each transaction."""

    engine: Engine

    def count(self, now: datetime) -> datetime | None:
        """Count what happened since the last final minute; return up to when. None when another worker is at it."""
        reached = None
        for _ in range(MOST_STEPS):
            with self.engine.begin() as connection:
                if not connection.scalar(_LOCK):
                    return reached
                reached = _step(connection, now, reached)
            if reached >= now:
                break
        return reached


def _step(connection: Connection, now: datetime, reached: datetime | None) -> datetime:
    # Soon after the full hour the last minutes of the one before are not final, and this hour's are counted as well.
    since = _begins(connection, now)
    since = max(since, reached or since)
    until = min(minute_of(now) + timedelta(minutes=1), hour_of(since) + timedelta(hours=1))
    final = max(since, min(until, minute_of(now - FINAL_AFTER)))
    span: dict[str, Any] = {
        "since": since, "until": until, "first": first_id(since), "last": first_id(until),
        "bounds": list(BOUNDS_SECONDS), "reconciled": RECONCILED,
    }  # fmt: skip
    for minutes in _MINUTES:
        connection.execute(minutes, span)
    names = sorted(OF_THE_LEDGER)
    hours = {"since": hour_of(since), "until": hour_of(until) + timedelta(hours=1), "names": names}
    connection.execute(_HOURS, hours)
    if until > now:
        for grain, at in ((Grain.MINUTE, minute_of(now)), (Grain.HOUR, hour_of(now))):
            connection.execute(_OPEN, {"grain": grain, "at": at})
    if final > since or reached is None:
        connection.execute(_FINAL, {"since": since, "until": final, "names": names, "epoch": EPOCH})
        watermarks.move(connection, *WATERMARK, final)
    return until


def _begins(connection: Connection, now: datetime) -> datetime:
    reached = final_until(connection)
    if reached is None:
        reached = connection.scalar(_FIRST_EVENT) or now
    return minute_of(max(min(reached, now), now - BACK_AT_MOST))
