"""`hookyard figures`: what the first page plots, as numbers.

Invariant: the same figures as the page's, step by step; nothing counted is 0, nothing measured is empty.
"""

from enum import StrEnum
from itertools import chain
from typing import Annotated, Any

import typer

from console.cli import options
from console.cli.context import open_context
from console.cli.output import CommandError, print_json, print_table
from console.plots import series
from worker.clock import system_clock

_COLUMNS = (
    "at", "received", "succeeded", "failed", "under_way", "retrying", "acknowledged_p50", "acknowledged_p99",
    "end_to_end_p50", "end_to_end_p99",
)  # fmt: skip
"""Of the plots' lines, in their order; the times in seconds."""


class Span(StrEnum):
    """How far back."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("figures")(figures)


def figures(
    span: Annotated[
        Span, typer.Option("--span", help="The last hour by minutes, day by 10 minutes, week by hours.")
    ] = Span.DAY,
    account: options.Account = None,
    json_: options.Json = False,
) -> None:
    """Show what came in, what became of it, and how long it took (half stay under p50, 99 of 100 under p99)."""
    context = open_context()
    if account is not None and account not in context.config.accounts:
        raise CommandError(f'there is no account "{account}"')
    with context.ledger() as connection:
        plots = series.read(connection, series.SPANS[span], system_clock(), account)
    lines = [line.values for line in chain.from_iterable(plot.lines for plot in plots)]
    found: list[dict[str, Any]] = [
        dict(zip(_COLUMNS, values, strict=True)) for values in zip(plots[0].at, *lines, strict=True)
    ]
    if json_:
        print_json(found)
        return
    print_table(_COLUMNS, [_rounded(row) for row in found if any(list(row.values())[1:])], "Nothing happened.")


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    return {key: f"{value:.3g}" if isinstance(value, float) else value for key, value in row.items()}
