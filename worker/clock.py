"""The clock, passed in wherever time matters so that tests decide what time it is."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Returns the present moment, aware, in UTC."""


def system_clock() -> datetime:
    """Return the present moment of this machine."""
    return datetime.now(UTC)
