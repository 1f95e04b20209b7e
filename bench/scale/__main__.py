"""`make scale`: load a ledger as a busy shop has it after months, ask every page of the console, hold it to its marks.

Invariant: what is asked is the console as it is shipped, a process of its own, over HTTP; a missed mark ends with 1.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Annotated

import httpx
import typer
from flask import Flask

from bench.figures import Figure
from bench.scale.ask import addresses, as_json, log_in, measure, not_there, samples
from bench.scale.load import load
from bench.stage import BenchError, Stage, answers, free_port, open_stage
from config.settings import Settings, load_settings
from console import users
from console.users import Role
from console.web.app import make_app
from console.web.frame import Console
from console.web.live_config import LiveConfig
from tasks.actions.registry import make_catalog
from worker.celery_app import make_celery
from worker.clock import system_clock
from worker.ledger.counting import Counter
from worker.people import People
from worker.wakeups import Wakeups

EVENTS, ROUNDS = 1_000_000, 20
NAME, PASSWORD = "bench", "a password of this bench"


def scale(
    events: Annotated[int, typer.Option("--events", min=1_000, help="How many events are loaded.")] = EVENTS,
    rounds: Annotated[int, typer.Option("--rounds", min=2, help="How often each page is asked.")] = ROUNDS,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON document, and nothing else.")] = False,
    mark: Annotated[bool, typer.Option("--mark/--no-mark", help="End with 1 when a mark is missed.")] = True,
) -> None:
    """Measure the console's pages on a ledger with that many events, and three attempts for each.

    Set TMPDIR to a folder on the disk to be measured; a million events take about 4 GB there. Marks are for two cores.
    """

    def say(what: str) -> None:
        if not json_:
            print(what, flush=True)

    with open_stage() as stage:
        _fill(stage, events, say)
        figures, left = _ask(stage, rounds, say)
    if json_:
        print(json.dumps({"cores": os.cpu_count(), "events": events} | as_json(figures, left), indent=2))
    for path in left:
        say(f"  not asked, as the ledger has nothing for it: {path}")
    missed = [figure.name for figure in figures if figure.mark and not figure.mark.met_by(figure.value)]
    say(f"{len(figures)} addresses, {len(missed)} missed their mark")
    if missed and mark:
        raise typer.Exit(1)


def _fill(stage: Stage, events: int, say: Callable[[str], None]) -> None:
    stage.start_servers()
    began, now = time.monotonic(), system_clock()

    def tell(done: int) -> None:
        say(f"{done:,} of {events:,} events after {time.monotonic() - began:.0f} s")

    load(stage.ledger, events, now, tell)
    while (reached := Counter(stage.ledger).count(now)) is None or reached < now:
        say(f"figures counted as far as {reached}")


def _ask(stage: Stage, rounds: int, say: Callable[[str], None]) -> tuple[list[Figure], list[str]]:
    port, settings = free_port(), load_settings(stage.environ)
    stage.environ["HOOKYARD_CONSOLE_PORT"] = str(port)
    url = f"http://127.0.0.1:{port}"
    with stage.ledger.begin() as connection:
        people = People(connection, "bench", system_clock(), settings.rewake_seconds)
        users.add(connection, people, NAME, Role.ADMIN, PASSWORD, system_clock())
    stage.start_console(lambda: answers(f"{url}/healthz"))
    live = LiveConfig(settings.config_dir, stage.environ, make_catalog())
    about = [one | {"rule": live.config.rules[0].name} for one in samples(stage.ledger, rounds, system_clock())]
    asked, left = addresses(_app(stage, settings, live), about[0])
    figures = []
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as http:
        log_in(http, NAME, PASSWORD)
        missing = not_there(http, asked, about[0])
        left += [one.name for one in missing]
        for figure in measure(http, [one for one in asked if one not in missing], about):
            figures.append(figure)
            say(figure.as_line())
    return figures, left


def _app(stage: Stage, settings: Settings, live: LiveConfig) -> Flask:
    """Return the same application, to ask which pages it has."""
    wakeups = Wakeups(make_celery(settings, live.config), live.config.accounts)
    return make_app(Console(settings, live, stage.ledger, wakeups, system_clock))


if __name__ == "__main__":
    try:
        typer.run(scale)
    except BenchError as error:
        print(f"the console could not be measured: {error}", file=sys.stderr)
        sys.exit(1)
