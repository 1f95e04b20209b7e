"""Rounds of random histories, in as many processes as asked, each with a ledger of its own.

Invariant: a round follows from its seed alone, whichever process plays it and whatever it played before.
"""

import logging
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from multiprocessing import get_context
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Engine, event

from config.load import Config, load_config
from config.settings import Settings, load_settings
from tasks.actions.registry import make_catalog
from tests.soak.checks import Found, faults_of
from tests.soak.world import World
from tests.support.servers import Servers
from worker.ledger.database import connect

ACCOUNTS = """
business: {quiet_hours: "21:00-06:00"}
accounts:
  toko: {vendor: scalev, signing_secrets: [example-secret], api_key: example}
  wa:
    vendor: wabotick
    api_token: "1|example"
    phone_number_id: "100000000000001"
    url_secrets: {flow: example-url-secret}
limits:
  scalev: {per_second: null, per_hour: null}
  wabotick: {per_second: null}
"""
RULES = Path(__file__).with_name("rules.yaml")
_mine: dict[str, Any] = {}


@dataclass(frozen=True)
class Played:
    """What came of a round."""

    seed: int
    found: Found
    seen: Counter[str] = field(default_factory=Counter)
    told: Sequence[str] = ()
    """What happened to the first order that something is wrong with."""


def play(servers: Servers, seeds: Sequence[int], histories: int, processes: int) -> Iterator[Played]:
    """Play a round of so many histories for each seed; what is done first comes first."""
    context = get_context("spawn")
    with ExitStack() as stack:
        urls: Queue[str] = context.Queue()
        for number in range(processes):
            urls.put(stack.enter_context(servers.database(f"soak_{number}")))
        pool = stack.enter_context(
            ProcessPoolExecutor(processes, mp_context=context, initializer=_begin, initargs=(urls,))
        )
        rounds = [pool.submit(play_one, seed, histories) for seed in seeds]
        try:
            for done in as_completed(rounds):
                yield done.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _begin(urls: "Queue[str]") -> None:
    url = urls.get()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    given = {"HOOKYARD_DATABASE_URL": url.replace("postgresql+psycopg://", "postgresql://")}
    _mine.update(engine=_engine(url), settings=load_settings(given))


def _engine(url: str) -> Engine:
    """Return a ledger whose commits do not wait for the disk: nobody pulls its plug here."""
    engine = connect(url, pool_size=10)

    @event.listens_for(engine, "connect")
    def hurry(connection: Any, _record: Any) -> None:
        connection.autocommit = True
        connection.execute("SET synchronous_commit = off")
        connection.autocommit = False

    return engine


@cache
def _config() -> Config:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "rules").mkdir()
        (folder / "accounts.yaml").write_text(ACCOUNTS)
        (folder / "rules" / "soak.yaml").write_text(RULES.read_text())
        return load_config(folder, {}, make_catalog())


def play_one(seed: int, histories: int) -> Played:
    """Play one round."""
    settings: Settings = _mine["settings"]
    world = World(_mine["engine"], settings, _config(), str(seed), range(histories))
    world.play()
    found = faults_of(world)
    seen = world.vendors.calls + Counter({"messages": sum(world.vendors.done.values())})
    if not found:
        return Played(seed, found, seen)
    return Played(seed, found, seen, world.story_of(found[0][0]))
