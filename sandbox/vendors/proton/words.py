"""Proton's envelopes and errors: two spellings of success, errors with a code, some answers without any body.

Invariant: 401 and 500 carry no body, as documented; every other error says `status_message: "error"`.
"""

from typing import Literal

from sandbox.exchange import Answer, Call, Effect, Json

_CODES = {400: "BAD_REQUEST", 403: "FORBIDDEN", 404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}
_WITHOUT_BODY = {401, 413, 429}


class InvalidError(Exception):
    """What was sent breaks a documented rule; the message says which."""

    def __init__(self, message: str, code: str = "INVALID_REQUEST") -> None:
        super().__init__(message)
        self.code = code


def success(data: Json, spelling: Literal["SUCCESS", "success"] = "SUCCESS", *effects: Effect) -> Answer:
    """Return data in the envelope: legacy routes shout, the customer routes do not."""
    return Answer(200, {"status_message": spelling, "data": data}, effects=effects)


def failure(status: int, message: str, code: str | None = None) -> Answer:
    """Return an error as documented for the status."""
    if status in _WITHOUT_BODY or status >= 500:
        return Answer(status, None, refusal=message)
    error = {"code": code or _CODES.get(status, "INVALID_REQUEST"), "message": message}
    return Answer(status, {"status_message": "error", "error": error}, refusal=message)


def text(params: Call, name: str, *, required: bool = False) -> str | None:
    """Return a text parameter; None when it is absent or null.

    Raises:
        InvalidError: it is not text, or is missing though required.
    """
    value = params.params.get(name)
    if value is None or (required and value == ""):
        if required:
            raise InvalidError(f"{name} is required")
        return None
    if not isinstance(value, str):
        raise InvalidError(f"{name} must be a string")
    return value
