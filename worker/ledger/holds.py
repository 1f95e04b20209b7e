"""The holds in the ledger: read, changed under a lock, listed.

Invariant: a hold is changed by one worker at a time, so that no failure of many at once is lost and none opens twice.
"""

from collections.abc import Callable, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, exists, select, text
from sqlalchemy.dialects.postgresql import insert

from worker.holding import Hold
from worker.ledger.tables import holds, pauses
from worker.states import HoldKind, PauseKind, Reason

_MINE = (
    (holds.c.account == bindparam("b_account"))
    & (holds.c.kind == bindparam("b_kind"))
    & (holds.c.key == bindparam("b_key"))
)
_READ = select(holds).where(_MINE)
_READ_LOCKED = _READ.with_for_update()
_REMOVE = delete(holds).where(_MINE)
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
_insert = insert(holds)
_WRITE = _insert.on_conflict_do_update(
    index_elements=["account", "kind", "key"],
    set_={column.name: _insert.excluded[column.name] for column in holds.columns if not column.primary_key},
)
_OPEN_CIRCUIT = (holds.c.kind == HoldKind.ACCOUNT) & holds.c.opened_at.is_not(None)
_NOT_PAUSED = ~exists().where(pauses.c.kind == PauseKind.ACCOUNT, pauses.c.name == holds.c.account)


def read(connection: Connection, account: str, kind: HoldKind, key: str = "") -> Hold | None:
    """Return a hold, also one that is over or only counts failures."""
    row = connection.execute(_READ, _named(account, kind, key)).one_or_none()
    return None if row is None else _hold(row)


def change(
    connection: Connection, account: str, kind: HoldKind, key: str, step: Callable[[Hold | None], Hold | None]
) -> tuple[Hold | None, Hold | None]:
    """Replace a hold by what `step` makes of it; None takes it away. Returns it as it was and as it is."""
    connection.execute(_LOCK, {"name": f"hold {account} {kind} {key}"})
    row = connection.execute(_READ_LOCKED, _named(account, kind, key)).one_or_none()
    before = None if row is None else _hold(row)
    after = step(before)
    if after is not None and after != before:
        write(connection, after)
    elif after is None and before is not None:
        connection.execute(_REMOVE, _named(account, kind, key))
    return before, after


def write(connection: Connection, hold: Hold) -> None:
    """Write a hold down in place of what stood there, which the caller has locked."""
    connection.execute(_WRITE, vars(hold))


def circuits_to_probe(connection: Connection, now: datetime) -> list[Hold]:
    """Lock and return the open circuits through which a probe may go now; of no account that a person paused."""
    query = select(holds).where(_OPEN_CIRCUIT, holds.c.until <= now, _NOT_PAUSED).with_for_update(skip_locked=True)
    return [_hold(row) for row in connection.execute(query.order_by(holds.c.account))]


def circuits_open_since(connection: Connection, moment: datetime) -> list[Hold]:
    """Return the circuits that opened before a moment; of no account that a person paused."""
    query = select(holds).where(_OPEN_CIRCUIT, holds.c.opened_at <= moment, _NOT_PAUSED)
    return [_hold(row) for row in connection.execute(query.order_by(holds.c.account))]


def in_force(connection: Connection, now: datetime, account: str | None = None, most: int = 10_000) -> list[Hold]:
    """Return what is held back now, accounts first."""
    query = select(holds).where(holds.c.opened_at.is_not(None))
    query = query.where((holds.c.kind == HoldKind.ACCOUNT) | holds.c.until.is_(None) | (holds.c.until > now))
    if account is not None:
        query = query.where(holds.c.account == account)
    order = (holds.c.kind != HoldKind.ACCOUNT, holds.c.account, holds.c.kind, holds.c.key)
    return [_hold(row) for row in connection.execute(query.order_by(*order).limit(most))]


def forget_old(connection: Connection, moment: datetime) -> None:
    """Take away what ended before a moment; nothing counts its repetitions any more."""
    over = holds.c.until.is_not(None) & (holds.c.until < moment) & (holds.c.kind != HoldKind.ACCOUNT)
    connection.execute(delete(holds).where(over))


def _named(account: str, kind: HoldKind, key: str) -> dict[str, str]:
    return {"b_account": account, "b_kind": kind, "b_key": key}


def _hold(row: Row[Any]) -> Hold:
    values: dict[str, Any] = {field.name: row._mapping[field.name] for field in fields(Hold)}
    return Hold(**values | {"kind": HoldKind(row.kind), "reason": Reason(row.reason)})


def all_of(connection: Connection, account: str, keys: Sequence[tuple[HoldKind, str]]) -> list[Hold]:
    """Return the holds of some persons and templates of an account."""
    found = (read(connection, account, kind, key) for kind, key in keys)
    return [hold for hold in found if hold]
