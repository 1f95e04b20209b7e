"""What is known while events are played through rules: the engine's snapshots and facts, in memory.

Invariant: what follows is decided by the engine's own parts, in the order in which the engine uses them; nothing is
written anywhere.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID, uuid5

from config.load import Config
from config.rules import Rule, Step
from tasks.trying.shelf import Shelf
from worker.asking import Derived, Unwanted, context_of, derived, said_by, wanted_by, why_unwanted, with_verdict
from worker.context import Subject
from worker.ledger.plans import Planned
from worker.ledger.storable import storable
from worker.planning import Happening
from worker.reading import Stored, Understanding
from worker.snapshots import Merge, Patch, Snapshot
from worker.states import Handling


@dataclass(frozen=True)
class Told:
    """An event that was read: what it says, and which subject it turned out to be about."""

    id: UUID
    stored: Stored
    what: Understanding
    subject: Subject
    is_repeated: bool = False
    """Whether reconciling had told it before, so that only new facts follow from it."""
    tap: Mapping[str, Any] | None = None
    """Of a tapped button: what it was found to mean."""
    blocked: frozenset[str] = frozenset()
    """The rules whose own writes it was the echo of."""
    key: str = ""
    """What it exists once for, in the ledger."""


@dataclass(frozen=True)
class Wanted:
    """A delivery that a rule wants, with what its expressions speak of."""

    rule: Rule
    planned: Planned
    happening: Happening
    data: dict[str, Any]
    moments: Mapping[str, Any]
    event_id: UUID
    """The event that came in; a fact's own id is not that of the ledger."""
    tap: Mapping[str, Any] | None = None


class Past(Protocol):
    """What was known before the first event that is played."""

    def snapshot(self, subject: Subject, at: datetime | None) -> Snapshot:
        """Return what was known of a subject at a moment; None: whatever will ever be known, to complete it with."""

    def told(self, fact: Derived) -> bool:
        """Whether a fact was known already."""


@dataclass
class _Known:
    snapshot: Snapshot
    happened: list[tuple[str, datetime, bool]]
    """Of what cancels steps: its type, when it occurred, and whether it is a fact, which is true once and for all."""


