"""What a benchmark found: figures with their units, the marks they are held against, and how they are shown.

Invariant: a ratio stands next to the absolute figures of the same run, as only these two together travel to another
machine.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

RATIO = "x"
PER_SECOND = "/s"
MILLISECONDS = "ms"


@dataclass(frozen=True)
class Mark:
    """What a figure should be on two cores."""

    limit: float
    at_least: bool

    def met_by(self, value: float) -> bool:
        """Whether a figure is as good as it should be."""
        return value >= self.limit if self.at_least else value < self.limit

    def __str__(self) -> str:
        return f"{'at least' if self.at_least else 'under'} {self.limit:,g}"


@dataclass(frozen=True)
class Figure:
    """One number of a benchmark."""

    name: str
    value: float
    unit: str
    note: str = ""
    mark: Mark | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it for `--json`."""
        shown: dict[str, Any] = {"value": round(self.value, 4), "unit": self.unit, "note": self.note}
        if self.mark:
            shown |= {"mark": str(self.mark), "met": self.mark.met_by(self.value)}
        return shown

    def as_line(self) -> str:
        """Return it for a terminal."""
        met = f" [{self.mark}: {'met' if self.mark.met_by(self.value) else 'MISSED'}]" if self.mark else ""
        return f"  {self.name:<28} {_number(self.value):>10} {self.unit:<4}{met}  {self.note}".rstrip()


def at_least(limit: float) -> Mark:
    """Return a mark that more is better for."""
    return Mark(limit, at_least=True)


def under(limit: float) -> Mark:
    """Return a mark that less is better for."""
    return Mark(limit, at_least=False)


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that so many percent of the values do not exceed; ValueError without values."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100).__trunc__() - 1)]


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
