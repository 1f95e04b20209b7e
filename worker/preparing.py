"""Make a delivery ready: read its event again, render its step, check its parameters, open the way to its account.

Invariant: preparing sends nothing, and what it says of a person leaves only inside the call.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import SecretStr, ValidationError
from sqlalchemy import Engine, Row

from config.accounts import Account
from config.expressions import ExpressionError
from config.faults import field_of
from config.load import Config
from config.rules import Rule, Step
from worker.acting import Action, Call, Outcome, Session
from worker.asking import fact_about, said_by
from worker.clock import Clock
from worker.context import Subject, by_step, expression_context, personal_texts, personal_values, subject_beside
from worker.errors import PermanentError
from worker.ledger import deliveries, happened, plans, subjects
from worker.ledger.attempting import Conclusion
from worker.ledger.database import by_statement
from worker.ledger.memory import Memory
from worker.masking import mask
from worker.planning import effect_key, with_element
from worker.reading import Reader, Stored, Understanding, UnreadableError
from worker.routing import COMPLETION_RULE, read_stored
from worker.states import DeliveryState, Reason

NOTHING = Outcome()


class SuppressedError(Exception):
    """This delivery is not wanted: `reason` says why."""

    def __init__(self, reason: Reason, duplicate_of: UUID | None = None, error: str | None = None) -> None:
        super().__init__(reason)
        state = DeliveryState.CANCELLED if reason is Reason.OVERTAKEN else DeliveryState.SUPPRESSED
        self.conclusion = Conclusion(state, reason, error, duplicate_of=duplicate_of)


@dataclass(frozen=True)
class Workshop:
    """What deliveries are made ready with."""

    engine: Engine
    config: Config
    readers: Mapping[str, Reader]
    actions: Mapping[str, Action]
    open_session: Callable[[str, Account], Session]
    clock: Clock


class Preparation:
    """One delivery on its way to the vendor; it remembers what has to be masked in whatever is written down of it."""

    def __init__(self, workshop: Workshop, row: Row[Any], now: datetime) -> None:
        self._of, self._row, self._now = workshop, row, now
        self._context: dict[str, Any] | None = None
        self.session: Session | None = None
        self.step: Step | None = None
        """What the rule says of this delivery; none of a read for our own sake."""

    @property
    def has_sent(self) -> bool:
        """Whether a request may have reached the vendor."""
        return self.session is not None and self.session.sent

    @property
    def exchanges(self) -> list[dict[str, Any]]:
        """Requests and answers so far, unmasked."""
        return self.session.exchanges if self.session else []

    def make(self, *, ask_again: bool = True) -> tuple[Call, Action]:
        """Return the call and its action; raises PermanentError, or SuppressedError when it is not wanted any more.

        Without `ask_again` only what was wanted is made again, whether or not it still is.
        """
        row, of = self._row, self._of
        action, account = of.actions.get(row.action), of.config.accounts.get(row.account)
        if action is None:
            raise PermanentError(Reason.RULE_MISSING, f'there is no action "{row.action}" any more')
        if account is None:
            raise PermanentError(Reason.RULE_MISSING, f'there is no account "{row.account}" any more')
        given = self._given_parameters(ask_again=ask_again)
        country = of.config.country(row.account)
        try:
            parameters = action.parameters.model_validate(given, context={"country": country})
        except ValidationError as error:
            raise PermanentError(Reason.INVALID_PARAMETERS, _fields_of(error, given)) from None
        self.session = session = of.open_session(row.account, account)
        memory = Memory(of.engine, row.account, of.clock)
        return Call(row.account, account, country, parameters, session, memory, str(row.id)), action

    def _given_parameters(self, *, ask_again: bool) -> dict[str, Any]:
        if self._row.rule == COMPLETION_RULE:
            if self._row.complete and ask_again:
                raise SuppressedError(Reason.NOT_NEEDED)
            return dict(self._row.parameters)
        rule = self._rule()
        what = self._read_again()
        self._context = context = self._expression_context(what)
        try:
            self.step = step = self._step(rule, context)
            context = self._context = self._with_own_names(rule, step, context)
            if ask_again:
                self._ask_once_more(rule, step, context, what)
            return step.render(context)
        except ExpressionError as error:
            raise PermanentError(Reason.EXPRESSION, f"{rule.where}: step {self._row.step}: {error}") from None

    def _with_own_names(self, rule: Rule, step: Step, context: dict[str, Any]) -> dict[str, Any]:
        """Add the rule's own values, the element of a list, and what the steps before brought."""
        row, found = self._row, dict(with_element(step, self._row.step, rule.with_names(context)))
        if row.needs:
            with by_statement(self._of.engine).connect() as connection:
                found["steps"] = by_step(deliveries.results_of(connection, row.event_id, row.rule, row.needs))
        return found

    def _ask_once_more(self, rule: Rule, step: Step, context: dict[str, Any], what: Understanding) -> None:
        """Ask what has to be so at the moment of sending."""
        if context["order"]["is_probably_spam"] and not self._row.event_type.endswith(".spam_created"):
            raise SuppressedError(Reason.SPAM, error="the order is probably spam")
        if step.unless is not None and step.unless(context):
            raise SuppressedError(Reason.NOT_NEEDED, error="what `unless` says is so by now")
        if step.cancel_on and (found := self._overtaken_by(step)):
            raise SuppressedError(Reason.OVERTAKEN, error=f"{found} happened")
        if self._row.effect_key is None:
            self._ask_again(rule, step, context, what)

    def _overtaken_by(self, step: Step) -> str | None:
        """Return what happened of that which cancels a step, also while it was in flight and could not be cancelled."""
        row = self._row
        if row.event_subject is None:
            return None
        given = row.event_subject_account, row.event_subject, row.occurred_at, row.event_id
        with by_statement(self._of.engine).connect() as connection:
            known = happened.types_since(connection, *given)
        return next((type_ for type_ in known if step.is_cancelled_by(type_)), None)

    def _rule(self) -> Rule:
        rule = self._of.config.rule(self._row.rule)
        if rule is None:
            raise PermanentError(Reason.RULE_MISSING, f'the rule "{self._row.rule}" is not configured any more')
        return rule

    def _step(self, rule: Rule, context: dict[str, Any]) -> Step:
        step = rule.step(self._row.step, context)
        if step is None and rule.plan is not None:
            raise SuppressedError(Reason.NOT_NEEDED, error="the rule does not give this step any more")
        if step is None:
            what = f'the rule "{self._row.rule}" with a step "{self._row.step}" is not configured any more'
            raise PermanentError(Reason.RULE_MISSING, what)
        if step.action != self._row.action:
            raise PermanentError(Reason.RULE_MISSING, f'{rule.where}: step "{step.id}" is now {step.action}')
        return step

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
        subject = Subject(row.event_subject_account, row.event_subject)
        snapshot = row.snapshot or {}
        beside = self._beside(subject, snapshot)
        return expression_context(event, what.data, subject, snapshot, self._now, beside, row.event_tap)

    def _beside(self, subject: Subject, snapshot: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        other = subject_beside(subject, snapshot)
        if other is None or other.key is None:
            return {}
        with by_statement(self._of.engine).connect() as connection:
            known = subjects.read_snapshot(connection, other.account, other.key)
        return {other.key.partition(":")[0]: known.values}

    def _ask_again(self, rule: Rule, step: Step, context: dict[str, Any], what: Understanding) -> None:
        """Ask what could not be asked when the event was routed: the condition, and the effect's name."""
        if not rule.applies(context):
            raise SuppressedError(Reason.NOT_NEEDED)
        row = self._row
        about = said_by(row.event_account, row.event_id, what)
        if row.is_fact:
            about = fact_about(row.event_subject_account, row.event_type, row.dedupe_key)
        effect = effect_key(rule, replace(step, id=row.step), about, context)
        while True:
            with self._of.engine.begin() as connection:
                if plans.take_effect(connection, row.id, effect):
                    return
                holder = plans.holder_of_effect(connection, effect)
            if holder:
                raise SuppressedError(Reason.DUPLICATE_EFFECT, holder)
            # It died between the two looks, so the effect is free.

    def masked(self, value: Any, outcome: Outcome = NOTHING) -> Any:
        """Return a value without what tells who somebody is, and without secrets."""
        personal = personal_values(self._context) if self._context else set()
        for patch in outcome.patches:
            personal |= personal_texts(patch.values)
        return mask(value, personal, _secrets_of(self._of.config.accounts.get(self._row.account)))


def _secrets_of(account: Account | None) -> list[str]:
    values = vars(account).values() if account else ()
    return [value.get_secret_value() for value in values if isinstance(value, SecretStr)]


def _fields_of(error: ValidationError, given: Mapping[str, Any]) -> str:
    return "; ".join(
        f"{field_of(given, detail)}: {detail['msg'].removeprefix('Value error, ')}"
        for detail in error.errors(include_input=False, include_url=False, include_context=False)
    )
