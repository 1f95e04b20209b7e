"""Who may use the console: rows of users, sessions and failed logins.

Invariant: no password and no session token is stored, only what proves them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from worker.ids import new_id
from worker.ledger.tables import login_failures, sessions, users


@dataclass(frozen=True)
class Failures:
    """How many logins failed lately: for this name from this address, for the name, and from the address."""

    together: int
    of_name: int
    from_source: int


def list_users(connection: Connection) -> Sequence[Row[Any]]:
    """Return every user with the time of the newest request, by name."""
    seen = select(func.max(sessions.c.seen_at)).where(sessions.c.name == users.c.name).scalar_subquery()
    return connection.execute(select(users, seen.label("seen_at")).order_by(users.c.name)).all()


def get_user(connection: Connection, name: str) -> Row[Any] | None:
    """Return one user."""
    return connection.execute(select(users).where(users.c.name == name)).one_or_none()


def add_user(connection: Connection, name: str, role: str, password_hash: str | None, now: datetime) -> bool:
    """Add a user; False when the name is taken."""
    values = {"name": name, "role": role, "password_hash": password_hash, "created_at": now, "changed_at": now}
    added = insert(users).values(values).on_conflict_do_nothing().returning(users.c.name)
    return connection.scalar(added) is not None


def change_user(connection: Connection, name: str, now: datetime, **values: str | None) -> bool:
    """Change a user and end all sessions, which were begun with what was before; False when there is none."""
    connection.execute(delete(sessions).where(sessions.c.name == name))
    changed = connection.execute(update(users).where(users.c.name == name).values(changed_at=now, **values))
    return changed.rowcount == 1


def remove_user(connection: Connection, name: str) -> bool:
    """Remove a user and every session; False when there is none."""
    return connection.execute(delete(users).where(users.c.name == name)).rowcount == 1


def begin_session(connection: Connection, token_hash: bytes, name: str, now: datetime) -> None:
    """Let a token stand for a user from now on."""
    values = {"token_hash": token_hash, "name": name, "begun_at": now, "seen_at": now}
    connection.execute(sessions.insert().values(values))


def find_session(connection: Connection, token_hash: bytes) -> Row[Any] | None:
    """Return the session of a token with its user's role."""
    query = select(sessions, users.c.role).join(users, users.c.name == sessions.c.name)
    return connection.execute(query.where(sessions.c.token_hash == token_hash)).one_or_none()


def touch_session(connection: Connection, token_hash: bytes, now: datetime) -> None:
    """Note that a session was used."""
    connection.execute(update(sessions).where(sessions.c.token_hash == token_hash).values(seen_at=now))


def end_session(connection: Connection, token_hash: bytes) -> None:
    """Let a token stand for nobody."""
    connection.execute(delete(sessions).where(sessions.c.token_hash == token_hash))


def forget_old(connection: Connection, begun_before: datetime, seen_before: datetime, failed_before: datetime) -> None:
    """Remove sessions that have ended by themselves, and failures that count no more."""
    connection.execute(
        delete(sessions).where(or_(sessions.c.begun_at < begun_before, sessions.c.seen_at < seen_before))
    )
    connection.execute(delete(login_failures).where(login_failures.c.at < failed_before))


def note_failure(connection: Connection, name: str, source: str, now: datetime) -> None:
    """Write down that a login failed."""
    connection.execute(login_failures.insert().values(id=new_id(), at=now, name=name, source=source))


def count_failures(connection: Connection, name: str, source: str, since: datetime) -> Failures:
    """Return how many logins failed since a moment."""
    same_name, same_source = login_failures.c.name == name, login_failures.c.source == source
    counts = [func.count().filter(condition) for condition in (same_name & same_source, same_name, same_source)]
    row = connection.execute(select(*counts).where(login_failures.c.at >= since)).one()
    return Failures(together=row[0], of_name=row[1], from_source=row[2])
