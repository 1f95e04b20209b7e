"""The paces in the ledger: one row for each account, and one for each person an account wrote to lately.

Invariant: a pace is read and moved on under a lock on its row, by all workers of all machines.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert

from worker import limits
from worker.ledger.tables import paces
from worker.limits import Allowed, Pace, Turn

_LOCK = (
    select(paces)
    .where(paces.c.account == bindparam("b_account"), paces.c.key.in_(bindparam("b_keys", expanding=True)))
    .order_by(paces.c.key)
    .with_for_update()
)
_BEGIN = insert(paces).on_conflict_do_nothing()
_MOVE = (
    paces.update()
    .where(paces.c.account == bindparam("b_account"), paces.c.key == bindparam("b_key"))
    .values({name: bindparam(name) for name in ("next_at", "turn_at", "minutes")})
)


def reserve(
    connection: Connection, account: str, wanted: Mapping[str, Allowed], now: datetime, *, had_turn: bool
) -> Turn:
    """Reserve the moment at which a call leaves by all of its paces, or a turn to come back at.

    `wanted` has what each pace allows, by its key: empty for the account, a person's hash.
    """
    found = _locked(connection, account, list(wanted))
    asked = {key: limits.ask(found[key], allowed, now, had_turn=had_turn) for key, allowed in wanted.items()}
    latest = max(asked, key=lambda key: asked[key].at)
    waits = [key for key, turn in asked.items() if not turn.leaves]
    if waits:
        key = max(waits, key=lambda name: asked[name].at)
        _move(connection, account, key, limits.queued(found[key], wanted[key], asked[key]))
        return asked[key]
    for key, allowed in wanted.items():
        _move(connection, account, key, limits.left(found[key], allowed, asked[latest].at))
    return asked[latest]


def reserve_next(connection: Connection, account: str, allowed: Allowed, now: datetime) -> datetime:
    """Reserve the moment of a further call of what has begun already, however far off; return it."""
    pace = _locked(connection, account, [""])[""]
    at = limits.soonest(pace, allowed, now)
    _move(connection, account, "", limits.left(pace, allowed, at))
    return at


def of_accounts(connection: Connection) -> dict[str, Pace]:
    """Return how fast each account is called."""
    rows = connection.execute(select(paces).where(paces.c.key == "").order_by(paces.c.account))
    return {row.account: Pace(row.next_at, row.turn_at, row.minutes) for row in rows}


def forget_old(connection: Connection, moment: datetime) -> None:
    """Take away the paces of persons whom nobody wrote to since a moment."""
    connection.execute(delete(paces).where(paces.c.key != "", paces.c.turn_at < moment))


def _locked(connection: Connection, account: str, keys: list[str]) -> dict[str, Pace]:
    values = {"b_account": account, "b_keys": keys}
    rows = connection.execute(_LOCK, values).all()
    if len(rows) < len(keys):
        connection.execute(_BEGIN, [{"account": account, "key": key, "minutes": {}} for key in sorted(keys)])
        rows = connection.execute(_LOCK, values).all()
    return {row.key: Pace(row.next_at, row.turn_at, row.minutes) for row in rows}


def _move(connection: Connection, account: str, key: str, pace: Pace) -> None:
    values: dict[str, Any] = {"b_account": account, "b_key": key, **vars(pace)}
    connection.execute(_MOVE, values)
