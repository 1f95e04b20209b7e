"""How fast an account may be called, and a person be written to: pure functions over one small state.

Calls leave one by one, a gap apart, so that no second ever has more of them than is allowed; in an hour, no more than
is allowed for it. Who finds no room soon gets a turn, at which it comes due again; turns are given out one after the
other, so that nobody is passed over and nobody has to ask twice.
Invariant: `next_at` is what keeps to the limits; a turn is only when to come back, and may be lost or missed freely.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from math import ceil

from config.accounts import Limits

PATIENCE_SECONDS = 1.5
"""What a worker's thread waits for its moment; above a sweep's pause, so that those who come due at once find room."""
SLOWED_PER_SECOND = 16.0
"""What "half as fast" is half of where there is no limit."""
_MINUTES = 60


@dataclass(frozen=True)
class Allowed:
    """What a limit allows: calls a gap apart, and so many in an hour."""

    gap_seconds: float = 0.0
    per_hour: float | None = None


@dataclass(frozen=True)
class Pace:
    """How fast something went so far."""

    next_at: datetime | None = None
    """Before this no call leaves."""
    turn_at: datetime | None = None
    """The turn that the next one gets who has to come back."""
    minutes: Mapping[str, int] = field(default_factory=dict)
    """How many left in each minute of the last hour, where that is limited."""


@dataclass(frozen=True)
class Turn:
    """When a call may leave, or when whoever wants it comes back."""

    at: datetime
    leaves: bool


def allowed_for(limits: Limits, slowing: int) -> Allowed | None:
    """Return what an account allows, half as fast for each step of slowing; None when nothing limits it."""
    per_second = limits.per_second
    if slowing:
        per_second = (per_second or SLOWED_PER_SECOND) / 2.0**slowing
    if per_second is None and limits.per_hour is None:
        return None
    return Allowed(1 / per_second if per_second else 0.0, limits.per_hour)


def ask(pace: Pace, allowed: Allowed, now: datetime, *, had_turn: bool) -> Turn:
    """Return when a call may leave: soon, or at a turn behind everybody who waits already."""
    first = soonest(pace, allowed, now)
    behind = pace.turn_at or first
    is_soon = first - now <= timedelta(seconds=PATIENCE_SECONDS)
    if is_soon and (had_turn or behind <= first):
        return Turn(first, leaves=True)
    return Turn(max(first, behind), leaves=False)


def soonest(pace: Pace, allowed: Allowed, now: datetime) -> datetime:
    """Return when a call may leave at all, whoever waits."""
    return _room_in_the_hour(pace, allowed, max(now, pace.next_at or now))


def left(pace: Pace, allowed: Allowed, at: datetime) -> Pace:
    """Return the pace after a call that leaves at a moment."""
    next_at = at + _span(allowed.gap_seconds)
    minutes: dict[str, int] = {}
    if allowed.per_hour is not None:
        this = _minute(at)
        minutes = {name: count for name, count in pace.minutes.items() if int(name) >= this - _MINUTES}
        minutes[str(this)] = minutes.get(str(this), 0) + 1
    return Pace(next_at, max(pace.turn_at or next_at, next_at), minutes)


def queued(pace: Pace, allowed: Allowed, turn: Turn) -> Pace:
    """Return the pace after a turn was given out."""
    gap = max(allowed.gap_seconds, 3600 / allowed.per_hour if allowed.per_hour and not allowed.gap_seconds else 0.0)
    return replace(pace, turn_at=turn.at + _span(gap))


def used_share(pace: Pace, per_hour: float | None, now: datetime) -> float | None:
    """Return the share of the calls allowed in an hour that were made in the last one; None when it is not limited."""
    if not per_hour:
        return None
    since = _minute(now) - _MINUTES
    return sum(count for at, count in pace.minutes.items() if int(at) >= since) / per_hour


def wait_seconds(pace: Pace, now: datetime) -> float:
    """Return how long one that comes now waits, behind everybody who got a turn."""
    return max(0.0, *((at - now).total_seconds() for at in (pace.next_at, pace.turn_at, now) if at))


def _room_in_the_hour(pace: Pace, allowed: Allowed, moment: datetime) -> datetime:
    """Return the first moment from `moment` on whose last hour is not full; whole minutes count, so rather later."""
    if allowed.per_hour is None:
        return moment
    for name in sorted(pace.minutes, key=int):
        since = _minute(moment) - _MINUTES
        if sum(count for at, count in pace.minutes.items() if int(at) >= since) < max(1.0, allowed.per_hour):
            return moment
        moment = max(moment, datetime.fromtimestamp((int(name) + _MINUTES + 1) * 60, UTC))
    return moment


def _span(seconds: float) -> timedelta:
    """Return a span that is not shorter by rounding."""
    return timedelta(microseconds=ceil(round(seconds * 1e6, 3)))


def _minute(moment: datetime) -> int:
    return int(moment.timestamp()) // 60
