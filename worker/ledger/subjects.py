"""The snapshots of subjects, in the ledger.

Invariant: a snapshot is merged under a lock on its row, so that no statement about a subject is lost.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Text, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY, insert

from worker.ledger.storable import storable
from worker.ledger.tables import subjects
from worker.search_words import words_of
from worker.snapshots import Merge, Patch, Snapshot

# Made once: building a statement costs more than the database needs to run it.
_MINE = (subjects.c.account == bindparam("b_account")) & (subjects.c.key == bindparam("b_key"))
_READ = select(subjects.c.snapshot, subjects.c.known_at, subjects.c.complete).where(_MINE)
_LOCK = _READ.with_for_update()
# In a column of their own, so that a change which leaves them as they are touches no index.
_WORDS = func.array_to_tsvector(bindparam("b_words", type_=ARRAY(Text)))
_CHANGING = ("snapshot", "known_at", "complete", "updated_at")
_NEW = {name: bindparam(name, type_=subjects.c[name].type) for name in ("account", "key", "created_at", *_CHANGING)}
_FIRST_SEEN = insert(subjects).values({**_NEW, "words": _WORDS}).on_conflict_do_nothing().returning(subjects.c.key)
_CHANGE = subjects.update().where(_MINE).values({**{name: bindparam(name) for name in _CHANGING}, "words": _WORDS})


def read_snapshot(connection: Connection, account: str, key: str, *, lock: bool = False) -> Snapshot:
    """Return what is known of a subject; with `lock` nobody else changes it until the transaction ends."""
    row = connection.execute(_LOCK if lock else _READ, {"b_account": account, "b_key": key}).one_or_none()
    return Snapshot(row.snapshot, row.known_at, row.complete) if row else Snapshot()


def merge(connection: Connection, account: str, patch: Patch, now: datetime) -> Merge:
    """Take a patch in; return the snapshot that results, and what it changed."""
    # A vendor's clock that is years ahead must not make its word stand for years.
    patch = replace(patch, values=storable(patch.values), as_of=min(patch.as_of, now))
    first = Snapshot().taking_in(patch)
    columns = _columns(patch.subject, first.snapshot, now)
    row = {"account": account, "key": patch.subject, "created_at": now, **columns}
    if connection.scalar(_FIRST_SEEN, row):
        return first
    merge = read_snapshot(connection, account, patch.subject, lock=True).taking_in(patch)
    mine = {"b_account": account, "b_key": patch.subject}
    connection.execute(_CHANGE, {**mine, **_columns(patch.subject, merge.snapshot, now)})
    return merge


def _columns(key: str, snapshot: Snapshot, now: datetime) -> dict[str, Any]:
    return {
        "snapshot": snapshot.values, "known_at": snapshot.known_at, "complete": snapshot.complete, "updated_at": now,
        "b_words": words_of(key, snapshot.values),
    }  # fmt: skip


def accounts_that_know(connection: Connection, key: str) -> list[str]:
    """Return the accounts that have seen a subject of this key, at most two."""
    return list(connection.scalars(select(subjects.c.account).where(subjects.c.key == key).limit(2)))
