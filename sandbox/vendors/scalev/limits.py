"""Scalev's request limits, counted per key: always shown in headers, enforced only when the trap is on.

Invariant: a key's window starts with its first request and forgets everything when it ends.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

SHORT = timedelta(seconds=10)
LONG = timedelta(hours=1)
LIMIT = 100
HOURLY_LIMIT = 10_000


def limit_headers(remaining: int, reset_seconds: int, limit: int = LIMIT) -> dict[str, str]:
    """Return the three headers; their names are documented, `Reset` as seconds until the window ends is our reading."""
    return {
        "X-Ratelimit-Limit": str(limit),
        "X-Ratelimit-Remaining": str(max(remaining, 0)),
        "X-Ratelimit-Reset": str(reset_seconds),
    }


@dataclass
class Window:
    """What one key did in its present window."""

    ends_at: datetime
    used: int = 0


@dataclass
class RateLimit:
    """The windows of all keys, one of each length."""

    windows: dict[tuple[str, timedelta], Window] = field(default_factory=dict)

    def count(self, key: str, limits: Mapping[timedelta, int], now: datetime) -> tuple[bool, Mapping[str, str]]:
        """Count one request.

        Args:
            limits: how many requests fit into a window of each length.

        Returns:
            Whether it is within all limits, and the headers every answer carries: those of the limit it broke, else
            of the shortest window.
        """
        within, headers = True, None
        for length, limit in limits.items():
            window = self.windows.get((key, length))
            if window is None or now >= window.ends_at:
                window = self.windows[key, length] = Window(now + length)
            window.used += 1
            broken = window.used > limit
            if headers is None or (broken and within):
                seconds_left = math.ceil((window.ends_at - now).total_seconds())
                headers = limit_headers(limit - window.used, seconds_left, limit)
            within = within and not broken
        return within, headers or {}
