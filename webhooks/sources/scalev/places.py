"""How Scalev writes things: where a field stands in each edition of its payloads, and how it is read there.

Invariant: a table of places reads whatever shape comes in, and gives JSON of the promised kind or None.
"""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from webhooks import fields

Read = Callable[[Any], Any]
Places = Mapping[str, tuple[Read, *tuple[fields.Path, ...]]]
"""Our field: how it is read, and the places where it may stand; the first that has something counts."""

_UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")


def flag(value: Any) -> bool | None:
    """Return a truth value; texts and numbers are none."""
    return value if isinstance(value, bool) else None


def count(value: Any) -> int | None:
    """Return a whole number, also out of digits."""
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 19:
        return int(value)
    return value if type(value) is int and abs(value) < 10**18 else None


def instant(value: Any) -> str | None:
    """Return a time as ISO 8601 text in UTC."""
    found = fields.moment(value)
    return found.isoformat() if found else None


def texts(value: Any) -> list[str] | None:
    """Return a list's texts; an empty list is a statement, too."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else None


def counts(value: Any) -> dict[str, int] | None:
    """Return an object of names and whole numbers."""
    if not isinstance(value, Mapping):
        return None
    return {str(name): number for name, given in value.items() if (number := count(given)) is not None}


def read(data: Any, places: Places) -> dict[str, Any]:
    """Return our fields out of a payload, by a table of places."""
    return {name: reader(fields.first(data, paths)) for name, (reader, *paths) in places.items()}


def rows(value: Any, places: Places) -> list[dict[str, Any]] | None:
    """Return the objects of a list, each read by a table; None when it is no list."""
    if not isinstance(value, list):
        return None
    return [read(row, places) for row in value if isinstance(row, Mapping)]


def names(found: list[dict[str, Any]] | None, field: str) -> list[str] | None:
    """Return one text of each row that has it."""
    return None if found is None else [row[field] for row in found if row[field]]


def handler(data: Any) -> dict[str, str | None]:
    """Return who of the staff has it: Scalev writes an object, a bare name or a bare id."""
    given, named = fields.at(data, "handler"), fields.text(fields.at(data, "message_variables.handler"))
    if isinstance(given, Mapping):
        name = fields.text(fields.first(given, ("fullname", "name"))) or named
        return {
            "handler": name,
            "handler_id": fields.text(given.get("id")),
            "handler_email": fields.email(given.get("email")),
        }
    text = fields.text(given)
    is_id = text is not None and text.isdecimal()
    return {"handler": named if is_id else text or named, "handler_id": text if is_id else None, "handler_email": None}


def campaign(data: Any, said: fields.Path, *urls: fields.Path) -> dict[str, str | None]:
    """Return where the buyer came from: said outright below a path or at the top, else out of the page's address."""
    url = fields.text(fields.first(data, urls))
    query = _query(url)
    found = {name: fields.text(fields.first(data, (name, f"{said}.{name}"))) or query.get(name) for name in _UTM}
    return {"source_url": url, **found}


def _query(url: str | None) -> dict[str, str]:
    try:
        return dict(parse_qsl(urlsplit(url or "").query, max_num_fields=100))
    except ValueError:  # a broken address, or a query of thousands of fields
        return {}
