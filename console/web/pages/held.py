"""What is held back: pauses of people, circuits of accounts, holds of templates and persons; and the buttons for them.

Invariant: only what is configured can be paused, and who paused it, since when and why stands beside it.
"""

from flask import Blueprint, Response, render_template, request, url_for
from werkzeug.exceptions import NotFound

from console.pressing import pausing
from console.users import Role
from console.web.frame import back_to, current, needs, notice, own_path, wanted_text
from worker.ledger import holds, pauses
from worker.states import HoldKind, PauseKind

area = Blueprint("held", __name__)
MOST_LISTED = 200


@area.get("/held")
def index() -> str:
    """Show what is paused and what is held, and what can be paused."""
    desk = current()
    with desk.connection() as connection:
        paused = {(pause.kind, pause.name): pause for pause in pauses.in_force(connection)}
        held = holds.in_force(connection, desk.clock(), most=MOST_LISTED)
    names = [(kind, name) for kind, found in pausing.names(desk.config).items() for name in found]
    gone = [one for one in paused if one not in names]
    return render_template("held/index.html", names=[*gone, *names], paused=paused, held=held, most=MOST_LISTED)


@area.post("/held/pause/<kind>/<path:name>")
@needs(Role.OPERATOR)
def pause(kind: str, name: str) -> Response:
    """Pause an account or a rule."""
    desk = current()
    with desk.people(wanted_text(request.form, "comment")) as people:
        begun = pausing.pause(people, desk.config, _kind(kind), name)
    notice(f"The {begun.kind} {begun.name} is paused. What is being sent right now still is.")
    return _back()


@area.post("/held/resume/<kind>/<path:name>")
@needs(Role.OPERATOR)
def resume(kind: str, name: str) -> Response:
    """Resume an account or a rule."""
    with current().people(wanted_text(request.form, "comment")) as people:
        count = people.resume(_kind(kind), name)
    notice(f"The {kind} {name} goes on: {count} deliveries come due now, each is judged anew.")
    return _back()


@area.post("/held/close")
@needs(Role.OPERATOR)
def close() -> Response:
    """Lift a hold."""
    form = request.form
    try:
        kind = HoldKind(form.get("kind", ""))
    except ValueError:
        raise NotFound from None
    with current().people(wanted_text(form, "comment")) as people:
        hold = people.close(wanted_text(form, "account"), kind, wanted_text(form, "key"))
    notice(f"{hold.account} is no longer held; what waited goes on, slowly at first.")
    return _back()


def _kind(text: str) -> PauseKind:
    try:
        return PauseKind(text)
    except ValueError:
        raise NotFound from None


def _back() -> Response:
    return back_to(own_path(request.form.get("back"), url_for("held.index")))
