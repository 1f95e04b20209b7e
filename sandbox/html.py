"""How every page is made and sent: one look, one policy.

Invariant: a page runs no script and loads nothing from anywhere; all that came from outside is escaped; its forms
lead to the sandbox only.
"""

import base64
import hashlib
from pathlib import Path

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sandbox.exchange import Json
from sandbox.web import WORLD

_FOLDER = Path(__file__).with_name("templates")
_STYLE = (_FOLDER / "page.css").read_text(encoding="utf-8")
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    # Not no-referrer: that would hide the Origin of our own forms, which is asked for.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
_TEMPLATES = Environment(
    loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


def page(request: web.Request, template: str, **values: Json) -> web.Response:
    """Return a page."""
    vendors = list(request.app[WORLD].vendors)
    html = _TEMPLATES.get_template(template).render(style=_STYLE, vendors=vendors, **values)
    return web.Response(
        body=html.encode("utf-8", "replace"), content_type="text/html", charset="utf-8", headers=_HEADERS
    )
