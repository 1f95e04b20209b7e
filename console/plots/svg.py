"""Plots as SVG, drawn here: no script, no inline style, nothing from another host.

Colours and dashes come from the page's stylesheet by class, so the same drawing is right in light and in dark; lines
differ by their dashes too. Invariant: every value that is drawn can also be read, under the pointer and in a table.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil, floor, log10
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from console.plots.series import Line, Plot

WIDTH, HEIGHT = 560, 220
LEFT, RIGHT, TOP, BOTTOM = 58, 10, 10, 26
TIME_TICKS = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1_000.0, 10_000.0)
_INNER_WIDTH, _INNER_HEIGHT = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM


@dataclass(frozen=True)
class _Scale:
    """How values become heights."""

    low: float
    high: float
    ticks: Sequence[float]
    is_time: bool

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        if self.is_time:
            share = log10(max(value, self.low) / self.low) / log10(self.high / self.low)
        return round(TOP + _INNER_HEIGHT * (1 - share), 1)


def draw(plot: Plot, zone: ZoneInfo) -> Markup:
    """Return a plot as an SVG element."""
    scale = _scale(plot)
    parts = [
        *(_horizontal(scale, tick) for tick in scale.ticks),
        *(_vertical(_x(plot, moment), label) for moment, label in _moments(plot, zone)),
        *(piece for line in plot.lines for piece in _line(plot, line, scale)),
        Markup('<line class="cross" x1="0" x2="0" y1="{}" y2="{}"/>').format(TOP, HEIGHT - BOTTOM),
        *(_column(plot, nth, zone) for nth in range(len(plot.at))),
    ]
    return Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH, HEIGHT, summary(plot), Markup("\n").join(parts)
    )


def summary(plot: Plot) -> str:
    """Say in words what a plot shows."""
    told = []
    for line in plot.lines:
        values = [value for value in line.values if value is not None]
        told.append(f"{line.label}: " + (f"at most {said(plot, max(values))}" if values else "nothing"))
    return f"{plot.title}, the last {plot.span.name}, {plot.unit}. {'; '.join(told)}."


def said(plot: Plot, value: float | None) -> str:
    """Return a value as it is read."""
    if value is None:
        return "–"
    return seconds_said(value) if plot.is_time else f"{value:,.0f}".replace(",", "\u202f")


def seconds_said(seconds: float) -> str:
    """Return a time in the unit that fits it."""
    for limit, factor, unit in ((1, 1000, "ms"), (100, 1, "s"), (6000, 1 / 60, "min")):
        if seconds < limit:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds / 3600:.3g} h"


def local(moment: datetime, zone: ZoneInfo) -> str:
    """Return when a step begins, in the shop's time."""
    return f"{moment.astimezone(zone):%a %d %b %H:%M}"


def _x(plot: Plot, moment: datetime) -> float:
    return round(LEFT + _INNER_WIDTH * ((moment - plot.at[0]) / plot.span.length), 1)


def _scale(plot: Plot) -> _Scale:
    values = [value for line in plot.lines for value in line.values if value is not None]
    most = max(values, default=0)
    if plot.is_time:
        least = max(min(values, default=0.001), TIME_TICKS[0])
        low = max((tick for tick in TIME_TICKS if tick <= least), default=TIME_TICKS[0])
        high = min((tick for tick in TIME_TICKS if tick > max(most, low)), default=TIME_TICKS[-1])
        return _Scale(low, high, [tick for tick in TIME_TICKS if low <= tick <= high], is_time=True)
    step = _nice(most / 4)
    ticks = [nth * step for nth in range(max(1, ceil(most / step)) + 1)]
    return _Scale(0, ticks[-1], ticks, is_time=False)


def _nice(step: float) -> int:
    """Return the least of 1, 2, 5, 10, 20 … that is no smaller."""
    if step <= 1:
        return 1
    power = 10 ** floor(log10(step))
    return int(next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step))


def _moments(plot: Plot, zone: ZoneInfo) -> Iterator[tuple[datetime, str]]:
    """Yield where the axis of time is labelled: at round times of the shop."""
    for moment in plot.at:
        here = moment.astimezone(zone)
        if plot.span.name == "hour" and here.minute % 10 == 0:
            yield moment, f"{here:%H:%M}"
        elif plot.span.name == "day" and here.hour % 3 == 0 and here.minute < plot.span.step.total_seconds() / 60:
            yield moment, f"{here:%a %d}" if here.hour == 0 else f"{here:%H:%M}"
        elif plot.span.name == "week" and here.hour == 0:
            yield moment, f"{here:%a %d}"


def _horizontal(scale: _Scale, tick: float) -> Markup:
    label = seconds_said(tick) if scale.is_time else f"{tick:,.0f}".replace(",", "\u202f")
    y = scale.y(tick)
    return Markup(
        '<line class="grid" x1="{}" x2="{}" y1="{}" y2="{}"/><text x="{}" y="{}" text-anchor="end">{}</text>'
    ).format(LEFT, WIDTH - RIGHT, y, y, LEFT - 6, y + 4, label)


def _vertical(x: float, label: str) -> Markup:
    anchor = "end" if x > WIDTH - RIGHT - 20 else "middle"
    return Markup(
        '<line class="grid" x1="{}" x2="{}" y1="{}" y2="{}"/><text x="{}" y="{}" text-anchor="{}">{}</text>'
    ).format(x, x, TOP, HEIGHT - BOTTOM, x, HEIGHT - 8, anchor, label)


def _line(plot: Plot, line: Line, scale: _Scale) -> Iterator[Markup]:
    """Draw a line's pieces between its gaps; a single value between two gaps as a point."""
    width = _INNER_WIDTH / len(plot.at)
    piece: list[tuple[float, float]] = []
    for nth, value in enumerate((*line.values, None)):
        if value is not None:
            piece.append((round(LEFT + (nth + 0.5) * width, 1), scale.y(value)))
            continue
        if len(piece) == 1:
            yield Markup('<circle class="dot {}" cx="{}" cy="{}" r="2.5"/>').format(line.look, *piece[0])
        elif piece:
            points = " ".join(f"{x},{y}" for x, y in piece)
            yield Markup('<polyline class="line {}" points="{}"/>').format(line.look, points)
        piece = []


def _column(plot: Plot, nth: int, zone: ZoneInfo) -> Markup:
    """Draw what is under the pointer: it tells the values of its step."""
    width = _INNER_WIDTH / len(plot.at)
    values = ", ".join(f"{line.label} {said(plot, line.values[nth])}" for line in plot.lines)
    told = escape(f"{local(plot.at[nth], zone)}: {values}")
    x = round(LEFT + nth * width, 2)
    return Markup(  # noqa: S704 - by hundreds on a page, so put together plainly; the one text in it is escaped above
        f'<rect class="hit" x="{x}" y="{TOP}" width="{width:.2f}" height="{_INNER_HEIGHT}"><title>{told}</title></rect>'
    )
