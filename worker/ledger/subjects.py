"""What is known of a subject: its snapshot, merged from everything that was said of it.

Invariant: snapshots move forward only. Each field keeps the vendor's time of the value that stands; an older
statement fills what is missing and changes nothing else, and nothing erases what is known.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select
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


def read_snapshot(connection: Connection, account: str, key: str, *, lock: bool = False) -> Snapshot:
    """Return what is known of a subject; with `lock` nobody else changes it until the transaction ends."""
    query = select(subjects).where(subjects.c.account == account, subjects.c.key == key)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return Snapshot(row.snapshot, row.known_at, row.complete) if row else Snapshot()


def merge(connection: Connection, account: str, patch: Patch, now: datetime) -> Snapshot:
    """Take a patch in and return the snapshot that results."""
    empty = {"snapshot": {}, "known_at": {}, "complete": False, "created_at": now, "updated_at": now}
    row = {"account": account, "key": patch.subject, **empty}
    connection.execute(insert(subjects).values(row).on_conflict_do_nothing())
    # A vendor's clock that is years ahead must not make its word stand for years.
    patch = replace(patch, values=storable(patch.values), as_of=min(patch.as_of, now))
    merged = read_snapshot(connection, account, patch.subject, lock=True).merged(patch)
    changed = {"snapshot": merged.values, "known_at": merged.known_at, "complete": merged.complete, "updated_at": now}
    mine = (subjects.c.account == account) & (subjects.c.key == patch.subject)
    connection.execute(subjects.update().where(mine).values(changed))
    return merged


def accounts_that_know(connection: Connection, key: str) -> list[str]:
    """Return the accounts that have seen a subject of this key, at most two."""
    return list(connection.scalars(select(subjects.c.account).where(subjects.c.key == key).limit(2)))
