"""An attempt in the ledger: its delivery is claimed, about to be sent, and concluded or put back.

Invariant: only the holder of the newest attempt number concludes a delivery, or puts it back.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Text, Update, bindparam, exists, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from worker.ids import new_id
from worker.ledger import messages
from worker.ledger.consents import EVERY_ACCOUNT
from worker.ledger.deliveries import OPEN
from worker.ledger.messages import Sent
from worker.ledger.tables import attempts, consents, deliveries, subjects
from worker.states import OPEN_STATES, ConsentScope, DeliveryState, Reason

WITH_ITS_EVENT = """
    SELECT claimed.*, event.account AS event_account, event.type AS event_type, event.dedupe_key,
           event.subject AS event_subject, event.subject_account AS event_subject_account,
           event.occurred_at, event.received_at, event.tap AS event_tap,
           event.parent_id IS NOT NULL AND event.part IS NULL AS is_fact,
           coalesce(event.part, parent.part) AS part,
           coalesce(event.body, parent.body, request.body) AS body,
           coalesce(event.content_type, parent.content_type) AS content_type,
           coalesce(event.query, parent.query) AS query, coalesce(event.headers, parent.headers) AS headers,
           coalesce(event.trigger, parent.trigger) AS trigger,
           CASE WHEN event.part IS NULL THEN coalesce(parent.type, event.type) ELSE event.type END AS stored_type,
           subject.snapshot, subject.complete, subject.updated_at AS known_at,
           circuit.probe IS NOT DISTINCT FROM claimed.id AS is_probe, circuit.account IS NOT NULL AS is_failing,
           EXISTS (
               SELECT FROM holds WHERE holds.account = claimed.account AND kind IN ('recipient', 'template')
           ) AS has_holds,
           coalesce(slow.failures, 0) AS slowing,
           EXISTS (
               SELECT FROM deliveries other
               WHERE other.subject_account = claimed.subject_account AND other.subject = claimed.subject
                     AND other.rule = claimed.rule AND other.id <> claimed.id
                     AND other.state IN ('waiting', 'ready', 'retrying')
           ) AS has_line
    FROM claimed
    JOIN events event ON event.id = claimed.event_id
    LEFT JOIN events parent ON parent.id = event.parent_id
    LEFT JOIN events request ON request.id = parent.parent_id AND parent.part IS NOT NULL
    LEFT JOIN subjects subject ON subject.account = event.subject_account AND subject.key = event.subject
    LEFT JOIN holds circuit ON circuit.account = claimed.account AND circuit.kind = 'account' AND circuit.key = ''
    LEFT JOIN holds slow
        ON slow.account = claimed.account AND slow.kind = 'pace' AND slow.key = '' AND slow.until > :now
