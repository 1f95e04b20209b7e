"""What is known of a subject: its snapshot, merged from everything that was said of it.

Invariant: snapshots move forward only. Each field keeps the vendor's time of the value that stands; an older
statement fills what is missing and changes nothing else, and nothing erases what is known.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.dialects.postgresql import insert

from worker.ledger.storable import storable
from worker.ledger.tables import subjects


@dataclass(frozen=True)
class Patch:
    """What one event or answer says of a subject. `values` are JSON; a None in it says nothing."""

    subject: str
    values: dict[str, Any]
    as_of: datetime
    complete: bool
    """Whether it speaks of the subject whole, as the vendor's full record does."""


@dataclass(frozen=True)
class Snapshot:
    """The newest known state of a subject; empty when it was never seen."""

    values: dict[str, Any] = field(default_factory=dict)
    known_at: dict[str, str] = field(default_factory=dict)
    complete: bool = False

    def merged(self, patch: Patch) -> "Snapshot":
        """Return the snapshot with a patch taken in."""
        at = patch.as_of.astimezone(UTC).isoformat(timespec="microseconds")
        values, known_at = dict(self.values), dict(self.known_at)
        for name, value in patch.values.items():
            if value is not None and at >= known_at.get(name, ""):
                values[name], known_at[name] = value, at
        return Snapshot(values, known_at, self.complete or patch.complete)


# Made once: building a statement costs more than the database needs to run it.
_MINE = (subjects.c.account == bindparam("b_account")) & (subjects.c.key == bindparam("b_key"))
_READ = select(subjects.c.snapshot, subjects.c.known_at, subjects.c.complete).where(_MINE)
_LOCK = _READ.with_for_update()
_FIRST_SEEN = insert(subjects).on_conflict_do_nothing().returning(subjects.c.key)
_CHANGE = (
    subjects.update()
    .where(_MINE)
    .values({name: bindparam(name) for name in ("snapshot", "known_at", "complete", "updated_at")})
)


def read_snapshot(connection: Connection, account: str, key: str, *, lock: bool = False) -> Snapshot:
    """Return what is known of a subject; with `lock` nobody else changes it until the transaction ends."""
    row = connection.execute(_LOCK if lock else _READ, {"b_account": account, "b_key": key}).one_or_none()
    return Snapshot(row.snapshot, row.known_at, row.complete) if row else Snapshot()


def merge(connection: Connection, account: str, patch: Patch, now: datetime) -> Snapshot:
    """Take a patch in and return the snapshot that results."""
    # A vendor's clock that is years ahead must not make its word stand for years.
    patch = replace(patch, values=storable(patch.values), as_of=min(patch.as_of, now))
    first = Snapshot().merged(patch)
    row = {"account": account, "key": patch.subject, "created_at": now, **_columns(first, now)}
    if connection.scalar(_FIRST_SEEN, row):
        return first
    merged = read_snapshot(connection, account, patch.subject, lock=True).merged(patch)
    mine = {"b_account": account, "b_key": patch.subject}
    connection.execute(_CHANGE, {**mine, **_columns(merged, now)})
    return merged


def _columns(snapshot: Snapshot, now: datetime) -> dict[str, Any]:
    return {
        "snapshot": snapshot.values, "known_at": snapshot.known_at, "complete": snapshot.complete, "updated_at": now,
    }  # fmt: skip


def accounts_that_know(connection: Connection, key: str) -> list[str]:
    """Return the accounts that have seen a subject of this key, at most two."""
    return list(connection.scalars(select(subjects.c.account).where(subjects.c.key == key).limit(2)))
