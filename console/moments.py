"""Moments as people type them, in commands, forms and addresses alike: a span before now, or a date and time.

Invariant: whatever was typed is a moment that can be shown in every time zone, or it is none.
"""

import re
from datetime import UTC, datetime, timedelta, tzinfo

_SPAN = re.compile(r"(\d{1,9})\s*([smhdw])\Z")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DAY = timedelta(days=1)


def read_moment(text: str, now: datetime, zone: tzinfo = UTC) -> datetime | None:
    """Return the moment that `7d`, `2h` or an ISO time means; None when it means none. `zone`: where it names none."""
    try:
        if span := _SPAN.match(text.strip()):
            found = now - timedelta(**{_UNITS[span[2]]: int(span[1])})
        else:
            found = datetime.fromisoformat(text.strip())
        found = (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
        return found if found - _DAY < found < found + _DAY else None  # what is near the end of time overflows
    except (ValueError, OverflowError):
        return None
