"""A body as people may see it: JSON and forms laid out, with persons and secrets masked.

Invariant: what cannot be taken apart cannot be masked surely, so none of it is shown; and nothing in what is shown can
turn the text around it, hide in it, or grow without bound.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl

from worker.masking import mask, personal_in

MOST_BYTES = 2_000_000
MOST_CHARACTERS = 40_000
_FLOAT = "\ue000"
"""Stands around a number with a point, so that its digits stay as they came."""
_FLOATS = re.compile(f'"{_FLOAT}([^"{_FLOAT}]*){_FLOAT}"')
# Control characters, and those that turn, join or hide what stands beside them.
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")


class BodyKind(StrEnum):
    """What a body turned out to be."""

    NONE = "none"
    JSON = "JSON"
    FORM = "form"
    OTHER = "other"  # neither, or broken: not shown
    TOO_LARGE = "too large"


@dataclass(frozen=True)
class ShownBody:
    """A body, laid out and masked."""

    kind: BodyKind
    size: int
    text: str = ""
    is_cut: bool = False


def shown_body(body: bytes | None, content_type: str | None) -> ShownBody:
    """Return what may be seen of a body."""
    if not body:
        return ShownBody(BodyKind.NONE, 0)
    if len(body) > MOST_BYTES:
        return ShownBody(BodyKind.TOO_LARGE, len(body))
    kind, value = _taken_apart(body, content_type or "")
    if kind is BodyKind.OTHER:
        return ShownBody(kind, len(body))
    text = laid_out(mask(value, personal_in(value)))
    return ShownBody(kind, len(body), text[:MOST_CHARACTERS], is_cut=len(text) > MOST_CHARACTERS)


def laid_out(value: Any) -> str:
    """Return JSON-like data as indented text in which every character can be seen."""
    text = json.dumps(value, ensure_ascii=False, indent=2, default=str)
    return plain(_FLOATS.sub(r"\1", text))


def plain(text: str) -> str:
    """Return a text with what is unseen spelled out: nothing turns or hides what stands beside it."""
    return _UNSEEN.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def shown_query(query: str | None) -> str:
    """Return a query's fields, laid out and masked."""
    fields = _fields(query or "")
    return laid_out(mask(fields, personal_in(fields))) if fields else ""


def _taken_apart(body: bytes, content_type: str) -> tuple[BodyKind, Any]:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return BodyKind.OTHER, None
    try:
        return BodyKind.JSON, json.loads(text, parse_float=lambda digits: f"{_FLOAT}{digits}{_FLOAT}")
    except (ValueError, RecursionError):
        is_form = content_type.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded"
        fields = _fields(text) if is_form else {}
    return (BodyKind.FORM, fields) if fields else (BodyKind.OTHER, None)


def _fields(text: str) -> Mapping[str, Any]:
    """Return the fields of a form, and what is JSON within one taken apart as well."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=1_000)
    except ValueError:
        return {}
    found: dict[str, Any] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(_inner(value))
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def _inner(value: str) -> Any:
    if not value.startswith(("{", "[")):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value
