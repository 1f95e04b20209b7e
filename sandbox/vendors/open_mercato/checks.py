"""What Open Mercato demands of single fields, as small checks that the tables of kinds name.

Invariant: a check gets a value that is there and not null, and returns what is wrong with it or an empty text.
"""

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal, InvalidOperation

from sandbox.exchange import Json

Check = Callable[[Json], str]


def text(most: int, least: int = 0) -> Check:
    """Return a check for text of these lengths."""

    def check(value: Json) -> str:
        fits = isinstance(value, str) and least <= len(value.strip()) <= most
        return "" if fits else f"must be text of {least} to {most} characters"

    return check


def matching(pattern: str, hint: str) -> Check:
    """Return a check for text of a form."""
    compiled = re.compile(pattern)

    def check(value: Json) -> str:
        return "" if isinstance(value, str) and compiled.fullmatch(value) else hint

    return check


def number(least: float, most: float = 1e15) -> Check:
    """Return a check for a number, which may come as text."""

    def check(value: Json) -> str:
        try:
            fits = not isinstance(value, bool) and least <= Decimal(str(value)) <= Decimal(str(most))
        except InvalidOperation:
            fits = False
        return "" if fits else f"must be a number from {least}"

    return check


def moment(value: Json) -> str:
    """Check a date or time in ISO 8601."""
    try:
        datetime.fromisoformat(str(value))
    except ValueError:
        return "must be a date"
    return ""


def texts(value: Json) -> str:
    """Check a list of texts."""
    fits = isinstance(value, list) and all(isinstance(item, str) for item in value)
    return "" if fits else "must be a list of texts"


def objects(value: Json) -> str:
    """Check a list of objects."""
    fits = isinstance(value, list) and all(isinstance(item, dict) for item in value)
    return "" if fits else "must be a list of objects"


def an_object(value: Json) -> str:
    """Check an object."""
    return "" if isinstance(value, dict) else "must be an object"


CURRENCY = matching(r"[A-Z]{3}", "must be three capital letters")
PHONE = matching(r"\+\d{7,15}", "must start with + and have 7 to 15 digits")
SLUG = matching(r"[a-z0-9_-]{1,80}", "must be a slug")
COLOR = matching(r"#[0-9a-fA-F]{6}", "must be #rrggbb")
COUNTRY = matching(r"[A-Za-z]{2}", "must be two letters")
EMAIL = matching(r"[^@\s]{1,200}@[^@\s]{1,119}", "must be an e-mail address")
