"""Deliver: claim, render, write down that it is about to be sent, send, record what came of it.

Invariant: between "about to send" and the record of the answer the ledger says `in_flight` with `sending_at`; whoever
finds it so after the lease ran out knows that the effect may have happened.
"""

import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import structlog
from sqlalchemy import Connection, Row
from sqlalchemy.exc import SQLAlchemyError

from config.rules import Step
from config.settings import Settings
from worker import completing, consequences, matching, receipts, taps, tracing
from worker.acting import Action, Outcome
from worker.admitting import Admission
from worker.awaiting import accepted
from worker.consequences import Consequences, Ended
from worker.errors import PermanentError, UncertainError, WorkerError
from worker.following import ENDS, Follower
from worker.holding import Hold, person_key
from worker.ledger import attempting, deliveries, questions
from worker.ledger.attempting import AttemptRecord, Conclusion, Deferral, Lease, Wishes
from worker.ledger.database import by_statement, is_away
from worker.ledger.deliveries import Wake
from worker.ledger.messages import Sent
from worker.ledger.settling import PATIENCE_SECONDS
from worker.masking import mask_message
from worker.messaging.template_book import TemplateBook
from worker.preparing import NOTHING, Preparation, SuppressedError, Workshop
from worker.retry import decide, policy_of
from worker.routing import COMPLETION_RULE
from worker.states import DeliveryState, Reason

RECORDING_PATIENCE_SECONDS = 120.0
log = structlog.get_logger()


@dataclass(frozen=True)
class Delivered:
    """How an attempt ended, for whoever ran it."""

    id: UUID
    event_id: UUID
    rule: str
    action: str
    account: str
    attempt: int
    conclusion: Conclusion
    bug: Exception | None = None
    woken_events: tuple[UUID, ...] = ()
    woken: tuple[Wake, ...] = ()
    """Other deliveries that can go on now."""
    opened: Hold | None = None
    """The account's circuit, when this attempt opened it."""
    closed: Hold | None = None
    deferred: bool = False
    """Nothing was tried: it was not its turn, its person or template is held, or what it says has to be made anew."""


@dataclass(frozen=True)
class Deliverer(Workshop):
    """Runs attempts of deliveries."""

    settings: Settings
    draw: Callable[[], float]
    worker: str
    wait: Callable[[float], None] = time.sleep
    templates: TemplateBook | None = None
    """None: no vendor is asked for its templates."""

    def deliver(self, delivery_id: UUID) -> Delivered | None:
        """Run one attempt; None when the delivery is not due, or somebody else has it."""
        lease = Lease(uuid4().hex, self.clock(), self.settings.lease_seconds)
        with by_statement(self.engine).begin() as connection:
            row = attempting.claim(connection, delivery_id, lease)
        if row is None:
            return None
        with self._span(row) as part:
            delivered = _Attempt(self, row, lease).run()
            if delivered is not None:
                _noted(part, delivered)
            return delivered

    def _span(self, row: Row[Any]) -> tracing.Span:
        """Go on with the event's trace; another attempt says which one it follows."""
        within = after = None
        if tracing.is_on():
            with by_statement(self.engine).begin() as connection:
                found = attempting.traces_of(connection, row)
            within, after = found.event, found.attempt
        return tracing.span(
            "deliver", within=within, after=after, event_id=row.event_id, delivery_id=row.id, rule=row.rule,
            action=row.action, account=row.account, attempt=row.attempts,
        )  # fmt: skip


