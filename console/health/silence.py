"""Whether an account has been silent for unusually long, by its own usual rate.

What is usual in an hour of the day is the lower quartile of what came in that hour of the last 14 days: of every four
days one brought no more. Over a silence the usual amounts add up; when at least ten events should have come, in half
an hour or more, and none did, it is unusual: of events that come by chance, one silence in 22,000 is that long.
Invariant: an account is judged by three days of its own or more; one that never spoke is never called silent.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

LOOKS_BACK = timedelta(days=14)
LEAST_KNOWN = timedelta(days=3)
LEAST_SILENCE = timedelta(minutes=30)
LEAST_EXPECTED = 10.0
_HOUR = timedelta(hours=1)


def expected(hours: Mapping[datetime, int], since: datetime, now: datetime, zone: ZoneInfo) -> float | None:
    """Return how many events usually come in such a silence; None when too little is known, or it is short.

    `hours`: how many events came in each hour (UTC, by its beginning); hours without any may be left out.
    """
    spoke = [hour for hour, count in hours.items() if count]
    if not spoke or now - min(spoke) < LEAST_KNOWN or now - since < LEAST_SILENCE:
        return None
    first, total, moment = max(min(spoke), _begin(now - LOOKS_BACK)), 0.0, since
    while moment < now:
        end = min(_begin(moment) + _HOUR, now)
        total += _usual(hours, _begin(moment), first, _begin(since), zone) * ((end - moment) / _HOUR)
        moment = end
    return total


def _usual(
    hours: Mapping[datetime, int], hour: datetime, first: datetime, silent_since: datetime, zone: ZoneInfo
) -> float:
    """Return what usually comes in an hour of the day of the shop."""
    of_the_day = hour.astimezone(zone).hour
    known, at = [], first
    while at < silent_since:
        if at.astimezone(zone).hour == of_the_day:
            known.append(hours.get(at, 0))
        at += _HOUR
    return float(sorted(known)[len(known) // 4]) if known else 0.0


def _begin(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
