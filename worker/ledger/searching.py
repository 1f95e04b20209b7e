"""Find things in the ledger by what a person has at hand: a word of a subject, the id of an event or a message.

Invariant: each search looks into an index and returns a bounded number, however much the ledger holds.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

MOST_LOOKED_AT = 1_000
"""So many subjects that fit are looked at; of more, some."""

_FITTING = text(
    """
    WITH fitting AS MATERIALIZED (
        SELECT account, key, updated_at FROM subjects WHERE words @@ CAST(:query AS tsquery) LIMIT :looked_at
    ), newest AS MATERIALIZED (
        SELECT account, key FROM fitting ORDER BY updated_at DESC LIMIT :most
    )
    SELECT account, key, snapshot, updated_at FROM newest JOIN subjects USING (account, key) ORDER BY updated_at DESC
    """
)
_SPOKEN_OF = text(
    """
    SELECT wanted.subject AS key, newest.* FROM unnest(CAST(:subjects AS text[])) AS wanted(subject)
    JOIN LATERAL (
        SELECT coalesce(subject_account, account) AS account, received_at AS updated_at, id AS event_id FROM events
        WHERE events.subject = wanted.subject ORDER BY id DESC LIMIT 1
    ) AS newest ON true
    """
)
# The ids are found first: else the planner may walk through all deliveries, newest first, to meet them.
# No more than that many are ever found, and the planner is told: it would go through all deliveries otherwise.
_BY_MESSAGE = text(
    """
    WITH found AS MATERIALIZED (
        (SELECT delivery_id AS id FROM messages WHERE account = ANY(:accounts) AND message_id = :id LIMIT :most)
        UNION
        (SELECT id FROM deliveries WHERE result ->> 'message_id' = :id AND result ? 'message_id' LIMIT :most)
    )
    SELECT d.id, d.event_id, d.account, d.subject, d.subject_account FROM found JOIN deliveries d ON d.id = found.id
    ORDER BY d.id DESC LIMIT :most
    """
)
_BY_VENDORS_ID = text(
    """
    SELECT id, type, account, subject, subject_account FROM events
    WHERE account = ANY(:accounts) AND dedupe_key = :id ORDER BY id DESC LIMIT :most
    """
)
_BY_ID = text(
    """
    SELECT 'event' AS kind, id, id AS event_id, account, subject, subject_account FROM events WHERE id = :id
    UNION ALL
    SELECT 'delivery', d.id, d.event_id, d.account, event.subject, event.subject_account
    FROM deliveries d JOIN events event ON event.id = d.event_id WHERE d.id = :id
    """
)


def subjects_fitting(connection: Connection, query: str, most: int) -> Sequence[Row[Any]]:
    """Return subjects that a tsquery fits, newest first; of very many not surely the newest."""
    if not query:
        return []
    with _by_index(connection):
        values = {"query": query, "most": most, "looked_at": MOST_LOOKED_AT}
        return connection.execute(_FITTING, values).all()


def subjects_spoken_of(connection: Connection, keys: Sequence[str]) -> Sequence[Row[Any]]:
    """Return which of some subjects events are about, with the newest of each, though nothing else is known of them:
    a person who wrote."""
    return connection.execute(_SPOKEN_OF, {"subjects": list(keys)}).all()


def by_message(connection: Connection, accounts: Sequence[str], message_id: str, most: int) -> Sequence[Row[Any]]:
    """Return the deliveries that sent a message, by the vendor's id of it."""
    return connection.execute(_BY_MESSAGE, {"accounts": list(accounts), "id": message_id, "most": most}).all()


def by_vendors_id(connection: Connection, accounts: Sequence[str], event_id: str, most: int) -> Sequence[Row[Any]]:
    """Return the events that a vendor calls so."""
    return connection.execute(_BY_VENDORS_ID, {"accounts": list(accounts), "id": event_id, "most": most}).all()


def by_id(connection: Connection, wanted: UUID) -> Sequence[Row[Any]]:
    """Return the event, or the delivery, of an id of ours."""
    return connection.execute(_BY_ID, {"id": wanted}).all()


@contextmanager
def _by_index(connection: Connection) -> Iterator[None]:
    """Keep the planner from reading the whole table: it cannot know how few subjects have a word."""
    connection.execute(text("SET LOCAL enable_seqscan = off"))
    yield
    connection.execute(text("SET LOCAL enable_seqscan = on"))
