"""Send a test event: an example of a vendor, signed as the vendor signs, to our own receiver.

Invariant: where rules reach real vendors, an admin has to say that the event may be acted on as a real one.
"""

from flask import Blueprint, Response, render_template, request
from werkzeug.exceptions import BadRequest, Forbidden

from console.cli.output import CommandError
from console.pressing import examples
from console.pressing.examples import Answer
from console.users import Role
from console.web.frame import back_to, current, needs, notice, wanted_text
from worker.people import RefusedError
from worker.states import Press

area = Blueprint("sending", __name__)


@area.get("/send")
def index() -> str:
    """Show which examples can be sent to which account."""
    desk = current()
    found = examples.examples_of(desk.config)
    account = wanted_text(request.args, "account", 100)
    names = found.get(account, [])
    is_safe = examples.is_rehearsal(desk.config)
    return render_template("sending/index.html", accounts=list(found), account=account, names=names, is_safe=is_safe)


@area.post("/send")
@needs(Role.OPERATOR)
def send() -> Response:
    """Send one."""
    desk, form = current(), request.form
    account, name = wanted_text(form, "account", 100), wanted_text(form, "example", 200)
    comment = wanted_text(form, "comment")
    if not comment:
        raise BadRequest("Say why: what people press is written down with its reason.")
    if name not in examples.examples_of(desk.config).get(account, []):
        raise RefusedError("there is no such example for this account")
    if not examples.is_rehearsal(desk.config):
        if not desk.may(Role.ADMIN):
            raise Forbidden("Rules reach real vendors here: sending a test event needs the role admin.")
        if not form.get("is_real"):
            raise BadRequest("Say that the event may be acted on as a real one.")
    answer = _sent(account, name)
    if answer.event_id is None:
        raise RefusedError(f"the receiver answered {answer.status}: {answer.answer.get('error') or 'no reason'}")
    with desk.people(comment) as people:
        people.note(Press.SEND, answer.event_id, {"account": account, "example": name})
    notice("It was sent, and taken in as this event.")
    return back_to(f"/events/{answer.event_id}")


def _sent(account: str, name: str) -> Answer:
    """Post to the receiver on this machine; where there is none, to the address that vendors know."""
    desk = current()
    target = desk.config.accounts[account]
    body, event = examples.example(target.vendor, name), name.partition("__")[0]
    try:
        return examples.send(desk.settings, account, target, event, body)[0]
    except CommandError:
        if desk.settings.public_url is None:
            raise
        return examples.send(desk.settings, account, target, event, body, url=desk.settings.public_url)[0]
