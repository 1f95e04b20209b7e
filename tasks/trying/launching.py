"""A worker's side of backtests: it starts a process for one, and sees to it that its end is told.

Invariant: a backtest takes no thread of a worker's pool and none of its memory; a process is started for it once.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from worker.clock import Clock
from worker.ledger import backtests, jobs
from worker.states import JobKind

END_SECONDS = 20.0
"""For what is under way to tell the ledger that it ended."""
NOT_STARTED = "its process could not be started"
log = structlog.get_logger()


@dataclass
class Launcher:
    """Starts the processes of backtests."""

    engine: Engine
    clock: Clock
    environ: Mapping[str, str] | None = None
    """What the process gets besides this one's own."""
    _under_way: dict[UUID, tuple[subprocess.Popen[bytes], threading.Thread]] = field(default_factory=dict)

    def take_up(self, job_id: UUID) -> bool:
        """Start a backtest that nobody has started, give up one that was lost; False when the job is none."""
        with self.engine.begin() as connection:
            job = jobs.get(connection, job_id)
            if job is None or job.kind is not JobKind.BACKTEST:
                return False
            backtests.give_up_lost(connection, self.clock())
            is_ours = backtests.claim(connection, job_id, self.clock())
        if is_ours:
            self._start(job_id)
        return True

    def close(self) -> None:
        """End what is under way, and wait until that is told."""
        for process, watching in list(self._under_way.values()):
            process.terminate()
            watching.join(END_SECONDS)
            process.kill()

    def _start(self, job_id: UUID) -> None:
        command = [sys.executable, "-m", "tasks.trying", str(job_id)]
        given = {**os.environ, **(self.environ or {})}
        try:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=given)
        except OSError as error:
            log.warning("backtest.not_started", error=type(error).__name__)
            self._tell(job_id, NOT_STARTED)
            return
        log.info("backtest.started", pid=process.pid)
        watching = threading.Thread(target=self._watch, args=(job_id, process), name="backtest", daemon=True)
        self._under_way[job_id] = process, watching
        watching.start()

    def _watch(self, job_id: UUID, process: subprocess.Popen[bytes]) -> None:
        """Wait for the end of the process, and tell it where the process could not."""
        status = process.wait()
        how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        self._tell(job_id, f"its process {how} before it was through")
        self._under_way.pop(job_id, None)

    def _tell(self, job_id: UUID, error: str) -> None:
        try:
            with self.engine.begin() as connection:
                backtests.fail(connection, job_id, error, self.clock())
        except SQLAlchemyError as away:  # a sweep finds it
            log.warning("backtest.untold", error=type(away).__name__)
