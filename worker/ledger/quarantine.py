"""Bodies that failed verification, kept for when the fault was ours.

Invariant: the quarantine never holds more than its caps say, whoever floods it; it holds no secret, only hashes.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, bindparam, select, text
from sqlalchemy.dialects.postgresql import insert

from worker.ids import new_id
from worker.ledger.tables import quarantine

_LOCK = 0x71756172  # one writer at a time trims, so that the caps hold


@dataclass(frozen=True)
class Caps:
    """How much is kept."""

    rows: int
    size_bytes: int
    days: int


@dataclass(frozen=True)
class Refused:
    """A body that was refused, with what is needed to verify it again."""

    account: str
    reason: str
    evidence: dict[str, str]
    body: bytes
    content_type: str | None
    query: str | None
    headers: dict[str, str]
    source_ip: str | None
    received_at: datetime


_KEEP = insert(quarantine).on_conflict_do_update(
    index_elements=["account", "digest"],
    set_={"times": quarantine.c.times + 1},
    where=quarantine.c.released_at.is_(None),
)

_TRIM = text(
    """
    DELETE FROM quarantine WHERE id IN (
        SELECT id FROM (
            SELECT id, received_at,
                   row_number() OVER newest_first AS position,
                   sum(octet_length(body)) OVER newest_first AS size
            FROM quarantine WINDOW newest_first AS (ORDER BY id DESC)
        ) AS kept
        WHERE position > :rows OR size > :size_bytes OR received_at < :oldest
    )
    """
)


def keep(connection: Connection, refused: Refused, caps: Caps) -> None:
    """Keep a refused body; the oldest ones go when there are too many, too large or too old ones."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    connection.execute(_KEEP, {"id": new_id(), "digest": _digest(refused), **vars(refused)})
    oldest = refused.received_at - timedelta(days=caps.days)
    connection.execute(_TRIM, {"rows": caps.rows, "size_bytes": caps.size_bytes, "oldest": oldest})


def _digest(refused: Refused) -> bytes:
    evidence = json.dumps(refused.evidence, sort_keys=True).encode()
    return hashlib.sha256(b"\0".join([refused.body, evidence, (refused.query or "").encode()])).digest()


def held(connection: Connection, account: str | None = None, limit: int | None = None) -> list[Row[Any]]:
    """Return what is held, oldest first; bodies included."""
    query = select(quarantine).where(quarantine.c.released_at.is_(None)).order_by(quarantine.c.id).limit(limit)
    return list(connection.execute(query if account is None else query.where(quarantine.c.account == account)))


def mark_released(connection: Connection, entry_id: UUID, event_id: UUID, now: datetime) -> bool:
    """Note that a body became an event; False when somebody else was faster."""
    mine = (quarantine.c.id == bindparam("entry_id")) & quarantine.c.released_at.is_(None)
    update = quarantine.update().where(mine).values(released_at=now, event_id=event_id)
    return connection.execute(update, {"entry_id": entry_id}).rowcount == 1


def get(connection: Connection, entry_id: UUID) -> Row[Any] | None:
    """Return a body that is held, whole."""
    query = select(quarantine).where(quarantine.c.id == entry_id, quarantine.c.released_at.is_(None))
    return connection.execute(query).one_or_none()


def discard(connection: Connection, entry_id: UUID) -> bool:
    """Throw a body away for good; False when it is not held any more."""
    mine = quarantine.delete().where(quarantine.c.id == entry_id, quarantine.c.released_at.is_(None))
    return connection.execute(mine).rowcount == 1
