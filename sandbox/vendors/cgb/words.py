"""CGB's own way of saying yes and no, and how its calls take their parameters: some as JSON, some as a form.

Invariant: a parameter sent in the other kind of body counts as missing, as it does at the vendor.
"""

from sandbox.exchange import Answer, Call, Effect, Json

INVALID_KEY = "No valid API key provided"


class RefusedError(Exception):
    """The vendor says no; the message is its answer's text."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def ok(*effects: Effect) -> Answer:
    """Return the answer of every call that has nothing to tell."""
    return Answer(200, {"success": True}, effects=effects)


def data(items: Json) -> Answer:
    """Return a list in its envelope."""
    return Answer(200, {"data": items})


def failure(status: int, message: str) -> Answer:
    """Return a refusal: inside HTTP 200 it says so with `success: false`."""
    body = {"success": False, "error": message} if status == 200 else {"error": message}
    return Answer(status, body, refusal=message)


def form_text(call: Call, name: str) -> str:
    """Return a required form field.

    Raises:
        RefusedError: it is missing or empty, or the body is JSON.
    """
    value = call.params.get(name) if call.body_kind in ("form", "multipart") else None
    if not isinstance(value, str) or not value:
        raise RefusedError(f"{name} is required")
    return value


def json_fields(call: Call) -> dict[str, Json]:
    """Return the fields of a JSON body; none when the body is a form or missing."""
    return dict(call.params) if call.body_kind == "json" else {}


def json_text(call: Call, name: str) -> str:
    """Return a required text of a JSON body.

    Raises:
        RefusedError: it is missing, empty or no text.
    """
    value = json_fields(call).get(name)
    if not isinstance(value, str) or not value:
        raise RefusedError(f"{name} is required")
    return value


def whole_number(value: Json, name: str) -> int:
    """Return a whole number that may have come as text.

    Raises:
        RefusedError: it is none.
    """
    text = str(value)
    if isinstance(value, bool) or not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise RefusedError(f"{name} must be a whole number")
    return int(text)
