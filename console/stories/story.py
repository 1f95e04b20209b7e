"""The story of a subject, in business words: what happened, what is still planned, what failed and what to do about it.

Invariant: what is planned and what needs a person is always told; of the past one page, the newest first asked for.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row

from config.load import Config
from console.stories.action_words import deed_of
from console.stories.advice import Advice, advice_of
from console.stories.conditions import condition_words
from console.stories.entries import Entry, Plan, Problem, safe_words
from console.stories.event_words import event_clause, event_sentence
from console.stories.telling import step_of, tell_delivery, tell_event, tell_person, tell_press
from console.stories.wording import plain, sentence, words
from worker import search_words
from worker.context import Subject, personal_texts
from worker.holding import person_key
from worker.ledger import searching, stories
from worker.masking import mask, mask_text
from worker.messaging.facts import FACTS as OF_CONSENT
from worker.states import DeliveryState, Reason

MOST_EVENTS = 100
MOST_DELIVERIES = 500
MOST_OF_PERSON = 50
MOST_RELATED = 10
NOW = 60.0
"""What is due within so many seconds is said to be due now."""
_KINDS = {"deal": "opportunity", "intent": "checkout"}


@dataclass(frozen=True)
class Related:
    """Another subject that belongs to this one."""

    subject: Subject
    title: str
    event_id: UUID | None = None
    """One of its events, by which it is named where its key tells somebody's number."""


@dataclass(frozen=True)
class Story:
    """What is told of a subject."""

    subject: Subject
    title: str
    kind: str
    status: tuple[str, ...]
    """How it stands, in few words."""
    entries: tuple[Entry, ...]
    """Oldest first."""
    planned: tuple[Plan, ...]
    problems: tuple[Problem, ...]
    earlier: UUID | None
    """Where the page before begins; None: this is the beginning."""
    related: tuple[Related, ...]
    consents: tuple[str, ...]
    snapshot: dict[str, Any]
    """As it was understood, masked."""
    complete: bool
    updated_at: datetime | None


def title_of(key: str) -> str:
    """Return a subject's name for people, without anybody's number."""
    kind, _, number = key.partition(":")
    if kind == "phone":
        return f"Person {mask_text(number)}"
    return f"{sentence(_KINDS.get(kind, words(plain(kind))))} {plain(number)}".strip()


def status_of(snapshot: dict[str, Any]) -> tuple[str, ...]:
    """Return how a subject stands, in few words."""
    names = ("status", "payment_status", "shipment_receipt", "pipeline_stage", "last_milestone", "eta")
    labels = {"payment_status": "payment ", "shipment_receipt": "receipt ", "eta": "arrives "}
    said = [labels.get(name, "") + words(plain(snapshot[name])) for name in names if snapshot.get(name)]
    flags = {"is_probably_spam": "probably spam", "is_deleted": "deleted at the shop", "deleted": "deleted"}
    return (*said, *(text for name, text in flags.items() if snapshot.get(name)))


def read_story(
    connection: Connection, config: Config, subject: Subject, now: datetime, before: UUID | None = None,
    most: int = MOST_EVENTS,
) -> Story | None:  # fmt: skip
    """Return the story of a subject, of its events the newest before one; None when nothing is known of it."""
    known = stories.subject_row(connection, subject)
    events = stories.events_of(connection, subject, before, most)
    if known is None and not events:
        return None
    return _Telling(connection, config, subject, now).story(known, events, before, most)


