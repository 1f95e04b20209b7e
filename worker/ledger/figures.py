"""The figures in the ledger: added to by receivers, read by plots and by Prometheus, forgotten by age.

Three grains stand beside each other: minutes for a day's plot, hours for a week's, and one total that never shrinks.
Invariant: a total only grows, so that a scrape never sees a counter go back.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Connection, Row, Select, bindparam, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert

from worker.figures import OF_THE_LEDGER, Grain, Key, Name, hour_of
from worker.ledger.tables import figures, watermarks

EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
MINUTES_KEPT = timedelta(days=2)
HOURS_KEPT = timedelta(days=35)
WATERMARK = ("", "figures")
"""Account and name of the watermark up to which the ledger's figures are final, and counted into the totals."""

_PRIMARY_KEY = [column.name for column in figures.primary_key]
_ADD = insert(figures)
_ADD = _ADD.on_conflict_do_update(
    index_elements=_PRIMARY_KEY,
    set_={"total": figures.c.total + _ADD.excluded.total, "seconds": figures.c.seconds + _ADD.excluded.seconds},
)
_TOTALS = text(
    """
    SELECT account, name, labels, bucket, sum(total)::bigint AS total, sum(seconds) AS seconds FROM figures
    WHERE grain = 0 OR (grain = 60 AND name = ANY(:of_the_ledger) AND at >= (
        SELECT watermarks.at FROM watermarks WHERE watermarks.account = :of AND watermarks.name = :called
    ))
    GROUP BY account, name, labels, bucket ORDER BY account, name, labels, bucket
    """
)


@dataclass(frozen=True)
class Amount:
    """How many, and how long they took together."""

    total: int
    seconds: float = 0.0


def add(connection: Connection, amounts: Mapping[Key, Amount]) -> None:
    """Add to figures, of each grain; in one order, so that two who add never wait for each other."""
    rows = [
        {
            "grain": grain, "at": at, "account": key.account, "name": key.name, "labels": list(key.labels),
            "bucket": key.bucket, "total": amount.total, "seconds": amount.seconds,
        }
        for key, amount in amounts.items()
        for grain, at in ((Grain.EVER, EPOCH), (Grain.MINUTE, key.minute), (Grain.HOUR, hour_of(key.minute)))
    ]  # fmt: skip
    for row in sorted(rows, key=lambda row: [row[name] for name in _PRIMARY_KEY]):
        connection.execute(_ADD, row)


def totals(connection: Connection) -> Sequence[Row[Any]]:
    """Return every figure's total since ever: what is final, and the minutes after it; in one look, so none twice."""
    of, called = WATERMARK
    values = {"of_the_ledger": sorted(OF_THE_LEDGER), "of": of, "called": called}
    return connection.execute(_TOTALS, values).all()


def series(
    connection: Connection, grain: Grain, span: tuple[datetime, datetime], step: timedelta, names: Iterable[Name],
    account: str | None = None,
) -> Sequence[Row[Any]]:  # fmt: skip
    """Return figures of a span, put together by steps that begin with it: `at, account, name, labels, bucket, …`."""
    since, until = span
    slot = func.date_bin(step, figures.c.at, since).label("at")
    groups = (slot, figures.c.account, figures.c.name, figures.c.labels, figures.c.bucket)
    query: Select[Any] = select(
        *groups,
        func.sum(figures.c.total).cast(BigInteger).label("total"),
        func.max(figures.c.total).label("peak"),
        func.sum(figures.c.seconds).label("seconds"),
    ).where(figures.c.grain == grain, figures.c.name.in_(sorted(names)), figures.c.at >= since, figures.c.at < until)
    if account is not None:
        query = query.where(figures.c.account == account)
    return connection.execute(query.group_by(*groups).order_by(slot)).all()


def final_until(connection: Connection) -> datetime | None:
    """Return up to when the ledger's figures are final; None when nothing was counted yet."""
    of, called = WATERMARK
    return connection.scalar(
        select(watermarks.c.at).where(watermarks.c.account == of, watermarks.c.name == called)
    )  # fmt: skip


def forget_old(connection: Connection, now: datetime) -> None:
    """Take away what no plot reaches back to; totals stay."""
    old = delete(figures).where(figures.c.grain == bindparam("b_grain"), figures.c.at < bindparam("b_until"))
    connection.execute(old, {"b_grain": Grain.MINUTE, "b_until": now - MINUTES_KEPT})
    connection.execute(old, {"b_grain": Grain.HOUR, "b_until": now - HOURS_KEPT})


@dataclass(frozen=True)
class Heard:
    """What was heard of accounts."""

    ever: frozenset[str]
    last_at: Mapping[str, datetime]
    """By account: the end of the last span in which anything came."""
    hours: Mapping[str, Mapping[datetime, int]]
    """By account: how many events came in each hour."""


_HEARD = text(
    """
    SELECT account, grain, at, sum(total)::bigint AS total FROM figures
    WHERE name IN ('received', 'duplicates') AND (grain = 0 OR (grain = 3600 AND at >= :since))
    GROUP BY account, grain, at
    UNION ALL
    SELECT account, grain, max(at), 0 FROM figures
    WHERE name IN ('received', 'duplicates') AND grain = 60 GROUP BY account, grain
    ORDER BY account, at
    """
)


def heard(connection: Connection, since: datetime) -> Heard:
    """Return when accounts were last heard of, and how much came in each hour since a moment."""
    ever, hours = set(), defaultdict[str, dict[datetime, int]](dict)
    by_hour, by_minute = dict[str, datetime](), dict[str, datetime]()
    for row in connection.execute(_HEARD, {"since": since}):
        ever.add(row.account)
        if row.grain == Grain.HOUR:
            hours[row.account][row.at] = row.total
            by_hour[row.account] = row.at + timedelta(hours=1)
        elif row.grain == Grain.MINUTE:
            by_minute[row.account] = row.at + timedelta(minutes=1)
    return Heard(frozenset(ever), by_hour | by_minute, hours)
