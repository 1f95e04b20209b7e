"""What people press: retry, cancel, resolve, replay, pause; each either done and audited, or refused with a reason.

Invariant: nothing a person presses sends an effect twice without that person having said that it was not sent, and
nothing is done to what has moved on since the person looked at it.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, bindparam, select
from sqlalchemy.exc import IntegrityError

from config.faults import OperatorError
from worker import completing, consequences
from worker.holding import Hold, person_key
from worker.ids import new_id
from worker.ledger import backtests, holds, jobs, pauses, plans
from worker.ledger import deliveries as life
from worker.ledger.consents import EVERY_ACCOUNT
from worker.ledger.deliveries import Wake
from worker.ledger.jobs import Job
from worker.ledger.pauses import Pause
from worker.ledger.selecting import Selection, Told
from worker.ledger.tables import audit, deliveries, events
from worker.messaging import consent
from worker.messaging.consent import Wish
from worker.routing import COMPLETION_RULE
from worker.states import ConsentScope, DeliveryState, EventState, HoldKind, JobKind, JobState, PauseKind, Press, Reason

_PARTS = select(events.c.id).where(events.c.parent_id == bindparam("b_id"), events.c.part.is_not(None))


GONE = "is not there"


class RefusedError(OperatorError):
    """What was asked cannot be done now; the text says why and what can be, `why` is a word of it to be counted."""

    def __init__(self, message: str, why: str = "cannot be done in its state") -> None:
        super().__init__(message)
        self.why = why


class StaleError(RefusedError):
    """What was pressed has moved on since the person looked at it."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "had moved on meanwhile")


@dataclass(frozen=True)
class Seen:
    """What a person, or a job, saw of a delivery or an event before it was pressed."""

    state: str
    attempts: int


