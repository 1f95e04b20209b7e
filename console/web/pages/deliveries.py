"""Deliveries: what follows from events, found by filters; and all there is to see of one.

Invariant: what is shown of a delivery is what the ledger says; where an account or a pause holds it back, that is said.
"""

from uuid import UUID

from flask import Blueprint, render_template, request
from werkzeug.exceptions import NotFound

from console.records.record import delivery_record, shown_reason
from console.stories.advice import advice_of
from console.stories.story import title_of
from console.web.frame import current
from console.web.listing import listed, own_page
from worker.ledger.lists import count_deliveries, list_deliveries
from worker.states import DeliveryState, JobKind

area = Blueprint("deliveries", __name__)
FIELDS = ("account", "type", "state", "reason", "rule", "subject", "text")


@area.get("/deliveries")
def index() -> str:
    """List deliveries, newest first."""
    found = listed(FIELDS, list_deliveries, count_deliveries, JobKind.RETRY)
    rules = [rule.name for rule in current().config.rules]
    return render_template(
        "deliveries/index.html", **found, states=list(DeliveryState), rules=rules, shown_reason=shown_reason,
        advice_of=advice_of,
    )  # fmt: skip


@area.get("/deliveries/<uuid:delivery_id>")
def show(delivery_id: UUID) -> str:
    """Show one delivery."""
    desk = current()
    with desk.connection() as connection:
        found = delivery_record(connection, delivery_id)
    if found is None:
        raise NotFound(f"There is no delivery {delivery_id}. It may be the id of something else, or deleted by age.")
    record, event, audit = found
    rule = next((rule for rule in desk.config.rules if rule.name == record.row.rule), None)
    return render_template(
        "deliveries/show.html", record=record, delivery=record.row, event=event, audit=audit, rule=rule,
        story=own_page(f"/orders/of-event/{event.id}") if event.subject else None, title_of=title_of,
        flower=f"{desk.settings.flower_url or _flower_here(desk.settings.flower_port)}/task/{delivery_id}",
    )  # fmt: skip


def _flower_here(port: int) -> str:
    """Return where Flower is, when it is on the console's own host."""
    return f"{request.scheme}://{request.host.rpartition(':')[0] or request.host}:{port}"
