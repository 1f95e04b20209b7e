"""Who wants no more messages, in the ledger: since when, why, and until they wanted them again.

Invariant: what was said last counts, in whatever order it is told; nobody stands here but by a hash.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, text
from sqlalchemy.dialects.postgresql import insert

from worker.ledger.tables import consents
from worker.states import ConsentScope

EVERY_ACCOUNT = ""
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")


@dataclass(frozen=True)
class Consent:
    """What a person, or somebody for them, said of messages to them."""

    person: str
    """A hash, see `worker.holding`."""
    scope: ConsentScope
    stopped: bool
    at: datetime
    why: str
    account: str = EVERY_ACCOUNT


def change(connection: Connection, said: Consent, now: datetime) -> bool:
    """Write down what was said; return whether anything is different now."""
    connection.execute(_LOCK, {"name": f"consent {said.person}"})
    mine = (consents.c.person == said.person) & (consents.c.scope == said.scope) & (consents.c.account == said.account)
    row = connection.execute(select(consents).where(mine)).one_or_none()
    at = min(said.at, now)
    if row is None:
        values = {"person": said.person, "scope": said.scope, "account": said.account, "stopped": said.stopped}
        connection.execute(insert(consents).values(**values, since=at, said_at=at, why=said.why))
        return said.stopped
    if at < row.said_at:
        return False
    changes: dict[str, Any] = {"said_at": at}
    if row.stopped != said.stopped:
        changes |= {"stopped": said.stopped, "since": at, "why": said.why}
    connection.execute(consents.update().where(mine).values(changes))
    return bool(row.stopped != said.stopped)


def stops(connection: Connection, person: str, account: str) -> Sequence[Row[Any]]:
    """Return what keeps messages of an account from a person, the widest first."""
    query = select(consents).where(consents.c.person == person, consents.c.stopped)
    query = query.where(consents.c.account.in_([EVERY_ACCOUNT, account]))
    return connection.execute(query.order_by(consents.c.scope)).all()


def stopped_among(
    connection: Connection, persons: Collection[str], account: str, scopes: Collection[ConsentScope]
) -> set[str]:
    """Return those of some persons who want no messages of these scopes from an account."""
    query = select(consents.c.person).where(
        consents.c.person.in_(persons), consents.c.stopped, consents.c.account.in_([EVERY_ACCOUNT, account]),
        consents.c.scope.in_(scopes),
    )  # fmt: skip
    return set(connection.scalars(query)) if persons else set()


def all_stops(connection: Connection, most: int) -> Sequence[Row[Any]]:
    """Return everybody who wants no more messages, the newest first."""
    query = select(consents).where(consents.c.stopped).order_by(consents.c.since.desc(), consents.c.person)
    return connection.execute(query.limit(most)).all()
