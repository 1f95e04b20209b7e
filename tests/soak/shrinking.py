"""Makes a failing round small: fewer histories, then fewer events, while the same promise is still broken.

Taking something away changes what chance does with the rest, so each smaller round is tried with a few draws.
Invariant: what is returned fails in the same way as what was given, and at most so many rounds are played,
for a few minutes at most.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from tests.soak.histories import History
from tests.soak.scenario import Scenario

T = TypeVar("T")
MOST_ROUNDS = 400
MOST_SECONDS = 180.0
DRAWS = 4


def shrink(
    scenario: Scenario, fails: Callable[[Scenario], bool], first: int | None, most: int = MOST_ROUNDS
) -> Scenario:
    """Return a smaller scenario that fails, too; `first` is the history that is likely to be enough."""
    left, until = most, time.monotonic() + MOST_SECONDS

    def tried(smaller: Scenario) -> Scenario | None:
        nonlocal left
        for draw in range(DRAWS):
            if left <= 0 or time.monotonic() > until:
                return None
            left -= 1
            wanted = replace(smaller, draw=smaller.draw if draw == 0 else draw)
            if fails(wanted):
                return wanted
        return None

    if first in scenario.chosen and (found := tried(_only(scenario, (first,)))):
        scenario = found
    scenario = _as_small_as_possible(scenario, lambda given: given.chosen, _without_histories, tried)
    return _as_small_as_possible(scenario, _events, _without_events, tried)


def _as_small_as_possible(
    scenario: Scenario,
    things: Callable[[Scenario], Sequence[T]],
    without: Callable[[Scenario, Sequence[T]], Scenario],
    tried: Callable[[Scenario], Scenario | None],
) -> Scenario:
    """Take away half of the things, then ever smaller parts, as long as it still fails."""
    size = len(things(scenario)) // 2
    while size:
        there = things(scenario)
        parts = [there[begin : begin + size] for begin in range(0, len(there), size)]
        smaller = (tried(without(scenario, part)) for part in parts if len(part) < len(there))
        if found := next((one for one in smaller if one), None):
            scenario = found
        else:
            size //= 2
    return scenario


def _events(scenario: Scenario) -> Sequence[tuple[int, int]]:
    of = {index: range(len(History(scenario.seed, index).arrivals)) for index in scenario.chosen}
    return [(index, place) for index in of for place in of[index] if (index, place) not in scenario.dropped]


def _without_events(scenario: Scenario, away: Sequence[tuple[int, int]]) -> Scenario:
    return replace(scenario, dropped=scenario.dropped | set(away))


def _without_histories(scenario: Scenario, away: Sequence[int]) -> Scenario:
    return _only(scenario, tuple(index for index in scenario.chosen if index not in away))


def _only(scenario: Scenario, kept: tuple[int, ...]) -> Scenario:
    return replace(scenario, chosen=kept, dropped=frozenset(one for one in scenario.dropped if one[0] in kept))