class _Attempt:
    """One try of one delivery."""

    def __init__(self, deliverer: Deliverer, row: Row[Any], lease: Lease) -> None:
        self._of, self._row, self._lease = deliverer, row, lease
        self._ready = Preparation(deliverer, row, lease.since)
        self._bug: Exception | None = None
        self._error: WorkerError | None = None
        self._about: tuple[str | None, str | None] = (None, None)
        self._wishes: Wishes | None = None

    def run(self) -> Delivered | None:
        outcome = NOTHING
        try:
            call, action = self._ready.make()
            admission = Admission(
                self._of, self._of.wait, self._of.templates, self._row, self._ready.step, call, action
            )
            self._about, self._wishes = admission.about, admission.wishes
            if deferral := admission.ask(self._lease.owner):
                return self._delivered(_as_conclusion(deferral, self._row), deferred=True)
            call, left_out = admission.to_who_wants_it()
            if not self._announce():
                return self._not_sent()
            outcome = action.run(call)
            if left_out:
                outcome = replace(outcome, result=outcome.result | {"left_out": left_out})
            sent = message_of(self._row, outcome, self._about[0], self._of.clock())
            conclusion = accepted(self._ready.step, sent, outcome, self._of.clock())
        except SQLAlchemyError:
            raise  # the ledger is away, nothing was sent: the lease runs out, and a sweep lets another attempt begin
        except SuppressedError as error:
            conclusion = error.conclusion
        except Exception as error:  # noqa: BLE001 - what is not foreseen is a bug, and has to end in a visible state
            conclusion = self._failed(error)
        what, woken = self._record(conclusion, outcome)
        wakes = self._followed_up(what.conclusion)
        return self._delivered(
            what.conclusion, woken_events=(*woken, *what.told), woken=wakes, opened=what.opened, closed=what.closed
        )

    def _followed_up(self, conclusion: Conclusion) -> tuple[Wake, ...]:
        """Let those go on that waited for this one; what fails here a sweep does."""
        row, has_ended = self._row, conclusion.state in ENDS
        if not row.has_line and not (row.has_followers and has_ended):
            return ()
        now = self._of.clock()
        with suppress(SQLAlchemyError), self._of.engine.begin() as connection:
            wakes = deliveries.next_in_line(connection, row, now) if row.has_line else []
            if row.has_followers and has_ended:
                follower = Follower(self._of.config, self._of.settings.rewake_seconds)
                wakes += follower.follow(connection, row.id, now)
            return tuple(wakes)
        return ()

    def _delivered(self, conclusion: Conclusion, **more: Any) -> Delivered:
        row = self._row
        return Delivered(
            id=row.id, event_id=row.event_id, rule=row.rule, action=row.action, account=row.account,
            attempt=row.attempts, conclusion=conclusion, bug=self._bug, **more,
        )  # fmt: skip

    def _announce(self) -> bool:
        now = self._of.clock()
        lease = Lease(self._lease.owner, now, self._lease.seconds)
        question = taps.question_of(self._of.config, self._row, self._ready.step, self._about[0], now)
        engine = self._of.engine if question else by_statement(self._of.engine)
        with engine.begin() as connection:
            to = matching.person_to_match(self._row.action, self._about[0])
            is_ours = attempting.mark_sending(connection, self._row, lease, self._wishes, to)
            if is_ours and question:
                questions.ask(connection, question)
            return is_ours

    def _not_sent(self) -> Delivered | None:
        """Begin anew when more became known of the subject since it was looked at; None when the lease was lost."""
        row, now = self._row, self._of.clock()
        again = Deferral(now, Reason.OUTDATED, "more became known at the last moment", turn_at=row.turn_at)
        with by_statement(self._of.engine).begin() as connection:
            if attempting.defer(connection, row, self._lease.owner, again, now):
                wake = Wake(row.id, row.account)
                return self._delivered(_as_conclusion(again, row), deferred=True, woken=(wake,))
        log.warning("delivery.lease_lost", delivery_id=str(row.id), attempt=row.attempts)
        return None

    # After it was sent, or was not.

    def _failed(self, error: Exception) -> Conclusion:
        row = self._row
        action = self._of.actions.get(row.action)
        if not isinstance(error, WorkerError):
            self._bug = error
            what = f"{type(error).__name__}, a fault of Hookyard: the log has its trace"
            # Without the exception's text: it may hold what the event or the answer said of a person.
            trace = "".join(traceback.format_tb(error.__traceback__))
            log.error(
                "delivery.bug", delivery_id=str(row.id), action=row.action, error=type(error).__name__, trace=trace
            )
            sent = self._ready.has_sent and row.rule != COMPLETION_RULE
            error = UncertainError(Reason.BUG, what) if sent else PermanentError(Reason.BUG, what)
        self._error = error
        decision = decide(
            error, row.attempts - row.series_start, self._of.clock(),
            idempotent=is_repeatable(row, action) and self._bug is None, draw=self._of.draw,
            policy=policy_of(self._ready.step, row.series_at),
        )  # fmt: skip
        said = mask_message(self._ready.masked(str(error)))
        settle_at = first_look(decision.state, action, self._of.clock())
        return Conclusion(decision.state, decision.reason, said, decision.due_at, settle_at=settle_at)

    def _record(self, conclusion: Conclusion, outcome: Outcome) -> tuple[Consequences, tuple[UUID, ...]]:
        """Write the attempt down, however long the ledger is away: what was sent cannot be sent again to find out."""
        record = AttemptRecord(
            delivery_id=self._row.id, number=self._row.attempts, started_at=self._lease.since,
            finished_at=self._of.clock(), worker=self._of.worker,
            exchanges=self._ready.masked(self._ready.exchanges, outcome), trace=tracing.here(),
        )  # fmt: skip
        recipient, template = self._about
        ended = Ended(self._row, conclusion, self._error, recipient, template, answered=self._ready.has_sent)
        alone = not outcome.patches and self._row.rule != COMPLETION_RULE and conclusion.sent is None
        is_all = alone and not ended.concerns_others
        engine = by_statement(self._of.engine) if is_all else self._of.engine
        give_up_at, pause = time.monotonic() + RECORDING_PATIENCE_SECONDS, 0.2
        while True:
            try:
                with engine.begin() as connection:
                    return self._conclude(connection, record, ended, outcome)
            except SQLAlchemyError as error:
                if not is_away(error) or time.monotonic() >= give_up_at:
                    raise
                log.warning("delivery.record_delayed", delivery_id=str(self._row.id))
                time.sleep(pause)
                pause = min(pause * 2, 5.0)

    def _conclude(
        self, connection: Connection, record: AttemptRecord, ended: Ended, outcome: Outcome
    ) -> tuple[Consequences, tuple[UUID, ...]]:
        row, now = self._row, record.finished_at
        what = consequences.follow(connection, ended, now) if ended.concerns_others else Consequences(ended.conclusion)
        conclusion = what.conclusion
        settled = attempting.conclude(connection, record, self._lease.owner, conclusion)
        if not settled:
            log.warning("delivery.result_late", delivery_id=str(row.id), attempt=row.attempts, state=conclusion.state)
        if settled and conclusion.sent:
            what = replace(
                what, conclusion=receipts.look_back(connection, self._of.config, conclusion, self._lease.since, now)
            )
        if settled and conclusion.state is DeliveryState.UNKNOWN:
            ended_as = receipts.look_back_at_unknown(
                connection, self._of.config, row, conclusion, self._lease.since, now
            )
            what = replace(what, conclusion=ended_as)
        woken = completing.take_in(connection, row.account, outcome.patches, now)
        if row.rule == COMPLETION_RULE:
            if conclusion.state in {DeliveryState.SUCCEEDED, DeliveryState.SUPPRESSED}:
                woken += completing.wake_after_completion(connection, row.event_id, now)
            elif conclusion.state == DeliveryState.DEAD and settled:
                completing.give_up(connection, row.event_id, f"{row.action}: {conclusion.error}", now)
        return what, tuple(woken)


