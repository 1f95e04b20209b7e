"""The page that shows people what each vendor got, newest first.

Invariant: it is read only, runs no script and loads nothing; all that came from outside is escaped.
"""

import base64
import hashlib
import json
from pathlib import Path

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sandbox.exchange import Json
from sandbox.recorder import Record
from sandbox.web import WORLD, bad_request
from sandbox.world import World

ROWS = 200

_FOLDER = Path(__file__).with_name("templates")
_STYLE = (_FOLDER / "page.css").read_text(encoding="utf-8")
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_TEMPLATES = Environment(
    loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


def add_page_routes(app: web.Application) -> None:
    """Add the page at its two addresses."""
    app.router.add_get("/", show_page)
    app.router.add_get("/_sandbox/page", show_page)


async def show_page(request: web.Request) -> web.Response:
    """Show the newest requests; `?vendor=` shows one vendor's, `?before=` older ones."""
    world = request.app[WORLD]
    vendor, before = request.query.get("vendor", ""), request.query.get("before", "")
    if before and not (before.isascii() and before.isdecimal() and len(before) < 19):
        raise bad_request("before: must be a whole number")
    records = world.recorder.requests(vendor)
    if before:
        records = [record for record in records if record.number < int(before)]
    newest = records[::-1][:ROWS]
    html = _TEMPLATES.get_template("page.html").render(
        style=_STYLE,
        vendors=list(world.vendors),
        vendor=vendor,
        total=len(records),
        rows=[row(world, record) for record in newest],
        older=newest[-1].number if len(records) > len(newest) else None,
    )
    return web.Response(
        body=html.encode("utf-8", "replace"), content_type="text/html", charset="utf-8", headers=_HEADERS
    )


def row(world: World, record: Record) -> dict[str, Json]:
    """Return what the template shows of a request."""
    return {
        "number": record.number,
        "time": record.at[11:19],
        "at": record.at,
        "vendor": record.vendor,
        "call": f"{record.method} {record.path}",
        "did": did(world, record),
        "status": "no answer" if record.status is None else str(record.status),
        "bad": record.status is None or record.status >= 400 or record.refusal is not None,
        "fault": record.fault,
        "parameters": json.dumps(
            {"query": record.query, "params": record.params, "headers": record.headers}, indent=2, ensure_ascii=False
        ),
    }


def did(world: World, record: Record) -> str:
    """Say in plain words what came of a request."""
    if record.effects:
        return "; ".join(world.vendors[record.vendor].describe(effect) for effect in record.effects)
    if record.refusal is not None:
        return f"Refused: {record.refusal}"
    if record.fault is not None:
        return "Nothing: the fault came first"
    return "Read only"
