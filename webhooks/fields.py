"""Read fields out of what vendors send: by path, from the first place that has something.

Invariant: whatever shape comes in, these give a value of the promised type or None, and never raise.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

_EVENT_NAME = re.compile(r"[a-z0-9_]+(?:[.:-][a-z0-9_]+)*\Z")
_UNRESOLVED = re.compile(r"\A(?:#[^#]*#|\{\{.*\}\})\Z", re.DOTALL)
_MOST_CHARACTERS = 200
_LEAST_MILLISECONDS = 1e11

Path = str
"""Keys joined by dots: `destination_address.phone`."""


def at(data: Any, path: Path) -> Any:
    """Return what stands at a path; None where anything on the way is missing."""
    for key in _keys(path):
        # Nearly always a plain dict, which is known many times faster than a Mapping: reading an order asks this often.
        if type(data) is not dict and not isinstance(data, Mapping):
            return None
        data = data.get(key)
    return data


@lru_cache(maxsize=4096)
def _keys(path: Path) -> tuple[str, ...]:
    return tuple(path.split("."))


def first(data: Any, paths: Iterable[Path]) -> Any:
    """Return the first value that is neither missing, null nor blank."""
    for path in paths:
        value = at(data, path)
        if value is not None and not (isinstance(value, str) and not value.strip()):
            return value
    return None


def text(value: Any) -> str | None:
    """Return an id or a word as text; None for what is neither text nor a whole number, and for blanks."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value).strip() or None


def email(value: Any) -> str | None:
    """Return an e-mail address in lower case."""
    found = text(value)
    return found.lower() if found else None


def first_key(data: Any, paths: Iterable[Path]) -> str | None:
    """Return the first value that may serve as a key, as text; placeholders left unfilled are passed over."""
    return next((found for path in paths if (found := key_text(at(data, path)))), None)


def first_object(data: Any, paths: Iterable[Path]) -> Mapping[str, Any] | None:
    """Return the first value that is an object."""
    return next((found for path in paths if isinstance(found := at(data, path), Mapping)), None)


def key_text(value: Any) -> str | None:
    """Return a text that may serve as a key: as `text`, but None when it is overlong or a placeholder left unfilled."""
    found = text(value)
    return None if found is None or len(found) > _MOST_CHARACTERS or _UNRESOLVED.match(found) else found


def event_name(value: Any) -> str | None:
    """Return a vendor's event name, in lower case, when it is fit to be one."""
    found = text(value)
    if found is None or len(found) > _MOST_CHARACTERS or not _EVENT_NAME.match(found.lower()):
        return None
    return found.lower()


def moment(value: Any) -> datetime | None:
    """Return a time as aware UTC: ISO 8601 (without zone: UTC), or epoch seconds or milliseconds.

    None for what is no time, and for years outside 2000 to 2099: no shop means those, and one such time would stand
    above every later one for ever.
    """
    try:
        found = _time(value)
    except (ValueError, OverflowError, OSError):
        return None
    return found if found and 2000 <= found.year < 2100 else None


def _time(value: Any) -> datetime | None:
    if isinstance(value, str) and not value.strip().isdecimal():
        found = datetime.fromisoformat(value.strip())
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    if isinstance(value, str | int | Decimal) and not isinstance(value, bool):
        seconds = float(value)
        return datetime.fromtimestamp(seconds / 1000 if seconds > _LEAST_MILLISECONDS else seconds, UTC)
    return None


def money(value: Any) -> str | None:
    """Return an amount as decimal text, exactly as many digits as were sent."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return None
    try:
        amount = Decimal(str(value).replace(",", ""))
    except InvalidOperation:
        return None
    return f"{amount:f}" if amount.is_finite() and abs(amount.adjusted()) < 30 else None


def jsonable(value: Any) -> Any:
    """Return a parsed value as the ledger can keep it: decimals as text."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(key): jsonable(part) for key, part in value.items()}
    if isinstance(value, list):
        return [jsonable(part) for part in value]
    return str(value) if isinstance(value, Decimal) else value