class World:
    """Plays events."""

    def __init__(self, config: Config, past: Past, shelf: Shelf | None = None) -> None:
        self._config, self._past = config, past
        self._shelf = Shelf() if shelf is None else shelf
        self._facts: set[int] = set()

    def follow(self, told: Told) -> Iterator[Happening | Wanted]:
        """Take an event in; yield each thing that happened, followed by what the rules want from it."""
        stored, what, subject = told.stored, told.what, told.subject
        merges = {patch.subject: self._merge(stored, patch) for patch in what.patches}
        snapshot = self.snapshot_of(subject, stored.received_at)
        own = merges.get(subject.key or "") if subject.account == stored.account else None
        unwanted = why_unwanted(what, own, snapshot)
        if (what.completion or what.order) and not snapshot.complete:
            snapshot = self._complete(subject, snapshot, stored.received_at)
        about = said_by(stored.account, told.id, what)
        happenings = [Happening(told.id, what.type, stored.account, about, subject, what.occurred_at)]
        happenings += self._new_facts(told, snapshot)
        if what.handling is Handling.IGNORED:
            return
        for happening in happenings[told.is_repeated :]:
            yield happening
            is_event = happening.id == told.id
            for wanted in self._ask(told, happening):
                verdict = unwanted if is_event else None
                planned = self._judged(wanted, verdict, told.blocked, stored.received_at)
                yield replace(wanted, planned=planned)

    def snapshot_of(self, subject: Subject, at: datetime) -> Snapshot:
        """Return what is known of a subject."""
        return Snapshot() if subject.key is None else self._known(subject, at).snapshot

    def context(self, wanted: Wanted, now: datetime) -> dict[str, Any]:
        """Return what a delivery's expressions speak of, as it is known by now."""
        snapshot = self.snapshot_of(wanted.happening.subject, now)
        return context_of(wanted.happening, wanted.data, wanted.moments, snapshot, now, wanted.tap)

    def _ask(self, told: Told, happening: Happening) -> Iterator[Wanted]:
        listening = [rule for rule in self._config.rules if rule.listens_to(happening.type, happening.account)]
        if not listening:
            return
        now, what = told.stored.received_at, told.what
        moments = {"account": told.stored.account, "occurred_at": what.occurred_at, "received_at": now}
        tap = told.tap if happening.id == told.id else None
        context = context_of(happening, what.data, moments, self.snapshot_of(happening.subject, now), now, tap)
        for rule in listening:
            for planned in wanted_by(rule, happening, context, now):
                yield Wanted(rule, planned, happening, what.data, moments, told.id, tap)

    def _judged(self, wanted: Wanted, unwanted: Unwanted | None, blocked: frozenset[str], now: datetime) -> Planned:
        def overtaken_by(step: Step) -> str | None:
            subject, since = wanted.happening.subject, wanted.happening.occurred_at
            happened = self._known(subject, now).happened if subject.key else []
            types = (type_ for type_, at, is_fact in happened if is_fact or at >= since)
            return next((type_ for type_ in types if step.is_cancelled_by(type_)), None)

        rule, may_be = wanted.rule, any(step.cancel_on for step in wanted.rule.steps)
        if unwanted is None and rule.name not in blocked and rule.plan is None and not may_be:
            return wanted.planned
        context = self.context(wanted, now)
        return with_verdict(wanted.rule, wanted.planned, context, unwanted, blocked, overtaken_by)

    def _merge(self, stored: Stored, patch: Patch) -> Merge:
        """Take in what an event says, as the ledger would."""
        now, subject = stored.received_at, Subject(stored.account, patch.subject)
        known = self._known(subject, now)
        patch = replace(patch, values=storable(patch.values), as_of=min(patch.as_of, now))
        merge = known.snapshot.taking_in(patch)
        self._keep(subject, replace(known, snapshot=merge.snapshot))
        return merge

    def _complete(self, subject: Subject, snapshot: Snapshot, now: datetime) -> Snapshot:
        """Fill in what the vendor's API would be asked for."""
        if subject.key is None:
            return snapshot
        more = self._past.snapshot(subject, None)
        # What is filled in has no time of its own, so that whatever is said later replaces it.
        filled = Snapshot(more.values | snapshot.values, snapshot.known_at, complete=True)
        self._keep(subject, replace(self._known(subject, now), snapshot=filled))
        return filled

    def _new_facts(self, told: Told, snapshot: Snapshot) -> list[Happening]:
        what, found = told.what, []
        if self._config.cancels(what.type):
            self._note(told.subject, what.type, what.occurred_at, told, is_fact=False)
        for fact in derived(what, told.subject, snapshot):
            mark = hash((fact.subject.account, fact.key))
            if mark in self._facts or self._past.told(fact):
                continue
            self._facts.add(mark)
            if self._config.cancels(fact.type):
                self._note(fact.subject, fact.type, what.occurred_at, told, is_fact=True)
            found.append(fact.happening(uuid5(told.id, fact.key), what.occurred_at))
        return found

    def _note(self, subject: Subject, type_: str, at: datetime, told: Told, *, is_fact: bool) -> None:
        if subject.key is not None:
            known = self._known(subject, told.stored.received_at)
            self._keep(subject, replace(known, happened=[*known.happened, (type_, at, is_fact)]))

    def _known(self, subject: Subject, at: datetime) -> _Known:
        found: _Known | None = self._shelf.get(f"{subject.account}/{subject.key}")
        return found or _Known(self._past.snapshot(subject, at), [])

    def _keep(self, subject: Subject, known: _Known) -> None:
        self._shelf.put(f"{subject.account}/{subject.key}", known)
