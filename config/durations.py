"""Spans of time as people write them: 2h, 20h, 30m, 1d, 1h30m."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator

_PARTS = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?\Z")
LONGEST = timedelta(days=366)


def to_duration(text: object) -> timedelta:
    """Return the span that a text such as 1h30m stands for; ValueError for anything else, and for more than a year."""
    found = _PARTS.match(text.replace(" ", "")) if isinstance(text, str) else None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups()) if found else (0, 0, 0, 0)
    if not found or not isinstance(text, str) or not text.strip() or max(days, hours, minutes, seconds) > 10**8:
        raise ValueError("a span of time like 30m, 2h or 1d is wanted")
    span = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    if span > LONGEST:
        raise ValueError("more than a year is not waited for")
    return span


Duration = Annotated[timedelta, BeforeValidator(to_duration)]
