"""Moments as people type them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from console.moments import read_moment

NOW = datetime(2026, 1, 31, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "moment"),
    [
        ("30m", datetime(2026, 1, 31, 7, 30, tzinfo=UTC)),
        (" 2 h ", datetime(2026, 1, 31, 6, 0, tzinfo=UTC)),
        ("1w", datetime(2026, 1, 24, 8, 0, tzinfo=UTC)),
        ("2026-01-30", datetime(2026, 1, 29, 17, 0, tzinfo=UTC)),
        ("2026-01-30T08:00", datetime(2026, 1, 30, 1, 0, tzinfo=UTC)),
        ("2026-01-30T08:00Z", datetime(2026, 1, 30, 8, 0, tzinfo=UTC)),
        ("", None),
        ("yesterday", None),
        ("-2h", None),
        ("2 years", None),
        ("999999999d", None),
        ("9" * 400 + "s", None),
        ("0001-01-01", None),
        ("0001-01-01T00:00+14:00", None),
        ("9999-12-31T23:59-12:00", None),
    ],
)
def test_a_moment_is_read_or_is_none(typed: str, moment: datetime | None) -> None:
    """Spans count back from now, times are of the given zone, and nothing that is typed is more than refused."""
    assert read_moment(typed, NOW, ZoneInfo("Asia/Jakarta")) == moment
