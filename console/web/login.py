"""Who asks: a session begun with a password, a proxy's word, or anybody on this machine in the demo.

Invariant: nothing but the login page, the assets and /healthz answers somebody who is not known; wrong passwords are
counted in the ledger, so that guessing is slow whichever process is asked.
"""

from datetime import timedelta
from ipaddress import ip_address

import structlog
from flask import Blueprint, Flask, Request, Response, g, make_response, redirect, render_template, request, url_for
from sqlalchemy import Connection
from werkzeug.exceptions import Forbidden
from werkzeug.wrappers import Response as AnyResponse

from console import users as people_of
from console.users import Role
from console.web.frame import Console, User, notice, own_path
from console.web.visits import Visit, new_visit
from worker.ledger import users

IDLE = timedelta(hours=12)
LONGEST = timedelta(days=7)
TOUCH = timedelta(minutes=1)
COUNTED = timedelta(minutes=15)
MOST_TOGETHER, MOST_OF_SOURCE, MOST_OF_NAME = 5, 30, 100
"""Failed logins in a quarter of an hour: of one name from one address, from one address, of one name."""
_KEPT_NAME = 100
log = structlog.get_logger()


class Doorkeeper:
    """Says who asks, lets in, and shows out."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def user_of(self, asked: Request, visit: Visit) -> User | None:
        """Return who sent a request, None for somebody who has to log in; Forbidden for who may not come at all."""
        settings = self._console.settings
        if settings.console_login == "off":
            return User("demo", Role.ADMIN, "demo")
        if settings.console_proxy_header and (name := asked.headers.get(settings.console_proxy_header)):
            return self._vouched_for(asked, name)
        return None if visit.is_new else self._in_session(visit)

    def log_in(self, name: str, password: str, source: str) -> Visit | None:
        """Begin a session; None when name and password do not belong together. Forbidden after too many tries."""
        now = self._console.clock()
        with self._console.engine.begin() as connection:
            failed = users.count_failures(connection, name[:_KEPT_NAME], source, now - COUNTED)
            found = users.get_user(connection, name)
        if failed.together >= MOST_TOGETHER or failed.from_source >= MOST_OF_SOURCE or failed.of_name >= MOST_OF_NAME:
            log.warning("login.refused", reason="too_many_failures", source=source)
            raise Forbidden("Too many logins failed. Wait a quarter of an hour, then try again.")
        is_right = people_of.proves(found.password_hash if found else None, password)
        with self._console.engine.begin() as connection:
            if not is_right or found is None:
                users.note_failure(connection, name[:_KEPT_NAME], source, now)
                log.warning("login.failed", source=source)
                return None
            users.forget_old(connection, now - LONGEST, now - IDLE, now - COUNTED)
            visit = new_visit()
            users.begin_session(connection, visit.token_hash, found.name, now)
            log.info("login.done", user=found.name)
        return visit

    def log_out(self, visit: Visit) -> None:
        """End a session at once, wherever its cookie is kept."""
        with self._console.engine.begin() as connection:
            users.end_session(connection, visit.token_hash)

    def nobody_can(self) -> bool:
        """Whether there is no user yet."""
        with self._console.engine.connect() as connection:
            return not users.list_users(connection)

    def _in_session(self, visit: Visit) -> User | None:
        now = self._console.clock()
        with self._console.engine.begin() as connection:
            session = users.find_session(connection, visit.token_hash)
            if session is None or now - session.begun_at > LONGEST or now - session.seen_at > IDLE:
                return None
            if now - session.seen_at > TOUCH:
                users.touch_session(connection, visit.token_hash, now)
        return User(session.name, Role(session.role), "session")

    def _vouched_for(self, asked: Request, name: str) -> User:
        original = asked.environ.get("werkzeug.proxy_fix.orig", asked.environ)
        if str(original.get("REMOTE_ADDR")) not in self._console.settings.proxy_addresses:
            raise Forbidden("Only the configured proxy may say who the user is.")
        with self._console.engine.connect() as connection:
            return self._known(connection, name)

    @staticmethod
    def _known(connection: Connection, name: str) -> User:
        row = users.get_user(connection, name)
        if row is None:
            raise Forbidden("The proxy knows you, the console does not: ask an admin for `hookyard users add`.")
        return User(row.name, Role(row.role), "proxy")


def is_own_host(asked: Request) -> bool:
    """Whether a request of the demo came to this machine by its own name.

    A page elsewhere could otherwise give its host name our address, and read what only this machine may.
    """
    host = asked.host.rpartition(":")[0] if asked.host.rsplit(":", 1)[-1].isdecimal() else asked.host
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def add_to(app: Flask, doorkeeper: Doorkeeper) -> None:
    """Add the pages to log in and out."""
    area = Blueprint("login", __name__)

    @area.get("/login")
    def login() -> str:
        return render_template(
            "login.html", next=own_path(request.args.get("next")), nobody=doorkeeper.nobody_can(), name=""
        )

    @area.post("/login")
    def log_in() -> AnyResponse:
        name, password = request.form.get("name", "").strip(), request.form.get("password", "")
        onward = own_path(request.form.get("next"))
        visit = doorkeeper.log_in(name, password, request.remote_addr or "")
        if visit is None:
            nobody = doorkeeper.nobody_can()
            page = render_template("login.html", next=onward, nobody=nobody, name=name, failed=True)
            return make_response(page, 401)
        g.visit = visit
        return redirect(onward, 303)

    @area.post("/logout")
    def log_out() -> AnyResponse:
        doorkeeper.log_out(g.visit)
        g.visit = new_visit()
        notice("You are logged out.", "info")
        return redirect(url_for("login.login"), 303)

    app.register_blueprint(area)


def to_login(asked: Request) -> Response:
    """Send somebody who is not known to the login page, and back to where they wanted to go after it."""
    wanted = own_path(asked.full_path.rstrip("?")) if asked.method == "GET" else "/"
    return make_response(redirect(url_for("login.login", next=wanted), 303))
