"""When calls leave: evenly, never more than allowed, in the order in which they came; by a simulated worker."""

import heapq
import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.accounts import Limits
from worker import limits
from worker.limits import Allowed, Pace, allowed_for

NOW = datetime(2026, 1, 15, 3, tzinfo=UTC)
EIGHT = Allowed(1 / 8)
SWEEP_SECONDS = 1.0


def after(seconds: float) -> datetime:
    """Return a moment so many seconds from NOW."""
    return NOW + timedelta(seconds=seconds)


def play(arrivals: list[float], allowed: Allowed) -> tuple[list[tuple[int, float]], list[int]]:
    """Let calls arrive, wait in a thread or come back at their turn's sweep.

    Returns who left when, in order, and how often each had to come back.
    """
    pace, gone, returns = Pace(), [], [0] * len(arrivals)
    coming = [(at, number, False) for number, at in enumerate(arrivals)]
    heapq.heapify(coming)
    while coming:
        now, number, had_turn = heapq.heappop(coming)
        turn = limits.ask(pace, allowed, after(now), had_turn=had_turn)
        at = (turn.at - NOW).total_seconds()
        if turn.leaves:
            pace = limits.left(pace, allowed, turn.at)
            gone.append((number, at))
        else:
            pace = limits.queued(pace, allowed, turn)
            returns[number] += 1
            heapq.heappush(coming, (max(now, SWEEP_SECONDS * -(-at // SWEEP_SECONDS)), number, True))
    return gone, returns


def most_within(moments: list[float], seconds: float) -> int:
    """Return the most that left in any span of that length."""
    ordered = sorted(moments)
    return max(sum(begin <= at < begin + seconds - 1e-6 for at in ordered) for begin in ordered)


def test_calls_leave_a_gap_apart_at_the_full_rate() -> None:
    """A hundred at once at eight a second take twelve and a half seconds, no second has nine, and all go in order."""
    gone, returns = play([0.0] * 100, EIGHT)

    moments = [at for _, at in gone]
    assert most_within(moments, 1.0) == 8
    assert moments[-1] <= 99 / 8 + SWEEP_SECONDS
    assert [number for number, _ in gone] == sorted(number for number, _ in gone)
    assert max(returns) == 1, "nobody is woken twice in vain"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 20), min_size=1, max_size=80), st.sampled_from([0.5, 3, 8, 60]))
def test_whatever_comes_when_nothing_bursts_and_nothing_is_left(arrivals: list[float], per_second: float) -> None:
    """Every call leaves, in no second more than allowed, and no earlier than it came."""
    gone, _ = play(arrivals, Allowed(1 / per_second))

    assert sorted(number for number, _ in gone) == list(range(len(arrivals)))
    assert most_within([at for _, at in gone], 1.0) <= max(1, per_second)
    assert all(at >= arrivals[number] - 1e-6 for number, at in gone)


def test_a_newcomer_does_not_pass_those_who_wait() -> None:
    """Twenty wait; one that comes a second later leaves after them."""
    gone, _ = play([0.0] * 20 + [1.01], EIGHT)

    assert gone[-1][0] == 20


def test_a_gap_that_was_not_used_is_not_made_up_for() -> None:
    """After a quiet hour eight a second are still eight a second."""
    gone, _ = play([3600.0] * 30, EIGHT)

    assert most_within([at for _, at in gone], 1.0) == 8


def test_an_hour_has_no_more_than_its_limit() -> None:
    """The first hundred leave as fast as the second allows, the others when the hour has room again."""
    allowed = Allowed(1 / 10, per_hour=100)
    gone, _ = play([0.0] * 250, allowed)

    moments = [at for _, at in gone]
    assert len(moments) == 250
    assert most_within(moments, 3600.0) == 100
    assert moments[99] < 20
    assert moments[-1] < 2.2 * 3660


def test_an_hour_alone_is_enough() -> None:
    """A limit by the hour without one by the second lets them leave at once, up to it."""
    gone, returns = play([0.0] * 12, Allowed(per_hour=10))

    assert sum(at == 0 for _, at in gone) == 10
    assert most_within([at for _, at in gone], 3600.0) == 10
    assert max(returns) == 1


def test_a_turn_that_was_missed_costs_nobody_his_place() -> None:
    """Workers were away when the turns came: all leave, still in order and a gap apart."""
    pace, turns = Pace(), []
    for _ in range(40):
        turn = limits.ask(pace, EIGHT, NOW, had_turn=False)
        pace = limits.left(pace, EIGHT, turn.at) if turn.leaves else limits.queued(pace, EIGHT, turn)
        turns += [] if turn.leaves else [turn.at]

    moments = []
    for _ in turns:
        turn = limits.ask(pace, EIGHT, after(600), had_turn=True)
        if turn.leaves:
            pace = limits.left(pace, EIGHT, turn.at)
            moments.append(turn.at)

    assert moments[0] == after(600)
    assert {second - first for first, second in itertools.pairwise(moments)} == {timedelta(seconds=1 / 8)}


@pytest.mark.parametrize(
    ("limits_", "slowing", "expected"),
    [
        (Limits(), 0, None),
        (Limits(per_second=8), 0, Allowed(1 / 8)),
        (Limits(per_second=8), 2, Allowed(1 / 2)),
        (Limits(), 1, Allowed(1 / 8)),
        (Limits(per_hour=100), 0, Allowed(0, 100)),
    ],
)
def test_slowing_halves_the_pace(limits_: Limits, slowing: int, expected: Allowed | None) -> None:
    """Each step halves it, also where nothing was limited."""
    assert allowed_for(limits_, slowing) == expected
