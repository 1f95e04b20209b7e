"""The questions that messages ask, in the ledger: whom, about what, until when, and which tap decided.

Invariant: a question is written down before its message can have left, and of all taps the first that is routed decides
it; nothing changes that answer afterwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text
from sqlalchemy.dialects.postgresql import insert

from worker.ledger.tables import questions


@dataclass(frozen=True)
class Asked:
    """A question that a message is about to ask."""

    delivery_id: UUID
    number: str
    """The business's number, see `worker.taps.number_of`."""
    person: str
    """The person's key, see `worker.holding`."""
    subject_account: str
    subject: str
    name: str
    answers: tuple[str, ...]
    asked_at: datetime
    until: datetime


_ASK = insert(questions)
_ASK_AGAIN = _ASK.on_conflict_do_update(
    index_elements=["delivery_id"],
    set_={name: _ASK.excluded[name] for name in ("number", "person", "answers", "asked_at", "until")},
    where=questions.c.answered_at.is_(None),
)

# With the person, or perhaps there: accepted, on its way, or nobody knows; and not known to have failed since.
_WITH_ITS_MESSAGE = """
    SELECT question.*, delivery.rule, delivery.step, delivery.result ->> 'message_id' AS message_id
    FROM questions question JOIN deliveries delivery ON delivery.id = question.delivery_id
    WHERE {which}
    ORDER BY question.asked_at DESC, question.delivery_id LIMIT 100
"""
_MAY_BE_THERE = """
    (delivery.state IN ('unknown', 'in_flight')
     OR EXISTS (SELECT FROM messages WHERE messages.delivery_id = delivery.id AND messages.state <> 'failed')
     OR delivery.state = 'succeeded'
        AND NOT EXISTS (SELECT FROM messages WHERE messages.delivery_id = delivery.id))
"""
_OF_PERSON = text(
    _WITH_ITS_MESSAGE.format(which=f"question.person = :person AND question.number = :number AND {_MAY_BE_THERE}")
)
_OF_SUBJECT = text(
    _WITH_ITS_MESSAGE.format(
        which=f"question.subject = :subject AND question.subject_account = :account AND {_MAY_BE_THERE}"
    )
)
_OF_DELIVERY = text(_WITH_ITS_MESSAGE.format(which="question.delivery_id = :id"))
_ANSWERED_BY = text(_WITH_ITS_MESSAGE.format(which="question.answered_by = :event_id"))
_OF_MESSAGE = text(
    """
    SELECT delivery.id, event.subject_account, event.subject, sent.person FROM deliveries delivery
    JOIN events event ON event.id = delivery.event_id
    LEFT JOIN messages sent ON sent.account = delivery.account AND sent.message_id = :message_id
    WHERE delivery.result ->> 'message_id' = :message_id AND delivery.result ? 'message_id'
          AND event.subject IS NOT NULL
    ORDER BY delivery.id LIMIT 1
    """
)
# In one order, so that two taps on questions asked twice do not wait for each other crosswise.
_TAKE = text(
    """
    SELECT delivery_id FROM questions
    WHERE subject = :subject AND subject_account = :account AND name = :name AND answered_at IS NULL
    ORDER BY delivery_id FOR UPDATE
    """
)
_ANSWER = text(
    """
    UPDATE questions SET answer = :answer, answered_at = :at, answered_by = :event_id
    WHERE delivery_id = ANY(:ids)
    """
)


def ask(connection: Connection, asked: Asked) -> None:
    """Write a question down; one that is asked again by the same delivery runs anew, unless it is decided."""
    connection.execute(_ASK_AGAIN, {**vars(asked), "answers": list(asked.answers)})


def of_person(connection: Connection, person: str, number: str) -> Sequence[Row[Any]]:
    """Return the questions that may be with a person, newest first."""
    return connection.execute(_OF_PERSON, {"person": person, "number": number}).all()


def of_subject(connection: Connection, account: str, subject: str) -> Sequence[Row[Any]]:
    """Return the questions about a subject that may be with anybody, newest first."""
    return connection.execute(_OF_SUBJECT, {"account": account, "subject": subject}).all()


def of_delivery(connection: Connection, delivery_id: UUID) -> Row[Any] | None:
    """Return the question that a delivery asked."""
    return connection.execute(_OF_DELIVERY, {"id": delivery_id}).one_or_none()


def answered_by(connection: Connection, event_id: UUID) -> Sequence[Row[Any]]:
    """Return the questions that a tap decided."""
    return connection.execute(_ANSWERED_BY, {"event_id": event_id}).all()


def sender_of(connection: Connection, message_id: str) -> Row[Any] | None:
    """Return the delivery that sent a message, what it was about, and whom it was for where that is known."""
    return connection.execute(_OF_MESSAGE, {"message_id": message_id}).one_or_none()


def answer(connection: Connection, question: Row[Any], given: str, event_id: UUID, at: datetime) -> Row[Any] | None:
    """Decide a question, however often it was asked, unless it is decided; return it as it is now."""
    which = {"account": question.subject_account, "subject": question.subject, "name": question.name}
    ids = list(connection.scalars(_TAKE, which))
    if question.delivery_id in ids:
        connection.execute(_ANSWER, {"ids": ids, "answer": given, "event_id": event_id, "at": at})
    return of_delivery(connection, question.delivery_id)
