"""The templates of each account as the vendor listed them last, and how it went when they were last asked for.

Invariant: it is a cache: without it messages are sent all the same, and the vendor's own refusal is the net.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import bindparam

from worker.ledger.tables import template_lists
from worker.templates import TemplateList, as_kept, from_kept

FIRST_PAUSE = timedelta(minutes=1)
"""How long nobody else asks when somebody has asked; it doubles with each failure, up to an hour."""
_MOST_DOUBLINGS = 6

_ALL = select(template_lists).order_by(template_lists.c.account, template_lists.c.shelf)
_MINE = (template_lists.c.account == bindparam("account")) & (template_lists.c.shelf == bindparam("shelf"))
_READ = select(template_lists).where(_MINE)
_CLAIM = text(
    """
    INSERT INTO template_lists (account, shelf, tried_at) VALUES (:account, :shelf, :now)
    ON CONFLICT (account, shelf) DO UPDATE SET tried_at = excluded.tried_at
    WHERE template_lists.tried_at IS NOT DISTINCT FROM CAST(:seen AS timestamptz)
    """
)
_LISTED = text(
    """
    UPDATE template_lists SET templates = :templates, is_whole = :is_whole, listed_at = :now, failures = 0, error = NULL
    WHERE account = :account AND shelf = :shelf
    """
).bindparams(bindparam("templates", type_=JSONB))
_FAILED = text(
    """
    UPDATE template_lists SET failures = failures + 1, error = :error WHERE account = :account AND shelf = :shelf
    RETURNING failures
    """
)


@dataclass(frozen=True)
class Kept:
    """One list of an account."""

    account: str
    shelf: str
    """Which of the account's lists, where it has several."""
    tried_at: datetime
    found: TemplateList | None = None
    listed_at: datetime | None = None
    failures: int = 0
    """How often in a row it could not be had."""
    error: str | None = None

    def is_newer_than(self, moment: datetime) -> bool:
        """Whether it was listed after a moment."""
        return self.listed_at is not None and self.listed_at > moment

    def may_be_tried(self, now: datetime) -> bool:
        """Whether the vendor may be asked again."""
        doublings = min(max(self.failures - 1, 0), _MOST_DOUBLINGS)
        return now >= self.tried_at + FIRST_PAUSE * 2.0**doublings


def read(connection: Connection, account: str, shelf: str) -> Kept | None:
    """Return a list; None where nobody asked for it yet."""
    row = connection.execute(_READ, {"account": account, "shelf": shelf}).one_or_none()
    return None if row is None else _kept(row)


def read_all(connection: Connection) -> list[Kept]:
    """Return every list."""
    return [_kept(row) for row in connection.execute(_ALL)]


def claim(connection: Connection, account: str, shelf: str, now: datetime, seen: Kept | None) -> bool:
    """Note that the vendor is being asked; False when somebody else began to since `seen` was read."""
    values = {"account": account, "shelf": shelf, "now": now, "seen": seen.tried_at if seen else None}
    return bool(connection.execute(_CLAIM, values).rowcount)


def listed(connection: Connection, account: str, shelf: str, found: TemplateList, now: datetime) -> None:
    """Keep what the vendor listed."""
    values = {"account": account, "shelf": shelf, "templates": as_kept(found), "is_whole": found.is_whole, "now": now}
    connection.execute(_LISTED, values)


def failed(connection: Connection, account: str, shelf: str, error: str) -> int:
    """Keep why the list could not be had, and return how often in a row that was so."""
    values = {"account": account, "shelf": shelf, "error": error}
    failures: int = connection.execute(_FAILED, values).scalar_one()
    return failures


def _kept(row: Row[Any]) -> Kept:
    found = None if row.templates is None else from_kept(row.templates, is_whole=row.is_whole)
    return Kept(row.account, row.shelf, row.tried_at, found, row.listed_at, row.failures, row.error)
