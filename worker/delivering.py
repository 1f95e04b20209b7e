"""Deliver: claim, render, write down that it is about to be sent, send, record what came of it.

Invariant: between "about to send" and the record of the answer the ledger says `in_flight` with `sending_at`; whoever
finds it so after the lease ran out knows that the effect may have happened.
"""

import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import structlog
from pydantic import SecretStr, ValidationError
from sqlalchemy import Connection, Engine, Row
from sqlalchemy.exc import SQLAlchemyError

from config.accounts import Account
from config.expressions import ExpressionError
from config.load import Config
from config.rules import Rule, Step
from config.settings import Settings
from worker import completing, consequences
from worker.acting import Action, Call, Outcome, Session
from worker.clock import Clock
from worker.consequences import Consequences, Ended
from worker.context import Subject, expression_context, personal_texts, personal_values
from worker.errors import PermanentError, UncertainError, WorkerError
from worker.gating import Gate, Refusal
from worker.holding import Hold
from worker.ledger import deliveries, paces
from worker.ledger.database import by_statement, is_away
from worker.ledger.deliveries import AttemptRecord, Conclusion, Deferral, Lease
from worker.ledger.memory import Memory
from worker.ledger.storable import storable
from worker.limits import Allowed, allowed_for
from worker.masking import mask, mask_message
from worker.reading import Reader, Stored, Understanding, UnreadableError
from worker.retry import decide
from worker.routing import COMPLETION_RULE, effect_key, fact_about, read_stored, said_by
from worker.states import DeliveryState, Reason

RECORDING_PATIENCE_SECONDS = 120.0
# What has begun is ended rather than broken off for a limit, which the vendor would tell us.
MOST_WAIT_BETWEEN_SECONDS = 5.0
NOTHING = Outcome()
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
    opened: Hold | None = None
    """The account's circuit, when this attempt opened it."""
    closed: Hold | None = None
    deferred: bool = False
    """Nothing was tried: it was not its turn, or its person or template is held."""


class _SuppressedError(Exception):
    """This delivery is not wanted: `reason` says why."""

    def __init__(self, reason: Reason, duplicate_of: UUID | None = None, error: str | None = None) -> None:
        super().__init__(reason)
        self.conclusion = Conclusion(DeliveryState.SUPPRESSED, reason, error, duplicate_of=duplicate_of)


@dataclass(frozen=True)
class Deliverer:
    """Runs attempts of deliveries."""

    engine: Engine
    settings: Settings
    config: Config
    readers: Mapping[str, Reader]
    actions: Mapping[str, Action]
    open_session: Callable[[str, Account], Session]
    clock: Clock
    draw: Callable[[], float]
    worker: str
    wait: Callable[[float], None] = time.sleep

    def deliver(self, delivery_id: UUID) -> Delivered | None:
        """Run one attempt; None when the delivery is not due, or somebody else has it."""
        lease = Lease(uuid4().hex, self.clock(), self.settings.lease_seconds)
        with by_statement(self.engine).begin() as connection:
            row = deliveries.claim(connection, delivery_id, lease)
        return None if row is None else _Attempt(self, row, lease).run()


