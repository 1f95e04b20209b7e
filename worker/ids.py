"""Ids that sort by time: UUIDv7."""

import re
from datetime import datetime
from uuid import UUID

import uuid_utils.compat

_HEX = re.compile(r"[0-9a-fA-F-]+\Z")


def new_id() -> UUID:
    """Return a new UUIDv7: later ids are greater."""
    return uuid_utils.compat.uuid7()


def first_id(moment: datetime) -> UUID:
    """Return the least id of a moment: what is made later has a greater one, so no index on a time is needed."""
    return UUID(f"{int(moment.timestamp() * 1000):012x}70008000000000000000")


def parse_id(text: str) -> UUID | None:
    """Return the id that a text spells whole, or None."""
    try:
        return UUID(text) if _HEX.match(text) else None
    except ValueError:
        return None
