"""Everything there is to see of one event, or of one delivery, gathered from the ledger.

Invariant: what is gathered is bounded, however much an event led to; what was left out is said.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row

from config.load import Config
from console.records.bodies import ShownBody, laid_out, plain, shown_body, shown_query
from console.records.reading import Explained, Said, explained, understood
from console.stories.advice import Advice, advice_of
from worker.ledger import messages, queries
from worker.ledger.lists import Filter, Page, list_events
from worker.ledger.settling import SETTLE
from worker.masking import mask
from worker.states import Reason

MOST_DELIVERIES, MOST_FACTS, MOST_ATTEMPTS, MOST_AUDIT = 50, 50, 100, 100


@dataclass(frozen=True)
class Attempt:
    """One try, its requests and answers laid out."""

    row: Row[Any]
    only_asked: bool
    """It only asked the vendor what became of an earlier one."""
    exchanges: tuple[tuple[str, str], ...]
    """Of each call: what was sent, and what came back."""


@dataclass(frozen=True)
class DeliveryRecord:
    """One delivery."""

    row: Row[Any]
    reason: str | None
    """Why it is where it is: the account's reason while that holds it back."""
    error: str | None
    due_at: datetime
    advice: Advice | None
    attempts: Sequence[Attempt]
    messages: Sequence[Row[Any]]
    result: str
    parameters: str


@dataclass(frozen=True)
class EventRecord:
    """One event."""

    row: Row[Any]
    parent: Row[Any] | None
    body: ShownBody
    has_own_body: bool
    headers: Mapping[str, str]
    query: str
    said: Said
    explained: Explained
    facts: Page
    deliveries: Sequence[DeliveryRecord]
    more_deliveries: bool
    audit: Sequence[Row[Any]]


def event_record(connection: Connection, config: Config, now: datetime, event_id: UUID) -> EventRecord | None:
    """Gather an event; None when there is none of this id."""
    event = queries.get_event(connection, event_id)
    if event is None:
        return None
    body = queries.body_of(connection, event)
    parent = queries.get_event(connection, event.parent_id) if event.parent_id else None
    facts = list_events(connection, Filter(event=event.id, limit=MOST_FACTS))
    ids = [event.id, *(fact.id for fact in facts.rows)]
    found = queries.deliveries_of(connection, ids, MOST_DELIVERIES + 1)
    came_with = event if event.body is not None or parent is None else parent
    return EventRecord(
        row=event,
        parent=parent,
        body=shown_body(body, came_with.content_type),
        has_own_body=event.body is not None,
        headers=_headers(came_with.headers),
        query=shown_query(came_with.query),
        said=understood(config, event, body),
        explained=explained(connection, config, now, event.id),
        facts=facts,
        deliveries=_delivery_records(connection, found[:MOST_DELIVERIES]),
        more_deliveries=len(found) > MOST_DELIVERIES,
        audit=queries.audit_of(connection, [event.id])[-MOST_AUDIT:],
    )


def delivery_record(
    connection: Connection, delivery_id: UUID
) -> tuple[DeliveryRecord, Row[Any], Sequence[Row[Any]]] | None:
    """Gather a delivery, with its event and what people did to it; None when there is none of this id."""
    known = queries.get_delivery(connection, delivery_id)
    event = queries.get_event(connection, known.event_id) if known else None
    if known is None or event is None:
        return None
    found = [row for row in queries.deliveries_of(connection, [event.id]) if row.id == delivery_id]
    [record] = _delivery_records(connection, found)
    return record, event, queries.audit_of(connection, [delivery_id])[-MOST_AUDIT:]


def _delivery_records(connection: Connection, rows: Sequence[Row[Any]]) -> list[DeliveryRecord]:
    ids = [row.id for row in rows]
    tried = queries.attempts_of(connection, ids, MOST_ATTEMPTS)
    sent = messages.of_deliveries(connection, ids)
    return [
        _delivery_record(
            row, [one for one in tried if one.delivery_id == row.id], [one for one in sent if one.delivery_id == row.id]
        )
        for row in rows
    ]


def _delivery_record(row: Row[Any], tried: Sequence[Row[Any]], sent: Sequence[Row[Any]]) -> DeliveryRecord:
    reason, error, due_at = shown_reason(row)
    code = next((message.error_code for message in sent if message.error_code), None)
    return DeliveryRecord(
        row=row, reason=reason, error=plain(error) if error else None, due_at=due_at, advice=advice_of(reason, code),
        attempts=[_attempt(one) for one in tried], messages=sent,
        result=laid_out(mask(row.result)) if row.result else "",
        parameters=laid_out(mask(row.parameters)) if row.parameters else "",
    )  # fmt: skip


def shown_reason(row: Row[Any]) -> tuple[str | None, str | None, datetime]:
    """Return why a delivery is where it is, in the vendor's words, and when it is due: a pause or a hold goes first."""
    if row.paused:
        return Reason.PAUSED, row.paused, row.due_at
    if row.held_reason:
        return row.held_reason, row.held_error, max(filter(None, (row.due_at, row.held_until)))
    return row.reason, row.last_error, row.due_at


def _attempt(row: Row[Any]) -> Attempt:
    calls = [call for call in row.exchanges or () if isinstance(call, Mapping)]
    shown = tuple(
        (laid_out(mask(call.get("request"))), laid_out(mask(call.get("answer") or call.get("error")))) for call in calls
    )
    return Attempt(row, row.kind == SETTLE, shown)


def _headers(headers: Mapping[str, Any] | None) -> dict[str, str]:
    shown = mask(headers or {})
    return {plain(str(name)): plain(str(value)) for name, value in shown.items()}
