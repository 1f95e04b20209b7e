"""A backtest in a process of its own, for a job in the ledger: it says how far it is, and keeps what came of it.

Invariant: of the ledger it writes nothing but its job; it ends soon after nobody wants it any more.
"""

import os
import signal
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from config.faults import ConfigError
from config.load import Config, load_config, rules_digest
from config.settings import Settings
from tasks.actions.registry import make_catalog
from tasks.trying.backtest import Backtest
from worker.clock import Clock, system_clock
from worker.jobs import FAULT
from worker.ledger import backtests, jobs
from worker.ledger.database import connect
from worker.ledger.jobs import Job
from worker.sentry import report
from worker.states import JobState

BEAT_SECONDS = 2.0
"""How often it says that it lives, and asks whether it is still wanted."""
NICENESS = 10
"""Behind everything else, but not so far that it stands still on a busy machine, and counts as gone."""
_SIGNALS = (signal.SIGTERM, signal.SIGINT)
ENDED = "its process was told to end, as its worker did"
READER_LOST = "a process that read events for it was killed"
LEDGER_LOST = "the ledger went away while it was played"
log = structlog.get_logger()


class _EndedError(KeyboardInterrupt):
    """The process was told to end; a statement under way is cancelled, as for Ctrl-C."""


def step_back() -> None:
    """Let everything else on this machine go first; where memory is short, let this process be the one to end."""
    os.nice(NICENESS)
    with suppress(OSError):  # only Linux has it
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def play(settings: Settings, environ: Mapping[str, str], job_id: UUID, clock: Clock = system_clock) -> None:
    """Play what a job says, and end it."""
    for number in _SIGNALS:
        signal.signal(number, _end)
    engine = connect(settings.require_database_url(), pool_size=2)
    try:
        with engine.begin() as connection:
            job = jobs.get(connection, job_id)
        if job is not None and job.state is JobState.RUNNING:
            _end_well_or_told(engine, job, settings, environ, clock)
    finally:
        engine.dispose()


def _end(_number: int, _frame: FrameType | None) -> None:
    _hear_nothing_more()
    raise _EndedError


def _hear_nothing_more() -> None:
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _end_well_or_told(engine: Engine, job: Job, settings: Settings, environ: Mapping[str, str], clock: Clock) -> None:
    try:
        with _pulse(engine, job.id, clock) as pulse:
            config, digest = _configured(settings, environ)
            found = _played(engine, config, job, pulse)
        with engine.begin() as connection:
            kept = backtests.finish(connection, job.id, found | {"rules_digest": digest}, clock())
        log.info("backtest.played", kept=kept, **found["events"])
    except (Exception, _EndedError) as error:  # noqa: BLE001 - whatever it is, the job must not stay as it was
        _hear_nothing_more()
        why = _why(error)
        with engine.begin() as connection:
            failed = backtests.fail(connection, job.id, why, clock())
        log.warning("backtest.ended", error=why if failed else "stopped")


def _configured(settings: Settings, environ: Mapping[str, str]) -> tuple[Config, str]:
    """Return the configuration as the files have it now, and what tells its rules from others."""
    while True:
        digest = rules_digest(settings.config_dir / "rules")
        config = load_config(settings.config_dir, environ, make_catalog())
        if rules_digest(settings.config_dir / "rules") == digest:
            return config, digest


def _played(engine: Engine, config: Config, job: Job, pulse: "_Pulse") -> dict[str, Any]:
    span = job.selection
    assert span.since is not None  # noqa: S101 - a backtest is begun with both, told to mypy
    assert span.until is not None  # noqa: S101 - as above
    with engine.begin() as connection:
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        return Backtest(connection, config, span.since, span.until).run(pulse.progress)


def _why(error: BaseException) -> str:
    """Say why nothing came of it; never in the words of what is not foreseen: they may quote what is personal."""
    if isinstance(error, _EndedError):
        return ENDED
    if isinstance(error, ConfigError):
        return f"the rules or accounts have a fault: {error}"
    if isinstance(error, BrokenProcessPool):
        return READER_LOST
    if isinstance(error, SQLAlchemyError):
        return LEDGER_LOST
    log.error("backtest.bug", error=type(error).__name__)
    report(error, {"reason": "bug"})
    return f"{type(error).__name__}, {FAULT}"


@dataclass
class _Pulse:
    """Says from a thread of its own that the process lives and how far it is, and ends it when it is not wanted."""

    engine: Engine
    job_id: UUID
    clock: Clock
    _far: tuple[int, int] = (0, 0)
    _over: threading.Event = field(default_factory=threading.Event)

    def progress(self, done: int, total: int, _seconds: float) -> None:
        """Note how far it is."""
        self._far = done, total

    def beat(self) -> None:
        """Say it again and again, until it is over."""
        while not self._over.wait(BEAT_SECONDS):
            try:
                with self.engine.begin() as connection:
                    is_wanted = backtests.tell(connection, self.job_id, *self._far, self.clock())
            except SQLAlchemyError as error:
                log.warning("backtest.unheard", error=type(error).__name__)
                continue
            if not is_wanted:
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
                return

    def end(self) -> None:
        """Say it no more."""
        self._over.set()


@contextmanager
def _pulse(engine: Engine, job_id: UUID, clock: Clock) -> Iterator[_Pulse]:
    pulse = _Pulse(engine, job_id, clock)
    thread = threading.Thread(target=pulse.beat, name="pulse", daemon=True)
    thread.start()
    try:
        yield pulse
    finally:
        pulse.end()
        thread.join()
