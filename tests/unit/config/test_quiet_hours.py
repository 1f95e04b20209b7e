"""Quiet hours by the clock on the wall: across midnight, and when that clock is changed."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from pydantic import TypeAdapter, ValidationError

from config.quiet_hours import Quiet, QuietSpan

JAKARTA, BERLIN = ZoneInfo("Asia/Jakarta"), ZoneInfo("Europe/Berlin")


def quiet(text: str) -> Quiet:
    """Return quiet hours as the configuration reads them."""
    found: Quiet = TypeAdapter(QuietSpan).validate_python(text)
    return found


def at(text: str) -> datetime:
    """Return a moment."""
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("span", "moment", "ends"),
    [
        ("21:00-08:00", "2026-01-15T20:59:59+07:00", None),
        ("21:00-08:00", "2026-01-15T21:00:00+07:00", "2026-01-16T08:00:00+07:00"),
        ("21:00-08:00", "2026-01-16T00:30:00+07:00", "2026-01-16T08:00:00+07:00"),
        ("21:00-08:00", "2026-01-16T07:59:59+07:00", "2026-01-16T08:00:00+07:00"),
        ("21:00-08:00", "2026-01-16T08:00:00+07:00", None),
        ("12:00-13:00", "2026-01-16T12:30:00+07:00", "2026-01-16T13:00:00+07:00"),
        ("12:00-13:00", "2026-01-16T23:30:00+07:00", None),
        ("23:00-00:00", "2026-01-16T23:30:00+07:00", "2026-01-17T00:00:00+07:00"),
    ],
)
def test_the_clock_on_the_wall_decides(span: str, moment: str, ends: str | None) -> None:
    """From the first minute on, up to the last, which is not quiet any more."""
    found = quiet(span)

    assert found.covers(at(moment), JAKARTA) == (ends is not None)
    if ends:
        assert found.ends_after(at(moment), JAKARTA) == at(ends)


@pytest.mark.parametrize(
    ("span", "moment", "ends"),
    [
        # The night of 29 March 2026 has no 02:00 to 03:00 in Berlin; that of 25 October has it twice.
        ("21:00-08:00", "2026-03-28T22:00:00+01:00", "2026-03-29T08:00:00+02:00"),
        ("21:00-08:00", "2026-10-24T22:00:00+02:00", "2026-10-25T08:00:00+01:00"),
        ("21:00-02:30", "2026-03-28T22:00:00+01:00", "2026-03-29T03:30:00+02:00"),
        ("21:00-02:30", "2026-10-24T22:00:00+02:00", "2026-10-25T02:30:00+02:00"),
        ("21:00-02:30", "2026-10-25T02:10:00+01:00", "2026-10-25T02:30:00+01:00"),
    ],
)
def test_the_night_in_which_clocks_are_changed(span: str, moment: str, ends: str) -> None:
    """It ends by the wall's clock, at a moment that is to come and is not quiet."""
    found = quiet(span)

    assert found.covers(at(moment), BERLIN)
    assert found.ends_after(at(moment), BERLIN) == at(ends)
    assert not found.covers(at(ends), BERLIN)


@pytest.mark.parametrize("text", ["21-8", "25:00-08:00", "21:00", "08:00-08:00", "", 21, None, "21:60-08:00"])
def test_what_is_no_span_is_refused(text: object) -> None:
    """Two times of day that differ are wanted."""
    with pytest.raises(ValidationError, match="two times"):
        TypeAdapter(QuietSpan).validate_python(text)
