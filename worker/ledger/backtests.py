"""Backtests in the ledger: jobs that a process of their own does, and what came of the newest of them.

Invariant: one at most is under way; it ends in a state that says so, whatever becomes of its process.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select, text

from worker.ledger import jobs
from worker.ledger.jobs import Job
from worker.ledger.storable import storable, storable_text
from worker.ledger.tables import backtest_reports
from worker.ledger.tables import jobs as table
from worker.states import JobKind, JobState

HELD_SECONDS = 120.0
"""A process that was not heard of for so long is gone."""
MOST_REPORTS = 50
"""Of how many backtests what came of them is kept."""
MOST_RULES = 200
"""For how many rules, those with the most first, it is kept."""
MOST_ERROR = 500
"""Characters."""
LOST = "its process was killed, or its machine went away"

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('backtest', 0))")
_UNDER_WAY = (table.c.kind == JobKind.BACKTEST) & (table.c.state == JobState.RUNNING)
_KEEP_NEWEST = text(
    """
    DELETE FROM backtest_reports WHERE job_id NOT IN (
        SELECT job_id FROM backtest_reports ORDER BY at DESC, job_id DESC LIMIT :most
    )
    """
)


def begin(connection: Connection, wanted: Job) -> Job:
    """Write a backtest down; return another in its place when one of that id exists, or one is under way."""
    connection.execute(_LOCK)
    give_up_lost(connection, wanted.begun_at)
    found = jobs.get(connection, wanted.id) or _under_way(connection)
    if found is None:
        connection.execute(table.insert().values(jobs.as_row(wanted)))
    return found or wanted


def claim(connection: Connection, job_id: UUID, now: datetime) -> bool:
    """Say that a process is being started for a backtest that has none; False when it has, or is over."""
    return _change(connection, job_id, _held(now), table.c.held_until.is_(None))


def tell(connection: Connection, job_id: UUID, done: int, total: int, now: datetime) -> bool:
    """Say how far it is, and that its process lives; False when nobody wants it to go on."""
    return _change(connection, job_id, _held(now) | {"done": done, "total": total})


def finish(connection: Connection, job_id: UUID, report: dict[str, Any], now: datetime) -> bool:
    """Keep what came of it; False when it was over before."""
    played = report["events"]["played"]
    if not _change(connection, job_id, _ended(JobState.DONE, now) | {"done": played, "total": played}):
        return False
    connection.execute(backtest_reports.insert().values(job_id=job_id, at=now, report=storable(_bounded(report))))
    connection.execute(_KEEP_NEWEST, {"most": MOST_REPORTS})
    return True


def fail(connection: Connection, job_id: UUID, error: str, now: datetime) -> bool:
    """Say why nothing came of it; False when it was over before."""
    return _change(connection, job_id, _ended(JobState.FAILED, now) | {"error": storable_text(error)[:MOST_ERROR]})


def give_up_lost(connection: Connection, now: datetime) -> None:
    """End the one whose process was not heard of for long."""
    lost = _ended(JobState.FAILED, now) | {"error": LOST}
    connection.execute(table.update().where(_UNDER_WAY, table.c.held_until <= now).values(lost))


def newest(connection: Connection, limit: int) -> list[Job]:
    """Return backtests, newest first."""
    return jobs.newest(connection, limit, kind=JobKind.BACKTEST)


def report(connection: Connection, job: Job) -> dict[str, Any] | None:
    """Return what came of a backtest, as `tasks.trying.backtest` tells it; None when there is, or is kept, nothing."""
    found = connection.scalar(select(backtest_reports.c.report).where(backtest_reports.c.job_id == job.id))
    if found is None:
        return None
    # The database keeps no order of names.
    reasons = dict(sorted(found["reasons"].items(), key=lambda reason: -reason[1]))
    rules = dict(sorted(found["rules"].items()))
    return {**found, "since": job.selection.since, "until": job.selection.until, "reasons": reasons, "rules": rules}


def _under_way(connection: Connection) -> Job | None:
    job_id = connection.scalar(select(table.c.id).where(_UNDER_WAY))
    return jobs.get(connection, job_id) if job_id else None


def _change(connection: Connection, job_id: UUID, values: dict[str, Any], *more: Any) -> bool:
    changed = connection.execute(table.update().where(table.c.id == job_id, _UNDER_WAY, *more).values(values))
    return changed.rowcount == 1


def _held(now: datetime) -> dict[str, Any]:
    until = now + timedelta(seconds=HELD_SECONDS)
    return {"held_until": until, "wake_at": until}


def _ended(state: JobState, now: datetime) -> dict[str, Any]:
    return {"state": state, "ended_at": now, "wake_at": None}


def _bounded(report: dict[str, Any]) -> dict[str, Any]:
    """Leave out what would let a report grow without end; when it was stands on the job."""
    rules = sorted(report["rules"].items(), key=lambda rule: -sum(rule[1].values()))
    samples = {what: [_shortened(sample) for sample in found] for what, found in report["samples"].items()}
    kept = {name: value for name, value in report.items() if name not in {"since", "until"}}
    left_out = max(0, len(rules) - MOST_RULES)
    return kept | {"rules": dict(rules[:MOST_RULES]), "rules_left_out": left_out, "samples": samples}


def _shortened(sample: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value)[:MOST_ERROR] for name, value in sample.items()}