def _noted(part: tracing.Span, delivered: Delivered) -> None:
    done = delivered.conclusion
    part.note(state=done.state, reason=done.reason)
    if done.reason and not done.is_success and not delivered.deferred:
        part.fail(done.reason)


def _as_conclusion(deferral: Deferral, row: Row[Any]) -> Conclusion:
    state = DeliveryState.RETRYING if row.attempts > 1 else DeliveryState.WAITING
    return Conclusion(state, deferral.reason, deferral.error, deferral.due_at)


def message_of(row: Row[Any], outcome: Outcome, recipient: str | None, now: datetime) -> Sent | None:
    """Return the message that an action sent; None when it sent none, or none whose id will be known."""
    message_id = outcome.result.get("message_id")
    if message_id is None and matching.person_to_match(row.action, recipient):
        message_id = matching.unmatched(row.id, row.attempts)
    if not recipient or not isinstance(message_id, str):
        return None
    return Sent(row.account, message_id, row.id, person_key(recipient), now)


def lease_ran_out(
    row: Row[Any], step: Step | None, action: Action | None, now: datetime, draw: Callable[[], float]
) -> Conclusion:
    """Decide what follows when whoever held a delivery has not come back."""
    if row.sending_at is None:
        error: WorkerError = WorkerError(Reason.LEASE_EXPIRED, "the worker was lost before anything was sent")
    else:
        error = UncertainError(Reason.LEASE_EXPIRED, "the worker was lost while sending: it may have happened")
    idempotent = is_repeatable(row, action)
    policy, attempt = policy_of(step, row.series_at), row.attempts - row.series_start
    decision = decide(error, attempt, now, idempotent=idempotent, draw=draw, policy=policy)
    settle_at = first_look(decision.state, action, now)
    return Conclusion(decision.state, decision.reason, str(error), decision.due_at, settle_at=settle_at)


def first_look(state: DeliveryState, action: Action | None, now: datetime) -> datetime | None:
    """Return when the vendor is first asked what became of an unknown outcome; None where it cannot be asked."""
    if state is not DeliveryState.UNKNOWN or action is None or action.settle is None:
        return None
    return now + timedelta(seconds=PATIENCE_SECONDS[0])


def is_repeatable(row: Row[Any], action: Action | None) -> bool:
    """Whether doing a delivery twice does no harm: its action says so, or it is a read for our own sake."""
    return row.rule == COMPLETION_RULE or (action is not None and action.idempotent)
