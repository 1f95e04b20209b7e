"""Rounds of random histories, in as many processes as asked, each with a ledger of its own.

Invariant: a round follows from its seed alone, whichever process plays it and whatever it played before.
"""

import logging
import re
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any
from uuid import uuid4

import structlog
from sqlalchemy import Engine, event

from config.load import Config, load_config
from config.settings import Settings, load_settings
from tasks.actions.registry import make_catalog
from tests.soak.checks import faults_of
from tests.soak.knowledge import Fault
from tests.soak.scenario import Scenario
from tests.soak.shrinking import shrink
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
    url_secrets: {flow: example-url-secret, incoming: example-incoming-secret}
  meta:
    vendor: meta
    app_secrets: [example-app-secret]
    verify_token: example-verify
    access_token: example
    phone_number_id: "100000000000002"
  cgb:
    vendor: cgb
    api_token: example
    webhook_auth: {scheme: url_secret, secrets: [example-cgb-secret]}
    hears_all: true
limits:
  scalev: {per_second: null, per_hour: null}
  wabotick: {per_second: null}
  meta: {per_second: null}
  cgb: {per_second: null}
"""
RULES = Path(__file__).with_name("rules.yaml")
_mine: dict[str, Any] = {}


@dataclass(frozen=True)
class Played:
    """What came of a round."""

    scenario: Scenario
    found: Sequence[Fault]
    seen: Counter[str] = field(default_factory=Counter)
    told: Sequence[str] = ()
    """What happened to the first order that something is wrong with."""


def play(servers: Servers, seeds: Sequence[int], histories: int, processes: int) -> Iterator[Played]:
    """Play a round of so many histories for each seed; what is done first comes first."""
    context = get_context("spawn")
    with ExitStack() as stack:
        urls: Queue[str] = context.Queue()
        for number in range(processes):
            urls.put(stack.enter_context(servers.database(f"soak_{number}_{uuid4().hex}")))
        pool = stack.enter_context(
            ProcessPoolExecutor(processes, mp_context=context, initializer=_begin, initargs=(urls,))
        )
        rounds = [pool.submit(_play_or_shrink, Scenario(seed, tuple(range(histories)))) for seed in seeds]
        try:
            for done in as_completed(rounds):
                yield done.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _begin(urls: "Queue[str]") -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    _mine["stage"] = Stage.on(urls.get())


@dataclass(frozen=True)
class Stage:
    """Where rounds are played: a ledger, and a shop."""

    engine: Engine
    settings: Settings
    config: Config

    @classmethod
    def on(cls, url: str, accounts: str = ACCOUNTS, rules: str = RULES.read_text()) -> "Stage":
        """Return the stage on an empty ledger."""
        given = {"HOOKYARD_DATABASE_URL": url.replace("postgresql+psycopg://", "postgresql://")}
        return cls(_engine(url), load_settings(given), _config(accounts, rules))

    def close(self) -> None:
        """Close every connection to the ledger."""
        self.engine.dispose()

    def play(self, scenario: Scenario) -> Played:
        """Play one round."""
        world = World(self.engine, self.settings, self.config, scenario)
        try:
            world.play()
            found = faults_of(world)
        except Exception as error:  # noqa: BLE001 - whatever broke: which round it was has to be told
            found = [Fault(f"a fault of {type(error).__name__}", "", traceback.format_exc())]
        seen = world.vendors.calls + Counter({"messages": sum(world.vendors.effects.done.values())})
        return Played(scenario, found, seen, world.story_of(found[0].subject) if found else ())

    def shrunk(self, played: Played) -> Played:
        """Return a small round in which the first of the same promises is broken."""
        fault, last = played.found[0], played

        def fails(scenario: Scenario) -> bool:
            nonlocal last
            tried = self.play(scenario)
            found = sorted(tried.found, key=lambda one: one.kind != fault.kind)
            if is_same := bool(found) and found[0].kind == fault.kind:
                last = replace(tried, found=found)
            return is_same

        number = re.search(r"26(\d{6})X", fault.subject)
        shrink(played.scenario, fails, int(number[1]) if number else None)
        return last


def _engine(url: str) -> Engine:
    """Return a ledger whose commits do not wait for the disk: nobody pulls its plug here."""
    engine = connect(url, pool_size=10)

    @event.listens_for(engine, "connect")
    def hurry(connection: Any, _record: Any) -> None:
        connection.autocommit = True
        connection.execute("SET synchronous_commit = off")
        connection.execute("SET plan_cache_mode = force_generic_plan")
        connection.prepare_threshold = 1
        connection.prepared_max = 1000
        connection.autocommit = False

    return engine


def _config(accounts: str, rules: str) -> Config:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "rules").mkdir()
        (folder / "accounts.yaml").write_text(accounts)
        (folder / "rules" / "soak.yaml").write_text(rules)
        return load_config(folder, {}, make_catalog())


def _play_or_shrink(scenario: Scenario) -> Played:
    stage: Stage = _mine["stage"]
    played = stage.play(scenario)
    return stage.shrunk(played) if played.found else played
