"""The disguises of Wabotick's answers: how a status is spelt, and what a list may look like.

Invariant: which disguise is one setting, never chance, and a disguise never changes what is said.
"""

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call, Json
from sandbox.vendors.wabotick.settings import SPELLINGS, WabotickSettings

if TYPE_CHECKING:
    from sandbox.vendors.wabotick.vendor import Wabotick

DEFAULT_LIMIT = 20
MOST_ROWS_OF_A_PAGE = {"conversation": 50, "subscribers": 100}

_YES = ("1", True, "success")


def ok(message: Json, **more: Json) -> dict[str, Json]:
    """Return the body of a success with status "1"."""
    return {"status": "1", **more, "message": message}


def dressed(settings: WabotickSettings, answer: Answer) -> Answer:
    """Return an answer as the settings spell it."""
    body = answer.body
    if not isinstance(body, dict) or "status" not in body:
        return answer
    if settings.status_spelling != "own":
        body = {**body, "status": SPELLINGS[settings.status_spelling][body["status"] in _YES]}
    if settings.misspell_everywhere:
        body = {"mesasge" if name == "message" else name: value for name, value in body.items()}
    return replace(answer, body=body)


def disguised(settings: WabotickSettings, rows: list[dict[str, Json]]) -> Json:
    """Return a list in one of its disguises."""
    match settings.list_shape:
        case "json_string":
            return json.dumps(rows)
        case "indexed_object":
            return {str(number): row for number, row in enumerate(rows)}
        case "object":
            return rows[0] if rows else {}
        case _:
            return rows


def paged(vendor: "Wabotick", call: Call, rows: list[dict[str, Json]], kind: str) -> Answer:
    """Answer with a part of the rows: `offset` skips rows, or counts pages from 1 as the sisters do."""
    limit, offset = call.params.get("limit"), number(call.params.get("offset"), 0)
    if vendor.settings.paging == "rows":
        part = rows[offset : offset + number(limit, DEFAULT_LIMIT)]
        return Answer(200, ok(disguised(vendor.settings, part)))
    size, most = number(limit, 0), MOST_ROWS_OF_A_PAGE[kind]
    if not 1 <= size <= most:
        return vendor.refuse(200, f"The limit must be between 1 and {most}.")
    page = max(offset, 1)
    body = ok(disguised(vendor.settings, rows[(page - 1) * size : page * size]))
    if page * size < len(rows):
        body["nextOffset"] = page + 1
    return Answer(200, body)


def number(text: Json, default: int) -> int:
    """Read a whole number; anything else is the default."""
    fits = isinstance(text, str) and text.isascii() and text.isdecimal() and len(text) < 10
    return int(text) if fits else default
