"""What a phone shows of the messages that Scalev sends: Cloud API objects and templates as bubbles.

Invariant: a message object that shows nothing is refused, as WhatsApp refuses it.
"""

import re
from collections.abc import Iterator, Mapping

from sandbox.exchange import Json
from sandbox.phones import Button, Content
from sandbox.vendors.scalev.words import Record, RefusedError

_MEDIA = ("image", "video", "audio", "document", "sticker")
_PLACEHOLDER = re.compile(r"\{\{[^{}]*\}\}")


def bubble(kind: str, content: Mapping[str, Json]) -> Content:
    """Return what a message object of a type shows."""
    if kind == "text":
        return Content(text=_needed(content.get("body"), "text.body"))
    if kind in _MEDIA:
        source = content.get("link") or content.get("id")
        return Content(str(content.get("caption") or ""), media=(kind, _needed(source, f"{kind}.link")))
    if kind == "interactive":
        return _interactive(content)
    if kind == "reaction":
        return Content(text=str(content.get("emoji") or ""))
    return Content(text="", template=_needed(content.get("name"), "template.name"))


def template_bubble(template: Record, components: Json) -> Content:
    """Return what a template shows, its placeholders filled in order by the values that are given."""
    parts = {part["type"]: part for part in template["components"]}
    values = list(_values(components))
    filled = str(parts.get("BODY", {}).get("text", ""))
    if len(_PLACEHOLDER.findall(filled)) > len(values):
        raise RefusedError(422, "(#132000) Number of parameters does not match the expected number of params")
    for value in values:
        filled = _PLACEHOLDER.sub(lambda _, value=value: value, filled, count=1)  # type: ignore[misc]
    buttons = parts.get("BUTTONS", {}).get("buttons", [])
    shown = tuple(Button(item["text"], item["text"], url=item.get("url", "")) for item in buttons)
    return Content(filled, buttons=shown, template=template["name"])


def _values(components: Json) -> Iterator[str]:
    """Yield the texts in a parameter object, whatever its nesting: its shape is not documented."""
    if isinstance(components, str):
        yield components
    elif isinstance(components, list):
        for item in components:
            yield from _values(item)
    elif isinstance(components, dict):
        for name, item in components.items():
            if name != "type":
                yield from _values(item)


def _interactive(content: Mapping[str, Json]) -> Content:
    action = _object(content.get("action"))
    body = _needed(_object(content.get("body")).get("text"), "interactive.body.text")
    replies = [_object(_object(item).get("reply")) for item in action.get("buttons") or []]
    sections = action.get("sections") or []
    rows = [_object(row) for section in sections for row in _object(section).get("rows") or []]
    buttons = tuple(
        Button(_needed(item.get("id"), "id"), _needed(item.get("title"), "title"), str(item.get("description") or ""))
        for item in (*replies, *rows)
    )
    if not buttons:
        raise RefusedError(422, "interactive.action has no buttons")
    return Content(body, buttons=buttons, menu=str(action.get("button") or "Menu") if rows else "")


def _object(value: Json) -> Record:
    return value if isinstance(value, dict) else {}


def _needed(value: Json, name: str) -> str:
    if not isinstance(value, str) or not value:
        raise RefusedError(422, f"{name} can't be blank")
    return value
