"""The console: a Flask application that shows the ledger and lets people act on it.

Invariant: every page but the login is for somebody who is known, every form that is taken was one of ours, and nothing
on a page is run that did not come from our own files.
"""

import structlog
from flask import Flask, Response, g, make_response, render_template, request
from jinja2 import StrictUndefined
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import BadRequest, Forbidden, HTTPException, InternalServerError
from werkzeug.middleware.proxy_fix import ProxyFix

from config.faults import OperatorError
from console.web import login, showing
from console.web.areas import AREAS
from console.web.frame import Console, Desk, User
from console.web.login import Doorkeeper
from console.web.visits import FORM_FIELD, keep_notices, kept_notices, remember, visit_of
from worker.sentry import report

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self';"
    " form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_OPEN_TO_ALL = frozenset({"login.login", "login.log_in", "static", "healthz"})
log = structlog.get_logger()


def make_app(console: Console) -> Flask:
    """Return the console's application."""
    app = Flask("console.web", static_folder="static", template_folder="templates")
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    doorkeeper = Doorkeeper(console)
    _let_in(app, console, doorkeeper)
    _answer(app)
    _handle_errors(app)
    showing.add_to(app)
    login.add_to(app, doorkeeper)
    for area in AREAS:
        app.register_blueprint(area.blueprint)

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        with console.engine.connect() as connection:
            connection.execute(text("SELECT 1"))
        return {"status": "ok"}

    if hops := console.settings.trusted_proxy_hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]
    return app


def _let_in(app: Flask, console: Console, doorkeeper: Doorkeeper) -> None:
    @app.before_request
    def check() -> Response | None:
        g.visit = visit_of(request)
        g.notices = []
        if console.settings.console_login == "off" and not login.is_own_host(request):
            raise Forbidden("Without a login the console answers under the name localhost or 127.0.0.1 only.")
        if request.method not in {"GET", "HEAD"}:
            _refuse_foreign_form()
        if request.endpoint == "static":
            return None
        user = doorkeeper.user_of(request, g.visit) if request.endpoint != "healthz" else None
        if user is not None:
            g.desk = Desk(console, g.visit, user)
        elif request.endpoint not in _OPEN_TO_ALL:
            return login.to_login(request)
        return None

    @app.context_processor
    def names() -> dict[str, object]:
        desk: Desk | None = g.get("desk")
        user: User | None = desk.user if desk else None
        return {
            "user": user,
            "may": desk.may if desk else lambda _role: False,
            "csrf": g.visit.form_token,
            "csrf_field": FORM_FIELD,
            "areas": [area for area in AREAS if area.label] if desk else [],
            "notices": [*kept_notices(request), *g.notices],
            "zone": console.live.config.business.zone,
            "now": console.clock(),
            "refused_faults": console.live.faults if desk else (),
        }


def _refuse_foreign_form() -> None:
    """Refuse a form that no page of ours of this visit sent."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        raise BadRequest("This form was sent from another site; nothing was done.")
    if not g.visit.sent(request.form.get(FORM_FIELD, "")):
        raise BadRequest(
            "This form is too old, or its page was open before a login. Open the page again and repeat it."
        )


def _answer(app: Flask) -> None:
    @app.after_request
    def complete(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if request.is_secure:
            response.headers["Strict-Transport-Security"] = "max-age=31536000"
        if request.endpoint == "static":
            response.headers["Cache-Control"] = "public, max-age=3600"
            return response
        response.headers["Cache-Control"] = "no-store"
        visit = g.get("visit")
        if visit is not None and visit.is_new and request.endpoint != "healthz":
            remember(request, response, visit)
        if response.status_code in {302, 303}:
            keep_notices(request, response, [*kept_notices(request), *g.get("notices", [])])
        elif kept_notices(request) and response.mimetype == "text/html":
            keep_notices(request, response, [])
        return response


def _handle_errors(app: Flask) -> None:
    def page(status: int, title: str, what: str) -> Response:
        return make_response(render_template("error.html", title=title, what=what), status)

    @app.errorhandler(OperatorError)
    def refused(error: OperatorError) -> Response:
        return page(409, "This was not done", str(error))

    @app.errorhandler(HTTPException)
    def wrong_call(error: HTTPException) -> Response:
        status = error.code or 400
        titles = {404: "There is no such page", 403: "Not allowed", 400: "This was not done"}
        whats = {404: "Nothing is known under this address. It may have been typed wrongly, or deleted by age."}
        own = error.description if isinstance(error, Forbidden | BadRequest) else None
        own = error.description if status == 404 and error.description != type(error).description else own
        return page(status, titles.get(status, error.name), own or whats.get(status, error.name))

    @app.errorhandler(SQLAlchemyError)
    def ledger_away(error: SQLAlchemyError) -> Response:
        log.error("console.ledger_error", error=type(error).__name__)
        what = "The ledger does not answer, or this question took too long. Nothing was changed; try again."
        return page(503, "The ledger did not answer", what)

    @app.errorhandler(Exception)
    def bug(error: Exception) -> Response:
        log.error("console.bug", error=type(error).__name__, page=request.endpoint)
        report(error, {"page": str(request.endpoint)})
        return page(InternalServerError.code, "This is a fault of ours", "It was written to the log. Nothing was done.")
