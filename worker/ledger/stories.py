"""What the ledger knows of one subject, for its story.

Invariant: each query is bounded and goes by an index, whatever has happened to the subject.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, select, text

from worker.context import Subject
from worker.ledger.tables import attempts, consents, subjects

MOST_BODY_BYTES = 64 * 1024
"""A story reads no longer bodies: it tells such an event by its name."""
MOST_OPEN = 100
MOST_FAILED = 100

# A fact is told from what it came of; the body of one of several events in a request stands with the request.
_EVENTS = text(
    """
    WITH page AS MATERIALIZED (
        SELECT * FROM events
        WHERE subject = :subject AND id < :before
              AND (subject_account = :account OR subject_account IS NULL AND account = :account)
        ORDER BY id DESC LIMIT :most
    ), told AS (
        SELECT page.id, page.account, page.type, page.handling, page.state, page.subject, page.subject_account,
               page.parent_id, page.part, page.received_at, page.occurred_at, page.processed_at, page.duplicates,
               page.reason, page.last_error, page.note, page.tap, page.trigger,
               page.parent_id IS NOT NULL AND page.part IS NULL AS is_fact,
               CASE WHEN page.parent_id IS NOT NULL AND page.part IS NULL THEN parent.id ELSE page.id END AS root_id
        FROM page LEFT JOIN events parent ON parent.id = page.parent_id
    )
    SELECT told.*, root.type AS root_type, root.account AS root_account, root.content_type AS root_content_type,
           root.query AS root_query, root.headers AS root_headers, root.trigger AS root_trigger,
           root.received_at AS root_received_at, root.part AS root_part,
           CASE WHEN octet_length(coalesce(root.body, request.body)) <= :most_bytes
                THEN coalesce(root.body, request.body) END AS root_body
    FROM told JOIN events root ON root.id = told.root_id LEFT JOIN events request ON request.id = root.parent_id
    ORDER BY told.id DESC
    """
)
_DELIVERIES = """
    SELECT d.*, hold.until AS held_until, hold.reason AS held_reason, hold.error AS held_error FROM deliveries d
    LEFT JOIN holds hold ON hold.account = d.account AND hold.kind = 'account' AND hold.opened_at IS NOT NULL
         AND d.state IN ('waiting', 'ready', 'retrying')
    WHERE {which} LIMIT :most