"""
"""What else an attempt has to know of the row that was `claimed`."""
_CLAIM = text(
    f"""
    WITH claimed AS (
        UPDATE deliveries SET state = 'in_flight', attempts = attempts + 1, lease_owner = :owner,
               lease_expires_at = :lease_expires_at, sending_at = NULL, sending_to = NULL,
               updated_at = :now
        WHERE id = :id AND state = ANY(:open) AND reason IS DISTINCT FROM 'awaiting_delivery'
              AND due_at <= :now AND (needs = '{{}}' OR released) AND NOT EXISTS (
            SELECT FROM deliveries other
            WHERE other.subject_account = deliveries.subject_account AND other.subject = deliveries.subject
                  AND other.rule = deliveries.rule AND other.id <> deliveries.id AND other.state = 'in_flight'
        ) AND NOT EXISTS (
            SELECT FROM deliveries other
            WHERE other.subject_account = deliveries.subject_account AND other.subject = deliveries.subject
                  AND other.rule = deliveries.rule AND other.state IN ('waiting', 'ready', 'retrying')
                  AND (other.event_at, other.event_id) < (deliveries.event_at, deliveries.event_id)
                  AND (other.needs = '{{}}' OR other.released)
                  AND (other.state = 'retrying' OR other.due_at <= :now OR other.reason IS NOT NULL)
                  AND other.reason IS DISTINCT FROM 'awaiting_delivery'
        ) AND NOT EXISTS (
            SELECT FROM holds WHERE holds.account = deliveries.account AND kind = 'account' AND opened_at IS NOT NULL
            AND probe IS DISTINCT FROM deliveries.id
        ) AND NOT EXISTS (
            SELECT FROM pauses
            WHERE (kind = 'account' AND name = deliveries.account) OR (kind = 'rule' AND name = deliveries.rule)
        )
        RETURNING *
    )
    {WITH_ITS_EVENT}
    """  # noqa: S608 - no values in it
)


@dataclass(frozen=True)
class Lease:
    """Who works on a delivery, since and until when nobody else may."""

    owner: str
    since: datetime
    seconds: float

    @property
    def expires_at(self) -> datetime:
        """The moment from which a sweep takes the delivery back."""
        return self.since + timedelta(seconds=self.seconds)


def claim(connection: Connection, delivery_id: UUID, lease: Lease) -> Row[Any] | None:
    """Take a due delivery for one attempt; None when it is not due, not open, held, paused, or somebody else has it.

    Those of one subject and rule are taken one at a time, in the order of their events: one that has to wait for
    another is looked at again in a moment.
    """
    values = {
        "id": delivery_id, "owner": lease.owner, "now": lease.since, "lease_expires_at": lease.expires_at, "open": OPEN,
    }  # fmt: skip
    try:
        return connection.execute(_CLAIM, values).one_or_none()
    except IntegrityError:  # another of its line was taken at this very moment
        return None


@dataclass(frozen=True)
class Conclusion:
    """How an attempt ended."""

    state: DeliveryState
    reason: Reason | None = None
    error: str | None = None
    due_at: datetime | None = None
    result: dict[str, Any] | None = None
    duplicate_of: UUID | None = None
    wrote: bool = False
    """Whether the answer said what its subject is now."""
    held_until: datetime | None = None
    """It waits for its account: until when no probe goes through. The attempt does not count towards giving up."""

    settle_at: datetime | None = None
    """Of an unknown outcome: when the vendor is asked what became of it."""

    sent: Sent | None = None
    """The message that it sent."""

    @property
    def is_success(self) -> bool:
        """Whether the vendor did it, though a message may still have to arrive."""
        return self.state is DeliveryState.SUCCEEDED or self.reason is Reason.AWAITING_DELIVERY

    @property
    def wake_at(self) -> datetime | None:
        """When a sweep should look at it."""
        return self.held_until or self.due_at or self.settle_at


@dataclass(frozen=True)
class AttemptRecord:
    """One try, as it is written down."""

    delivery_id: UUID
    number: int
    started_at: datetime
    finished_at: datetime
    worker: str
    exchanges: list[dict[str, Any]]
    trace: str | None = None
    id: UUID = field(default_factory=new_id)
    """Given before it is written, so that writing it again after a lost commit writes it once."""


_MINE = (
    (deliveries.c.id == bindparam("b_id"))
    & (deliveries.c.attempts == bindparam("b_number"))
    & (deliveries.c.lease_owner == bindparam("b_owner"))
)
_KNOWN_AT = (
    select(subjects.c.updated_at)
    .where(subjects.c.account == bindparam("b_account"), subjects.c.key == bindparam("b_subject"))
    .scalar_subquery()
)


@dataclass(frozen=True)
class Wishes:
    """What a person (a hash) would have to want no more of, for a message not to be sent."""

    person: str
    scopes: tuple[ConsentScope, ...]


_STOPPED = exists().where(
    consents.c.person == bindparam("b_person", type_=Text),
    consents.c.scope.in_(bindparam("b_scopes", expanding=True)),
    consents.c.account.in_([EVERY_ACCOUNT, bindparam("b_destination")]),
    consents.c.stopped,
)
_MARK = (
    deliveries.update()
    .where(_MINE, deliveries.c.state == DeliveryState.IN_FLIGHT, ~_STOPPED)
    .where(_KNOWN_AT.is_not_distinct_from(bindparam("b_known_at", type_=subjects.c.updated_at.type)))
    .values(
        sending_at=bindparam("b_now"), sending_to=bindparam("b_to", type_=Text), lease_expires_at=bindparam("b_expires")
    )
)


def mark_sending(
    connection: Connection, row: Row[Any], lease: Lease, wishes: Wishes | None = None, to: str | None = None
) -> bool:
    """Write down that the request is about to leave; False when nothing may be sent.

    Either the lease was lost, or since `row` was claimed more became known of the subject, or the person opted out.
    `to`: the person (a hash) by whom the message's first report will be matched.
    """
    values = {
        "b_id": row.id, "b_number": row.attempts, "b_owner": lease.owner, "b_now": lease.since,
        "b_expires": lease.expires_at, "b_account": row.event_subject_account, "b_subject": row.event_subject,
        "b_known_at": row.known_at, "b_destination": row.account, "b_to": to,
        "b_person": wishes and wishes.person, "b_scopes": list(wishes.scopes if wishes else ()),
    }  # fmt: skip
    return connection.execute(_MARK, values).rowcount == 1


_STILL_OURS = (deliveries.c.state == DeliveryState.IN_FLIGHT) | (
    (deliveries.c.reason == Reason.LEASE_EXPIRED)
    & deliveries.c.state.in_([DeliveryState.UNKNOWN, DeliveryState.RETRYING])
)
# A success is a fact: it also stands against a person's "try again", as long as nobody has begun to.
_NOT_BEGUN_AGAIN = deliveries.c.state.in_([*OPEN_STATES, DeliveryState.UNKNOWN])


_ATTEMPT = (
    insert(attempts)
    .values(
        {
            column.name: bindparam(f"a_{column.name}", type_=column.type)
            for column in attempts.columns
            if column is not attempts.c.kind
        }
    )
    .on_conflict_do_nothing()
    .cte("attempt")
)


# What was held back by its account neither spends an attempt nor loses its place.
_HELD = {
    "series_start": deliveries.c.series_start + 1,
    "held_since": func.coalesce(deliveries.c.held_since, bindparam("updated_at")),
}


@cache
def _conclusion_of(columns: tuple[str, ...], *, succeeded: bool, held: bool, sent: bool) -> Update:
    ours = _STILL_OURS | _NOT_BEGUN_AGAIN if succeeded else _STILL_OURS
    values: dict[str, Any] = {name: bindparam(name) for name in columns}
    changed = deliveries.update().where(_MINE, ours).values(values | (_HELD if held else {"held_since": None}))
    changed = changed.add_cte(_ATTEMPT)
    return changed.add_cte(messages.RECORD.cte("message")) if sent else changed


_TRACES = text(
    """
    SELECT (SELECT trace FROM events WHERE id = :event_id) AS event,
           (SELECT trace FROM attempts WHERE delivery_id = :id AND trace IS NOT NULL
            ORDER BY id DESC LIMIT 1) AS attempt
    """
)


def traces_of(connection: Connection, row: Row[Any]) -> Row[Any]:
    """Return where a delivery's event left its trace, and which part of it the attempt before was."""
    return connection.execute(_TRACES, {"id": row.id, "event_id": row.event_id}).one()


