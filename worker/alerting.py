"""Decide what is worth telling people: a failure that nears its limit, once; that it is over, once.

Invariant: of one cause each step (50, 70, 90, 100 percent of its limit) is told at most once an hour. A step that is
higher than what was told is told at once; at 100 percent it is told again every hour; a lower step is told once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

STEPS = (50, 70, 90, 100)
AGAIN = timedelta(hours=1)
CALM = timedelta(minutes=5)
"""It is over when it stayed below the lowest step for so long."""


class Cause(StrEnum):
    """What is watched; the names are those of `failure_limits`."""

    DEAD_LETTERS = "dead_letters"
    FAILED_EVENTS = "failed_events"
    UNKNOWN = "unknown"
    QUARANTINED = "quarantined"
    FAILING_PERCENT = "failing_percent"
    HELD_SECONDS = "held_seconds"
    BACKLOG_SECONDS = "backlog_seconds"


@dataclass(frozen=True)
class Words:
    """How a cause is told: `{value}` and `{limit}` stand for the figures."""

    what: str
    look: str


WORDS: Mapping[Cause, Words] = {
    Cause.DEAD_LETTERS: Words("{value} deliveries became dead within an hour (limit {limit})", "hookyard dead list"),
    Cause.FAILED_EVENTS: Words(
        "{value} events failed within an hour (limit {limit})", "hookyard events --state failed"
    ),
    Cause.UNKNOWN: Words(
        "of {value} deliveries it is unknown whether they happened (limit {limit})",
        "hookyard deliveries --state unknown",
    ),
    Cause.QUARANTINED: Words(
        "{value} bodies were refused within an hour (limit {limit})", "hookyard quarantine verify"
    ),
    Cause.FAILING_PERCENT: Words(
        "{value} % of the attempts within an hour failed (limit {limit} %)", "hookyard deliveries --state retrying"
    ),
    Cause.HELD_SECONDS: Words("calls have been held for {value} s (limit {limit} s)", "hookyard circuits"),
    Cause.BACKLOG_SECONDS: Words("the oldest due work has waited for {value} s (limit {limit} s)", "hookyard doctor"),
}


@dataclass(frozen=True)
class Measure:
    """How much of a cause there is now; `account` is empty for what concerns no single one."""

    cause: Cause
    account: str
    value: float
    limit: float

    @property
    def percent(self) -> int:
        """The share of the limit, rounded down."""
        return int(self.value * 100 / self.limit)

    @property
    def step(self) -> int:
        """The highest step that is reached; 0 for none."""
        return max((step for step in STEPS if step <= self.percent), default=0)


@dataclass(frozen=True)
class Watch:
    """What is remembered of a cause."""

    measure: Measure
    since: datetime | None
    """None: it is over, and only what was told is remembered."""
    told: Mapping[int, datetime] = field(default_factory=dict)
    """By step: when it was last told."""
    told_step: int = 0
    """The highest step told since then."""
    calm_since: datetime | None = None


@dataclass(frozen=True)
class News:
    """What people are told."""

    cause: Cause
    account: str
    state: str
    """`firing` or `recovered`."""
    percent: int
    value: float
    limit: float
    since: str

    @property
    def text(self) -> str:
        """One sentence, without anything personal."""
        where = f"{self.account}: " if self.account else ""
        what = WORDS[self.cause].what.format(value=f"{self.value:.0f}", limit=f"{self.limit:g}")
        return f"{where}over, {what}" if self.state == "recovered" else f"{where}{what}, {self.percent} %"


def judge(before: Watch | None, measure: Measure, now: datetime) -> tuple[Watch | None, News | None]:
    """Return what is remembered of a cause from now on (None: nothing), and what is told."""
    watch = before or Watch(measure, None)
    told = {step: at for step, at in watch.told.items() if now - at < AGAIN or watch.since is not None}
    watch = replace(watch, measure=measure, told=told)
    if measure.step:
        return _firing(watch, measure, now)
    if watch.since is None:
        return (watch if told else None), None
    calm_since = watch.calm_since or now
    if now - calm_since < CALM:
        return replace(watch, calm_since=calm_since), None
    news = _news(watch, "recovered", watch.since) if watch.told_step else None
    return replace(watch, since=None, told_step=0, calm_since=None), news


def _firing(watch: Watch, measure: Measure, now: datetime) -> tuple[Watch, News | None]:
    since = watch.since or now
    watch = replace(watch, since=since, calm_since=None)
    # What was told of a higher step has said it of this one, too.
    last = max((at for step, at in watch.told.items() if step >= measure.step), default=None)
    is_new = measure.step > watch.told_step or measure.step == STEPS[-1]
    if not is_new or (last is not None and now - last < AGAIN):
        return watch, None
    told = {**watch.told, measure.step: now}
    watch = replace(watch, told=told, told_step=max(watch.told_step, measure.step))
    return watch, _news(watch, "firing", since)


def _news(watch: Watch, state: str, since: datetime) -> News:
    found = watch.measure
    when = since.isoformat(timespec="seconds")
    return News(found.cause, found.account, state, found.percent, found.value, found.limit, when)
