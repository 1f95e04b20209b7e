"""The buttons of one delivery or event: try again, give up, say what became of it, route again.

Invariant: a button does what its page showed, or nothing: what has moved on since is refused with what it is now. Pages
put the buttons in with `pressing/buttons.html`.
"""

from uuid import UUID

from flask import Blueprint, Response, request, url_for
from werkzeug.exceptions import BadRequest

from console.users import Role
from console.web.forms import seen
from console.web.frame import back_to, current, needs, notice, own_path, wanted_text

area = Blueprint("pressing", __name__)


@area.post("/press/retry/<uuid:delivery_id>")
@needs(Role.OPERATOR)
def retry(delivery_id: UUID) -> Response:
    """Try a delivery again, now."""
    desk = current()
    with desk.people(_comment()) as people:
        wake = people.retry(delivery_id, seen(request.form))
    desk.wakeups.deliveries([wake])
    notice("It is tried again now.")
    return _back()


@area.post("/press/cancel/<uuid:delivery_id>")
@needs(Role.OPERATOR)
def cancel(delivery_id: UUID) -> Response:
    """Give a delivery up."""
    with current().people(_comment()) as people:
        people.cancel(delivery_id, seen(request.form))
    notice("It is given up: nothing of it is sent any more.")
    return _back()


@area.post("/press/resolve/<uuid:delivery_id>")
@needs(Role.OPERATOR)
def resolve(delivery_id: UUID) -> Response:
    """Say what became of an unknown outcome."""
    outcome = request.form.get("outcome")
    if outcome not in {"sent", "not-sent"}:
        raise BadRequest("Say whether it was sent or not.")
    desk = current()
    with desk.people(_comment()) as people:
        wake = people.resolve(delivery_id, sent=outcome == "sent", saw=seen(request.form))
    if wake:
        desk.wakeups.deliveries([wake])
    notice("It is sent now." if wake else "It counts as done; nothing more is sent.")
    return _back()


@area.post("/press/replay/<uuid:event_id>")
@needs(Role.OPERATOR)
def replay(event_id: UUID) -> Response:
    """Route an event again."""
    desk = current()
    with desk.people(_comment()) as people:
        routed = people.replay(event_id, seen(request.form))
    desk.wakeups.events(routed)
    notice("Its rules are asked again now. What was planned or sent already is not sent again.")
    return _back()


def _comment() -> str:
    found = wanted_text(request.form, "comment")
    if not found:
        raise BadRequest("Say why: what people press is written down with its reason.")
    return found


def _back() -> Response:
    return back_to(own_path(request.form.get("back"), url_for("now.index")))
