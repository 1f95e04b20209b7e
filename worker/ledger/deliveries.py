"""The life of a delivery in the ledger: planned, claimed, about to be sent, concluded.

Invariant: only the holder of the newest attempt number concludes a delivery, and an effect key belongs to at most one
delivery that had, or may still have, its effect.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Text, Update, bindparam, exists, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from config.rules import PRIORITIES
from worker.ids import new_id
from worker.ledger import messages, pauses
from worker.ledger.consents import EVERY_ACCOUNT
from worker.ledger.messages import Sent
from worker.ledger.tables import HOLDS_ITS_EFFECT, attempts, consents, deliveries, subjects
from worker.states import OPEN_STATES, ConsentScope, DeliveryState, Reason

MOST_EFFECT_KEY_CHARACTERS = 500
NORMAL = PRIORITIES["normal"]
OPEN = [str(state) for state in OPEN_STATES]
PARKED = timedelta(days=1)
"""How long what a paused rule planned is laid aside, unless the rule is resumed before."""


@dataclass(frozen=True)
class Wake:
    """A delivery to be woken: its id and the account it goes to."""

    id: UUID
    account: str
    priority: int = NORMAL


@dataclass(frozen=True)
class DeadLetter:
    """A delivery that nobody retries by itself, for whoever reports it."""

    id: UUID
    event_id: UUID
    action: str
    account: str
    reason: Reason
    error: str


@dataclass(frozen=True)
class Planned:
    """A delivery that a rule wants."""

    event_id: UUID
    rule: str
    step: str
    action: str
    account: str
    effect_key: str | None
    due_at: datetime
    parameters: dict[str, str] | None = None
    failure: tuple[Reason, str] | None = None
    """Why it is dead from the start, and what is wrong in words."""
    unwanted: tuple[DeliveryState, Reason, str | None] | None = None
    """Why it is not wanted from the start: cancelled, or suppressed."""
    subject: str | None = None
    subject_account: str | None = None
    event_at: datetime | None = None
    needs: tuple[str, ...] = ()
    """The steps, of the same event and rule, that must succeed first."""
    priority: int = NORMAL
    """The lower, the sooner, where many wait."""
    has_followers: bool = False
    """Whether its end means something for other deliveries."""


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


@dataclass(frozen=True)
class Written:
    """A delivery that was planned just now."""

    id: UUID
    account: str
    state: DeliveryState


_PLAN = insert(deliveries).on_conflict_do_nothing().returning(deliveries.c.id)


def plan(connection: Connection, wanted: Planned, now: datetime, rewake_seconds: float) -> Written | None:
    """Write a delivery down, once per event, rule and step; None when it had been planned before.

    When another delivery has, or may have, the same effect, this one is `suppressed` and names the other.
    """
    new = new_id()
    row: dict[str, Any] = {
        "id": new, "event_id": wanted.event_id, "rule": wanted.rule, "step": wanted.step,
        "action": wanted.action, "account": wanted.account, "effect_key": wanted.effect_key,
        "parameters": wanted.parameters, "due_at": wanted.due_at, "created_at": now, "updated_at": now,
        "state": DeliveryState.READY if wanted.due_at <= now else DeliveryState.WAITING,
        "reason": None, "last_error": None, "duplicate_of": None, "series_at": wanted.due_at,
        "wake_at": max(wanted.due_at, now + timedelta(seconds=rewake_seconds) if wanted.due_at <= now else now),
        "subject": wanted.subject, "subject_account": wanted.subject_account, "event_at": wanted.event_at,
        "needs": list(wanted.needs), "has_followers": wanted.has_followers, "priority": wanted.priority,
    }  # fmt: skip
    if wanted.needs:
        row |= {"state": DeliveryState.WAITING, "wake_at": None}
    if wanted.failure:
        reason, what = wanted.failure
        row |= {"state": DeliveryState.DEAD, "reason": reason, "last_error": what, "wake_at": None}
    elif wanted.unwanted:
        state, why, said = wanted.unwanted
        row |= {"state": state, "reason": why, "last_error": said, "wake_at": None}
    while True:
        if connection.scalar(_PLAN, row):
            return Written(new, wanted.account, DeliveryState(str(row["state"])))
        if state_of(connection, wanted):
            return None
        if holder := holder_of_effect(connection, wanted.effect_key):
            row |= {
                "state": DeliveryState.SUPPRESSED, "reason": Reason.DUPLICATE_EFFECT,
                "duplicate_of": holder, "wake_at": None,
            }  # fmt: skip
        # No holder: it died between the two looks, so the effect is free and the insert is tried again.


def state_of(connection: Connection, wanted: Planned) -> Row[Any, Any] | None:
    """Return the id and state of the delivery that stands for this event, rule and step, if it is written down."""
    query = select(deliveries.c.id, deliveries.c.state).where(
        deliveries.c.event_id == wanted.event_id, deliveries.c.rule == wanted.rule, deliveries.c.step == wanted.step
    )
    return connection.execute(query).one_or_none()


def take_effect(connection: Connection, delivery_id: UUID, effect_key: str) -> bool:
    """Give a delivery the effect key it could not have when it was planned; False when another one holds it."""
    mine = deliveries.update().where(deliveries.c.id == delivery_id).values(effect_key=effect_key)
    try:
        with connection.begin_nested():
            connection.execute(mine)
    except IntegrityError:
        return False
    return True


def holder_of_effect(connection: Connection, effect_key: str | None) -> UUID | None:
    """Return the delivery that has, or may still have, an effect."""
    query = select(deliveries.c.id).where(deliveries.c.effect_key == effect_key, HOLDS_ITS_EFFECT)
    return connection.scalar(query)


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
               lease_expires_at = :lease_expires_at, sending_at = NULL, updated_at = :now
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


_NEXT = text(
    """
    SELECT id, account, priority FROM deliveries
    WHERE subject_account = :account AND subject = :subject AND rule = :rule
          AND state IN ('waiting', 'ready', 'retrying') AND due_at <= :now AND (needs = '{}' OR released)
          AND reason IS DISTINCT FROM 'awaiting_delivery'
    ORDER BY event_at, event_id, id LIMIT 1
    """
)


def next_in_line(connection: Connection, row: Row[Any], now: datetime) -> list[Wake]:
    """Return which delivery of the same subject and rule may be taken now that another one ended."""
    given = {"account": row.subject_account, "subject": row.subject, "rule": row.rule, "now": now}
    return [Wake(found.id, found.account, found.priority) for found in connection.execute(_NEXT, given)]


def all_succeeded(connection: Connection, event_id: UUID, rule: str, steps: Sequence[str]) -> bool:
    """Whether these steps of an event's rule have all succeeded."""
    done = select(func.count()).where(
        deliveries.c.event_id == event_id, deliveries.c.rule == rule, deliveries.c.step.in_(steps),
        deliveries.c.state == DeliveryState.SUCCEEDED,
    )  # fmt: skip
    return connection.scalar(done) == len(steps)


