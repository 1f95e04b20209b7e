"""Show what is masked: one value, to somebody who may see it, for a reason that is written down.

Invariant: what is shown was read from the ledger by its reference, after the audit entry was written.
"""

from collections.abc import Callable, Mapping

from flask import Blueprint, Response, make_response, render_template, request
from sqlalchemy import Connection, select
from werkzeug.exceptions import BadRequest, NotFound

from console.users import Role
from console.web.frame import current, needs, own_path, wanted_text
from worker.ledger.tables import subjects
from worker.states import Press

area = Blueprint("revealing", __name__)


def _of_snapshot(connection: Connection, reference: str) -> str | None:
    """Find a field of a snapshot: `account/key/field.of.it`."""
    account, _, rest = reference.partition("/")
    key, _, field = rest.rpartition("/")
    query = select(subjects.c.snapshot).where(subjects.c.account == account, subjects.c.key == key)
    value = connection.scalar(query)
    for name in field.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return None if value is None else str(value)


KINDS: dict[str, Callable[[Connection, str], str | None]] = {"snapshot": _of_snapshot}
"""By kind: what finds the value that a reference stands for, None when there is none."""


@area.get("/reveal/<kind>/<path:reference>")
@needs(Role.OPERATOR)
def ask(kind: str, reference: str) -> str:
    """Ask why something is to be shown."""
    if kind not in KINDS:
        raise NotFound
    back = own_path(request.args.get("back"))
    return render_template("revealing/ask.html", kind=kind, reference=reference, back=back)


@area.post("/reveal/<kind>/<path:reference>")
@needs(Role.OPERATOR)
def reveal(kind: str, reference: str) -> Response:
    """Show it, and write down who wanted to see it and why."""
    if kind not in KINDS:
        raise NotFound
    reason = wanted_text(request.form, "reason")
    if not reason:
        raise BadRequest("Say why you need to see it.")
    with current().people(reason) as people:
        people.note(Press.REVEAL, f"{kind}/{reference}", {})
    with current().connection() as connection:
        value = KINDS[kind](connection, reference)
    if value is None:
        raise NotFound("What was to be shown is not there any more.")
    page = render_template("revealing/shown.html", value=value, back=own_path(request.form.get("back")))
    return make_response(page)
