"""Events: what came in, found by filters; and all there is to see of one.

Invariant: what tells who somebody is stays masked; a whole body leaves only for a reason that is written down first.
"""

from uuid import UUID

from flask import Blueprint, Response, render_template, request
from werkzeug.exceptions import BadRequest, NotFound

from console.records.record import event_record
from console.stories.story import title_of
from console.users import Role
from console.web.frame import current, needs, wanted_text
from console.web.listing import listed, own_page
from worker.ledger import queries
from worker.ledger.lists import count_events, list_events
from worker.states import EventState, Handling, JobKind, Press

area = Blueprint("events", __name__)
FIELDS = ("account", "type", "state", "handling", "reason", "subject", "text", "ambiguous")


@area.get("/events")
def index() -> str:
    """List events, newest first."""
    found = listed(FIELDS, list_events, count_events, JobKind.REPLAY)
    return render_template("events/index.html", **found, states=list(EventState), handlings=list(Handling))


@area.get("/events/<uuid:event_id>")
def show(event_id: UUID) -> str:
    """Show one event."""
    desk = current()
    with desk.connection() as connection:
        record = event_record(connection, desk.config, desk.clock(), event_id)
    if record is None:
        raise NotFound(f"There is no event {event_id}. It may be the id of something else, or deleted by age.")
    story = own_page(f"/orders/of-event/{event_id}") if record.row.subject else None
    return render_template("events/show.html", record=record, event=record.row, story=story, title_of=title_of)


@area.get("/events/<uuid:event_id>/body")
@needs(Role.OPERATOR)
def ask_for_body(event_id: UUID) -> str:
    """Ask why a body is wanted whole."""
    return render_template("events/body.html", event_id=event_id)


@area.post("/events/<uuid:event_id>/body")
@needs(Role.OPERATOR)
def send_body(event_id: UUID) -> Response:
    """Send a body as it came in, as a file, and write down who wanted it and why."""
    reason = wanted_text(request.form, "reason")
    if not reason:
        raise BadRequest("Say why you need the whole body.")
    with current().connection() as connection:
        event = queries.get_event(connection, event_id)
        body = queries.body_of(connection, event) if event else None
    if body is None:
        raise NotFound("There is no body.")
    with current().people(reason) as people:
        people.note(Press.REVEAL, event_id, {"what": "body"})
    answer = Response(body, mimetype="application/octet-stream")
    answer.headers["Content-Disposition"] = f'attachment; filename="event-{event_id}.body"'
    return answer
