"""Room for calls, per destination, so that a slow vendor never takes the threads of the others.

Invariant: at most `size` deliveries to one destination run at once in this process; what finds no room is woken again
as soon as there is some.
"""

import threading
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from uuid import UUID

MOST_TURNED_AWAY = 10_000


@dataclass(frozen=True, order=True)
class TurnedAway:
    """A delivery that there was no room for; those of one priority keep their order."""

    priority: int
    nth: int
    id: UUID = field(compare=False)


class Slots:
    """Counts what runs, and remembers whom there was no room for."""

    def __init__(self, size: int) -> None:
        self._size, self._lock, self._nth = size, threading.Lock(), count()
        self._running: dict[str, int] = {}
        self._turned_away: dict[str, list[TurnedAway]] = {}

    def enter(self, destination: str, delivery_id: UUID | None, priority: int = 0) -> bool:
        """Take a slot; False when there is none, or one turned away before matters more.

        The delivery, if one is named, will be by a later `leave`, or `overtaking`.
        """
        with self._lock:
            waiting = self._turned_away.setdefault(destination, [])
            is_overtaken = delivery_id is not None and waiting and waiting[0].priority < priority
            if not is_overtaken and self._has_room(destination):
                self._running[destination] = self._running.get(destination, 0) + 1
                return True
            # Whom there is no memory for, a sweep wakes.
            if delivery_id is not None and len(waiting) < MOST_TURNED_AWAY:
                heappush(waiting, TurnedAway(priority, next(self._nth), delivery_id))
            return False

    def leave(self, destination: str) -> TurnedAway | None:
        """Give a slot back; return whom to wake now that there is room."""
        with self._lock:
            self._running[destination] -= 1
            waiting = self._turned_away.get(destination)
            return heappop(waiting) if waiting else None

    def overtaking(self, destination: str) -> TurnedAway | None:
        """Return whom to wake after somebody was turned away although there is room."""
        with self._lock:
            waiting = self._turned_away.get(destination)
            return heappop(waiting) if waiting and self._has_room(destination) else None

    def _has_room(self, destination: str) -> bool:
        return self._running.get(destination, 0) < self._size
