"""Ids that sort by time: UUIDv7."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from uuid import UUID

import uuid_utils.compat

FIRST_ID, LAST_ID = UUID(int=0), UUID(int=2**128 - 1)
"""Less and greater than every id."""
_MILLISECONDS_BITS = 48
_HEX = re.compile(r"[0-9a-fA-F-]+\Z")
_source: ContextVar[Callable[[], UUID]] = ContextVar("ids", default=uuid_utils.compat.uuid7)


def new_id() -> UUID:
    """Return a new UUIDv7: later ids are greater."""
    return _source.get()()


@contextmanager
def ids_from(source: Callable[[], UUID]) -> Iterator[None]:
    """Take new ids from another source within this context: what is to be played again has the same ids again."""
    token = _source.set(source)
    try:
        yield
    finally:
        _source.reset(token)


def first_id(moment: datetime) -> UUID:
    """Return the least id of a moment: what is made later has a greater one, so no index on a time is needed."""
    milliseconds = min(max(int(moment.timestamp() * 1000), 0), 2**_MILLISECONDS_BITS - 1)
    return UUID(f"{milliseconds:012x}70008000000000000000")


def moment_of(id_: UUID) -> datetime:
    """Return when an id was made."""
    return datetime.fromtimestamp(min(id_.int >> (128 - _MILLISECONDS_BITS), 2**47) / 1000, UTC)


def parse_id(text: str) -> UUID | None:
    """Return the id that a text spells whole, or None."""
    try:
        return UUID(text) if _HEX.match(text) else None
    except ValueError:
        return None
