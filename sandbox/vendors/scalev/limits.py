"""Scalev's request limits, counted per key: always shown in headers, enforced only when the trap is on.

Invariant: a key's window starts with its first request and forgets everything when it ends.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

WINDOW = timedelta(seconds=10)
LIMIT = 100


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
    """The 10-second windows of all keys."""

    windows: dict[str, Window] = field(default_factory=dict)

    def count(self, key: str, limit: int, now: datetime) -> tuple[bool, Mapping[str, str]]:
        """Count one request.

        Returns:
            Whether it is still within the limit, and the headers every answer carries.
        """
        window = self.windows.get(key)
        if window is None or now >= window.ends_at:
            window = self.windows[key] = Window(now + WINDOW)
        window.used += 1
        seconds_left = math.ceil((window.ends_at - now).total_seconds())
        return window.used <= limit, limit_headers(limit - window.used, seconds_left, limit)
