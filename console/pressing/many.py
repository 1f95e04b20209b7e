"""What is done to many: what a filter selects, how many messages to people that means, and how far a job is, in words.

Invariant: nothing is begun here without the person having been told how many it is.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from console.rules import playing
from tasks.actions.registry import ACTIONS
from worker.ledger import jobs
from worker.ledger.jobs import Job
from worker.ledger.selecting import Matching, Selection, Told, matching
from worker.people import RefusedError
from worker.states import JobKind, JobState

DONE_WORDS = {JobKind.RETRY: "retried", JobKind.CANCEL: "cancelled", JobKind.REPLAY: "replayed"}


@dataclass(frozen=True)
class Preview:
    """What a job would do, if it were begun now."""

    kind: JobKind
    found: Matching

    @property
    def total(self) -> int:
        """How many would be pressed."""
        return self.found.told.total

    @property
    def is_too_much(self) -> bool:
        """Whether it is more than one job does."""
        return self.total > jobs.MOST

    @property
    def messages(self) -> int:
        """How many messages to people a retry means."""
        sends = self.kind is JobKind.RETRY
        return sum(group.count for group in self.found.groups if sends and is_message(group.type))

    @property
    def said(self) -> str:
        """What is about to be done, in one sentence."""
        if self.is_too_much:
            return f"More than {jobs.MOST:,} match: narrow it, by time for one, and do it in several jobs."
        if not self.total:
            return "Nothing matches."
        return f"{_counted(self.total, self.kind)} would be {DONE_WORDS[self.kind]}{self._meaning()}."

    def _meaning(self) -> str:
        if self.kind is JobKind.CANCEL:
            return ": nothing of it is sent any more"
        if self.kind is JobKind.REPLAY:
            return ": rules are asked anew, and what was planned or sent already is not sent again"
        if not self.messages:
            return "; none is a message to a person"
        return f"; {_counted(self.messages, None)} of these would be sent to people"


def preview(connection: Connection, kind: JobKind, selection: Selection, seconds: float) -> Preview:
    """Look up what a job would do; `seconds`: how long a text is looked for. RefusedError: nothing narrows it."""
    if not (selection.is_narrow or selection.state):
        raise RefusedError("say which are meant: an account, a state, a reason, a time …")
    if kind is JobKind.REPLAY and selection.rule:
        raise RefusedError("events have no rule: say which by account, type, state, reason or time")
    if kind is not JobKind.REPLAY and selection.handling:
        raise RefusedError("deliveries have no handling: say which by account, type, state, reason or time")
    if selection.text is not None and not selection.text.strip():
        raise RefusedError("an empty text stands in everything: say which is meant")
    return Preview(kind, matching(connection, kind, selection, jobs.MOST + 1, seconds))


def fewer(job: Job, told: Told) -> str | None:
    """Return, where some had moved on before a job was begun, a sentence that says so."""
    if job.total >= told.total:
        return None
    moved = f"some have moved on since, and {job.total:,} match now"
    return f"You were told {told.total:,}; {moved}. Only they are {DONE_WORDS[job.kind]}."


def is_message(action: str) -> bool:
    """Whether an action sends a message to a person."""
    found = ACTIONS.get(action)
    return found is not None and found.is_message


def told(job: Job, now: datetime) -> str:
    """Return how far a job is, in one sentence."""
    if job.kind is JobKind.BACKTEST:
        return playing.told(job, now)
    done = f"{job.done:,} {DONE_WORDS[job.kind]}" + (f", {job.refused:,} refused" if job.refused else "")
    if job.state is JobState.RUNNING:
        waits = job.begun_at < now - timedelta(seconds=60) and not job.done + job.refused
        return f"{done}, {job.left:,} to go" + ("; no worker has begun: is one running?" if waits else "")
    if job.state is JobState.STOPPED:
        return f"stopped by {job.ended_by}: {done}, {job.left:,} left as they were"
    return done


def as_told(job: Job) -> dict[str, Any]:
    """Return a job as --json prints it."""
    keys = (
        "id", "kind", "state", "actor", "comment", "total", "done", "refused", "reasons", "begun_at", "ended_at",
        "ended_by", "error",
    )  # fmt: skip
    return {key: getattr(job, key) for key in keys} | {"left": job.left, "selection": job.selection.told()}


def _counted(count: int, kind: JobKind | None) -> str:
    what = "message" if kind is None else "event" if kind is JobKind.REPLAY else "delivery"
    many = "deliveries" if what == "delivery" else f"{what}s"
    return f"{count:,} {what if count == 1 else many}"