class People:
    """What a person does to the ledger, within one transaction of the caller's."""

    def __init__(
        self,
        connection: Connection,
        actor: str,
        now: datetime,
        rewake_seconds: float,
        comment: str = "",
        job: UUID | None = None,
    ) -> None:
        self._connection, self._actor, self._now, self._comment = connection, actor, now, comment
        self._job = job
        self._rewake_at = now + timedelta(seconds=rewake_seconds)

    def retry(self, delivery_id: UUID, saw: Seen | None = None) -> Wake:
        """Begin a new series of attempts for a delivery that is dead, cancelled, or waiting for its next attempt.

        With `saw` this and the other presses are refused when it is not as it was seen any more.
        """
        row = self._delivery(delivery_id, saw)
        state = DeliveryState(row.state)
        if state is DeliveryState.UNKNOWN:
            raise RefusedError(
                f"delivery {row.id} is unknown: it may have been sent. Say which with `hookyard resolve`",
                "unknown: it may have been sent",
            )
        if state not in {DeliveryState.DEAD, DeliveryState.CANCELLED, *life.OPEN}:
            raise RefusedError(f"delivery {row.id} is {state}: there is nothing to retry")
        self._refuse_what_was_sent(row)
        return self._begin_again(row, Press.RETRY)

    def cancel(self, delivery_id: UUID, saw: Seen | None = None) -> None:
        """Give up a delivery that is not being sent."""
        row = self._delivery(delivery_id, saw)
        if row.state == DeliveryState.IN_FLIGHT:
            raise RefusedError(
                f"delivery {row.id} is being sent right now: ask again in a moment", "was being sent at that moment"
            )
        if row.state not in {*life.OPEN, DeliveryState.DEAD}:
            raise RefusedError(f"delivery {row.id} is {row.state}: there is nothing to cancel")
        self._refuse_what_was_sent(row)
        self._move(row, {"state": DeliveryState.CANCELLED, "reason": Reason.BY_OPERATOR, "wake_at": None}, Press.CANCEL)
        if row.rule == COMPLETION_RULE:
            completing.give_up(self._connection, row.event_id, f"{row.action} was cancelled", self._now)

    def resolve(self, delivery_id: UUID, *, sent: bool, saw: Seen | None = None) -> Wake | None:
        """Settle an unknown delivery: it was sent, so it succeeded; or it was not, so it is sent now."""
        row = self._delivery(delivery_id, saw)
        if row.state != DeliveryState.UNKNOWN and row.reason != Reason.AWAITING_DELIVERY:
            raise RefusedError(f"delivery {row.id} is {row.state}: only an unknown one can be resolved")
        if not sent:
            return self._begin_again(row, Press.RESOLVE_NOT_SENT)
        done = {"state": DeliveryState.SUCCEEDED, "reason": Reason.BY_OPERATOR, "wake_at": None}
        self._move(row, done, Press.RESOLVE_SENT)
        return None

    def replay(self, event_id: UUID, saw: Seen | None = None) -> list[UUID]:
        """Route an event again, and return what is routed.

        For a fact that is the event it came from, for a request with several events each of them.
        """
        query = select(events).where(events.c.id == event_id).with_for_update()
        row: Row[Any] | None = self._connection.execute(query).one_or_none()
        if row is None:
            raise RefusedError(f"there is no event {event_id}", GONE)
        _refuse_what_moved_on("event", row, saw)
        if row.parent_id and row.part is None:
            return self.replay(row.parent_id)
        if parts := self._connection.scalars(_PARTS, {"b_id": row.id}).all():
            return [event for part in parts for event in self.replay(part)]
        if row.state == EventState.RECEIVED:
            raise RefusedError(f"event {row.id} is about to be routed anyway", "about to be routed anyway")
        again = {
            "state": EventState.RECEIVED,
            "attempts": 0,
            "wake_at": self._rewake_at,
            "reason": None,
            "last_error": None,
        }
        self._connection.execute(events.update().where(events.c.id == row.id).values(again))
        self._audit(Press.REPLAY, row.id, {"was": row.state})
        return [row.id]

    def pause(self, kind: PauseKind, name: str) -> Pause:
        """Let what goes to an account, or what a rule plans, wait until it is resumed; nothing is spent meanwhile."""
        pause = Pause(kind, name, self._now, self._actor, self._comment)
        if not pauses.begin(self._connection, pause):
            found = pauses.read(self._connection, kind, name)
            raise RefusedError(f"{found.said} already" if found else f"{kind} {name} was resumed just now")
        self._audit(Press.PAUSE, f"{kind}/{name}", {})
        return pause

    def resume(self, kind: PauseKind, name: str) -> int:
        """End a pause; return how many deliveries come due. Each is judged anew at the moment when it would leave."""
        ended = pauses.end(self._connection, kind, name, self._now)
        if ended is None:
            raise RefusedError(f"{kind} {name} is not paused")
        pause, count = ended
        since = pause.since.isoformat(timespec="seconds")
        self._audit(Press.RESUME, f"{kind}/{name}", {"since": since, "paused_by": pause.actor, "came_due": count})
        return count

    def begin_job(self, job_id: UUID, kind: JobKind, selection: Selection, told: Told | None = None) -> Job:
        """Begin to press everything that matches now, and is pressed once each; workers do it in the background.

        `told`: what the person was told that it is. A job of that id that was begun before is returned as it is.
        """
        if not self._comment.strip():
            raise RefusedError("say why: what is done to many at once is written down with its reason")
        jobs.lock_id(self._connection, job_id)
        if found := jobs.get(self._connection, job_id):
            return found
        wake_at = self._rewake_at
        wanted = Job(job_id, kind, selection, self._actor, self._comment, JobState.RUNNING, self._now, wake_at=wake_at)
        matching = jobs.begin(self._connection, wanted)
        if matching.total > jobs.MOST:
            raise RefusedError(f"more than {jobs.MOST:,} match: narrow it, by time for one, and do it in several jobs")
        if not matching.total:
            raise RefusedError("nothing matches")
        _refuse_others(kind, matching, told or matching)
        details = {"kind": kind, "selection": selection.kept(), "total": matching.total}
        self._audit(Press.BEGIN_JOB, job_id, details | ({"told": told.total} if told else {}))
        return replace(wanted, total=matching.total)

    def begin_backtest(self, job_id: UUID, since: datetime) -> Job:
        """Begin to play what was recorded since then through the rules, in the background.

        A job of that id that was begun before, or a backtest that is under way, is returned as it is.
        """
        span = Selection(since=since, until=self._now)
        wanted = Job(
            job_id, JobKind.BACKTEST, span, self._actor, self._comment, JobState.RUNNING, self._now,
            wake_at=self._rewake_at,
        )  # fmt: skip
        job = backtests.begin(self._connection, wanted)
        if job is wanted:
            self._audit(Press.BEGIN_BACKTEST, job_id, {"selection": span.told()})
        return job

    def stop_job(self, job_id: UUID) -> Job:
        """Stop a job: what it has not pressed yet stays as it is; of a backtest nothing comes."""
        job = jobs.get(self._connection, job_id, lock=True)
        if job is None:
            raise RefusedError(f"there is no job {job_id}", GONE)
        if job.state is not JobState.RUNNING:
            raise RefusedError(f"job {job.id} is {job.state} already: {job.done} done, {job.refused} refused")
        jobs.end(self._connection, job.id, JobState.STOPPED, self._now, self._actor)
        stopped = Press.STOP_BACKTEST if job.kind is JobKind.BACKTEST else Press.STOP_JOB
        self._audit(stopped, job.id, {"done": job.done, "refused": job.refused, "total": job.total})
        return replace(job, state=JobState.STOPPED, ended_at=self._now, ended_by=self._actor)

    def close(self, account: str, kind: HoldKind = HoldKind.ACCOUNT, key: str = "") -> Hold:
        """Lift a hold: what waits for it goes on, slowly at first."""
        hold = holds.read(self._connection, account, kind, key)
        if hold is None or hold.opened_at is None:
            raise RefusedError(f"nothing of kind {kind} is held at account {account}")
        holds.change(self._connection, account, kind, key, lambda _: None)
        if kind is HoldKind.ACCOUNT:
            consequences.start_slowly(self._connection, hold, self._now)
        self._audit(Press.CLOSE, f"{account}/{kind}/{key}".rstrip("/"), {"reason": hold.reason})
        return hold

    def consent(self, phone: str, scope: ConsentScope, account: str | None, *, stopped: bool) -> tuple[UUID, ...]:
        """Write down that a person (E.164) wants no more messages, or wants them again; return the facts to route."""
        wish = Wish(stopped, "written down by a person", scope, account or EVERY_ACCOUNT)
        facts = consent.follow(self._connection, wish, account or "hookyard", phone, self._now, self._now)
        details = {"scope": scope, "account": account, "changed": bool(facts)}
        self._audit(Press.CONSENT_STOP if stopped else Press.CONSENT_START, person_key(phone), details)
        return facts

    def note(self, action: Press, target: UUID | str, details: dict[str, Any]) -> None:
        """Write down something that was done elsewhere."""
        self._audit(action, target, details)

    @staticmethod
    def _refuse_what_was_sent(row: Row[Any]) -> None:
        if row.reason == Reason.AWAITING_DELIVERY:
            raise RefusedError(
                f"delivery {row.id} was sent and waits for its receipt: say what became of it with `hookyard resolve`",
                "was sent and waits for its receipt",
            )

    def _delivery(self, delivery_id: UUID, saw: Seen | None) -> Row[Any]:
        query = select(deliveries).where(deliveries.c.id == delivery_id).with_for_update()
        row = self._connection.execute(query).one_or_none()
        if row is None:
            raise RefusedError(f"there is no delivery {delivery_id}", GONE)
        _refuse_what_moved_on("delivery", row, saw)
        return row

    def _begin_again(self, row: Row[Any], action: Press) -> Wake:
        values = {
            "state": DeliveryState.READY, "reason": Reason.BY_OPERATOR, "due_at": self._now, "wake_at": self._rewake_at,
            "series_start": row.attempts, "series_at": self._now, "duplicate_of": None,
        }  # fmt: skip
        try:
            with self._connection.begin_nested():
                self._move(row, values, action)
        except IntegrityError:
            holder = plans.holder_of_effect(self._connection, row.effect_key)
            what = f"delivery {holder} has the same effect ({row.effect_key})"
            raise RefusedError(
                f"delivery {row.id} would do it twice: {what}", "another delivery has the same effect"
            ) from None
        return Wake(row.id, row.account, row.priority)

    def _move(self, row: Row[Any], values: dict[str, Any], action: Press) -> None:
        self._connection.execute(
            deliveries.update().where(deliveries.c.id == row.id).values(updated_at=self._now, **values)
        )
        self._audit(action, row.id, {"was": row.state, "event_id": str(row.event_id)})

    def _audit(self, action: Press, target: UUID | str, details: dict[str, Any]) -> None:
        entry = {"id": new_id(), "at": self._now, "actor": self._actor, "action": action, "target": str(target)}
        said = {"comment": self._comment} if self._comment else {}
        said |= {"job": str(self._job)} if self._job else {}
        self._connection.execute(audit.insert(), entry | {"details": details | said})


def _refuse_others(kind: JobKind, matching: Told, told: Told) -> None:
    # What is open goes on by itself: whoever gives it up finds fewer, and nothing is sent for it.
    if matching == told or (kind is JobKind.CANCEL and matching.total < told.total):
        return
    now = f"{matching.total:,} match by now, you were told {told.total:,}"
    if matching.total == told.total:
        now = "others match by now than those you were told"
    raise StaleError(f"{now}. Nothing was done: look at it again")


def _refuse_what_moved_on(what: str, row: Row[Any], saw: Seen | None) -> None:
    if saw is None or (row.state, row.attempts) == (saw.state, saw.attempts):
        return
    then = f"you saw {saw.state}"
    if row.state == saw.state:
        then = f"{row.attempts} attempts were made, you saw {saw.attempts}"
    raise StaleError(f"{what} {row.id} is {row.state} now; {then}. Nothing was done: look at it again")
