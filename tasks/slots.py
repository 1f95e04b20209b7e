"""Room for calls, per destination, so that a slow vendor never takes the threads of the others.

Invariant: at most `size` deliveries to one destination run at once in this process; what finds no room is woken again
as soon as there is some.
"""

import threading
from collections import deque
from uuid import UUID

MOST_TURNED_AWAY = 10_000


class Slots:
    """Counts what runs, and remembers whom there was no room for."""

    def __init__(self, size: int) -> None:
        self._size, self._lock = size, threading.Lock()
        self._running: dict[str, int] = {}
        self._turned_away: dict[str, deque[UUID]] = {}

    def enter(self, destination: str, delivery_id: UUID | None) -> bool:
        """Take a slot; False when there is none, and the delivery, if one is named, will be by a later `leave`."""
        with self._lock:
            if self._running.get(destination, 0) < self._size:
                self._running[destination] = self._running.get(destination, 0) + 1
                return True
            if delivery_id is not None:
                self._turned_away.setdefault(destination, deque(maxlen=MOST_TURNED_AWAY)).append(delivery_id)
            return False

    def leave(self, destination: str) -> UUID | None:
        """Give a slot back; return whom to wake now that there is room."""
        with self._lock:
            self._running[destination] -= 1
            waiting = self._turned_away.get(destination)
            return waiting.popleft() if waiting else None