class _Attempt:
    """One try of one delivery."""

    def __init__(self, deliverer: Deliverer, row: Row[Any], lease: Lease) -> None:
        self._of, self._row, self._lease = deliverer, row, lease
        self._session: Session | None = None
        self._context: dict[str, Any] | None = None
        self._bug: Exception | None = None
        self._error: WorkerError | None = None
        self._about: tuple[str | None, str | None] = (None, None)

    def run(self) -> Delivered | None:
        outcome = NOTHING
        try:
            call, action = self._prepare()
            if deferral := self._gated(call, action):
                return self._delivered(_as_conclusion(deferral, self._row), deferred=True)
            if not self._announce():
                log.warning("delivery.lease_lost", delivery_id=str(self._row.id), attempt=self._row.attempts)
                return None
            outcome = action.run(call)
            conclusion = Conclusion(DeliveryState.SUCCEEDED, result=storable(outcome.result))
        except SQLAlchemyError:
            raise  # the ledger is away, nothing was sent: the lease runs out, and a sweep lets another attempt begin
        except _SuppressedError as error:
            conclusion = error.conclusion
        except Exception as error:  # noqa: BLE001 - what is not foreseen is a bug, and has to end in a visible state
            conclusion = self._failed(error)
        what, woken = self._record(conclusion, outcome)
        return self._delivered(what.conclusion, woken_events=woken, opened=what.opened, closed=what.closed)

    def _delivered(self, conclusion: Conclusion, **more: Any) -> Delivered:
        row = self._row
        return Delivered(
            id=row.id, event_id=row.event_id, rule=row.rule, action=row.action, account=row.account,
            attempt=row.attempts, conclusion=conclusion, bug=self._bug, **more,
        )  # fmt: skip

    # Before anything is sent.

    def _prepare(self) -> tuple[Call, Action]:
        row, of = self._row, self._of
        action, account = of.actions.get(row.action), of.config.accounts.get(row.account)
        if action is None:
            raise PermanentError(Reason.RULE_MISSING, f'there is no action "{row.action}" any more')
        if account is None:
            raise PermanentError(Reason.RULE_MISSING, f'there is no account "{row.account}" any more')
        given = self._given_parameters()
        country = of.config.country(row.account)
        try:
            parameters = action.parameters.model_validate(given, context={"country": country})
        except ValidationError as error:
            raise PermanentError(Reason.INVALID_PARAMETERS, _fields_of(error)) from None
        self._session = of.open_session(row.account, account)
        memory = Memory(of.engine, row.account, of.clock)
        return Call(row.account, account, country, parameters, self._session, memory, str(row.id)), action

    def _given_parameters(self) -> dict[str, Any]:
        if self._row.rule == COMPLETION_RULE:
            if self._row.complete:
                raise _SuppressedError(Reason.NOT_NEEDED)
            return dict(self._row.parameters)
        rule, step = self._rule_and_step()
        what = self._read_again()
        self._context = context = self._expression_context(what)
        try:
            if self._row.effect_key is None:
                self._ask_again(rule, step, context, what)
            return step.render(context)
        except ExpressionError as error:
            raise PermanentError(Reason.EXPRESSION, f"{rule.where}: step {step.id}: {error}") from None

    def _rule_and_step(self) -> tuple[Rule, Step]:
        rule = self._of.config.rule(self._row.rule)
        step = rule.step(self._row.step) if rule else None
        if rule is None or step is None:
            what = f'the rule "{self._row.rule}" with a step "{self._row.step}" is not configured any more'
            raise PermanentError(Reason.RULE_MISSING, what)
        if step.action != self._row.action:
            raise PermanentError(Reason.RULE_MISSING, f'{rule.where}: step "{step.id}" is now {step.action}')
        return rule, step

    def _read_again(self) -> Understanding:
        row = self._row
        stored = Stored(
            account=row.event_account, type=row.stored_type, body=row.body or b"", content_type=row.content_type,
            query=row.query, headers=row.headers or {}, trigger=row.trigger, received_at=row.received_at,
            part=row.part,
        )  # fmt: skip
        try:
            return read_stored(self._of.config, self._of.readers, stored)
        except UnreadableError as error:
            raise PermanentError(Reason.UNREADABLE_EVENT, str(error)) from None

    def _expression_context(self, what: Understanding) -> dict[str, Any]:
        row = self._row
        event = {
            "id": str(row.event_id), "type": row.event_type, "account": row.event_account,
            "occurred_at": row.occurred_at, "received_at": row.received_at,
        }  # fmt: skip
        subject = Subject(row.subject_account, row.subject)
        return expression_context(event, what.data, subject, row.snapshot or {}, self._lease.since)

    def _ask_again(self, rule: Rule, step: Step, context: dict[str, Any], what: Understanding) -> None:
        """Ask what could not be asked when the event was routed: the condition, and the effect's name."""
        if rule.condition and not rule.condition(context):
            raise _SuppressedError(Reason.NOT_NEEDED)
        row = self._row
        about = said_by(row.event_account, row.event_id, what)
        if row.is_fact:
            about = fact_about(row.subject_account, row.event_type, row.dedupe_key)
        effect = effect_key(rule, step, about, context)
        while True:
            with self._of.engine.begin() as connection:
                if deliveries.take_effect(connection, row.id, effect):
                    return
                holder = deliveries.holder_of_effect(connection, effect)
            if holder:
                raise _SuppressedError(Reason.DUPLICATE_EFFECT, holder)
            # It died between the two looks, so the effect is free.

    def _gated(self, call: Call, action: Action) -> Deferral | None:
        """Wait for the moment to send; put back what would wait long. Raises when it is not sent at all."""
        row, now = self._row, self._of.clock()
        self._about = action.recipient(call.parameters), action.template(call.parameters)
        limits = self._of.config.limits_of(row.account)
        if allowed := allowed_for(limits, row.slowing):
            call.session.before_request = lambda: self._wait_for_next(allowed)
        gate = Gate(row, limits, *self._about)
        if gate.is_open:
            return None
        with self._of.engine.begin() as connection:
            found = gate.ask(connection, now)
            if isinstance(found, Deferral):
                deliveries.defer(connection, row, self._lease.owner, found, now)
        if isinstance(found, Deferral):
            return found
        if isinstance(found, Refusal):
            if found.state is DeliveryState.SUPPRESSED:
                raise _SuppressedError(found.reason, error=found.error)
            raise PermanentError(found.reason, found.error)
        self._of.wait((found - now).total_seconds())
        return None

    def _wait_for_next(self, allowed: Allowed) -> None:
        """Keep to the limits with a further request; the gate has reserved the moment of the first."""
        if self._session is None or not self._session.exchanges:
            return
        now = self._of.clock()
        at = now
        with suppress(SQLAlchemyError), self._of.engine.begin() as connection:
            at = paces.reserve_next(connection, self._row.account, allowed, now)
        self._of.wait(min(MOST_WAIT_BETWEEN_SECONDS, (at - now).total_seconds()))

    def _announce(self) -> bool:
        now = self._of.clock()
        lease = Lease(self._lease.owner, now, self._lease.seconds)
        with by_statement(self._of.engine).begin() as connection:
            return deliveries.mark_sending(connection, self._row.id, self._row.attempts, lease)

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
            sent = self._has_sent() and row.rule != COMPLETION_RULE
            error = UncertainError(Reason.BUG, what) if sent else PermanentError(Reason.BUG, what)
        self._error = error
        decision = decide(
            error, row.attempts - row.series_start, self._of.clock(),
            idempotent=is_repeatable(row, action) and self._bug is None, draw=self._of.draw,
        )  # fmt: skip
        return Conclusion(decision.state, decision.reason, mask_message(self._masked(str(error))), decision.due_at)

    def _record(self, conclusion: Conclusion, outcome: Outcome) -> tuple[Consequences, tuple[UUID, ...]]:
        """Write the attempt down, however long the ledger is away: what was sent cannot be sent again to find out."""
        record = AttemptRecord(
            delivery_id=self._row.id, number=self._row.attempts, started_at=self._lease.since,
            finished_at=self._of.clock(), worker=self._of.worker,
            exchanges=self._masked(self._session.exchanges if self._session else [], outcome),
        )  # fmt: skip
        recipient, template = self._about
        ended = Ended(self._row, conclusion, self._error, recipient, template, answered=self._has_sent())
        is_all = not outcome.patches and self._row.rule != COMPLETION_RULE and not ended.concerns_others
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

    def _has_sent(self) -> bool:
        return self._session is not None and self._session.sent

    def _conclude(
        self, connection: Connection, record: AttemptRecord, ended: Ended, outcome: Outcome
    ) -> tuple[Consequences, tuple[UUID, ...]]:
        row, now = self._row, record.finished_at
        what = consequences.follow(connection, ended, now) if ended.concerns_others else Consequences(ended.conclusion)
        conclusion = what.conclusion
        settled = deliveries.conclude(connection, record, self._lease.owner, conclusion)
        if not settled:
            log.warning("delivery.result_late", delivery_id=str(row.id), attempt=row.attempts, state=conclusion.state)
        woken = completing.take_in(connection, row.account, outcome.patches, now)
        if row.rule == COMPLETION_RULE:
            if conclusion.state in {DeliveryState.SUCCEEDED, DeliveryState.SUPPRESSED}:
                woken += completing.wake_after_completion(connection, row.event_id, now)
            elif conclusion.state == DeliveryState.DEAD and settled:
                completing.give_up(connection, row.event_id, f"{row.action}: {conclusion.error}", now)
        return what, tuple(woken)

    def _masked(self, value: Any, outcome: Outcome = NOTHING) -> Any:
        personal = personal_values(self._context) if self._context else set()
        for patch in outcome.patches:
            personal |= personal_texts(patch.values)
        return mask(value, personal, _secrets_of(self._of.config.accounts.get(self._row.account)))


