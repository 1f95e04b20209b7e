"""Scalev's request limits, counted per key: always shown in headers, enforced only when the trap is on.

Invariant: a key's window starts with its first request and forgets everything when it ends.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

WINDOW = timedelta(seconds=10)


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
            Whether it is still within the limit, and the headers every answer carries. The document names the headers
            only: `Reset` in whole seconds until the window ends is our reading.
        """
        window = self.windows.get(key)
        if window is None or now >= window.ends_at:
            window = self.windows[key] = Window(now + WINDOW)
        window.used += 1
        headers = {
            "X-Ratelimit-Limit": str(limit),
            "X-Ratelimit-Remaining": str(max(limit - window.used, 0)),
            "X-Ratelimit-Reset": str(math.ceil((window.ends_at - now).total_seconds())),
        }
        return window.used <= limit, headers
