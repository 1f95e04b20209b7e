"""The people who use the console: what each role may do, and how a password proves who somebody is.

Invariant: a password is kept as an argon2 hash only, and a name that is nobody's takes as long to refuse as a wrong
password does.
"""

import re
from datetime import datetime
from enum import StrEnum
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection

from config.faults import OperatorError
from worker.ledger import users
from worker.people import People
from worker.states import Press

LEAST_CHARACTERS = 12
MOST_CHARACTERS = 256
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}\Z")
_hasher = PasswordHasher()


class UserError(OperatorError):
    """What was asked of a user's entry cannot be done; the text says why."""


class Role(StrEnum):
    """What somebody may do; each may do what the ones before it may."""

    VIEWER = "viewer"  # look, with personal data masked
    OPERATOR = "operator"  # press: retry, cancel, settle, pause; show personal data, with a reason
    ADMIN = "admin"  # also what concerns secrets

    def may(self, wanted: "Role") -> bool:
        """Whether this role includes another."""
        order = list(Role)
        return order.index(self) >= order.index(wanted)


def add(connection: Connection, people: People, name: str, role: Role, password: str | None, now: datetime) -> None:
    """Add a user; without a password only a trusted proxy can say that somebody is this user."""
    if not _NAME.match(name):
        raise UserError(f'"{name}" cannot be a name: letters, digits and . _ @ + - are wanted, 100 at most')
    if not users.add_user(connection, name, role, _hashed(password), now):
        raise UserError(f"there is a user {name} already")
    people.note(Press.USER_ADDED, name, {"role": role})


def change_role(connection: Connection, people: People, name: str, role: Role, now: datetime) -> None:
    """Give a user another role; whoever is logged in with that name has to log in again."""
    if not users.change_user(connection, name, now, role=role):
        raise UserError(f"there is no user {name}")
    people.note(Press.USER_ROLE, name, {"role": role})


def change_password(connection: Connection, people: People, name: str, password: str, now: datetime) -> None:
    """Give a user another password; whoever is logged in with that name has to log in again."""
    if not users.change_user(connection, name, now, password_hash=_hashed(password)):
        raise UserError(f"there is no user {name}")
    people.note(Press.USER_PASSWORD, name, {})


def remove(connection: Connection, people: People, name: str) -> None:
    """Remove a user; what the user did stays in the audit."""
    if not users.remove_user(connection, name):
        raise UserError(f"there is no user {name}")
    people.note(Press.USER_REMOVED, name, {})


def proves(password_hash: str | None, password: str) -> bool:
    """Whether a password is the one of a hash; without a hash it takes as long, and is not."""
    try:
        _hasher.verify(password_hash or _nobodys_hash(), password[:MOST_CHARACTERS])
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


@cache
def _nobodys_hash() -> str:
    return _hasher.hash("what refusing a name is measured against")


def _hashed(password: str | None) -> str | None:
    if password is None:
        return None
    if not LEAST_CHARACTERS <= len(password) <= MOST_CHARACTERS:
        raise UserError(f"a password has {LEAST_CHARACTERS} to {MOST_CHARACTERS} characters")
    return _hasher.hash(password)
