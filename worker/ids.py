"""Ids that sort by time: UUIDv7."""

import re
from uuid import UUID

import uuid_utils.compat

_HEX = re.compile(r"[0-9a-fA-F-]+\Z")


def new_id() -> UUID:
    """Return a new UUIDv7: later ids are greater."""
    return uuid_utils.compat.uuid7()


def parse_id(text: str) -> UUID | None:
    """Return the id that a text spells whole, or None."""
    try:
        return UUID(text) if _HEX.match(text) else None
    except ValueError:
        return None
