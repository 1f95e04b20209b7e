"""Which rules each worker has in use, and whether it refused changed ones.

Invariant: one row for each worker, renewed while it lives; what a worker that is gone wrote counts no more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.postgresql import insert

from worker.ledger.tables import reloads

COUNTS_FOR = timedelta(minutes=3)
"""How long a row counts that was not renewed."""
FORGOTTEN_AFTER = timedelta(days=1)


@dataclass(frozen=True)
class InUse:
    """What one worker has in use."""

    worker: str
    at: datetime
    rules: int
    refused: tuple[str, ...] = ()
    """The faults for which changed rules were refused."""
    accounts_changed: bool = False
    """`accounts.yaml` is another one than at its start."""


def write(connection: Connection, in_use: InUse) -> None:
    """Write down what a worker has in use, and forget those that are long gone."""
    connection.execute(delete(reloads).where(reloads.c.at < in_use.at - FORGOTTEN_AFTER))
    values = vars(in_use) | {"refused": list(in_use.refused)}
    row = insert(reloads).values(values)
    connection.execute(row.on_conflict_do_update(index_elements=["worker"], set_=values))


def read(connection: Connection, now: datetime) -> Sequence[InUse]:
    """Return what the workers that live have in use."""
    rows = connection.execute(select(reloads).where(reloads.c.at > now - COUNTS_FOR).order_by(reloads.c.worker))
    return [InUse(row.worker, row.at, row.rules, tuple(row.refused), row.accounts_changed) for row in rows]
