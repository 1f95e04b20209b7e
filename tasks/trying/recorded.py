"""The events of a ledger, to be played again, and what was known before the first of them.

Invariant: nothing is written, and no more than a page of events is in memory at a time.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from config.load import Config
from tasks.trying.comparing import Effect
from tasks.trying.persons import Stop
from tasks.trying.reading import reading
from tasks.trying.rendering import MESSAGES
from tasks.trying.world import Told
from webhooks.receiving import BATCH
from worker.asking import Derived
from worker.context import Subject
from worker.ids import first_id
from worker.ledger import windows
from worker.reading import Stored, Understanding
from worker.routing import COMPLETION_RULE, TOLD_BEFORE
from worker.snapshots import Snapshot

PAGE = 1_000
_FIRST = UUID(int=0)
_EARLIER = timedelta(hours=1)
"""By how much an id may be older than the moment that its row tells."""

# A fact is derived again, and a request with several events is played by its parts.
_PLAYED = f"""
    e.id >= :first AND e.received_at >= :since AND e.received_at < :until
    AND (e.parent_id IS NULL OR e.part IS NOT NULL)
    AND NOT (e.type LIKE '%.{BATCH}' AND e.handling = 'ignored')
"""
_COUNT = text(f"SELECT count(*) FROM events e WHERE {_PLAYED}")  # noqa: S608 - our own words
_EVENTS = text(
    f"""
    SELECT e.id, e.account, e.type, coalesce(e.body, request.body) AS body, e.content_type, e.query, e.headers,
           e.trigger, e.received_at, e.part, e.subject, e.subject_account, e.note, e.tap, e.dedupe_key,
           CASE WHEN e.chain IS NOT NULL THEN ARRAY(
               SELECT d.rule FROM deliveries d WHERE d.reason = 'loop' AND (
                   d.event_id = e.id OR d.event_id IN (SELECT fact.id FROM events fact WHERE fact.parent_id = e.id)
               )
           ) END AS blocked
    FROM events e LEFT JOIN events request ON request.id = e.parent_id
    WHERE {_PLAYED} AND e.id > :last ORDER BY e.id LIMIT :most
    """  # noqa: S608 - our own words
)
_SUBJECTS = text(
    """
    SELECT s.account, s.key, s.snapshot, s.known_at, s.complete, s.created_at
    FROM subjects s JOIN unnest(CAST(:accounts AS text[]), CAST(:keys AS text[])) AS wanted (account, key)
    ON s.account = wanted.account AND s.key = wanted.key
    """
)
_TOLD = text("SELECT 1 FROM events WHERE account = :account AND dedupe_key = :key AND received_at < :since")
# What has, or may still have, its effect.
_SENT = text(
    """
    SELECT d.id, d.rule, d.step, d.action, d.effect_key, d.subject,
           CASE WHEN e.part IS NULL THEN coalesce(e.parent_id, e.id) ELSE e.id END AS event,
           (SELECT m.person FROM messages m WHERE m.delivery_id = d.id LIMIT 1) AS who
    FROM deliveries d JOIN events e ON e.id = d.event_id
    WHERE d.id > :last AND d.id >= :first AND e.received_at >= :since AND e.received_at < :until
          AND d.effect_key IS NOT NULL AND d.rule <> :completion AND d.state NOT IN ('dead', 'cancelled', 'suppressed')
    ORDER BY d.id LIMIT :most
    """
)
_BEFORE = text(
    """
    SELECT d.effect_key FROM deliveries d
    WHERE d.effect_key = ANY(:effects) AND d.state NOT IN ('dead', 'cancelled', 'suppressed')
    """
)
_STOPS = text("SELECT person, scope, account, since, why FROM consents WHERE stopped AND since < :since ORDER BY scope")


class Ledger:
    """One moment of a ledger, and the events that came in within a time."""

    def __init__(self, connection: Connection, config: Config, since: datetime, until: datetime) -> None:
        self._connection, self._config = connection, config
        # By the id, which tells about when a row was made: older rows are not looked at.
        self._times = {"since": since, "until": until, "first": first_id(since - _EARLIER)}
        self._since = since
        self._page: dict[Subject, Row[Any] | None] = {}
        self.unreadable = 0

    def count(self) -> int:
        """Return how many events there are to be played."""
        return self._connection.scalar(_COUNT, self._times) or 0

    def pages(self, total: int) -> Iterator[list[Told]]:
        """Yield the events in the order in which they came in, a page at a time, each read anew."""
        fetched: deque[list[Row[Any]]] = deque()

        def stored() -> Iterator[list[Stored]]:
            for rows in self._rows():
                fetched.append(rows)
                yield [_stored(row) for row in rows]

        with reading(self._config, total) as read:
            for understood in read(stored()):
                rows = fetched.popleft()
                found = [_told(row, what) for row, what in zip(rows, understood, strict=True) if what is not None]
                self.unreadable += len(rows) - len(found)
                self._look_up(found)
                yield found

    def _rows(self) -> Iterator[list[Row[Any]]]:
        last = _FIRST
        while rows := self._connection.execute(_EVENTS, {**self._times, "last": last, "most": PAGE}).all():
            last = rows[-1].id
            yield list(rows)

    def sent(self) -> Iterator[Effect]:
        """Yield what really followed from these events."""
        last = _FIRST
        wanted = {**self._times, "completion": COMPLETION_RULE, "most": PAGE}
        while rows := self._connection.execute(_SENT, {**wanted, "last": last}).all():
            last = rows[-1].id
            for row in rows:
                yield Effect(
                    row.effect_key, row.rule, row.step, row.action, str(row.event), row.subject, row.who,
                    row.action in MESSAGES,
                )  # fmt: skip

    def have_happened(self, effects: Sequence[str]) -> list[str]:
        """Return those of some effects that any delivery has had, or may still have."""
        return list(self._connection.scalars(_BEFORE, {"effects": list(effects)}))

    # What was known before.

    def snapshot(self, subject: Subject, at: datetime | None) -> Snapshot:
        """Return what was known of a subject at a moment; None: what is known by now.

        The ledger keeps the newest value of each field, with its time: what was changed since is not known any more.
        """
        row = self._subject(subject)
        if row is None:
            return Snapshot()
        if at is None:
            return Snapshot(row.snapshot, row.known_at, row.complete)
        if row.created_at >= self._since:
            return Snapshot()
        moment = at.astimezone(UTC).isoformat(timespec="microseconds")
        known_at = {name: since for name, since in row.known_at.items() if since <= moment}
        values = {name: value for name, value in row.snapshot.items() if name in known_at}
        return Snapshot(values, known_at, row.complete)

    def told(self, fact: Derived) -> bool:
        """Whether a fact was known before the first event."""
        row = self._subject(fact.subject)
        if row is None or row.created_at >= self._since:
            return False
        given = {"account": fact.subject.account, "key": fact.key, "since": self._since}
        return self._connection.scalar(_TOLD, given) is not None

    def _subject(self, subject: Subject) -> Row[Any] | None:
        if subject not in self._page and subject.key is not None:
            self._fetch([subject])
        return self._page.get(subject)

    def _look_up(self, page: Sequence[Told]) -> None:
        """Ask once for all that a page's events are about."""
        wanted = {Subject(told.stored.account, patch.subject) for told in page for patch in told.what.patches}
        wanted |= {told.subject for told in page if told.subject.key is not None}
        self._page = {}
        self._fetch([*wanted])

    def _fetch(self, wanted: Sequence[Subject]) -> None:
        given = {"accounts": [one.account for one in wanted], "keys": [one.key for one in wanted]}
        rows = self._connection.execute(_SUBJECTS, given)
        self._page.update(dict.fromkeys(wanted))
        self._page.update({Subject(row.account, row.key): row for row in rows})

    # Of persons.

    def stops(self) -> Mapping[str, tuple[Stop, ...]]:
        """Return what each person did not want any more; who changed their mind since did not say so before."""
        found: dict[str, tuple[Stop, ...]] = {}
        for row in self._connection.execute(_STOPS, {"since": self._since}):
            found[row.person] = (*found.get(row.person, ()), Stop(row.scope, row.account, row.since, row.why))
        return found

    def heard_at(self, account: str, person: str) -> datetime | None:
        """Return when a person had last written; None where only a later moment is kept."""
        found = windows.heard_at(self._connection, account, person)
        return found if found is not None and found < self._since else None


def _stored(row: Row[Any]) -> Stored:
    return Stored(
        account=row.account, type=row.type, body=row.body or b"", content_type=row.content_type, query=row.query,
        headers=row.headers or {}, trigger=row.trigger, received_at=row.received_at, part=row.part,
    )  # fmt: skip


def _told(row: Row[Any], what: Understanding) -> Told:
    subject = Subject(row.subject_account, row.subject) if row.subject else Subject(row.account, what.subject)
    is_repeated = (row.note or "").startswith(TOLD_BEFORE)
    return Told(
        row.id, replace(_stored(row), body=b""), what, subject, is_repeated, row.tap, frozenset(row.blocked or ()),
        row.dedupe_key,
    )  # fmt: skip
