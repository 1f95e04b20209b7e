"""Jobs as the workers do them: one thing after the other, each in a transaction of its own.

Invariant: a press and the note that it was done stand or fall together, so each is done once, whoever runs the job and
however many do; a job that was stopped presses nothing more.
"""

import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Connection, Engine, Row
from sqlalchemy.exc import SQLAlchemyError

from worker.clock import Clock
from worker.ledger import jobs
from worker.ledger.database import is_away
from worker.ledger.deliveries import Wake
from worker.ledger.jobs import Job
from worker.people import People, RefusedError, Seen
from worker.states import JobKind, JobState
from worker.wakeups import Wakeups

A_WHILE_SECONDS = 5.0
FAULT = "a fault of Hookyard: the log has more"
log = structlog.get_logger()


@dataclass(frozen=True)
class Runner:
    """Runs jobs."""

    engine: Engine
    rewake_seconds: float
    clock: Clock
    wakeups: Wakeups

    def run(self, job_id: UUID, seconds: float = A_WHILE_SECONDS) -> Job | None:
        """Run a job for a while and return how far it is; None when there is none."""
        until = time.monotonic() + seconds
        while True:
            job = self.step(job_id)
            if job is None or job.state is not JobState.RUNNING or time.monotonic() >= until:
                return job

    def step(self, job_id: UUID) -> Job | None:
        """Press one thing; return the job as it was before, or as it ended."""
        with self.engine.begin() as connection:
            job = jobs.get(connection, job_id, lock=True)
            if job is None or job.state is not JobState.RUNNING:
                return job
            target = jobs.next_target(connection, job)
            if target is None:
                jobs.end(connection, job_id, JobState.DONE, self.clock())
                return jobs.get(connection, job_id)
            pressed = self._pressed(connection, job, target)
            jobs.record(connection, job, target.target_id, pressed.refused, self.clock())
        self.wakeups.deliveries(pressed.deliveries)
        self.wakeups.events(pressed.events)
        return job

    def _pressed(self, connection: Connection, job: Job, target: Row[Any]) -> "_Pressed":
        people = People(connection, job.actor, self.clock(), self.rewake_seconds, job.comment, job.id)
        saw = Seen(target.state, target.attempts)
        try:
            with connection.begin_nested():
                return _press(people, job.kind, target.target_id, saw)
        except RefusedError as error:
            return _Pressed(refused=(error.why, str(error)))
        except Exception as error:
            if isinstance(error, SQLAlchemyError) and is_away(error):
                raise  # nothing was pressed: the job goes on from here
            # One that cannot be pressed does not hold up the rest. Without the text: it may say what is personal.
            log.error("job.bug", job_id=str(job.id), target=str(target.target_id), error=type(error).__name__)
            return _Pressed(refused=(FAULT, f"{type(error).__name__}, {FAULT}"))


@dataclass(frozen=True)
class _Pressed:
    """What came of one press."""

    deliveries: tuple[Wake, ...] = ()
    events: tuple[UUID, ...] = ()
    refused: tuple[str, str] | None = None


def _press(people: People, kind: JobKind, target: UUID, saw: Seen) -> _Pressed:
    if kind is JobKind.RETRY:
        return _Pressed(deliveries=(people.retry(target, saw),))
    if kind is JobKind.REPLAY:
        return _Pressed(events=tuple(people.replay(target, saw)))
    people.cancel(target, saw)
    return _Pressed()