def results_of(connection: Connection, event_id: UUID, rule: str, steps: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return state and result of these steps of an event's rule, by the step's id."""
    query = select(deliveries.c.step, deliveries.c.state, deliveries.c.result).where(
        deliveries.c.event_id == event_id, deliveries.c.rule == rule, deliveries.c.step.in_(steps)
    )
    return {row.step: {"state": row.state, "result": row.result or {}} for row in connection.execute(query)}


def move_if_free(connection: Connection, delivery_id: UUID, values: Mapping[str, Any]) -> bool:
    """Change a delivery; False when another one has taken its effect meanwhile."""
    try:
        with connection.begin_nested():
            connection.execute(deliveries.update().where(deliveries.c.id == delivery_id).values(values))
    except IntegrityError:
        return False
    return True


_OPEN_OF_SUBJECT = select(deliveries).where(
    deliveries.c.subject_account == bindparam("b_account"),
    deliveries.c.subject == bindparam("b_subject"),
    deliveries.c.state.in_(OPEN_STATES),
    deliveries.c.reason.is_distinct_from(Reason.AWAITING_DELIVERY),
)


def open_of_subject(connection: Connection, account: str, subject: str) -> Sequence[Row[Any]]:
    """Lock and return what is still to be sent about a subject."""
    given = {"b_account": account, "b_subject": subject}
    return connection.execute(_OPEN_OF_SUBJECT.with_for_update(), given).all()


def cancel(connection: Connection, delivery_id: UUID, what: str, now: datetime) -> None:
    """Cancel a delivery that waits, because of what happened."""
    values = {
        "state": DeliveryState.CANCELLED, "reason": Reason.OVERTAKEN, "last_error": what, "wake_at": None,
        "updated_at": now,
    }  # fmt: skip
    connection.execute(deliveries.update().where(deliveries.c.id == delivery_id).values(values))


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
    .values(sending_at=bindparam("b_now"), lease_expires_at=bindparam("b_expires"))
)


def mark_sending(connection: Connection, row: Row[Any], lease: Lease, wishes: Wishes | None = None) -> bool:
    """Write down that the request is about to leave; False when nothing may be sent.

    Either the lease was lost, or since `row` was claimed more became known of the subject, or the person opted out.
    """
    values = {
        "b_id": row.id, "b_number": row.attempts, "b_owner": lease.owner, "b_now": lease.since,
        "b_expires": lease.expires_at, "b_account": row.event_subject_account, "b_subject": row.event_subject,
        "b_known_at": row.known_at, "b_destination": row.account,
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


# Account by account, so that the backlog of one that is held or busy is not even looked at.
_WAKE = text(
    """
    WITH RECURSIVE there AS (
        (SELECT account FROM deliveries WHERE state IN ('waiting', 'ready', 'retrying') ORDER BY account LIMIT 1)
        UNION ALL
        SELECT (
            SELECT account FROM deliveries
            WHERE state IN ('waiting', 'ready', 'retrying') AND account > there.account ORDER BY account LIMIT 1
        ) FROM there WHERE there.account IS NOT NULL
    ), due AS (
        SELECT found.id FROM there CROSS JOIN LATERAL (
            SELECT id FROM deliveries
            WHERE account = there.account AND state IN ('waiting', 'ready', 'retrying') AND wake_at <= :now
                  AND reason IS DISTINCT FROM 'awaiting_delivery'
            ORDER BY wake_at LIMIT :most FOR UPDATE SKIP LOCKED
        ) AS found
        WHERE there.account <> ALL(:busy) AND NOT EXISTS (
            SELECT FROM holds
            WHERE holds.account = there.account AND kind = 'account' AND opened_at IS NOT NULL
        ) AND NOT EXISTS (SELECT FROM pauses WHERE kind = 'account' AND name = there.account)
    )
    UPDATE deliveries SET wake_at = CASE WHEN rule = ANY(:paused) THEN :parked ELSE :again END
    WHERE id IN (SELECT id FROM due) RETURNING id, account, priority, rule = ANY(:paused) AS is_parked
    """
)


def due(connection: Connection, now: datetime, busy: Sequence[str], most: int, rewake_seconds: float) -> list[Wake]:
    """Return what is due and nobody woke, so many an account, and note that it is being woken.

    Left out are accounts that are `busy`, those whose circuit is open, and what is paused. What a paused rule planned
    is laid aside, so that it does not stand in the way of the rest.
    """
    values = {
        "now": now, "again": now + timedelta(seconds=rewake_seconds), "busy": list(busy), "most": most,
        "paused": pauses.rules(connection), "parked": now + PARKED,
    }  # fmt: skip
    rows = connection.execute(_WAKE, values)
    return [Wake(row.id, row.account, row.priority) for row in rows if not row.is_parked]


def expired(connection: Connection, now: datetime, most: int) -> list[Row[Any]]:
    """Lock and return the deliveries whose holder has not concluded in time."""
    query = (
        select(deliveries)
        .where(deliveries.c.state == DeliveryState.IN_FLIGHT, deliveries.c.lease_expires_at < now)
        .order_by(deliveries.c.lease_expires_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    return list(connection.execute(query))
