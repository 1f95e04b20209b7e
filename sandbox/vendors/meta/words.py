"""How Meta says no: one envelope, a code, and an HTTP status that goes with it.

Invariant: whatever a client sends, the refusal has a `message`, a `type`, a `code` and an `fbtrace_id`.
"""

from sandbox.exchange import Answer
from sandbox.whatsapp_errors import error_of

DOCUMENT = "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/"
TRACE = "EXAMPLE0trace0id"

# The code that fits an HTTP status best, for refusals that are about the request as such.
_CODES = {401: 190, 403: 10, 429: 130429, 500: 131000, 503: 2}


class RefusedError(Exception):
    """A message is refused: `code` says why in Meta's table, `details` in words."""

    def __init__(self, code: int, details: str = "") -> None:
        super().__init__(details)
        self.code, self.details = code, details


def refusal(code: int, details: str = "", *, status: int | None = None) -> Answer:
    """Return a refusal in Meta's envelope."""
    known = error_of(code)
    error = {
        "message": f"(#{code}) {known.title}",
        "type": "OAuthException",
        "code": code,
        "error_data": {"messaging_product": "whatsapp", "details": details or known.details},
        "fbtrace_id": TRACE,
    }
    return Answer(
        status or known.http_status, {"error": error}, refusal=f"{error['message']}: {details or known.details}"
    )


def refusal_of_status(status: int, message: str) -> Answer:
    """Return a refusal with an HTTP status, for requests that did not come as far as a message."""
    code = _CODES.get(status, 131000 if status >= 500 else 100)
    error = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": TRACE}
    headers = {"WWW-Authenticate": f'OAuth "Facebook Platform" "invalid_token" "{message}"'} if status == 401 else {}
    return Answer(status, {"error": error}, headers=headers, refusal=message)


def unknown_object(identity: str) -> Answer:
    """Return what is said of an id that does not exist or may not be used."""
    message = (
        f"Unsupported post request. Object with ID '{identity}' does not exist, cannot be loaded due to missing "
        "permissions, or does not support this operation."
    )
    error = {
        "message": message,
        "type": "GraphMethodException",
        "code": 100,
        "error_subcode": 33,
        "fbtrace_id": TRACE,
    }
    return Answer(400, {"error": error}, refusal=message)
