"""Press many at once: a filter, what it would mean, a reason, and then how far it is, with a way to stop it.

Invariant: a job is begun once however often its button is pressed, and only for as many as its page told.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, make_response, render_template, request, url_for
from werkzeug.exceptions import BadRequest, NotFound

from console.pressing import many
from console.users import Role
from console.web.forms import moment
from console.web.frame import back_to, current, needs, notice, wanted_text
from console.web.listing import MOST_CHARACTERS
from worker.ids import new_id, parse_id
from worker.ledger import jobs
from worker.ledger.selecting import PRESSABLE, Selection, Told
from worker.states import Handling, JobKind, JobState

area = Blueprint("jobs", __name__)
MOST_LISTED, MOST_REFUSALS = 20, 50
REFRESH_SECONDS = "2"
SEARCH_SECONDS = 2.0
"""How long the page looks for a text before it says how far it came."""
_TEXTS = ("account", "type", "state", "reason", "rule", "subject", "handling")
_TOLD = re.compile(r"(?P<total>\d{1,9})/(?P<mark>-?\d{1,20})\Z", re.ASCII)
LABELS = {
    JobKind.RETRY: "Try deliveries again",
    JobKind.CANCEL: "Give deliveries up",
    JobKind.REPLAY: "Ask the rules again about events",
    JobKind.BACKTEST: "Play what was recorded",
}


@area.get("/press")
def index() -> str:
    """Show the filter, what it would mean where one is given, and the newest jobs."""
    desk = current()
    kind, chosen = _kind(request.args.get("kind", "")), _selection(request.args)
    is_asked = chosen.is_narrow or bool(chosen.state)
    with desk.connection() as connection:
        preview = many.preview(connection, kind, chosen, SEARCH_SECONDS) if is_asked else None
        newest = jobs.newest(connection, MOST_LISTED)
    given = {name: getattr(chosen, name) or "" for name in (*_TEXTS, "text")}
    given |= {name: _as_typed(getattr(chosen, name)) for name in ("since", "until")}
    return render_template(
        "jobs/index.html", kind=kind, labels=LABELS, given=given, preview=preview, jobs=newest, told=many.told,
        further=_further(kind, given, preview), job_id=new_id(), kinds=PRESSABLE,
        states=PRESSABLE[kind], accounts=list(desk.config.accounts), is_message=many.is_message,
        rules=[rule.name for rule in desk.config.rules], handlings=list(Handling),
    )  # fmt: skip


@area.post("/press")
@needs(Role.OPERATOR)
def begin() -> Response:
    """Begin what the page told."""
    desk, form = current(), request.form
    job_id, told = parse_id(form.get("job", "")), _told(form.get("told", ""))
    if job_id is None or told is None:
        raise BadRequest("This form does not say what it was made for. Open the page again and repeat it.")
    with desk.people(wanted_text(form, "comment")) as people:
        job = people.begin_job(job_id, _kind(form.get("kind", "")), _selection(form), told)
    if said := many.fewer(job, told):
        notice(said, "info")
    desk.wakeups.jobs([job.id])
    return back_to(url_for(".show", job_id=job.id))


@area.get("/jobs/<uuid:job_id>")
def show(job_id: UUID) -> Response:
    """Show how far a job is; while it runs, the page comes again by itself."""
    with current().connection() as connection:
        job = jobs.get(connection, job_id)
        refusals = jobs.refusals(connection, job_id, MOST_REFUSALS)
    if job is None:
        raise NotFound("There is no such job.")
    if job.kind is JobKind.BACKTEST:
        return back_to(url_for("backtests.show", backtest_id=job.id))
    said = many.told(job, current().clock())
    page = render_template("jobs/show.html", job=job, refusals=refusals, said=said, label=LABELS[job.kind])
    answer = make_response(page)
    if job.state is JobState.RUNNING:
        answer.headers["Refresh"] = REFRESH_SECONDS
    return answer


@area.post("/jobs/<uuid:job_id>/stop")
@needs(Role.OPERATOR)
def stop(job_id: UUID) -> Response:
    """Stop a job."""
    with current().people(wanted_text(request.form, "comment")) as people:
        people.stop_job(job_id)
    notice("It is stopped: what it had not pressed stays as it was.")
    return back_to(url_for(".show", job_id=job_id))


def _kind(text: str) -> JobKind:
    found = {str(kind): kind for kind in PRESSABLE}.get(text or JobKind.RETRY)
    if found is None:
        raise BadRequest("Nothing of that kind can be done.")
    return found


def _selection(given: Mapping[str, str]) -> Selection:
    texts = {name: wanted_text(given, name) or None for name in _TEXTS}
    # As lists read it: spaces in it count.
    text = given.get("text", "").strip()[:MOST_CHARACTERS] or None
    return Selection(**texts, text=text, since=moment(given, "since"), until=moment(given, "until"))


def _told(text: str) -> Told | None:
    found = _TOLD.match(text)
    return Told(int(found["total"]), int(found["mark"])) if found else None


def _further(kind: JobKind, given: Mapping[str, str], preview: many.Preview | None) -> str | None:
    """Return where what is older is looked through for a text, where the time for it was up."""
    if preview is None or preview.found.looked_to is None:
        return None
    kept: dict[str, Any] = {name: value for name, value in given.items() if value}
    return url_for(".index", **kept | {"kind": kind, "until": preview.found.looked_to.isoformat()})


def _as_typed(found: datetime | None) -> str:
    return f"{found.astimezone(current().config.business.zone):%Y-%m-%dT%H:%M:%S}" if found else ""