@dataclass(frozen=True)
class _Telling:
    connection: Connection
    config: Config
    subject: Subject
    now: datetime

    def story(self, known: Row[Any] | None, events: Sequence[Row[Any]], before: UUID | None, most: int) -> Story:
        key, snapshot = str(self.subject.key), dict(known.snapshot) if known else {}
        opened = stories.open_of(self.connection, self.subject)
        failed = stories.failed_of(self.connection, self.subject)
        phone = _phone_of(key, snapshot)
        earlier = events[-1].id if len(events) == most else None
        entries = [*self._events(events), *self._followed(events, opened if before is None else (), phone)]
        if phone and not key.startswith("phone:"):
            entries += self._of_person(phone, events, is_first_page=earlier is None)
        return Story(
            subject=self.subject, title=title_of(key), kind=key.partition(":")[0], status=status_of(snapshot),
            entries=tuple(sorted(entries, key=lambda entry: (entry.at, entry.order))),
            planned=tuple(self._plan(row) for row in opened),
            problems=tuple(self._problems(failed)), earlier=earlier,
            related=tuple(self._related(snapshot, phone)), consents=tuple(self._consents(phone)),
            snapshot=mask(snapshot, personal_texts(snapshot)), complete=bool(known and known.complete),
            updated_at=known.updated_at if known else None,
        )  # fmt: skip

    def _events(self, events: Sequence[Row[Any]]) -> Iterator[Entry]:
        """Tell events and facts; a fact that says the same as what it came of is told once, as the fact sounds."""
        told: dict[tuple[UUID, str], Entry] = {}
        for row in reversed(events):
            entry = tell_event(self.config, row, str(self.subject.key))
            before = told.get((row.root_id, entry.text))
            told[row.root_id, entry.text] = replace(before, tone=entry.tone) if before else entry
        yield from told.values()

    def _followed(self, events: Sequence[Row[Any]], opened: Iterable[Row[Any]], phone: str | None) -> Iterator[Entry]:
        """Tell what came of the deliveries of some events, and of those that are still open, and what was pressed."""
        ids = [row.id for row in events]
        rows = {row.id: row for row in stories.deliveries_of(self.connection, ids, MOST_DELIVERIES)}
        rows |= {row.id: row for row in opened}
        tries = _by_delivery(stories.attempts_of(self.connection, list(rows)))
        sent = _by_delivery(stories.messages_of(self.connection, list(rows)))
        asked = {row.delivery_id: row for row in stories.questions_of(self.connection, list(rows))}
        deeds: dict[str, str] = {}
        for row in rows.values():
            deeds[str(row.id)] = deed_of(row.action, step_of(self.config, row)).to_do
            yield from tell_delivery(self.config, row, tries.get(row.id, ()), sent.get(row.id, ()), asked.get(row.id))
        targets = [*map(str, ids), *deeds, *([person_key(f"+{phone}")] if phone else [])]
        yield from (tell_press(row, deeds) for row in stories.pressed(self.connection, targets))

    def _of_person(self, phone: str, events: Sequence[Row[Any]], *, is_first_page: bool) -> Iterator[Entry]:
        if not events:
            return
        since = (min(row.received_at for row in events), UUID(int=0) if is_first_page else events[-1].id)
        rows = stories.said_by_person(
            self.connection, f"phone:{phone}", self.subject, OF_CONSENT, since, MOST_OF_PERSON
        )
        yield from map(tell_person, rows)

    def _plan(self, row: Row[Any]) -> Plan:
        step = step_of(self.config, row)
        unless = [condition_words(step.unless)] if step and step.unless else []
        unless += [event_clause(pattern) for pattern in step.cancel_on] if step else []
        deed = deed_of(row.action, step)
        is_sent = row.reason == Reason.AWAITING_DELIVERY
        return Plan(
            text=f"Wait for word that it arrived: {deed.thing}" if is_sent else deed.to_do,
            due_at=max(filter(None, (row.due_at, row.held_until))), state=row.state, account=row.account,
            rule=row.rule, delivery_id=row.id, event_id=row.event_id,
            reason=row.reason or "", attempts=row.attempts, is_due=(row.due_at - self.now).total_seconds() < NOW,
            unless=() if is_sent else tuple(dict.fromkeys(unless)), notes=tuple(_notes(row)),
        )  # fmt: skip

    def _problems(self, failed: Sequence[Row[Any]]) -> Iterator[Problem]:
        messages = stories.messages_of(self.connection, [row.id for row in failed])
        codes = {one.delivery_id: one.error_code for one in messages if one.error_code}
        for row in failed:
            deed, known = deed_of(row.action, step_of(self.config, row)), advice_of(row.reason, codes.get(row.id))
            what = "may have happened" if row.state == DeliveryState.UNKNOWN else "failed"
            yield _problem(row, f"{deed.thing} {what}", known, row.updated_at, (row.event_id, row.id))
        for row in stories.failed_events_of(self.connection, self.subject):
            text = f"The rules could not be asked: {event_sentence(row.type, {})}"
            yield _problem(row, text, advice_of(row.reason), row.occurred_at, (row.id, None))

    def _related(self, snapshot: dict[str, Any], phone: str | None) -> Iterator[Related]:
        found: dict[Subject, UUID | None] = {}
        if customer := snapshot.get("customer_id"):
            key = f"customer:{customer}"
            found |= {Subject(name, key): None for name in stories.accounts_of(self.connection, key)}
        if phone:
            spoken = searching.subjects_spoken_of(self.connection, [f"phone:{phone}"])
            found |= {Subject(row.account, row.key): row.event_id for row in spoken}
            query = search_words.exact_query_of(phone, self.config.business.country)
            known = searching.subjects_fitting(self.connection, query, MOST_RELATED + 1)
            found |= {Subject(row.account, row.key): None for row in known}
        found.pop(self.subject, None)
        for subject, event_id in [*found.items()][:MOST_RELATED]:
            yield Related(subject, title_of(str(subject.key)), event_id)

    def _consents(self, phone: str | None) -> Iterator[str]:
        for row in stories.consents_of(self.connection, person_key(f"+{phone}")) if phone else ():
            what = "no more messages" if row.scope == "all" else f"no more {plain(row.scope)} messages"
            where = f" from account {plain(row.account)}" if row.account else ""
            yield f"The person wants {what}{where} ({safe_words(row.why)})"


def _problem(row: Row[Any], text: str, known: Advice | None, at: datetime, ids: tuple[UUID, UUID | None]) -> Problem:
    return Problem(
        at=at, text=text, state=row.state, reason=row.reason or "", meaning=known.meaning if known else "",
        to_do=known.to_do if known else "", said=safe_words(row.last_error), account=row.account, event_id=ids[0],
        attempts=row.attempts, delivery_id=ids[1],
    )  # fmt: skip


def _notes(row: Row[Any]) -> Iterator[str]:
    if row.held_reason:
        known = advice_of(row.held_reason)
        meaning = known.meaning if known else words(row.held_reason)
        yield f"The account “{plain(row.account)}” is held: {meaning}. {known.to_do if known else ''}".strip()
    elif row.state == DeliveryState.IN_FLIGHT:
        yield "It is being done right now"
    elif row.reason and row.reason != Reason.BY_OPERATOR and (known := advice_of(row.reason)):
        yield sentence(known.meaning)
    if row.needs and not row.released:
        yield "It waits for: " + ", ".join(words(plain(step)) for step in row.needs)


def _phone_of(key: str, snapshot: dict[str, Any]) -> str | None:
    """Return the digits of the person a subject belongs to."""
    said = key.removeprefix("phone:") if key.startswith("phone:") else snapshot.get("phone")
    digits = str(said or "").lstrip("+")
    return digits if digits.isdecimal() else None


def _by_delivery(rows: Sequence[Row[Any]]) -> dict[UUID, list[Row[Any]]]:
    in_order = sorted(rows, key=lambda row: row.delivery_id)
    return {key: list(group) for key, group in groupby(in_order, key=lambda row: row.delivery_id)}
