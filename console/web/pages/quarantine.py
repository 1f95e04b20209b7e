"""Bodies that failed verification: what is held, what would pass now, and the buttons to release or throw away.

Invariant: what a body holds is not shown here; whoever is to see it releases it.
"""

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, render_template, request, url_for
from sqlalchemy import Row
from werkzeug.exceptions import BadRequest

from console.pressing.releasing import Releasing, receiving_of
from console.users import Role
from console.web.frame import back_to, current, needs, notice, wanted_text
from worker.ledger import quarantine
from worker.people import GONE, People, RefusedError

area = Blueprint("quarantine", __name__)
MOST_LISTED = 50
MOST_RELEASED = 500


@area.get("/quarantine")
def index() -> str:
    """List what is held, oldest first, each with whether it would pass now."""
    desk = current()
    account = wanted_text(request.args, "account", 100) or None
    receiving = receiving_of(desk.console.engine, desk.settings, desk.config)
    with desk.connection() as connection:
        held = quarantine.held(connection, account, MOST_LISTED + 1)
    rows = [{"body": row, "refused": receiving.verify_again(row)} for row in held[:MOST_LISTED]]
    return render_template(
        "quarantine/index.html", rows=rows, more=len(held) > MOST_LISTED, most=MOST_LISTED, account=account or "",
        accounts=list(desk.config.accounts),
    )  # fmt: skip


@area.post("/quarantine/release")
@needs(Role.OPERATOR)
def release() -> Response:
    """Release all that passes now, in the order in which it came."""
    desk = current()
    account = wanted_text(request.form, "account", 100) or None
    releasing = _releasing()
    with desk.connection() as connection:
        held = quarantine.held(connection, account, MOST_RELEASED)
    done = [releasing.release(row) for row in held]
    released = [one.event_id for one in done if one.event_id]
    desk.wakeups.events(released)
    notice(f"{len(released)} released, {len(done) - len(released)} still refused.", "good" if released else "info")
    return back_to(url_for(".index", account=account))


@area.post("/quarantine/<uuid:quarantine_id>/release")
@needs(Role.OPERATOR)
def release_one(quarantine_id: UUID) -> Response:
    """Release one body."""
    done = _releasing().release(_held(quarantine_id))
    if done.event_id is None:
        raise RefusedError(f"It is still refused: {done.still_refused}. Mend the secret first")
    current().wakeups.events([done.event_id])
    notice("It is released: its event is routed now.")
    return back_to(url_for(".index"))


@area.post("/quarantine/<uuid:quarantine_id>/discard")
@needs(Role.OPERATOR)
def discard(quarantine_id: UUID) -> Response:
    """Throw one body away for good."""
    _releasing().discard(_held(quarantine_id))
    notice("It is thrown away.")
    return back_to(url_for(".index"))


def _held(quarantine_id: UUID) -> Row[Any]:
    with current().connection() as connection:
        found = quarantine.get(connection, quarantine_id)
    if found is None:
        raise RefusedError(f"{quarantine_id} is not held any more: it was released, thrown away, or left by age", GONE)
    return found


def _releasing() -> Releasing:
    desk, comment = current(), wanted_text(request.form, "comment")
    if not comment:
        raise BadRequest("Say why: what people press is written down with its reason.")
    return Releasing(
        receiving_of(desk.console.engine, desk.settings, desk.config),
        lambda connection: People(connection, desk.user.name, desk.clock(), desk.settings.rewake_seconds, comment),
        desk.console.engine.begin, desk.clock,
    )  # fmt: skip