def _as_conclusion(deferral: Deferral, row: Row[Any]) -> Conclusion:
    state = DeliveryState.RETRYING if row.attempts > 1 else DeliveryState.WAITING
    return Conclusion(state, deferral.reason, deferral.error, deferral.due_at)


def _secrets_of(account: Account | None) -> list[str]:
    values = vars(account).values() if account else ()
    return [value.get_secret_value() for value in values if isinstance(value, SecretStr)]


def _fields_of(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, detail['loc'])) or 'parameters'}: {detail['msg'].removeprefix('Value error, ')}"
        for detail in error.errors(include_input=False, include_url=False, include_context=False)
    )


def lease_ran_out(row: Row[Any], action: Action | None, now: datetime, draw: Callable[[], float]) -> Conclusion:
    """Decide what follows when whoever held a delivery has not come back."""
    if row.sending_at is None:
        error: WorkerError = WorkerError(Reason.LEASE_EXPIRED, "the worker was lost before anything was sent")
    else:
        error = UncertainError(Reason.LEASE_EXPIRED, "the worker was lost while sending: it may have happened")
    idempotent = is_repeatable(row, action)
    decision = decide(error, row.attempts - row.series_start, now, idempotent=idempotent, draw=draw)
    return Conclusion(decision.state, decision.reason, str(error), decision.due_at)


def is_repeatable(row: Row[Any], action: Action | None) -> bool:
    """Whether doing a delivery twice does no harm: its action says so, or it is a read for our own sake."""
    return row.rule == COMPLETION_RULE or (action is not None and action.idempotent)
