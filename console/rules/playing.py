"""What was recorded, played through the rules in the background: the spans to choose from, and how far it is in words.

Invariant: whatever became of a backtest, the sentence says it, and what to do where nothing came of it.
"""

from datetime import datetime, timedelta

from worker.ledger.jobs import Job
from worker.states import JobState

SPANS = {
    "1h": "the last hour",
    "24h": "the last day",
    "7d": "the last week",
    "30d": "the last month",
    "90d": "the last three months",
    "365d": "the last year",
}
_UNITS = {"h": "hours", "d": "days"}
_PATIENCE = timedelta(seconds=60)


def beginning(span: str, now: datetime) -> datetime:
    """Return when a span of SPANS that ends now begins."""
    return now - timedelta(**{_UNITS[span[-1]]: int(span[:-1])})


def told(job: Job, now: datetime) -> str:
    """Return how far a backtest is, or how it ended, in one sentence."""
    if job.state is JobState.DONE:
        return f"{job.done:,} events played"
    if job.state is JobState.STOPPED:
        return f"stopped by {job.ended_by} after {_far(job)}: nothing came of it"
    if job.state is JobState.FAILED:
        return f"nothing came of it: {job.error}. Play it again"
    if job.held_until is None:
        return "waits for a worker" + (": is one running?" if job.begun_at < now - _PATIENCE else "")
    if job.held_until <= now:
        return f"nothing was heard of its process since {_far(job)}: it is gone. Play it again"
    if not job.total:
        return "the events are being counted"
    if job.done >= job.total:
        return f"all {job.total:,} events are played, and are being compared with what was sent"
    return _far(job)


def _far(job: Job) -> str:
    return f"{job.done:,} of {job.total:,} events" if job.total else "no event was played"
