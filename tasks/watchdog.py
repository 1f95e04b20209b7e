"""Ends a worker that stopped consuming although there is work, so that whoever supervises it starts another.

A Celery worker on Redis can, after the broker was away, stay connected and take nothing. Invariant: while Redis
answers and messages wait, this process either consumes or ends.
"""

import os
import threading
import time
from collections.abc import Callable

import redis
import structlog

PATIENCE_SECONDS = 60.0
LOOK_SECONDS = 10.0
EXIT_STATUS = 70
log = structlog.get_logger()


class Watchdog:
    """Counts the time since a message was consumed."""

    def __init__(self, queued_messages: Callable[[], int], patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._queued_messages, self._patience_seconds = queued_messages, patience_seconds
        self._consumed_at = time.monotonic()

    def consumed(self) -> None:
        """Note that a message was consumed."""
        self._consumed_at = time.monotonic()

    def start(self) -> None:
        """Begin watching, from a thread of its own."""
        threading.Thread(target=self._run, name="watchdog", daemon=True).start()

    def is_stuck(self) -> bool:
        """Whether messages wait, and have for long, while none is consumed."""
        if time.monotonic() - self._consumed_at < self._patience_seconds:
            return False
        try:
            return self._queued_messages() > 0
        except (redis.RedisError, OSError):
            self.consumed()  # nothing can be consumed while the broker is away: the count begins when it is back
            return False

    def _run(self) -> None:
        while True:
            time.sleep(LOOK_SECONDS)
            if self.is_stuck():
                log.critical("worker.stuck", seconds=round(time.monotonic() - self._consumed_at))
                # Not a warm stop: a consumer that is stuck would wait for itself. Not a signal either: the first
                # process of a container ignores what it sends to itself.
                os._exit(EXIT_STATUS)
