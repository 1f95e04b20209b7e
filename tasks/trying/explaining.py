"""Why each rule did, or did not, want something from one event, with the values it saw.

Invariant: nothing is written, and what is returned tells nobody's name, number or secret.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import Connection, Row, select

from config.expressions import Expression, ExpressionError, paths_in
from config.load import Config
from config.rules import Rule, Step
from tasks.trying.reading import READERS
from tasks.trying.rendering import Rendered, context_of_step, render, with_results
from tasks.trying.world import Told, Wanted
from worker.asking import context_of, derived, said_by, wanted_by, with_verdict
from worker.context import Subject, personal_values
from worker.holding import Hold, person_key
from worker.ledger import happened, holds, plans, queries, subjects
from worker.ledger.tables import deliveries
from worker.masking import mask, mask_message
from worker.planning import Happening
from worker.reading import Stored, UnreadableError
from worker.routing import read_stored
from worker.snapshots import Snapshot
from worker.states import EventState, Handling, HoldKind


class NoSuchEventError(LookupError):
    """There is no such event, or it cannot be read; the text says which."""


@dataclass(frozen=True)
class Explainer:
    """Explains events of a ledger by rules."""

    connection: Connection
    config: Config
    now: datetime

    def explain(self, wanted: UUID) -> dict[str, Any]:
        """Return what every rule says to an event, fact, or delivery's event; raises NoSuchEventError."""
        row = self._event(wanted)
        told = self._told(row)
        recorded = {(fact.type, fact.subject): fact.id for fact in queries.facts_of(self.connection, row.id)}
        found = self._explained(told, recorded, was_routed=row.state == EventState.PROCESSED)
        found["event"] |= {"state": row.state, "occurred_at": row.occurred_at, "note": row.note}
        return found

    def explain_told(self, told: Told) -> dict[str, Any]:
        """Return what every rule would say to an event that never came in."""
        return self._explained(told, {}, was_routed=False)

    def _explained(
        self, told: Told, recorded: Mapping[tuple[str, str | None], UUID], *, was_routed: bool
    ) -> dict[str, Any]:
        snapshot = self._snapshot(told)
        happenings = self._happenings(told, snapshot, recorded, was_routed=was_routed)
        notes = ["on purpose nothing follows from such an event"] if told.what.handling is Handling.IGNORED else []
        if told.what.completion and not snapshot.complete:
            notes.append(f"{told.what.completion.action} would be asked first for what it leaves out")
        return {
            "event": {
                "id": told.id, "type": told.what.type, "account": told.stored.account, "subject": told.subject.key,
                "state": None, "occurred_at": told.what.occurred_at, "received_at": told.stored.received_at,
                "note": None,
            },
            "happened": [happening.type for happening in happenings],
            "notes": notes,
            "rules": [self._rule(rule, told, happenings) for rule in self.config.rules],
        }  # fmt: skip

    def _event(self, wanted: UUID) -> Row[Any]:
        delivery = queries.get_delivery(self.connection, wanted)
        row = queries.get_event(self.connection, delivery.event_id if delivery else wanted)
        if row is not None and row.parent_id is not None and row.part is None:
            row = queries.get_event(self.connection, row.parent_id)
        if row is None:
            raise NoSuchEventError(f"there is no event or delivery {wanted}")
        return row

    def _told(self, row: Row[Any]) -> Told:
        stored = Stored(
            account=row.account, type=row.type, body=queries.body_of(self.connection, row) or b"",
            content_type=row.content_type, query=row.query, headers=row.headers or {}, trigger=row.trigger,
            received_at=row.received_at, part=row.part,
        )  # fmt: skip
        try:
            what = read_stored(self.config, READERS, stored)
        except UnreadableError as error:
            raise NoSuchEventError(f"event {row.id} cannot be read: {error}") from None
        found = Subject(row.subject_account, row.subject) if row.subject else Subject(row.account, what.subject)
        return Told(row.id, stored, what, found, tap=row.tap)

    def _snapshot(self, told: Told) -> Snapshot:
        """Return what is known of its subject by now, with what the event says."""
        subject = told.subject
        if subject.key is None:
            return Snapshot()
        known = self._known(subject)
        for patch in told.what.patches:
            if subject == Subject(told.stored.account, patch.subject):
                known = known.merged(patch)
        return known

    def _known(self, subject: Subject) -> Snapshot:
        return subjects.read_snapshot(self.connection, subject.account, str(subject.key))

    @staticmethod
    def _happenings(
        told: Told, snapshot: Snapshot, recorded: Mapping[tuple[str, str | None], UUID], *, was_routed: bool
    ) -> list[Happening]:
        """Return the event and its facts: those it led to, or, when it was not routed, would lead to."""
        what, account = told.what, told.stored.account
        about = said_by(account, told.id, what)
        found = [Happening(told.id, what.type, account, about, told.subject, what.occurred_at)]
        for fact in derived(what, told.subject, snapshot):
            fact_id = recorded.get((fact.type, fact.subject.key))
            if fact_id or not was_routed:
                found.append(fact.happening(fact_id or told.id, what.occurred_at))
        return found

    # One rule.

    def _rule(self, rule: Rule, told: Told, happenings: Sequence[Happening]) -> dict[str, Any]:
        said: dict[str, Any] = {"rule": rule.name, "where": rule.where, "matched": False, "on": None}
        listened = [one for one in happenings if rule.listens_to(one.type, one.account)]
        if not listened:
            return said | {"why": _not_listening(rule, happenings)}
        answers = [self._answer(rule, told, happening) for happening in listened]
        best = next((answer for answer in answers if answer["matched"]), answers[0])
        return said | best

    def _answer(self, rule: Rule, told: Told, happening: Happening) -> dict[str, Any]:
        context = self._context(told, happening)
        masked = Masked(self.config, context)
        said: dict[str, Any] = {"on": happening.type, "saw": masked.seen(rule, context)}
        try:
            matched = rule.applies(context)
        except ExpressionError as error:
            return said | {"matched": False, "why": f"`when` cannot be asked: {masked.text(str(error))}"}
        if not matched:
            return said | {"matched": False, "why": "`when` does not hold"}
        why = "`when` holds" if rule.condition else "it listens to that, and has no `when`"
        steps = [self._step(wanted, context, masked) for wanted in self._wanted(rule, told, happening, context)]
        return said | {"matched": True, "why": why, "steps": steps}

    def _context(self, told: Told, happening: Happening) -> dict[str, Any]:
        known = self._snapshot(told) if happening.subject == told.subject else self._known(happening.subject)
        tap = told.tap if happening.id == told.id else None
        return context_of(happening, told.what.data, _moments(told), known, self.now, tap)

    def _wanted(self, rule: Rule, told: Told, happening: Happening, context: dict[str, Any]) -> Iterator[Wanted]:
        def overtaken_by(step: Step) -> str | None:
            subject = happening.subject
            if subject.key is None:
                return None
            types = happened.types_since(self.connection, subject.account, subject.key, happening.occurred_at)
            return next((type_ for type_ in types if step.is_cancelled_by(type_)), None)

        for planned in wanted_by(rule, happening, context, self.now):
            judged = with_verdict(rule, planned, context, None, frozenset(), overtaken_by)
            tap = told.tap if happening.id == told.id else None
            yield Wanted(rule, judged, happening, told.what.data, _moments(told), told.id, tap)

    # One step.

    def _step(self, wanted: Wanted, context: dict[str, Any], masked: "Masked") -> dict[str, Any]:
        rendered = render(self.config, wanted, context)
        return {
            "step": rendered.step, "action": rendered.action, "account": rendered.account,
            "effect_key": masked.text(rendered.effect_key), "parameters": masked.value(rendered.parameters),
            "due_at": rendered.due_at, "needs": list(rendered.needs), "error": masked.text(rendered.error),
            "held_by": list(self._against(wanted, rendered, context, masked)),
        }  # fmt: skip

    def _against(self, wanted: Wanted, rendered: Rendered, context: dict[str, Any], masked: "Masked") -> Iterator[str]:
        """Yield everything that stands against sending it now."""
        recorded = plans.state_of(self.connection, wanted.planned)
        if recorded:
            [reason] = self.connection.execute(select(deliveries.c.reason).where(deliveries.c.id == recorded.id)).one()
            yield f"it is planned already: delivery {recorded.id} is {recorded.state}" + (f" ({reason})" * bool(reason))
        holder = plans.holder_of_effect(self.connection, rendered.effect_key) if rendered.effect_key else None
        if holder and (recorded is None or holder != recorded.id):
            yield f"delivery {holder} has the same effect"
        if rendered.needs:
            yield f"it waits for {', '.join(rendered.needs)}"
        if rendered.due_at > self.now:
            yield f"it is not due before {rendered.due_at.isoformat(timespec='seconds')}"
        if rendered.reason and rendered.error and not wanted.planned.failure and not rendered.is_sent:
            yield f"{rendered.state}: {masked.text(rendered.error)}"
        if rendered.is_quiet:
            yield "it would be due in quiet hours"
        yield from self._unless(wanted, context, masked)
        yield from self._holds(rendered)

    @staticmethod
    def _unless(wanted: Wanted, context: dict[str, Any], masked: "Masked") -> Iterator[str]:
        rule, planned = wanted.rule, wanted.planned
        try:
            step = rule.step(planned.step, context)
            if step is not None and step.unless is not None:
                own = with_results(context_of_step(rule, step, planned.step, context), planned.needs)
                if step.unless(own):
                    yield "what `unless` says is so now"
        except ExpressionError as error:
            yield f"`unless` cannot be asked: {masked.text(str(error))}"

    def _holds(self, rendered: Rendered) -> Iterator[str]:
        circuit = holds.read(self.connection, rendered.account, HoldKind.ACCOUNT)
        if circuit is not None and circuit.opened_at is not None:
            yield f"account {rendered.account} is held ({circuit.reason})"
        wanted = [(HoldKind.RECIPIENT, person_key(rendered.recipient))] if rendered.recipient else []
        wanted += [(HoldKind.TEMPLATE, rendered.template)] if rendered.template else []
        for hold in holds.all_of(self.connection, rendered.account, wanted) if wanted else ():
            if hold.applies(self.now):
                yield f"messages {_WHOSE[hold.kind]} are held ({hold.reason}){_until(hold)}"


