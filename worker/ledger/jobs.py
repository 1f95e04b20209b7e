"""Jobs in the ledger: what is to be pressed, how far it is, what was refused and why.

Invariant: a job presses what matched when it was begun, nothing newer, and each of it once; how far it is stands in the
ledger with the press itself, so whoever dies over it leaves a job that goes on where it was.
"""

from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, bindparam, func, insert, literal, select, text

from worker.ledger.selecting import Selection, Told, mark_of, targets
from worker.ledger.tables import job_targets, jobs
from worker.states import JobKind, JobState

MOST = 100_000
"""What one job presses at most."""
UNATTENDED_SECONDS = 30.0
"""A running job that nobody has moved for so long is taken up by the next sweep."""


@dataclass(frozen=True)
class Job:
    """Something that is done to many."""

    id: UUID
    kind: JobKind
    selection: Selection
    actor: str
    comment: str
    state: JobState
    begun_at: datetime
    total: int = 0
    done: int = 0
    refused: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    """How many were refused, by why."""
    position: UUID | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None
    wake_at: datetime | None = None
    held_until: datetime | None = None
    """Of a backtest: until when its process counts as alive; None: it has none yet."""
    error: str | None = None
    """Why it failed."""

    @property
    def left(self) -> int:
        """How many have not been pressed."""
        return self.total - self.done - self.refused


_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
_TO_WAKE = text(
    """
    UPDATE jobs SET wake_at = :again WHERE id IN (
        SELECT id FROM jobs WHERE state = 'running' AND wake_at <= :now
        ORDER BY wake_at LIMIT :most FOR UPDATE SKIP LOCKED
    ) RETURNING id
    """
)
_NEXT = text(
    """
    SELECT target_id, state, attempts FROM job_targets
    WHERE job_id = :job AND (CAST(:position AS uuid) IS NULL OR target_id > :position) ORDER BY target_id LIMIT 1
    """
)
_PRESSED = text(
    """
    UPDATE jobs SET position = :target, wake_at = :again, done = done + :done, refused = refused + 1 - :done,
           reasons = CASE WHEN CAST(:why AS text) IS NULL THEN reasons
                     ELSE reasons || jsonb_build_object(
                         CAST(:why AS text), coalesce(CAST(reasons ->> :why AS integer), 0) + 1
                     ) END
    WHERE id = :job
    """
)
_REFUSED = text("UPDATE job_targets SET refused = :said WHERE job_id = :job AND target_id = :target")


def begin(connection: Connection, job: Job) -> Told:
    """Write a job down with what it is to press; return how much that is, where it is too much one more than `MOST`."""
    connection.execute(insert(jobs).values(as_row(job)))
    found = targets(connection, job.kind, job.selection, MOST + 1).subquery()
    rows = select(literal(job.id), found.c.id, found.c.state, found.c.attempts)
    names = ["job_id", "target_id", "state", "attempts"]
    connection.execute(insert(job_targets).from_select(names, rows))
    counted = select(func.count(), mark_of(job_targets.c.target_id)).where(job_targets.c.job_id == job.id)
    told = Told(*connection.execute(counted).one())
    connection.execute(jobs.update().where(jobs.c.id == job.id).values(total=told.total))
    return told


def lock_id(connection: Connection, job_id: UUID) -> None:
    """Let nobody else begin a job of this id until the transaction ends."""
    connection.execute(_LOCK, {"name": f"job {job_id}"})


def get(connection: Connection, job_id: UUID, *, lock: bool = False) -> Job | None:
    """Return a job; with `lock` nobody else moves it until the transaction ends."""
    query = select(jobs).where(jobs.c.id == job_id)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else _job(row)


def newest(connection: Connection, limit: int, state: JobState | None = None, kind: JobKind | None = None) -> list[Job]:
    """Return jobs, newest first."""
    query = select(jobs).order_by(jobs.c.id.desc()).limit(limit)
    for column, wanted in ((jobs.c.state, state), (jobs.c.kind, kind)):
        query = query if wanted is None else query.where(column == wanted)
    return [_job(row) for row in connection.execute(query)]


def to_wake(connection: Connection, now: datetime, most: int) -> list[UUID]:
    """Return the running jobs that nobody is at, and note that they are being woken."""
    again = now + timedelta(seconds=UNATTENDED_SECONDS)
    return list(connection.scalars(_TO_WAKE, {"now": now, "again": again, "most": most}))


def next_target(connection: Connection, job: Job) -> Row[Any] | None:
    """Return what a job presses next, as it was when the job was begun; None when that was all."""
    return connection.execute(_NEXT, {"job": job.id, "position": job.position}).one_or_none()


def record(connection: Connection, job: Job, target: UUID, refused: tuple[str, str] | None, now: datetime) -> None:
    """Write down that something was pressed, or was refused: why in a word to count, and what was said."""
    why, said = refused or (None, None)
    again = now + timedelta(seconds=UNATTENDED_SECONDS)
    values = {"job": job.id, "target": target, "again": again, "done": int(refused is None), "why": why}
    connection.execute(_PRESSED, values)
    if refused:
        connection.execute(_REFUSED, {"job": job.id, "target": target, "said": said})


def end(connection: Connection, job_id: UUID, state: JobState, now: datetime, by: str | None = None) -> None:
    """Write down that a job has ended."""
    ended = {"state": state, "ended_at": now, "ended_by": by, "wake_at": None}
    connection.execute(jobs.update().where(jobs.c.id == bindparam("b_id")).values(ended), {"b_id": job_id})


def refusals(connection: Connection, job_id: UUID, limit: int) -> list[tuple[UUID, str]]:
    """Return what a job was refused, and what was said, in the order in which it was pressed."""
    query = select(job_targets.c.target_id, job_targets.c.refused).where(job_targets.c.job_id == job_id)
    query = query.where(job_targets.c.refused.is_not(None)).order_by(job_targets.c.target_id).limit(limit)
    return [(row.target_id, row.refused) for row in connection.execute(query)]


def as_row(job: Job) -> dict[str, Any]:
    """Return a job as the table takes it."""
    return vars(job) | {"selection": job.selection.kept()}


def _job(row: Row[Any]) -> Job:
    values: dict[str, Any] = {one.name: row._mapping[one.name] for one in fields(Job)}
    read = {"kind": JobKind(row.kind), "state": JobState(row.state), "selection": Selection.read(row.selection)}
    return Job(**values | read)
