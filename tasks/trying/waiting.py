"""Deliveries that are due later, while recorded events are played.

Invariant: they come back in the order in which they are due, and what is cancelled does not come back.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime

from config.load import Config
from config.rules import Step
from tasks.trying.shelf import Shelf
from tasks.trying.world import Wanted
from worker.context import Subject
from worker.planning import Happening


class Waiting:
    """Keeps deliveries until they are due."""

    def __init__(self, config: Config, shelf: Shelf) -> None:
        self._config, self._shelf, self._number = config, shelf, 0
        self._due: list[tuple[datetime, int]] = []
        self._cancellable: dict[Subject, dict[int, Step]] = defaultdict(dict)

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._due)

    def add(self, wanted: Wanted, step: Step | None) -> None:
        """Keep one."""
        self._number += 1
        heapq.heappush(self._due, (wanted.planned.due_at, self._number))
        # Without the rule, whose compiled expressions cannot be put on disk.
        kept = (
            wanted.rule.name, wanted.planned, wanted.happening, wanted.data, dict(wanted.moments), wanted.event_id,
            wanted.tap,
        )  # fmt: skip
        self._shelf.put(f"waiting/{self._number}", kept)
        if step is not None and step.cancel_on and wanted.happening.subject.key is not None:
            self._cancellable[wanted.happening.subject][self._number] = step

    def due(self, now: datetime | None) -> Iterator[Wanted]:
        """Take out, and yield, what is due by a moment; None: all of it."""
        while self._due and (now is None or self._due[0][0] <= now):
            _, number = heapq.heappop(self._due)
            if wanted := self._take(number):
                yield wanted

    def cancel(self, happening: Happening) -> Iterator[Wanted]:
        """Take out, and yield, what something that happened cancels."""
        steps = self._cancellable.get(happening.subject, {})
        for number in [number for number, step in steps.items() if step.is_cancelled_by(happening.type)]:
            if wanted := self._take(number):
                yield wanted

    def _take(self, number: int) -> Wanted | None:
        kept = self._shelf.get(f"waiting/{number}")
        if kept is None:
            return None
        self._shelf.drop(f"waiting/{number}")
        name, planned, happening, *told = kept
        steps = self._cancellable.get(happening.subject)
        if steps is not None:
            steps.pop(number, None)
            if not steps:
                del self._cancellable[happening.subject]
        rule = self._config.rule(name)
        return Wanted(rule, planned, happening, *told) if rule else None
