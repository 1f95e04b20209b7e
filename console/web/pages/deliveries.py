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
from console.web.listing import around, asked_for, own_page
from worker.ledger.lists import Page, count_deliveries, list_deliveries
from worker.states import DeliveryState, Reason

area = Blueprint("deliveries", __name__)
FIELDS = ("account", "type", "state", "reason", "rule", "subject", "text")


@area.get("/deliveries")
def index() -> str:
    """List deliveries, newest first."""
    desk = current()
    asked = asked_for(FIELDS, desk.config.business.zone, desk.clock())
    page, count = Page(()), None
    if not asked.faults:
        with desk.connection() as connection:
            page = list_deliveries(connection, asked.wanted)
            count = count_deliveries(connection, asked.wanted) if page.rows else None
    newer, older = around(asked, page)
    return render_template(
        "deliveries/index.html", asked=asked, page=page, count=count, newer=newer, older=older, title_of=title_of,
        accounts=sorted(desk.config.accounts), states=list(DeliveryState), reasons=list(Reason),
        rules=[rule.name for rule in desk.config.rules], shown_reason=shown_reason, advice_of=advice_of,
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
