"""What is plotted: figures of the last hour, day or week, put together by steps.

Invariant: every step of the span is there; nothing counted is 0, nothing measured is a gap.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row

from worker.figures import Grain, Name, quantile
from worker.ledger import figures
from worker.states import DeliveryState, Reason

COUNTED_WITHIN = timedelta(seconds=20)
"""Figures are this old at most while a worker lives: a step is shown once it was counted whole."""

_NAMES = (Name.RECEIVED, Name.ATTEMPTS, Name.DEAD, Name.OPEN, Name.ACKNOWLEDGEMENT, Name.END_TO_END)


@dataclass(frozen=True)
class Span:
    """How far back a plot goes."""

    name: str
    length: timedelta
    step: timedelta
    grain: Grain
    step_said: str


SPANS = {
    span.name: span
    for span in (
        Span("hour", timedelta(hours=1), timedelta(minutes=1), Grain.MINUTE, "minute"),
        Span("day", timedelta(days=1), timedelta(minutes=10), Grain.MINUTE, "10 minutes"),
        Span("week", timedelta(days=7), timedelta(hours=1), Grain.HOUR, "hour"),
    )
}


@dataclass(frozen=True)
class Line:
    """One line of a plot; None where there is no value."""

    label: str
    look: str
    """The class that gives it its colour and dashes."""
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class Plot:
    """One plot: its lines over the same steps."""

    key: str
    title: str
    unit: str
    """In words, for the axis."""
    span: Span
    at: tuple[datetime, ...]
    """When each step begins."""
    lines: tuple[Line, ...]
    is_time: bool = False


def read(connection: Connection, span: Span, now: datetime, account: str | None = None) -> tuple[Plot, ...]:
    """Return the plots of a span, of one account or of all together."""
    seconds = int(span.step.total_seconds())
    until = datetime.fromtimestamp(int((now - COUNTED_WITHIN).timestamp()) // seconds * seconds, UTC)
    since = until - span.length
    at = tuple(since + nth * span.step for nth in range(span.length // span.step))
    rows = figures.series(connection, span.grain, (since, until), span.step, _NAMES, account)
    each = f"per {span.step_said}"

    def counts(wanted: Callable[[Row[Any]], bool]) -> tuple[float | None, ...]:
        found: dict[datetime, int] = defaultdict(int)
        for row in rows:
            if wanted(row):
                found[row.at] += row.total
        return tuple(found.get(moment, 0) for moment in at)

    work = (
        Line("received", "info", counts(lambda row: row.name == Name.RECEIVED)),
        Line("succeeded", "good", counts(_is_success)),
        Line("failed", "bad", counts(lambda row: row.name == Name.DEAD)),
    )
    return (
        Plot("work", "Events received, deliveries succeeded and failed", each, span, at, work),
        Plot("waiting", "Deliveries under way", f"the most {each}", span, at, _waiting(rows, at)),
        _times("acknowledgement", "Acknowledging a webhook", Name.ACKNOWLEDGEMENT, span, at, rows),
        _times("end_to_end", "From the webhook to the vendor's answer", Name.END_TO_END, span, at, rows),
    )


def _is_success(row: Row[Any]) -> bool:
    if row.name != Name.ATTEMPTS:
        return False
    _, state, reason = row.labels
    return bool(state == DeliveryState.SUCCEEDED or reason == Reason.AWAITING_DELIVERY)


def _waiting(rows: Sequence[Row[Any]], at: Iterable[datetime]) -> tuple[Line, ...]:
    """Return how many were retrying, and how many waited otherwise; a gap where nobody looked."""
    retrying, others = defaultdict[datetime, int](int), defaultdict[datetime, int](int)
    looked = {row.at for row in rows if row.name == Name.OPEN}
    for row in rows:
        if row.name == Name.OPEN:
            (retrying if row.labels == [DeliveryState.RETRYING] else others)[row.at] += row.peak
    steps = tuple(at)
    return (
        Line("waiting, ready or being sent", "waits", tuple(others[one] if one in looked else None for one in steps)),
        Line("failed for now, tried again", "bad", tuple(retrying[one] if one in looked else None for one in steps)),
    )


def _times(key: str, title: str, name: Name, span: Span, at: tuple[datetime, ...], rows: Sequence[Row[Any]]) -> Plot:
    buckets: dict[datetime, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for row in rows:
        if row.name == name:
            buckets[row.at][row.bucket] += row.total
    lines = tuple(
        Line(label, look, _quantiles(buckets, at, share))
        for label, look, share in (("half stay under (p50)", "info", 0.5), ("99 of 100 stay under (p99)", "odd", 0.99))
    )
    return Plot(key, title, "time, each line ten times the one below", span, at, lines, is_time=True)


def _quantiles(
    buckets: Mapping[datetime, Mapping[int, int]], at: Iterable[datetime], share: float
) -> tuple[float | None, ...]:
    return tuple(quantile(buckets[moment], share) if moment in buckets else None for moment in at)
