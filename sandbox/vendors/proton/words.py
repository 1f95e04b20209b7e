"""Proton's envelopes and errors: two spellings of success, errors with a code, some answers without any body.

Invariant: 401 and 500 carry no body, but for the one 401 that is about ownership; every other error says
`status_message: "error"`.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

from sandbox.exchange import Answer, Call, Effect, Json
from sandbox.intake import load_json
from sandbox.vendors.proton.state import Record

_CODES = {400: "BAD_REQUEST", 403: "FORBIDDEN", 404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}
_WITHOUT_BODY = {401, 413, 429}


class InvalidError(Exception):
    """What was sent breaks a documented rule; the message says which."""

    def __init__(self, message: str, code: str = "INVALID_REQUEST") -> None:
        super().__init__(message)
        self.code = code


class AbsentError(Exception):
    """What the path or the body names is not there."""


def success(data: Json, spelling: Literal["SUCCESS", "success"] = "SUCCESS", *effects: Effect) -> Answer:
    """Return data in the envelope: legacy routes shout, the customer routes do not."""
    return Answer(200, {"status_message": spelling, "data": data}, effects=effects)


def echoed(call: Call, data: Json) -> Answer:
    """Return data with the query beside it, each value as an array, as the legacy lists do."""
    echo = {name: value.split(",") for name, value in call.query.items()}
    return Answer(200, {**echo, "status_message": "SUCCESS", "data": data})


def failure(status: int, message: str, code: str | None = None) -> Answer:
    """Return an error as documented for the status."""
    if status in _WITHOUT_BODY or status >= 500:
        return Answer(status, None, refusal=message)
    return _error(status, message, code or _CODES.get(status, "INVALID_REQUEST"))


def not_the_owner(message: str) -> Answer:
    """Return the 401 that says nothing about the key: somebody else made this."""
    return _error(401, message, "UNAUTHORIZED")


def found(record: Record | None, what: str) -> Record:
    """Return a record, or refuse with 404."""
    if record is None:
        raise AbsentError(f"{what} not found")
    return record


def text(params: Call | Mapping[str, Json], name: str, *, required: bool = False) -> str | None:
    """Return a text parameter; None when it is absent or null.

    Raises:
        InvalidError: it is not text, or is missing though required.
    """
    value = (params.params if isinstance(params, Call) else params).get(name)
    if value is None or (required and value == ""):
        if required:
            raise InvalidError(f"{name} is required")
        return None
    if not isinstance(value, str):
        raise InvalidError(f"{name} must be a string")
    return value


def texts(params: Mapping[str, Json], name: str) -> list[str]:
    """Return a list of texts; an absent one is empty."""
    value = _list(params, name)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InvalidError(f"{name} must be a list of strings")
    return value


def objects(params: Mapping[str, Json], name: str) -> list[Record]:
    """Return a list of objects; an absent one is empty."""
    value = _list(params, name)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise InvalidError(f"{name} must be a list of objects")
    return value


def structure(params: Mapping[str, Json], name: str) -> Json:
    """Return a JSON value that a form carries as text and a JSON body as it is."""
    value = params.get(name)
    if not isinstance(value, str):
        return value
    try:
        return load_json(value)
    except ValueError:
        raise InvalidError(f"{name} must be JSON text") from None


def picked(params: Mapping[str, Json], names: Iterable[str]) -> Record:
    """Return the named values that were sent; others are ignored."""
    return {name: params[name] for name in names if name in params}


def _list(params: Mapping[str, Json], name: str) -> Json:
    return [] if params.get(name) in (None, "") else structure(params, name)


def _error(status: int, message: str, code: str) -> Answer:
    body = {"status_message": "error", "error": {"code": code, "message": message}}
    return Answer(status, body, refusal=message)
