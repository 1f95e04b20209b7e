"""Plots as drawings: well-formed, bounded by their axes, readable at round times, told in words."""

import re
from datetime import UTC, datetime, timedelta
from xml.etree.ElementTree import Element, fromstring
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.plots import svg
from console.plots.series import SPANS, Line, Plot

JAKARTA, SYDNEY = ZoneInfo("Asia/Jakarta"), ZoneInfo("Australia/Sydney")
UNTIL = datetime(2026, 1, 15, 5, 0, tzinfo=UTC)


def plot(*values: float | None, span: str = "hour", is_time: bool = False, until: datetime = UNTIL) -> Plot:
    """Return a plot of one line, whose last values these are."""
    chosen = SPANS[span]
    count = chosen.length // chosen.step
    at = tuple(until - (count - nth) * chosen.step for nth in range(count))
    line = Line("received", "info", (*[None] * (count - len(values)), *values))
    return Plot("work", "Events", "per step", chosen, at, (line,), is_time=is_time)


def drawn(what: Plot, zone: ZoneInfo = JAKARTA) -> Element:
    """Draw it; it must be well-formed."""
    return fromstring(str(svg.draw(what, zone)))  # noqa: S314 - our own drawing


def labels(element: Element, anchor: str) -> list[str]:
    """Return the texts of an axis."""
    return [text.text or "" for text in element.iter("text") if text.get("text-anchor") == anchor]


@given(st.lists(st.none() | st.integers(0, 10**7), max_size=60))
def test_counts_stay_within_the_axes(values: list[float | None]) -> None:
    """Whatever is counted: the axis begins at 0, ends at or above the most, and each value can be read."""
    element = drawn(plot(*values))

    for line in element.iter("polyline"):
        for point in line.get("points", "").split():
            x, y = map(float, point.split(","))
            assert svg.LEFT <= x <= svg.WIDTH - svg.RIGHT
            assert svg.TOP <= y <= svg.HEIGHT - svg.BOTTOM
    scale = [int(text.replace("\u202f", "")) for text in labels(element, "end") if not text.count(":")]
    assert scale[0] == 0
    assert scale[-1] >= max((value for value in values if value is not None), default=0)
    assert len(scale) <= 6
    titles = [title.text or "" for title in element.iter("title")]
    assert len(titles) == 60
    for title, value in zip(titles[60 - len(values) :], values, strict=True):
        assert title.endswith("received " + ("–" if value is None else f"{value:,.0f}".replace(",", "\u202f")))


@given(st.lists(st.none() | st.floats(0, 3600), max_size=60))
def test_times_stay_within_the_axes(values: list[float | None]) -> None:
    """From below a millisecond to an hour, on an axis whose lines are ten times each other."""
    element = drawn(plot(*values, is_time=True))

    heights = [
        float(point.split(",")[1]) for line in element.iter("polyline") for point in line.get("points", "").split()
    ]
    heights += [float(dot.get("cy", "")) for dot in element.iter("circle")]
    assert all(svg.TOP <= y <= svg.HEIGHT - svg.BOTTOM for y in heights)
    assert 2 <= len(labels(element, "end")) <= 9


def test_gaps_are_gaps() -> None:
    """Nothing is drawn where nothing was measured; a value alone is a point."""
    element = drawn(plot(1, 2, None, 3, None, 4, 5, 6))

    assert [len((line.get("points") or "").split()) for line in element.iter("polyline")] == [2, 3]
    assert len(list(element.iter("circle"))) == 1


@pytest.mark.parametrize(
    ("span", "zone", "some"),
    [
        ("hour", JAKARTA, ["11:00", "11:10", "11:50"]),
        ("day", JAKARTA, ["12:00", "21:00", "Thu 15", "09:00"]),
        ("week", JAKARTA, ["Fri 09", "Sun 11", "Thu 15"]),
        ("day", SYDNEY, ["18:00", "Thu 15", "15:00"]),
        ("hour", ZoneInfo("Asia/Kathmandu"), ["09:50", "10:00", "10:40"]),
    ],
)
def test_the_axis_of_time_has_round_times_of_the_shop(span: str, zone: ZoneInfo, some: list[str]) -> None:
    """Tens of minutes, every three hours, midnights."""
    found = labels(drawn(plot(span=span), zone), "middle")

    assert [label for label in found if label in some] == some
    assert 5 <= len(found) <= 9


def test_an_hour_that_comes_twice_keeps_the_axis_whole() -> None:
    """When the clock goes back, 168 steps are still 168 hours, and each midnight is there once."""
    found = labels(drawn(plot(span="week", until=datetime(2026, 4, 7, 5, tzinfo=UTC)), SYDNEY), "middle")

    assert len(found) == len(set(found)) == 7


def test_a_plot_tells_itself_in_words_and_escapes_them() -> None:
    """Whoever cannot see it hears its most; no label becomes markup."""
    what = plot(3, 7)
    told = str(svg.draw(what, JAKARTA))
    assert re.search(r'role="img" aria-label="Events, the last hour, per step. received: at most 7."', told)

    odd = Plot(what.key, "<b>&", "x", what.span, what.at, (Line('"><script>', "info", what.lines[0].values),))
    assert "<script" not in str(svg.draw(odd, JAKARTA))
    assert "<b>" not in str(svg.draw(odd, JAKARTA))
    assert "style=" not in told


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0042, "4.2 ms"), (0.25, "250 ms"), (1.5, "1.5 s"), (75.0, "75 s"), (300.0, "5 min"), (7200.0, "2 h")],
)
def test_times_are_told_in_the_unit_that_fits(seconds: float, words: str) -> None:
    """Milliseconds to hours, three digits."""
    assert svg.seconds_said(seconds) == words


def test_steps_fill_their_spans() -> None:
    """Each span is a whole number of steps."""
    assert {name: span.length / span.step for name, span in SPANS.items()} == {"hour": 60, "day": 144, "week": 168}
    assert timedelta(minutes=1) == SPANS["hour"].step
