"""Reads what a call to Meta wants on a phone: text, media, buttons, lists.

Invariant: the result is a `Content`, or a `RefusedError` with the code Meta would use; nothing else is raised.
"""

from collections.abc import Callable, Mapping

from sandbox.exchange import Json
from sandbox.phones import Button, Content
from sandbox.vendors.meta.words import RefusedError

MISSING, WRONG, UNSUPPORTED = 131008, 131009, 131051
MAX_TEXT, MAX_BODY, MAX_CAPTION = 4096, 1024, 1024
MAX_BUTTONS, MAX_BUTTON_TITLE = 3, 20
MAX_ROWS, MAX_ROW_TITLE, MAX_ROW_DESCRIPTION, MAX_SECTIONS = 10, 24, 72, 10


def read_text(params: Mapping[str, Json]) -> Content:
    """Read `text`."""
    return Content(text=text_of(params, "text.body", MAX_TEXT))


def media_reader(kind: str) -> Callable[[Mapping[str, Json]], Content]:
    """Return the reader of one kind of media; only links are known, as nothing can be uploaded here."""

    def read(params: Mapping[str, Json]) -> Content:
        link = text_of(params, f"{kind}.link", MAX_TEXT)
        if not link.startswith(("http://", "https://")):
            raise RefusedError(WRONG, f"Parameter {kind}['link'] is not a valid URI.")
        caption = optional_text(params[kind], "caption", MAX_CAPTION)
        if caption and kind == "audio":
            raise RefusedError(100, "Unexpected key 'caption' on param 'audio'.")
        return Content(text=caption, media=(kind, link))

    return read


def read_interactive(params: Mapping[str, Json]) -> Content:
    """Read `interactive`: reply buttons, a list, or a button that opens a page."""
    interactive = object_of(params, "interactive")
    read = _INTERACTIVE.get(str(interactive.get("type")))
    if read is None:
        raise RefusedError(WRONG, "Parameter interactive['type'] must be one of button, list, cta_url.")
    header, media = _header(interactive)
    menu, buttons = read(object_of(interactive, "action"))
    identities = [button.id for button in buttons]
    if len(set(identities)) < len(identities):
        raise RefusedError(WRONG, "The ids of buttons and rows must be unique.")
    footer = text_of(interactive, "footer.text", 60) if "footer" in interactive else ""
    return Content(text_of(interactive, "body.text", MAX_BODY), header, footer, media, tuple(buttons), menu)


def text_of(params: Mapping[str, Json], path: str, longest: int) -> str:
    """Return the text at a dotted path; it must be there and not be too long."""
    value: Json = params
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    if not isinstance(value, str) or not value.strip():
        raise RefusedError(MISSING, f"The parameter {path} is required.")
    if len(value) > longest:
        raise RefusedError(WRONG, f"The parameter {path} must be at most {longest} characters.")
    return value


def optional_text(params: Mapping[str, Json], name: str, longest: int) -> str:
    """Return a text that may be absent."""
    return text_of(params, name, longest) if params.get(name) else ""


def object_of(params: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    """Return an object that must be there."""
    value = params.get(name)
    if not isinstance(value, Mapping):
        raise RefusedError(MISSING, f"The parameter {name} is required.")
    return value


def list_of(params: Mapping[str, Json], name: str, most: int) -> list[Mapping[str, Json]]:
    """Return a list of objects that must have one to `most` of them."""
    value = params.get(name)
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise RefusedError(MISSING, f"The parameter {name} is required.")
    if not 1 <= len(value) <= most:
        raise RefusedError(WRONG, f"{name} must have 1 to {most} entries.")
    return value


def _header(interactive: Mapping[str, Json]) -> tuple[str, tuple[str, str] | None]:
    header = interactive.get("header")
    if not isinstance(header, Mapping):
        return "", None
    kind = str(header.get("type"))
    if kind == "text":
        return text_of(header, "text", 60), None
    return "", media_reader(kind)(header).media


def _reply_buttons(action: Mapping[str, Json]) -> tuple[str, list[Button]]:
    given = list_of(action, "buttons", MAX_BUTTONS)
    return "", [
        Button(text_of(item, "reply.id", 256), text_of(item, "reply.title", MAX_BUTTON_TITLE)) for item in given
    ]


def _list_rows(action: Mapping[str, Json]) -> tuple[str, list[Button]]:
    sections = list_of(action, "sections", MAX_SECTIONS)
    rows = [
        Button(
            text_of(row, "id", 200),
            text_of(row, "title", MAX_ROW_TITLE),
            optional_text(row, "description", MAX_ROW_DESCRIPTION),
        )
        for section in sections
        for row in list_of(section, "rows", MAX_ROWS)
    ]
    if len(rows) > MAX_ROWS:
        raise RefusedError(WRONG, f"A list must have at most {MAX_ROWS} rows.")
    return text_of(action, "button", MAX_BUTTON_TITLE), rows


def _page_button(action: Mapping[str, Json]) -> tuple[str, list[Button]]:
    url = text_of(action, "parameters.url", MAX_TEXT)
    return "", [Button(url, text_of(action, "parameters.display_text", MAX_BUTTON_TITLE), url=url)]


_INTERACTIVE: dict[str, Callable[[Mapping[str, Json]], tuple[str, list[Button]]]] = {
    "button": _reply_buttons,
    "list": _list_rows,
    "cta_url": _page_button,
}
