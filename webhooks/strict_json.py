"""JSON as a receiver should read it: strictly, with limits, and without losing digits.

Invariant: what is returned can be stored anywhere in the ledger, and no input makes this raise anything but JsonError.
"""

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

_MOST_DIGITS = 400
_UNSTORABLE = re.compile(rb"\\u0000|\\u[dD][89a-fA-F]", re.ASCII)


class JsonError(Exception):
    """A body is not acceptable JSON; the text says why, without quoting it."""


def parse_json(body: bytes, max_depth: int) -> Any:
    """Parse a body of UTF-8 JSON; numbers with a point become Decimal.

    Raises JsonError for anything that is not JSON, for NaN and infinities, duplicate keys, numbers of absurd length
    and nesting deeper than `max_depth`. NUL characters and lone surrogates, which no database stores, become U+FFFD.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise JsonError("the body is not UTF-8") from None
    try:
        parsed = json.loads(
            text,
            parse_float=_number,
            parse_int=_integer,
            parse_constant=_constant,
            object_pairs_hook=_object,
        )
    except json.JSONDecodeError as error:
        raise JsonError(f"the body is not JSON (line {error.lineno}, column {error.colno})") from None
    except RecursionError:
        raise JsonError("the body is nested too deeply") from None
    if body.count(b"[") + body.count(b"{") > max_depth:
        _check_depth(parsed, max_depth)
    return _storable(parsed) if _UNSTORABLE.search(body) else parsed


def _check_depth(parsed: Any, max_depth: int) -> None:
    """Refuse what is nested too deeply for the code behind; the parser itself stops at its own, larger limit."""
    level, depth = [parsed], 0
    while level := [value for value in level if isinstance(value, dict | list)]:
        depth += 1
        if depth > max_depth:
            raise JsonError(f"the body is nested deeper than {max_depth} levels")
        level = [part for value in level for part in (value.values() if isinstance(value, dict) else value)]


def _number(text: str) -> Decimal:
    try:
        number = Decimal(text) if len(text) <= _MOST_DIGITS else Decimal("NaN")
    except InvalidOperation:  # an exponent of more digits than Decimal itself can hold
        number = Decimal("NaN")
    if not number.is_finite() or abs(number.adjusted()) > _MOST_DIGITS:
        raise JsonError("the body has a number out of range")
    return number


def _integer(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise JsonError("the body has a number out of range")
    return int(text)


def _constant(name: str) -> NoReturn:
    raise JsonError(f"the body has {name}, which is not JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise JsonError("the body has an object with the same key twice")
    return result


def _storable(value: Any) -> Any:
    if isinstance(value, dict):
        return {_storable(key): _storable(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_storable(part) for part in value]
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    return value
