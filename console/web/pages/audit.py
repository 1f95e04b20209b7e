"""The audit: who did what, when, to what and why.

Invariant: it is only read here.
"""

from typing import Any
from uuid import UUID

from flask import Blueprint, render_template, request, url_for
from werkzeug.exceptions import BadRequest

from console.web.forms import moment
from console.web.frame import current, wanted_text
from worker.ids import parse_id
from worker.ledger.audits import Wanted, entries
from worker.states import Press

area = Blueprint("audit", __name__)
MOST_LISTED = 50
_TEXTS = ("actor", "target")


@area.get("/audit")
def index() -> str:
    """List what people did, newest first."""
    given = {name: wanted_text(request.args, name) for name in _TEXTS}
    narrowed = {name: value or None for name, value in given.items()}
    action = _press(wanted_text(request.args, "action"))
    since, until = moment(request.args, "since"), moment(request.args, "until")
    before: UUID | None = parse_id(request.args.get("before", ""))
    wanted = Wanted(**narrowed, action=action, since=since, until=until, before=before, limit=MOST_LISTED + 1)
    with current().connection() as connection:
        found = entries(connection, wanted)
    typed = given | {name: wanted_text(request.args, name) for name in ("action", "since", "until")}
    older: str | None = None
    if len(found) > MOST_LISTED:
        kept: dict[str, Any] = {name: value for name, value in typed.items() if value}
        older = url_for(".index", **kept, before=found[MOST_LISTED - 1].id)
    return render_template(
        "audit/index.html", entries=found[:MOST_LISTED], typed=typed, older=older, presses=list(Press)
    )


def _press(text: str) -> Press | None:
    try:
        return Press(text) if text else None
    except ValueError:
        raise BadRequest("Nobody can do anything of that name.") from None
