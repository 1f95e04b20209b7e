"""Which histories are played, by which chance: a short text that says all of it, so that a failure can be told.

Invariant: the same scenario is the same round, on any machine.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_FORM = re.compile(r"(\d+)/(\d+):(\d+(?:-\d+)*(?:,\d+(?:-\d+)*)*)\Z")


@dataclass(frozen=True)
class Scenario:
    """One round."""

    seed: int
    """What the histories follow from."""
    chosen: tuple[int, ...]
    """Which histories of the seed are played together."""
    draw: int = 0
    """What everything else follows from: who overtakes whom, what fails."""
    dropped: frozenset[tuple[int, int]] = frozenset()
    """What does not come in, by history and place."""

    @classmethod
    def parse(cls, text: str) -> "Scenario":
        """Return the scenario that a text such as `7/0:3,12-1-4` says: seed, draw, histories without some events."""
        if not (found := _FORM.match(text)):
            raise ValueError(f"{text!r} is no scenario: seed/draw:history,history-event-event is wanted")
        parts = [[int(number) for number in part.split("-")] for part in found[3].split(",")]
        dropped = frozenset((history, place) for history, *places in parts for place in places)
        return cls(int(found[1]), tuple(part[0] for part in parts), int(found[2]), dropped)

    def __str__(self) -> str:
        return f"{self.seed}/{self.draw}:" + ",".join(self._parts())

    def _parts(self) -> Iterable[str]:
        for history in self.chosen:
            places = sorted(place for of, place in self.dropped if of == history)
            yield "-".join(map(str, (history, *places)))
