"""Connect: where each vendor has to post, what to do in its dashboard, and whether it reaches us.

Invariant: a page holds no secret but the one that an admin asked for, with a reason that was written down before.
"""

from flask import Blueprint, Response, make_response, render_template, request, url_for
from werkzeug.exceptions import BadRequest, NotFound

from config.accounts import Account
from console.connecting.endpoints import UNSET, base_url, endpoints_of, verify_token
from console.connecting.standing import standing_of, standings
from console.users import Role
from console.web.frame import current, needs, wanted_text
from worker.states import Press

area = Blueprint("connect", __name__)
VERIFY_TOKEN = "verify-token"  # noqa: S105 - the name of one


@area.get("/connect")
def index() -> str:
    """List every account with how it stands."""
    desk = current()
    with desk.connection() as connection:
        found = standings(connection, desk.config, desk.settings)
    return render_template("connect/index.html", standings=found)


@area.get("/connect/<name>")
def account(name: str) -> str:
    """Show an account's addresses, the steps, and what came in."""
    desk, found = current(), _account(name)
    with desk.connection() as connection:
        standing = standing_of(connection, name, found, desk.settings)
    return render_template(
        "connect/account.html", standing=standing, has_token=verify_token(found) is not None,
        has_address=base_url(desk.settings) != UNSET,
    )  # fmt: skip


@area.get("/connect/<name>/reveal/<key>")
@needs(Role.ADMIN)
def ask(name: str, key: str) -> str:
    """Ask why a secret is to be shown."""
    _secret(name, key)
    return render_template("connect/ask.html", name=name, key=key)


@area.post("/connect/<name>/reveal/<key>")
@needs(Role.ADMIN)
def reveal(name: str, key: str) -> Response:
    """Show it, and write down who wanted to see it and why."""
    label, value = _secret(name, key)
    reason = wanted_text(request.form, "reason")
    if not reason:
        raise BadRequest("Say why you need to see it.")
    with current().people(reason) as people:
        people.note(Press.REVEAL, f"connect/{name}/{key}", {})
    page = render_template("connect/shown.html", label=label, value=value, back=url_for(".account", name=name))
    return make_response(page)


def _account(name: str) -> Account:
    found = current().config.accounts.get(name)
    if found is None:
        raise NotFound(f'There is no account "{name}" in accounts.yaml.')
    return found


def _secret(name: str, key: str) -> tuple[str, str]:
    found = _account(name)
    token = verify_token(found)
    if key == VERIFY_TOKEN and token is not None:
        return "Verify token", token
    for endpoint in endpoints_of(name, found, current().settings):
        if endpoint.has_secret and endpoint.key == key:
            return endpoint.label, endpoint.url
    raise NotFound("There is no such secret in accounts.yaml.")
