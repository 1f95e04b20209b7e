"""How Scalev says no, and the reading of what a client sent.

Invariant: a handler answers or raises `RefusedError`; nothing else a client sends gets past these checks.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from sandbox.exchange import Answer, BodyKind, Call, Json
from sandbox.intake import load_json
from sandbox.routing import Route

if TYPE_CHECKING:
    from sandbox.vendors.scalev.vendor import Scalev

Handler = Callable[["Scalev", Call], Answer]
Record = dict[str, Json]

JSON_ONLY: tuple[BodyKind, ...] = ("json",)
MULTIPART_ONLY: tuple[BodyKind, ...] = ("multipart",)
JSON_OR_MULTIPART: tuple[BodyKind, ...] = ("json", "multipart")

TITLES = {
    400: "Bad Request",
    401: "Invalid API key",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    413: "Payload Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Entity",
}


class RefusedError(Exception):
    """What was asked cannot be done; the status and the message go to the client."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def route(
    scope: str, method: str, template: str, handle: Handler, bodies: tuple[BodyKind, ...] = JSON_ONLY
) -> "Route[Scalev]":
    """Return a route that checks the scope and the kind of the body before it answers."""

    def checked(vendor: "Scalev", call: Call) -> Answer:
        if scope in vendor.settings.missing_scopes:
            raise RefusedError(403, f"the key lacks the scope {scope}")
        if call.body_kind not in ("none", *bodies):
            raise RefusedError(400, f"the body must be {' or '.join(bodies)}")
        return handle(vendor, call)

    return Route(method, template, checked)


def body(call: Call) -> Mapping[str, Json]:
    """Return what was sent; an empty body is a 400."""
    if not call.params:
        raise RefusedError(400, "The request body is missing")
    return call.params


def text(params: Mapping[str, Json], name: str) -> str | None:
    """Return a text; None when it is absent or null."""
    value = params.get(name)
    if value is not None and not isinstance(value, str):
        raise RefusedError(422, f"{name} must be a string")
    return value


def needed_text(params: Mapping[str, Json], name: str) -> str:
    """Return a text that must not be blank."""
    value = text(params, name)
    if value is None or not value.strip():
        raise RefusedError(422, f"{name} can't be blank")
    return value


def texts(params: Mapping[str, Json], name: str) -> list[str]:
    """Return a list of texts."""
    value = params.get(name)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise RefusedError(422, f"{name} must be a list of strings")
    return value


def whole(params: Mapping[str, Json], name: str) -> int:
    """Return a whole number; a form field's digits count as one."""
    value = params.get(name)
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 19:
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise RefusedError(422, f"{name} must be an integer")
    return value


def objects(params: Mapping[str, Json], name: str) -> list[Record]:
    """Return a list of objects; an absent one is empty."""
    value = params.get(name) or []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise RefusedError(422, f"{name} must be a list of objects")
    return value


def structure(params: Mapping[str, Json], name: str) -> Json:
    """Return a JSON value that a form carries as text and a JSON body as it is."""
    value = params.get(name)
    if not isinstance(value, str):
        return value
    try:
        return load_json(value)
    except ValueError:
        raise RefusedError(422, f"{name} must be JSON") from None


def uploaded(params: Mapping[str, Json], name: str = "file") -> Mapping[str, Json]:
    """Return the file of a form field: its name, its size and, when it is text, its text."""
    value = params.get(name)
    if not isinstance(value, dict) or "file" not in value:
        raise RefusedError(422, f"{name} must be a file")
    return value


def picked(params: Mapping[str, Json], names: Iterable[str]) -> Record:
    """Return the named values that were sent; others are ignored."""
    return {name: params[name] for name in names if name in params}


def found(record: Record | None, what: str) -> Record:
    """Return a record, or refuse with 404."""
    if record is None:
        raise RefusedError(404, f"{what} not found")
    return record


def numbered(records: Iterable[Record], identity: str) -> Record | None:
    """Find a record by its numeric id, given as text."""
    return next((record for record in records if str(record.get("id")) == identity), None)
