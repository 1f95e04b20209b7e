"""Find a text in bodies that are kept as the bytes that came.

Invariant: a body is never decoded to be searched, so that one which is no text, or is broken, is searched like any.
A text is looked for in every spelling it commonly has in a body: JSON and forms escape some characters, and people
type names in small letters.
"""

import json
from urllib.parse import quote_plus

from sqlalchemy import Alias, ColumnElement, LargeBinary, Table, bindparam, func, or_, select

from worker.ledger.tables import events

_parents = events.alias("parents")


def in_bodies(table: Table | Alias, wanted: str) -> ColumnElement[bool]:
    """Return the condition that a text stands in an event's body, or in that of the event it came from."""
    parent = select(_parents.c.body).where(_parents.c.id == table.c.parent_id).scalar_subquery()
    body = func.coalesce(table.c.body, parent)
    places = (func.position(bindparam(None, found, type_=LargeBinary).op("IN")(body)) for found in spellings(wanted))
    return or_(*(place > 0 for place in places))


def spellings(wanted: str) -> list[bytes]:
    """Return the bytes that a text may be written as: as it is, in small, capital and title letters, escaped."""
    found: dict[bytes, None] = {}
    for text in (wanted, wanted.lower(), wanted.upper(), wanted.title()):
        escaped, plain = json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]
        for spelling in (text, plain, escaped, escaped.replace("/", "\\/"), quote_plus(text, errors="replace")):
            found[spelling.encode("utf-8", "replace")] = None
    return list(found)
