"""Route an event: read it, take in what it says, derive facts, ask the rules, plan deliveries; one transaction.

Invariant: routing the same event again plans nothing that is already planned, and every rule that cannot be asked
leaves a dead letter that says why.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, bindparam, select, text, update
from sqlalchemy.dialects.postgresql import insert

from config.load import Config
from config.rules import Step
from config.settings import Settings
from worker import completing, receipts, taps, tracing
from worker.asking import Derived, Unwanted, context_of, derived, said_by, wanted_by, why_unwanted, with_verdict
from worker.clock import Clock
from worker.context import Subject
from worker.echoes import Echo, echo_of
from worker.ids import new_id
from worker.ledger import deliveries, happened, plans, subjects
from worker.ledger.deliveries import DeadLetter, Wake
from worker.ledger.plans import Planned
from worker.ledger.tables import events
from worker.messaging import consent, facts, listening
from worker.planning import Happening
from worker.reading import Completion, Reader, Stored, Understanding, UnreadableError
from worker.snapshots import Merge, Snapshot
from worker.states import RECONCILED, DeliveryState, EventState, Handling, Reason

COMPLETION_RULE = "hookyard.complete"
"""The name under which a read of a vendor's API, for an event that leaves something out, is planned."""

# Made once: building a statement costs more than the database needs to run it.
_TAKE = (
    select(events)
    .where(events.c.id == bindparam("b_id"), events.c.state == EventState.RECEIVED)
    .with_for_update(skip_locked=True)
)
_BODY = select(events.c.body).where(events.c.id == bindparam("b_id"))
LATE = timedelta(minutes=2)
"""A webhook that comes later than this may have been overtaken by reconciling, which leaves them more time."""
TOLD_BEFORE = "told before by reconciling"
"""How the note of such an event begins."""
_RECONCILED = text(
    """
    SELECT id FROM events
    WHERE subject = :subject AND subject_account = :account AND type = :type AND trigger = 'reconciled'
    AND occurred_at >= :at ORDER BY id LIMIT 1
    """
)
_CONCLUDED = (
    "type", "handling", "occurred_at", "note", "subject", "subject_account", "state", "wake_at", "processed_at",
    "reason", "last_error", "chain", "tap",
)  # fmt: skip
_CONCLUDE = (
    update(events).where(events.c.id == bindparam("b_id")).values({name: bindparam(name) for name in _CONCLUDED})
)


@dataclass(frozen=True)
class Routed:
    """What routing led to: deliveries to wake, events that can go on now, and what is for a person to look at."""

    event_id: UUID
    type: str
    state: EventState
    deliveries: tuple[Wake, ...] = ()
    events: tuple[UUID, ...] = ()
    failure: tuple[Reason, str] | None = None
    """Why the event failed, and what is wrong in words."""
    dead: tuple[DeadLetter, ...] = ()
    """Deliveries that are dead from the start."""


@dataclass(frozen=True)
class Router:
    """Routes stored events by the configured rules."""

    settings: Settings
    config: Config
    readers: Mapping[str, Reader]
    """How each vendor's stored events are read."""
    clock: Clock

    def route(self, connection: Connection, event_id: UUID) -> Routed | None:
        """Route one event; None when it is not to be routed now, or somebody else is at it."""
        row = connection.execute(_TAKE, {"b_id": event_id}).one_or_none()
        if row is None:
            return None
        with tracing.span("route", within=row.trace, event_id=row.id, account=row.account) as part:
            routed = _Routing(self, connection, row).run()
            part.note(type=routed.type, state=routed.state, deliveries=len(routed.deliveries))
            if routed.failure:
                part.fail(routed.failure[0])
            return routed


def read_stored(config: Config, readers: Mapping[str, Reader], stored: Stored) -> Understanding:
    """Read a stored event with its vendor's reader; raises UnreadableError."""
    if stored.type in facts.FACTS:
        return consent.read_fact(stored)
    account = config.accounts.get(stored.account)
    if account is None:
        raise UnreadableError(f'there is no account "{stored.account}" any more')
    return readers[account.vendor](stored, account, config.country(stored.account))


