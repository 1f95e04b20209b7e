"""Find a text in bodies that are kept as the bytes that came.

Invariant: a body is never decoded to be searched, so that one which is no text, or is broken, is searched like any; and
a search whose time was up says how far it came. A text is looked for in every spelling it commonly has in a body: JSON
and forms escape some characters, and people type names in small letters.
"""

import json
import math
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote_plus
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Alias,
    Column,
    ColumnElement,
    Connection,
    LargeBinary,
    Select,
    Table,
    Text,
    any_,
    bindparam,
    func,
    or_,
    select,
)

from worker.ids import moment_of
from worker.ledger.tables import ID, deliveries, events

FIRST_PIECE, LARGEST_PIECE = 500, 64_000
MILLISECOND = timedelta(milliseconds=1)
"""An id tells no more finely when it was made."""
_PIECE_SECONDS = 0.1
_parents = events.alias("parents")


def next_piece(size: int, took: float) -> int:
    """Return how many rows to look through next, after so many took so many seconds: about a tenth of a second's."""
    return int(min(max(size * _PIECE_SECONDS / max(took, 1e-6), FIRST_PIECE), 4 * size, LARGEST_PIECE))


def in_bodies(table: Table | Alias, wanted: str) -> ColumnElement[bool]:
    """Return the condition that a text stands in an event's body, or in that of the event it came from."""
    parent = select(_parents.c.body).where(_parents.c.id == table.c.parent_id).scalar_subquery()
    body = func.coalesce(table.c.body, parent)
    places = (func.position(bindparam(None, found, type_=LargeBinary).op("IN")(body)) for found in spellings(wanted))
    return or_(*(place > 0 for place in places))


def in_deliveries(wanted: str) -> ColumnElement[bool]:
    """Return the condition that a text stands in what a delivery says, or in the body of its event, which is joined."""
    said = func.concat_ws(" ", deliveries.c.effect_key, deliveries.c.last_error, deliveries.c.result.cast(Text))
    return (func.strpos(func.lower(said), wanted.lower()) > 0) | in_bodies(events, wanted)


def with_text(
    connection: Connection, among: Select[Any], table: Table, wanted: str, most: int, seconds: float | None
) -> tuple[list[UUID], datetime | None]:
    """Return which events or deliveries have a text in them; `among`: a query of ids, of which the newest are first.

    Where the time for looking was up, also the moment back to which all were looked through; no `seconds`: all are.
    """
    found: list[UUID] = []
    size, began, looked = FIRST_PIECE, time.monotonic(), False
    give_up_at = began + (math.inf if seconds is None else seconds)
    with connection.execute(among, execution_options={"stream_results": True}) as rows:
        ids = rows.scalars()
        while len(found) < most and (piece := ids.fetchmany(size)):
            if looked and began >= give_up_at:
                looked_to = moment_of(piece[0]) + MILLISECOND
                return [one for one in found if moment_of(one) >= looked_to], looked_to
            found += connection.scalars(_of_piece(table, piece, wanted))
            now, looked = time.monotonic(), True
            size, began = next_piece(size, now - began), now
    return found, None


def one_of(column: Column[Any], ids: Sequence[UUID]) -> ColumnElement[bool]:
    """Return the condition that an id is one of these, however many they are: they are one parameter."""
    return column == any_(bindparam(None, ids, type_=ARRAY(ID)))


def _of_piece(table: Table, piece: Sequence[UUID], wanted: str) -> Select[Any]:
    query = select(table.c.id).where(one_of(table.c.id, piece))
    if table is events:
        return query.where(in_bodies(events, wanted))
    return query.join(events, events.c.id == deliveries.c.event_id).where(in_deliveries(wanted))


def spellings(wanted: str) -> list[bytes]:
    """Return the bytes that a text may be written as: as it is, in small, capital and title letters, escaped."""
    found: dict[bytes, None] = {}
    for text in (wanted, wanted.lower(), wanted.upper(), wanted.title()):
        escaped, plain = json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]
        for spelling in (text, plain, escaped, escaped.replace("/", "\\/"), quote_plus(text, errors="replace")):
            found[spelling.encode("utf-8", "replace")] = None
    return list(found)