def conclude(connection: Connection, record: AttemptRecord, owner: str, conclusion: Conclusion) -> bool:
    """Record an attempt and move its delivery on, in one statement.

    An answer that comes after the lease ran out still settles the delivery, as long as nobody has begun another
    attempt or decided otherwise. Returns False when the delivery had moved on without it. May be called again
    with the same record when it is not known whether the commit came through.
    """
    said = {"state": conclusion.state, "reason": conclusion.reason, "error": conclusion.error}
    attempt = {f"a_{name}": value for name, value in {**vars(record), **said}.items()}
    values = _concluded(conclusion, record.finished_at)
    mine = {"b_id": record.delivery_id, "b_number": record.number, "b_owner": owner}
    succeeded, held = conclusion.is_success, conclusion.held_until is not None
    sent = conclusion.sent
    statement = _conclusion_of(tuple(values), succeeded=succeeded, held=held, sent=sent is not None)
    message = messages.bound(sent) if sent else {}
    return connection.execute(statement, {**mine, **attempt, **message, **values}).rowcount == 1


def _concluded(conclusion: Conclusion, now: datetime) -> dict[str, Any]:
    values: dict[str, Any] = {
        "state": conclusion.state, "reason": conclusion.reason, "last_error": conclusion.error,
        "lease_expires_at": None, "turn_at": None, "wake_at": conclusion.wake_at,
        "settle_at": conclusion.settle_at, "settles": 0, "updated_at": now,
    }  # fmt: skip
    if conclusion.due_at:
        values["due_at"] = conclusion.due_at
    if conclusion.result is not None:
        values["result"] = conclusion.result
    if conclusion.wrote:
        values["wrote"] = True
    if conclusion.duplicate_of is not None:
        values["duplicate_of"] = conclusion.duplicate_of
    return values


@dataclass(frozen=True)
class Deferral:
    """Why a delivery that was claimed is not sent now, and when it comes due again."""

    due_at: datetime
    reason: Reason
    error: str | None = None
    held: bool = False
    """By a hold, so that it is given up after some time; else it only waits for its turn."""
    turn_at: datetime | None = None


_DEFER = text(
    """
    UPDATE deliveries SET state = CASE WHEN attempts > 1 THEN 'retrying' ELSE 'waiting' END, attempts = attempts - 1,
           due_at = :due_at, wake_at = :due_at, reason = :reason, last_error = :error, lease_expires_at = NULL,
           turn_at = :turn_at, held_since = CASE WHEN :held THEN coalesce(held_since, :now) ELSE held_since END,
           updated_at = :now
    WHERE id = :id AND state = 'in_flight' AND attempts = :number AND lease_owner = :owner
    """
)


def defer(connection: Connection, row: Row[Any], owner: str, deferral: Deferral, now: datetime) -> bool:
    """Put a claimed delivery back as if it had not been claimed, due at another moment; False when it was lost."""
    values = {"id": row.id, "number": row.attempts, "owner": owner, "now": now, **vars(deferral)}
    return connection.execute(_DEFER, values).rowcount == 1
