"""A visit: what a browser shows us again to be known, and what its forms carry to prove that they are ours.

Invariant: the token of a visit is a secret of that browser alone; the ledger holds its hash, pages hold what was made
from it. A new login gets a new token.
"""

import base64
import hmac
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from flask import Request, Response

COOKIE = "hookyard"
NOTICES = "hookyard_notices"
FORM_FIELD = "csrf"
_TOKEN_CHARACTERS = 43
_MOST_NOTICES, _MOST_NOTICE_CHARACTERS = 5, 400


@dataclass(frozen=True)
class Visit:
    """A browser that came with a token, or is given one."""

    token: str
    is_new: bool

    @property
    def token_hash(self) -> bytes:
        """What the ledger knows a session by."""
        return sha256(self.token.encode()).digest()

    @property
    def form_token(self) -> str:
        """What the forms of this visit carry; of no use to whoever cannot read our pages."""
        return hmac.new(self.token.encode(), b"form", sha256).hexdigest()

    def sent(self, form_token: str) -> bool:
        """Whether a form came from a page of this visit."""
        return not self.is_new and hmac.compare_digest(self.form_token.encode(), form_token.encode())


def new_visit() -> Visit:
    """Return a visit that nobody else can guess."""
    return Visit(secrets.token_urlsafe(32), is_new=True)


def visit_of(request: Request) -> Visit:
    """Return the visit that a request belongs to."""
    token = request.cookies.get(_name(request, COOKIE), "")
    return Visit(token, is_new=False) if len(token) == _TOKEN_CHARACTERS and token.isascii() else new_visit()


def remember(request: Request, response: Response, visit: Visit) -> None:
    """Give the browser its token; it goes with it when the browser closes."""
    response.set_cookie(
        _name(request, COOKIE), visit.token, secure=request.is_secure, httponly=True, samesite="Lax", path="/"
    )


def keep_notices(request: Request, response: Response, notices: Sequence[tuple[str, str]]) -> None:
    """Keep what the next page is to say; with none, forget what was said."""
    name = _name(request, NOTICES)
    if not notices:
        response.delete_cookie(name, secure=request.is_secure, httponly=True, samesite="Lax")
        return
    short = [(kind, text[:_MOST_NOTICE_CHARACTERS]) for kind, text in notices[-_MOST_NOTICES:]]
    packed = base64.urlsafe_b64encode(json.dumps(short).encode()).decode()
    response.set_cookie(name, packed, secure=request.is_secure, httponly=True, samesite="Lax", path="/")


def kept_notices(request: Request) -> list[tuple[str, str]]:
    """Return what the page before wanted to be said."""
    try:
        found = json.loads(base64.urlsafe_b64decode(request.cookies.get(_name(request, NOTICES), "")))
        return [(str(kind), str(text)) for kind, text in found]
    except (ValueError, TypeError):
        return []


def _name(request: Request, name: str) -> str:
    """Return a cookie's name; over TLS one that no other host of the domain can set."""
    return f"__Host-{name}" if request.is_secure else name