"""
_MINE = "d.subject_account = :account AND d.subject = :subject"
_OF_EVENTS = text(_DELIVERIES.format(which="d.event_id = ANY(:ids) ORDER BY d.id"))
_OPEN = text(
    _DELIVERIES.format(
        which=f"{_MINE} AND (d.state IN ('waiting', 'ready', 'retrying') OR d.state = 'in_flight') ORDER BY d.due_at"
    )
)
_FAILED = text(_DELIVERIES.format(which=f"{_MINE} AND d.state IN ('dead', 'unknown') ORDER BY d.id DESC"))
_FAILED_EVENTS = text(
    """
    SELECT id, account, type, state, occurred_at, reason, last_error, attempts FROM events
    WHERE subject = :subject AND subject_account = :account AND state = 'failed' ORDER BY id DESC LIMIT :most
    """
)
_TRIED: Select[Any] = select(
    attempts.c.delivery_id, attempts.c.number, attempts.c.finished_at, attempts.c.state, attempts.c.reason,
    attempts.c.error, attempts.c.kind,
).order_by(attempts.c.id)  # fmt: skip
_MESSAGES = text("SELECT * FROM messages WHERE delivery_id = ANY(:ids)")
_QUESTIONS = text("SELECT * FROM questions WHERE delivery_id = ANY(:ids)")
_PRESSED = text(
    "SELECT at, actor, action, target, details FROM audit WHERE target = ANY(:targets) ORDER BY id LIMIT 500"
)
# A person's own words that concern a subject, though they are not about it alone: opting out, and a tap that could
# mean this one.
_OF_PERSON = text(
    """
    SELECT id, account, type, received_at, occurred_at, note, tap FROM events
    WHERE subject = :person AND received_at >= :since AND id >= :first
          AND (type = ANY(:types) OR (tap ->> 'ambiguous') = 'true' AND strpos(note, :subject) > 0)
    ORDER BY id DESC LIMIT :most
    """
)
# With a LIMIT in them, what is asked of each row is not answered for the whole table beforehand.
_RECENT = text(
    """
    WITH newest AS MATERIALIZED (
        SELECT id, subject, subject_account, account, type, received_at FROM events WHERE id < :before
        ORDER BY id DESC LIMIT :looked_at
    )
    SELECT one.id AS event_id, one.subject AS key, coalesce(one.subject_account, one.account) AS account,
           one.type, one.received_at, known.snapshot,
           (SELECT true FROM deliveries d WHERE d.subject = one.subject AND d.subject_account = one.subject_account
            AND d.state IN ('dead', 'unknown') LIMIT 1) IS NOT NULL AS has_failed,
           (SELECT true FROM deliveries d WHERE d.subject = one.subject AND d.subject_account = one.subject_account
            AND d.state IN ('waiting', 'ready', 'retrying') LIMIT 1) IS NOT NULL AS is_open
    FROM newest one LEFT JOIN subjects known
         ON known.account = coalesce(one.subject_account, one.account) AND known.key = one.subject
    WHERE one.subject IS NOT NULL AND (:kind = '' OR one.subject LIKE :kind || ':%')
          AND (:account = '' OR coalesce(one.subject_account, one.account) = :account)
          AND NOT EXISTS (
              SELECT FROM events later WHERE later.subject = one.subject AND later.id > one.id
              AND later.subject_account IS NOT DISTINCT FROM one.subject_account
          )
    ORDER BY one.id DESC LIMIT :most
    """
)
_OLDEST_LOOKED_AT = text(
    "SELECT id FROM (SELECT id FROM events WHERE id < :before ORDER BY id DESC LIMIT :looked_at) AS newest"
    " ORDER BY id LIMIT 1"
)
LAST = UUID(int=2**128 - 1)
MOST_LOOKED_AT = 3_000
"""So many of the newest events are looked through for a page of subjects."""


@dataclass(frozen=True)
class Recent:
    """A page of the subjects that were heard of last."""

    rows: Sequence[Row[Any]]
    before: UUID | None
    """Where the next page begins; None: there is nothing older."""


def events_of(connection: Connection, subject: Subject, before: UUID | None, most: int) -> Sequence[Row[Any]]:
    """Return the newest events of a subject that came before one, with what they are read from."""
    values = {
        "subject": subject.key, "account": subject.account, "before": before or LAST, "most": most,
        "most_bytes": MOST_BODY_BYTES,
    }  # fmt: skip
    return connection.execute(_EVENTS, values).all()


def deliveries_of(connection: Connection, event_ids: Sequence[UUID], most: int) -> Sequence[Row[Any]]:
    """Return what followed from some events, oldest first."""
    return connection.execute(_OF_EVENTS, {"ids": list(event_ids), "most": most}).all()


def open_of(connection: Connection, subject: Subject) -> Sequence[Row[Any]]:
    """Return the deliveries that are still to be done, the next one first."""
    return connection.execute(_OPEN, {**_named(subject), "most": MOST_OPEN}).all()


def failed_of(connection: Connection, subject: Subject) -> Sequence[Row[Any]]:
    """Return the deliveries that need a person, newest first."""
    return connection.execute(_FAILED, {**_named(subject), "most": MOST_FAILED}).all()


def failed_events_of(connection: Connection, subject: Subject) -> Sequence[Row[Any]]:
    """Return the events that could not be routed, newest first."""
    return connection.execute(_FAILED_EVENTS, {**_named(subject), "most": MOST_FAILED}).all()


def attempts_of(connection: Connection, delivery_ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    """Return every attempt of some deliveries, oldest first, without what went over the wire."""
    return connection.execute(_TRIED.where(attempts.c.delivery_id.in_(delivery_ids))).all()


def messages_of(connection: Connection, delivery_ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    """Return how far the messages of some deliveries came."""
    return connection.execute(_MESSAGES, {"ids": list(delivery_ids)}).all()


def questions_of(connection: Connection, delivery_ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    """Return what some deliveries asked, and what was answered."""
    return connection.execute(_QUESTIONS, {"ids": list(delivery_ids)}).all()


def pressed(connection: Connection, targets: Sequence[str]) -> Sequence[Row[Any]]:
    """Return what people did to some events, deliveries or persons, oldest first."""
    return connection.execute(_PRESSED, {"targets": list(targets)}).all()


def said_by_person(
    connection: Connection, person: str, subject: Subject, types: Sequence[str], since: tuple[datetime, UUID], most: int
) -> Sequence[Row[Any]]:
    """Return the events of a person (`phone:…`) since then that concern a subject though they are not about it."""
    values = {
        "person": person, "subject": subject.key, "types": list(types), "since": since[0], "first": since[1],
        "most": most,
    }  # fmt: skip
    return connection.execute(_OF_PERSON, values).all()


def consents_of(connection: Connection, person: str) -> Sequence[Row[Any]]:
    """Return what a person (its key) wants no more of."""
    query = select(consents).where(consents.c.person == person, consents.c.stopped)
    return connection.execute(query.order_by(consents.c.since)).all()


def subject_row(connection: Connection, subject: Subject) -> Row[Any] | None:
    """Return what is known of a subject, and since when."""
    query: Select[Any] = select(subjects.c.snapshot, subjects.c.complete, subjects.c.created_at, subjects.c.updated_at)
    mine = (subjects.c.account == subject.account) & (subjects.c.key == subject.key)
    return connection.execute(query.where(mine)).one_or_none()


def accounts_of(connection: Connection, key: str, most: int = 10) -> list[str]:
    """Return the accounts by which a subject is known, or was spoken of."""
    known = select(subjects.c.account).where(subjects.c.key == key).limit(most)
    found = list(connection.scalars(known))
    spoken = text(
        "SELECT DISTINCT account FROM (SELECT coalesce(subject_account, account) AS account FROM events"
        " WHERE subject = :key ORDER BY id DESC LIMIT 200) AS newest"
    )
    return sorted({*found, *connection.scalars(spoken, {"key": key})})[:most]


def recent(connection: Connection, kind: str, account: str, before: UUID | None, most: int) -> Recent:
    """Return the subjects that were heard of last, each with its newest event; empty texts do not narrow."""
    values = {"before": before or LAST, "looked_at": MOST_LOOKED_AT}
    rows = connection.execute(_RECENT, {**values, "kind": kind, "account": account, "most": most}).all()
    if len(rows) == most:
        return Recent(rows, rows[-1].event_id)
    oldest: UUID | None = connection.scalar(_OLDEST_LOOKED_AT, values)
    return Recent(rows, oldest if oldest and _anything(connection, oldest) else None)


def _anything(connection: Connection, before: UUID) -> bool:
    return bool(connection.scalar(text("SELECT EXISTS (SELECT FROM events WHERE id < :before)"), {"before": before}))


def _named(subject: Subject) -> dict[str, Any]:
    return {"subject": subject.key, "account": subject.account}
