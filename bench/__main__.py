"""`python -m bench`: run benchmarks on this machine and print their ratios.

Invariant: nothing here decides whether a figure is good enough for anything; a missed mark is shown, not an error.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import Annotated

import typer

from bench.acknowledge import acknowledge
from bench.deliver import deliver
from bench.figures import Figure
from bench.footprint import footprint
from bench.latency import latency
from bench.load import LoadError
from bench.stage import BenchError
from config.faults import OperatorError

BENCHMARKS: Mapping[str, Callable[[float], list[Figure]]] = {
    "acknowledge": acknowledge,
    "deliver": deliver,
    "latency": latency,
    "footprint": footprint,
}
DEFAULT_SECONDS = 10.0


def bench(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]…", help=f"{', '.join(BENCHMARKS)}; all of them by default.")
    ] = None,
    seconds: Annotated[
        float, typer.Option("--seconds", min=0.1, help="How long each measurement takes; events follow from it.")
    ] = DEFAULT_SECONDS,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON document, and nothing else.")] = False,
) -> None:
    """Measure Hookyard on this machine, with its own PostgreSQL, Redis and vendors in a temporary folder.

    Set TMPDIR to a folder on the disk to be measured. Marks are for two cores.
    """
    chosen = names or list(BENCHMARKS)
    if unknown := [name for name in chosen if name not in BENCHMARKS]:
        raise typer.BadParameter(f"there is no benchmark {', '.join(unknown)} (there are {', '.join(BENCHMARKS)})")
    found: dict[str, dict[str, object]] = {}
    for name in chosen:
        load_before = os.getloadavg()[0]
        figures = BENCHMARKS[name](seconds)
        found[name] = {figure.name: figure.as_json() for figure in figures}
        if not json_:
            _show(name, figures, load_before)
    if json_:
        typer.echo(json.dumps({"cores": os.cpu_count(), "seconds": seconds, "benchmarks": found}, indent=2))


def _show(name: str, figures: list[Figure], load_before: float) -> None:
    busy = f", load {load_before:.1f} before it began" if load_before > 1 else ""
    summary = (BENCHMARKS[name].__doc__ or "").partition("\n")[0]
    print(f"{name}: {summary}\n  ({os.cpu_count()} cores{busy})")
    print("\n".join(figure.as_line() for figure in figures), flush=True)


def main() -> None:
    """Run what was asked for; 1 when it could not be measured."""
    try:
        typer.run(bench)
    except (BenchError, LoadError, OperatorError) as error:
        sys.stderr.write(f"bench: {error}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