class _Routing:
    """One event on its way through the rules, within one transaction."""

    def __init__(self, router: Router, connection: Connection, row: Row[Any]) -> None:
        self._router, self._config, self._settings = router, router.config, router.settings
        self._connection, self._row, self._now = connection, row, router.clock()
        self._changes: dict[str, Any] = {}
        self._subject = Subject(row.account, row.subject)
        self._woken: list[Wake] = []
        self._dead: list[DeadLetter] = []
        self._told: list[UUID] = []
        self._echo = Echo()

    def run(self) -> Routed:
        row = self._row
        body = row.body if row.parent_id is None else self._connection.scalar(_BODY, {"b_id": row.parent_id})
        stored = Stored(
            account=row.account, type=row.type, body=body or b"", content_type=row.content_type, query=row.query,
            headers=row.headers or {}, trigger=row.trigger, received_at=row.received_at, part=row.part,
        )  # fmt: skip
        try:
            what = read_stored(self._config, self._router.readers, stored)
        except UnreadableError as error:
            return self._fail(Reason.UNREADABLE_EVENT, str(error))
        return self._follow(what)

    def _follow(self, what: Understanding) -> Routed:
        self._subject = Subject(self._row.account, what.subject)
        completion, note = what.completion, None
        if what.order is not None:
            tap = taps.find(self._connection, self._config, self._row, what)
            completion, note = tap.completion, tap.note
            self._subject = tap.subject or self._subject
            self._changes["tap"] = tap.means
        if what.receipt is not None:
            taken = receipts.take_in(self._connection, self._config, self._row.account, what.receipt, self._now)
            self._dead += [taken.dead] if taken.dead else []
            self._told += taken.facts
        if what.heard is not None:
            words, at = self._config.business.consent, what.occurred_at
            self._told += listening.take_in(self._connection, words, self._row.account, what.heard, at, self._now)
        merges = {
            patch.subject: subjects.merge(self._connection, self._row.account, patch, self._now)
            for patch in what.patches
        }
        merged = {subject: merge.snapshot for subject, merge in merges.items()}
        snapshot = self._snapshot(merged)
        unwanted = self._unwanted(what, merges, snapshot)
        self._changes |= {
            "type": what.type, "handling": what.handling, "occurred_at": what.occurred_at, "note": note,
            "subject": self._subject.key, "subject_account": self._subject.account if self._subject.key else None,
        }  # fmt: skip
        if completion and not snapshot.complete and self._is_wanted(what):
            return self._wait_for(completion)
        about = said_by(self._row.account, self._row.id, what)
        happenings = [Happening(self._row.id, what.type, self._row.account, about, self._subject, what.occurred_at)]
        happenings += self._derive(what, snapshot)
        woken = self._wake_waiting() if snapshot.complete else ()
        event = {"account": self._row.account, "occurred_at": what.occurred_at, "received_at": self._row.received_at}
        asked = happenings if what.handling is not Handling.IGNORED else []
        if earlier := self._told_before(what):
            # What was asked of the vendor meanwhile told the same, or newer: only new facts can follow from it.
            asked = asked[1:]
            self._changes["note"] = f"{TOLD_BEFORE}, event {earlier}"
        for happening in asked:
            known = snapshot if happening.subject == self._subject else self._snapshot_of(happening.subject, merged)
            is_own = happening.id == self._row.id
            tapped = self._changes.get("tap") if is_own else None
            context = context_of(happening, what.data, event, known, self._now, tapped)
            self._cancel_waiting(happening)
            self._ask_rules(happening, context, unwanted if is_own else None)
        return self._conclude(EventState.PROCESSED, events=woken)

    def _told_before(self, what: Understanding) -> UUID | None:
        """Return the event by which reconciling told what this webhook, come late, tells now."""
        if self._subject.key is None or self._row.trigger == RECONCILED:
            return None
        if self._row.received_at - what.occurred_at < LATE:
            return None
        values = {"account": self._row.account, "subject": self._subject.key, "type": what.type, "at": what.occurred_at}
        found: UUID | None = self._connection.scalar(_RECONCILED, values)
        return found

    def _unwanted(self, what: Understanding, merges: Mapping[str, Merge], snapshot: Snapshot) -> Unwanted | None:
        """Say why nothing is to follow from this event, and write down which rules' own writes led to it."""
        own = merges.get(self._subject.key or "") if self._subject.account == self._row.account else None
        if self._subject.key is not None:
            is_new = own is None or own.changed
            self._echo = echo_of(self._connection, self._subject, self._now, says_something_new=is_new)
            self._changes["chain"] = list(self._echo.chain) or None
        return why_unwanted(what, own, snapshot)

    def _snapshot(self, merged: Mapping[str, Snapshot]) -> Snapshot:
        return Snapshot() if self._subject.key is None else self._snapshot_of(self._subject, merged)

    def _snapshot_of(self, subject: Subject, merged: Mapping[str, Snapshot]) -> Snapshot:
        key = str(subject.key)
        if subject.account == self._row.account and key in merged:
            return merged[key]
        return subjects.read_snapshot(self._connection, subject.account, key)

    def _accounts_of(self, vendor: str) -> list[str]:
        return [name for name, account in self._config.accounts.items() if account.vendor == vendor]

    def _is_wanted(self, what: Understanding) -> bool:
        """Whether any rule could follow, so that asking the vendor's API is worth it."""
        could = {what.type, *what.possible_facts}
        return any(rule.listens_to(type_, self._row.account) for rule in self._config.rules for type_ in could)

    def _wait_for(self, completion: Completion) -> Routed:
        """Plan the read that tells what this event leaves out, and let the event wait for it."""
        account = self._account_for(completion)
        if account is None:
            return self._fail(
                Reason.COMPLETION_FAILED, f"{completion.action} would tell the rest; no single account fits"
            )
        wanted = Planned(
            event_id=self._row.id, rule=COMPLETION_RULE, step=completion.action.partition(".")[2],
            action=completion.action, account=account, effect_key=None, parameters=completion.parameters,
            due_at=self._now + timedelta(seconds=self._settings.complete_after_seconds),
        )  # fmt: skip
        self._plan(wanted)
        done = plans.state_of(self._connection, wanted)
        if done and done.state == DeliveryState.SUCCEEDED:
            return self._fail(Reason.COMPLETION_FAILED, f"{completion.action} did not tell what is missing")
        if done and done.state not in {*deliveries.OPEN, DeliveryState.IN_FLIGHT}:
            return self._fail(
                Reason.COMPLETION_FAILED, f"delivery {done.id} ({completion.action}) is {done.state}: retry it"
            )
        return self._conclude(EventState.WAITING)

    def _account_for(self, completion: Completion) -> str | None:
        fitting = self._accounts_of(completion.action.partition(".")[0])
        if self._subject.account in fitting:
            return self._subject.account
        return fitting[0] if len(fitting) == 1 else None

    def _derive(self, what: Understanding, snapshot: Snapshot) -> list[Happening]:
        """Write down the facts that are new; each exists at most once per subject and meaning."""
        return [
            fact.happening(fact_id, what.occurred_at)
            for fact in derived(what, self._subject, snapshot)
            if (fact_id := self._fact(fact, what))
        ]

    def _fact(self, fact: Derived, what: Understanding) -> UUID | None:
        subject = fact.subject
        values = {
            "id": new_id(), "account": subject.account, "dedupe_key": fact.key, "type": fact.type,
            "parent_id": self._row.id, "chain": list(self._echo.chain) or None, "handling": Handling.HANDLED,
            "state": EventState.PROCESSED,
            "subject": subject.key, "subject_account": subject.account,
            "received_at": self._row.received_at, "occurred_at": what.occurred_at, "processed_at": self._now,
            "trace": self._row.trace,
        }  # fmt: skip
        self._connection.execute(insert(events).values(values).on_conflict_do_nothing())
        # The parent's own fact comes back on a replay too: its rules are asked again, what is planned stays.
        mine = (events.c.account == subject.account) & (events.c.dedupe_key == fact.key)
        return self._connection.scalar(select(events.c.id).where(mine, events.c.parent_id == self._row.id))

    def _wake_waiting(self) -> tuple[UUID, ...]:
        """Let the events go on that waited for what is now known of this subject."""
        woken = completing.wake_waiting(self._connection, self._subject.account, str(self._subject.key), self._now)
        return tuple(woken)

    def _ask_rules(self, happening: Happening, context: dict[str, Any], unwanted: Unwanted | None) -> None:
        for rule in self._config.rules:
            if not rule.listens_to(happening.type, happening.account):
                continue
            for wanted in wanted_by(rule, happening, context, self._now):
                blocked = self._echo.blocked
                self._plan(with_verdict(rule, wanted, context, unwanted, blocked, self._overtaken_by))

    def _overtaken_by(self, step: Step) -> str | None:
        """Return what has happened already of that which cancels a step: events come in any order."""
        if self._subject.key is None:
            return None
        since = self._changes["occurred_at"]
        known = happened.types_since(self._connection, self._subject.account, self._subject.key, since)
        return next((type_ for type_ in known if step.is_cancelled_by(type_)), None)

    def _cancel_waiting(self, happening: Happening) -> None:
        """Cancel at once what waits and is overtaken by this."""
        if happening.subject.key is None or not self._config.cancels(happening.type):
            return
        for row in plans.open_of_subject(self._connection, happening.subject.account, happening.subject.key):
            rule = self._config.rule(row.rule)
            step = rule.step(row.step) if rule else None
            if step is not None and step.is_cancelled_by(happening.type) and row.event_id != happening.id:
                plans.cancel(self._connection, row.id, f"{happening.type} happened", self._now)

    def _plan(self, wanted: Planned) -> None:
        written = plans.plan(self._connection, wanted, self._now, self._settings.rewake_seconds)
        if written and written.state is DeliveryState.READY:
            self._woken.append(Wake(written.id, written.account, wanted.priority))
        if written and wanted.failure:
            reason, what = wanted.failure
            self._dead.append(DeadLetter(written.id, wanted.event_id, wanted.action, wanted.account, reason, what))

    def _fail(self, reason: Reason, what: str) -> Routed:
        self._changes |= {"reason": reason, "last_error": what}
        return self._conclude(EventState.FAILED, failure=(reason, what))

    def _conclude(self, state: EventState, events: tuple[UUID, ...] = (), **more: Any) -> Routed:
        values: dict[str, Any] = {"state": state, "wake_at": None}
        if state is not EventState.WAITING:
            values["processed_at"] = self._now
        if state is not EventState.FAILED:
            values |= {"reason": None, "last_error": None}
        as_it_was = {name: getattr(self._row, name) for name in _CONCLUDED}
        self._connection.execute(_CONCLUDE, {"b_id": self._row.id, **as_it_was, **self._changes, **values})
        return Routed(
            self._row.id,
            self._row.type,
            state,
            deliveries=tuple(self._woken),
            events=(*events, *self._told),
            dead=tuple(self._dead),
            **more,
        )
