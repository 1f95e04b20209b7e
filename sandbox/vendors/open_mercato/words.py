"""Open Mercato's answers: its errors, its pages, and the two spellings of its field names.

Invariant: a refusal has the body its kind of route gives: issues on CRUD routes, fields on records and workflows.
"""

import math
import re
from collections.abc import Sequence

from sandbox.exchange import Answer, Call, Json

Record = dict[str, Json]

PAGE_SIZE, MAX_PAGE_SIZE = 50, 100
INTERNAL = {"error": "Internal server error", "message": "Something went wrong. Please try again later."}

_CAPITAL = re.compile(r"(?<=[a-z0-9])([A-Z])")


class RefusedError(Exception):
    """The vendor says no, with this status and body."""

    def __init__(self, status: int, body: Record) -> None:
        super().__init__(str(body.get("error")))
        self.status, self.body = status, body

    def answer(self) -> Answer:
        """Return it as an answer."""
        return Answer(self.status, self.body, refusal=str(self))


def refused(status: int, text: str) -> RefusedError:
    """Return a plain refusal."""
    return RefusedError(status, {"error": text})


def invalid_input(problems: dict[str, str]) -> RefusedError:
    """Return the 400 of a CRUD route."""
    issues = [{"code": "custom", "path": [name], "message": text} for name, text in problems.items()]
    return RefusedError(400, {"error": "Invalid input", "details": issues})


def validation_failed(problems: dict[str, str]) -> RefusedError:
    """Return the 400 of workflows and records."""
    return RefusedError(400, {"error": "Validation failed", "fields": problems})


def page(call: Call, rows: Sequence[Json]) -> Answer:
    """Return one page of `page` and `pageSize`.

    Raises:
        RefusedError: they are no numbers or too large.
    """
    number, size = _count(call, "page", 1, 10**6), _count(call, "pageSize", PAGE_SIZE, MAX_PAGE_SIZE)
    body = {
        "items": list(rows[(number - 1) * size : number * size]),
        "total": len(rows),
        "page": number,
        "pageSize": size,
        "totalPages": math.ceil(len(rows) / size),
    }
    return Answer(200, body)


def slice_of(call: Call, rows: Sequence[Json]) -> Answer:
    """Return the rows of `limit` and `offset`, as workflows page."""
    limit, offset = _count(call, "limit", PAGE_SIZE, MAX_PAGE_SIZE), _count(call, "offset", 0, 10**6)
    more = offset + limit < len(rows)
    pagination = {"total": len(rows), "limit": limit, "offset": offset, "hasMore": more}
    return Answer(200, {"data": list(rows[offset : offset + limit]), "pagination": pagination})


def row(record: Record, *, snake: bool) -> Record:
    """Return a record as a list shows it: amounts as text, names in the spelling of that list."""
    return {snaked(name) if snake else name: _listed(name, value) for name, value in record.items()}


def snaked(name: str) -> str:
    """Return a name with underscores."""
    return _CAPITAL.sub(r"_\1", name).lower()


def _listed(name: str, value: Json) -> Json:
    is_amount = name.endswith("Amount") and isinstance(value, int | float)
    return f"{value:.2f}" if is_amount else value


def _count(call: Call, name: str, default: int, most: int) -> int:
    text = call.query.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and len(text) < 8 and min(default, 1) <= int(text) <= most):
        raise invalid_input({name: f"must be a number up to {most}"})
    return int(text)