_WHOSE = {HoldKind.RECIPIENT: "to this person", HoldKind.TEMPLATE: "made from this template"}


def _until(hold: Hold) -> str:
    return f" until {hold.until.isoformat(timespec='seconds')}" if hold.until else ""


def _moments(told: Told) -> dict[str, Any]:
    stored = told.stored
    return {"account": stored.account, "occurred_at": told.what.occurred_at, "received_at": stored.received_at}


def _not_listening(rule: Rule, happenings: Sequence[Happening]) -> str:
    if any(rule.listens_to(one.type, account) for one in happenings for account in rule.accounts or ()):
        return f"it is only about events of {', '.join(sorted(rule.accounts or ()))}"
    return f"it listens to {', '.join(rule.patterns)}"


class Masked:
    """Shows values of one context without what tells who somebody is, and without secrets."""

    def __init__(self, config: Config, context: dict[str, Any]) -> None:
        self._personal = personal_values(context)
        values = [value for account in config.accounts.values() for value in vars(account).values()]
        self._secrets = [value.get_secret_value() for value in values if isinstance(value, SecretStr)]

    def value(self, value: Any) -> Any:
        """Return a JSON-like value, masked."""
        return mask(value, self._personal, self._secrets)

    def text(self, text: str | None) -> str | None:
        """Return a text, masked."""
        return None if text is None else mask_message(str(self.value(text)))

    def seen(self, rule: Rule, context: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the condition asks for, and finds."""
        if not isinstance(rule.condition, Expression):
            return {}
        return {".".join(path): self._at(path, context) for path in paths_in(rule.condition.text)}

    def _at(self, path: Sequence[str], context: Any) -> Any:
        for name in path:
            if not isinstance(context, Mapping) or name not in context:
                return None
            context = context[name]
        shown = context.isoformat() if isinstance(context, datetime) else context
        return self.value({path[-1]: shown})[path[-1]]
