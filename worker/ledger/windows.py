"""When each person last wrote to each number, in the ledger.

Invariant: the newest moment stands, in whatever order events come.
"""

from datetime import datetime

from sqlalchemy import Connection, text

_HEAR = text(
    """
    INSERT INTO windows (account, person, heard_at) VALUES (:account, :person, :at)
    ON CONFLICT (account, person) DO UPDATE SET heard_at = excluded.heard_at
    WHERE windows.heard_at < excluded.heard_at
    """
)
_HEARD = text("SELECT heard_at FROM windows WHERE account = :account AND person = :person")


def hear(connection: Connection, account: str, person: str, at: datetime) -> None:
    """Write down that a person wrote."""
    connection.execute(_HEAR, {"account": account, "person": person, "at": at})


def heard_at(connection: Connection, account: str, person: str) -> datetime | None:
    """Return when a person last wrote to an account's number."""
    found: datetime | None = connection.scalar(_HEARD, {"account": account, "person": person})
    return found
