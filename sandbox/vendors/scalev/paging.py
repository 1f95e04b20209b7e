"""Scalev's pages: one envelope and one opaque cursor for every list.

Invariant: walking `next_cursor` gives every row exactly once while nothing is added.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence

from sandbox.exchange import Json
from sandbox.vendors.scalev.words import RefusedError

MAX_PAGE = 25


def page(rows: Sequence[Json], query: Mapping[str, str]) -> dict[str, Json]:
    """Return the page that a query asks for, in the documented envelope."""
    size, start = _page_size(query), _start(query)
    has_next = start + size < len(rows)
    return {
        "data": list(rows[start : start + size]),
        "is_paginated": True,
        "has_next": has_next,
        "has_previous": start > 0,
        "next_cursor": _cursor(start + size) if has_next else None,
        "previous_cursor": _cursor(max(start - size, 0)) if start > 0 else None,
        "page_size": size,
    }


def whole_list(rows: Sequence[Json]) -> dict[str, Json]:
    """Return a list that has no pages."""
    return {"data": list(rows), "is_paginated": False}


def mentions(query: Mapping[str, str], *values: Json) -> bool:
    """Return whether one of the values contains the `search` of the query; no search fits everything."""
    wanted = query.get("search", "").strip().lower()
    return not wanted or any(wanted in str(value or "").lower() for value in values)


def _page_size(query: Mapping[str, str]) -> int:
    text = query.get("page_size", str(MAX_PAGE))
    if not (text.isascii() and text.isdecimal() and len(text) < 4 and 1 <= int(text) <= MAX_PAGE):
        raise RefusedError(400, f"page_size must be between 1 and {MAX_PAGE}")
    return int(text)


def _start(query: Mapping[str, str]) -> int:
    cursor = query.get("next_cursor") or query.get("previous_cursor")
    if not cursor:
        return 0
    try:
        word, _, number = base64.b64decode(cursor, altchars=b"-_", validate=True).decode().partition(":")
        position = int(number) if word == "after" else -1
    except (binascii.Error, ValueError):
        position = -1
    if position < 0:
        raise RefusedError(400, "cursor is invalid")
    return position


def _cursor(position: int) -> str:
    return base64.urlsafe_b64encode(f"after:{position}".encode()).decode()
