"""Backtests: what was recorded played through the rules in the background, how far it is, and what came of it.

Invariant: nothing of it takes time of the console; one at most is under way, whoever presses and however often.
"""

from uuid import UUID

from flask import Blueprint, Response, make_response, render_template, request, url_for
from werkzeug.exceptions import BadRequest, NotFound

from config.load import rules_digest
from console.rules.playing import SPANS, beginning, told
from console.users import Role
from console.web.frame import back_to, current, needs, notice, wanted_text
from worker.ids import new_id, parse_id
from worker.ledger import backtests, jobs
from worker.ledger.backtests import MOST_REPORTS
from worker.states import JobKind, JobState

area = Blueprint("backtests", __name__)
MOST_LISTED = 20
REFRESH_SECONDS = "2"
SHOWN = ("sent", "messages", "same", "new", "repeated", "gone", "quiet_hours", "invalid_numbers", "dead")


@area.get("/rules/backtest")
def index() -> str:
    """Offer the spans, and list the newest backtests."""
    with current().connection() as connection:
        newest = backtests.newest(connection, MOST_LISTED)
    return render_template("rules/backtest.html", spans=SPANS, newest=newest, told=told, job_id=new_id())


@area.post("/rules/backtest")
@needs(Role.OPERATOR)
def begin() -> Response:
    """Begin one, or lead to the one that is under way."""
    desk, span, job_id = current(), request.form.get("since", ""), parse_id(request.form.get("job", ""))
    if job_id is None or span not in SPANS:
        raise BadRequest("This form does not say what it was made for. Open the page again and repeat it.")
    with desk.people() as people:
        job = people.begin_backtest(job_id, beginning(span, desk.clock()))
    desk.wakeups.jobs([job.id])
    if job.id != job_id:
        notice(f"Only one is played at a time: this is the one that {job.actor} began. No other was begun.", "info")
    return back_to(url_for(".show", backtest_id=job.id))


@area.get("/rules/backtest/<uuid:backtest_id>")
def show(backtest_id: UUID) -> Response:
    """Show how far one is, or what came of it; while it runs, the page comes again by itself."""
    desk = current()
    with desk.connection() as connection:
        job = jobs.get(connection, backtest_id)
        if job is None or job.kind is not JobKind.BACKTEST:
            raise NotFound("There is no such backtest.")
        report = backtests.report(connection, job)
    is_same = report is not None and report["rules_digest"] == rules_digest(desk.settings.config_dir / "rules")
    page = render_template(
        "rules/backtest_of.html", job=job, said=told(job, desk.clock()), report=report, is_same=is_same, shown=SHOWN,
        most_reports=MOST_REPORTS,
    )  # fmt: skip
    answer = make_response(page)
    if job.state is JobState.RUNNING:
        answer.headers["Refresh"] = REFRESH_SECONDS
    return answer


@area.post("/rules/backtest/<uuid:backtest_id>/stop")
@needs(Role.OPERATOR)
def stop(backtest_id: UUID) -> Response:
    """Stop one."""
    with current().people(wanted_text(request.form, "comment")) as people:
        people.stop_job(backtest_id)
    notice("It is stopped: nothing comes of it.")
    return back_to(url_for(".show", backtest_id=backtest_id))
