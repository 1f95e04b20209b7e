"""Templates in Meta's form, which several vendors pass on as it is: as a list has them, as a message fills them.

Source: Meta's pages on message templates. Invariant: what cannot be read is None, and so is not judged.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from webhooks import fields
from worker.templates import Filling, Template, status_of

_PLACEHOLDER = re.compile(r"\{\{\s*(\w{1,60})\s*\}\}")
_MEDIA = frozenset({"image", "video", "document", "location"})


def placeholders(text: str) -> tuple[str, ...]:
    """Return the variables of a text, each once: numbers in their order, names as they come."""
    found = tuple(dict.fromkeys(_PLACEHOLDER.findall(text)))
    return tuple(sorted(found, key=int)) if all(name.isdecimal() for name in found) else found


def template_of(row: Mapping[str, Any], key: str, *known_as: Any) -> Template:
    """Return a template as Meta lists it."""
    parts = _parts(row.get("components"))
    body, header = parts.get("body", {}), parts.get("header", {})
    text, has_parts = fields.text(body.get("text")), bool(parts)
    replies = [button for button in _objects(parts.get("buttons", {}).get("buttons")) if _is_reply(button)]
    return Template(
        key=key,
        name=fields.text(row.get("name")) or key,
        language=fields.text(row.get("language")),
        status=status_of(fields.text(row.get("status"))),
        variables=None if text is None else placeholders(text),
        wants_media=str(header.get("format")).lower() in _MEDIA if has_parts else None,
        buttons=len(replies) if has_parts else None,
        known_as=tuple(name for value in known_as if (name := fields.text(value)) and name != key),
    )


def filling_of(components: Sequence[Mapping[str, Any]], key: str, language: str | None = None) -> Filling:
    """Return how a message in Meta's form fills its template."""
    body, header = (_parameters(components, kind) for kind in ("body", "header"))
    names = tuple(name for part in body if (name := fields.text(part.get("parameter_name"))))
    replies = [part for part in components if str(part.get("sub_type")).lower() == "quick_reply"]
    return Filling(
        key, language, values=len(body), names=names if body and len(names) == len(body) else None,
        has_media=bool(header), buttons=len(replies),
    )  # fmt: skip


def _parts(components: Any) -> dict[str, Mapping[str, Any]]:
    return {str(part.get("type")).lower(): part for part in _objects(components)}


def _parameters(components: Sequence[Mapping[str, Any]], kind: str) -> list[Mapping[str, Any]]:
    found = (part.get("parameters") for part in components if str(part.get("type")).lower() == kind)
    return _objects(next(found, None))


def _is_reply(button: Mapping[str, Any]) -> bool:
    return str(button.get("type")).lower() == "quick_reply"


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [part for part in value if isinstance(part, Mapping)] if isinstance(value, list) else []
