"""How stories speak: sentences with parts that may be missing, and texts from outside made harmless.

Invariant: any value, of any type and length, becomes one short line without characters that change how a line is read.
"""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

MOST_CHARACTERS = 80
_OPTIONAL = re.compile(r"\[([^\[\]]*)\]")
_PLACE = re.compile(r"\{(\w+)\}")
_MOST_LISTED = 3


def told(sentence: str, values: Mapping[str, Any]) -> str | None:
    """Return a sentence with its places filled; what stands in brackets is left out where a value is missing.

    None: a place outside of brackets has no value.
    """
    without = _OPTIONAL.sub(lambda part: _filled(part[1], values) or "", sentence)
    return _filled(without, values)


def plain(value: Any, most: int = MOST_CHARACTERS) -> str:
    """Return a value of somebody else's as one short line."""
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        shown = ", ".join(plain(part, most) for part in value[:_MOST_LISTED])
        return shown + (f" and {len(value) - _MOST_LISTED} more" if len(value) > _MOST_LISTED else "")
    text = value[: 4 * most] if isinstance(value, str) else str(value)[: 4 * most]
    text = " ".join("".join(_shown(character) for character in text).split())
    return text if len(text) <= most else text[: most - 1] + "…"


def plain_json(value: Any) -> str:
    """Return JSON-like data as indented lines, as harmless as one line of `plain`."""
    text = json.dumps(value, ensure_ascii=False, indent=2, default=str)
    return "".join(character if character == "\n" else _shown(character) for character in text)


def sentence(text: str) -> str:
    """Return a text that begins with a capital."""
    return text[:1].upper() + text[1:]


def words(name: str) -> str:
    """Return an identifier as words: `payment_status` as "payment status"."""
    return name.replace("_", " ").strip()


def _filled(text: str, values: Mapping[str, Any]) -> str | None:
    found = {name: plain(values.get(name)) for name in _PLACE.findall(text) if _is_said(values.get(name))}
    if any(name not in found for name in _PLACE.findall(text)):
        return None
    return _PLACE.sub(lambda place: found[place[1]], text)


def _is_said(value: Any) -> bool:
    return value is not None and not isinstance(value, Mapping) and value not in ("", []) and plain(value) != ""


def _shown(character: str) -> str:
    category = unicodedata.category(character)
    if category[0] == "Z" or character in "\t\n\r":
        return " "
    # Formats turn the direction of a line or hide in it; a joiner between letters of some scripts is lost with them.
    return "" if category == "Cf" else "\ufffd" if category[0] == "C" else character
