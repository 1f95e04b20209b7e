"""When a failure is told, when it is not, and when it is over; on a clock that tests move."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.command_line import hookyard_calls, refusal
from worker.alerting import WORDS, Cause, Measure, News, Watch, judge

NOW = datetime(2026, 1, 15, 3, tzinfo=UTC)


class Watcher:
    """One cause, looked at minute by minute."""

    def __init__(self) -> None:
        self.now, self.watch = NOW, None

    watch: Watch | None

    def look(self, value: float, minutes: float = 1) -> News | None:
        """Let time pass, look at a value of a limit of 100, return what is told."""
        self.now += timedelta(minutes=minutes)
        self.watch, news = judge(self.watch, Measure(Cause.DEAD_LETTERS, "wa", value, 100), self.now)
        return news


@pytest.fixture
def watcher() -> Watcher:
    """A cause of which nothing is known."""
    return Watcher()


@pytest.mark.parametrize(
    ("value", "step"), [(0, 0), (49.9, 0), (50, 50), (69, 50), (70, 70), (90, 90), (99, 90), (100, 100), (900, 100)]
)
def test_steps_are_reached_at_their_percent(value: float, step: int) -> None:
    """50, 70, 90 and 100 percent of the limit, and not before."""
    assert Measure(Cause.UNKNOWN, "", value, 100).step == step


def test_each_higher_step_is_told_at_once(watcher: Watcher) -> None:
    """Who was told of 50 percent hears of 70, 90 and 100 as they come, each once."""
    told = [watcher.look(value) for value in (10, 50, 55, 70, 71, 90, 100, 120)]

    assert [news.percent if news else None for news in told] == [None, 50, None, 70, None, 90, 100, None]


def test_a_jump_is_told_once(watcher: Watcher) -> None:
    """What is far over its limit says so, and falling back to a lower step says nothing."""
    assert [bool(watcher.look(value)) for value in (300, 60, 80, 300)] == [True, False, False, False]


def test_at_the_limit_it_is_told_again_every_hour(watcher: Watcher) -> None:
    """Whatever happens in between, within an hour it is not."""
    told = [watcher.look(100 + minute % 3) for minute in range(150)]

    assert [minute for minute, news in enumerate(told) if news] == [0, 60, 120]


def test_a_lower_step_is_told_once(watcher: Watcher) -> None:
    """What rests at half its limit for days is no news."""
    assert [minute for minute in range(300) if watcher.look(60)] == [0]


def test_over_is_told_after_calm(watcher: Watcher) -> None:
    """It stayed below the lowest step for five minutes; then nothing is remembered longer than an hour."""
    watcher.look(90)
    told = [watcher.look(10) for _ in range(70)]

    assert [(minute, news.state) for minute, news in enumerate(told) if news] == [(5, "recovered")]
    assert watcher.watch is None


def test_what_comes_and_goes_is_told_once_an_hour(watcher: Watcher) -> None:
    """Ten minutes bad, ten minutes good, for an hour: one alert, one recovery, and no more of either."""
    told = [news.state for minute in range(60) if (news := watcher.look(100 if minute // 10 % 2 == 0 else 0))]

    assert told == ["firing", "recovered"]


def test_a_short_calm_is_no_end(watcher: Watcher) -> None:
    """Four good minutes end nothing."""
    watcher.look(100)

    assert [bool(watcher.look(value)) for value in (0, 0, 0, 0, 100, 0, 0, 0, 0, 100)] == [False] * 10


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_has_words(cause: Cause) -> None:
    """One sentence with account, value, limit and percent, and the command that shows more."""
    text = News(cause, "wa", "firing", 70, 14, 20, NOW.isoformat()).text

    assert text.startswith("wa: ")
    assert all(part in text for part in ("14", "20", "70 %"))
    [call] = hookyard_calls(WORDS[cause].look)
    assert refusal(call) is None
