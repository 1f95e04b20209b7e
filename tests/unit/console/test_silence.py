"""When an account is unusually silent, by its own usual rate."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from console.health.silence import LEAST_EXPECTED, expected

JAKARTA = ZoneInfo("Asia/Jakarta")
NOW = datetime(2026, 1, 15, 5, 0, tzinfo=UTC)  # noon in Jakarta
HOUR = timedelta(hours=1)


def days(count: int, *, by_day: int, by_night: int = 0, missing: frozenset[int] = frozenset()) -> dict[datetime, int]:
    """Return hours up to NOW: so many events an hour from 8 to 20 o'clock in Jakarta, so many in other hours."""
    found = {}
    for nth in range(1, count * 24 + 1):
        hour = NOW - nth * HOUR
        is_day = 8 <= hour.astimezone(JAKARTA).hour < 20
        if (NOW - hour).days not in missing:
            found[hour] = by_day if is_day else by_night
    return found


@pytest.mark.parametrize(
    ("hours", "silent", "usual"),
    [
        ({}, 5 * HOUR, None),
        (days(2, by_day=100), 5 * HOUR, None),
        (days(10, by_day=100), 0.4 * HOUR, None),
        (days(10, by_day=100), 0.5 * HOUR, 50),
        (days(10, by_day=100), 3 * HOUR, 300),
        (days(10, by_day=4), 2.5 * HOUR, 10),
        (days(10, by_day=100, by_night=1), 16 * HOUR, 4 * 100 + 12 * 1),
        (days(14, by_day=100, missing=frozenset({1, 2, 3, 5})), 3 * HOUR, 0),
        (days(14, by_day=100, missing=frozenset({2, 9, 13})), 3 * HOUR, 300),
    ],
    ids=["never spoke", "known for two days", "short", "half an hour", "three hours", "few", "a night", "4 days off",
         "3 days off"],
)  # fmt: skip
def test_how_much_usually_comes_in_a_silence(
    hours: dict[datetime, int], silent: timedelta, usual: float | None
) -> None:
    """The lower quartile of each hour of the day, added up over the silence; nights are quiet, days off count."""
    heard = {hour: count for hour, count in hours.items() if hour + HOUR <= NOW - silent or silent < HOUR}

    assert expected(heard, NOW - silent, NOW, JAKARTA) == (None if usual is None else pytest.approx(usual))


def test_the_least_that_counts_as_unusual_is_a_rare_chance() -> None:
    """Of events that come by chance, one silence in 22,000 has ten missing."""
    assert pytest.approx(22_026, rel=0.001) == 2.718281828**LEAST_EXPECTED
