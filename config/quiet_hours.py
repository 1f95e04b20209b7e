"""The hours of the day in which a shop sends no messages by itself.

Invariant: the clock on the shop's wall decides what is quiet, also across midnight and when that clock is changed.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator

_SPAN = re.compile(r"\s*([01]\d|2[0-3]):([0-5]\d)\s*-\s*([01]\d|2[0-3]):([0-5]\d)\s*")


@dataclass(frozen=True)
class Quiet:
    """From when to when it is quiet, by the clock on the wall."""

    begin: time
    end: time

    def covers(self, moment: datetime, zone: ZoneInfo) -> bool:
        """Whether it is quiet at a moment."""
        wall = moment.astimezone(zone).time()
        if self.begin < self.end:
            return self.begin <= wall < self.end
        return wall >= self.begin or wall < self.end

    def ends_after(self, moment: datetime, zone: ZoneInfo) -> datetime:
        """Return when the quiet hours that a moment is in are over."""
        today = moment.astimezone(zone).date()
        days = (today + timedelta(days=days) for days in range(3))
        # An hour that is skipped or comes twice: both readings of the wall's clock are tried.
        ends = [datetime.combine(day, self.end, zone).replace(fold=fold) for day in days for fold in (0, 1)]
        moments = sorted(end.astimezone(UTC) for end in ends)
        return next(end for end in moments if end > moment and not self.covers(end, zone))

    @property
    def open_span(self) -> timedelta:
        """How long of a day it is not quiet."""
        begin, end = (timedelta(hours=at.hour, minutes=at.minute) for at in (self.begin, self.end))
        return (begin - end) % timedelta(days=1)


def _parsed(given: Any) -> Any:
    found = _SPAN.fullmatch(given) if isinstance(given, str) else None
    if found is None:
        raise ValueError('two times like "21:00-08:00" are wanted')
    hour, minute, end_hour, end_minute = map(int, found.groups())
    quiet = Quiet(time(hour, minute), time(end_hour, end_minute))
    if quiet.begin == quiet.end:
        raise ValueError("the two times are the same")
    return quiet


QuietSpan = Annotated[Quiet, BeforeValidator(_parsed)]
