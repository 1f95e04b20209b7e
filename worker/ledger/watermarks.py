"""Up to which moment a vendor was asked whether anything was missed, and who is at it.

Invariant: a watermark moves forward only, after all up to it was written down; one asks at a time, and whoever dies
over it keeps nobody out.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection, Engine, func, select, text
from sqlalchemy.dialects.postgresql import insert

from worker.ledger.tables import watermarks

_TRY = text("SELECT pg_try_advisory_lock(hashtextextended(:name, 0))")
_RELEASE = text("SELECT pg_advisory_unlock(hashtextextended(:name, 0))")


@contextmanager
def alone(engine: Engine, name: str) -> Iterator[bool]:
    """Be the only one, of all processes, inside for this name; False when somebody else is."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        got = bool(connection.scalar(_TRY, {"name": name}))
        try:
            yield got
        finally:
            if got:
                connection.execute(_RELEASE, {"name": name})


def read(connection: Connection, account: str, name: str) -> datetime | None:
    """Return a watermark; None when nobody asked yet."""
    mine = (watermarks.c.account == account) & (watermarks.c.name == name)
    return connection.scalar(select(watermarks.c.at).where(mine))


def move(connection: Connection, account: str, name: str, at: datetime) -> None:
    """Move a watermark forward."""
    new = insert(watermarks).values(account=account, name=name, at=at)
    later = {"at": func.greatest(watermarks.c.at, new.excluded.at)}
    connection.execute(new.on_conflict_do_update(index_elements=["account", "name"], set_=later))
