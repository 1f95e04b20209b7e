"""What becomes known while a delivery is on its way, too late to cancel what waits: it is asked before sending."""

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from tests.support.shop import order_created, order_status_changed
from worker.acting import Call, Outcome
from worker.errors import RetryableError
from worker.states import Reason

if TYPE_CHECKING:
    from tests.integration.engine.conftest import Works

RULES = """
rules:
  - name: r
    on: [scalev.order.created]
    steps:
      - action: scalev.change_status
        {key}
        with: {{ids: ["{{{{ order.id }}}}"], status: confirmed}}
"""


def planned(works: "Works", key: str) -> UUID:
    """Plan the only delivery of a rule whose step has this key."""
    works.shop.write_rules(RULES.format(key=key))
    works.reload()
    [wake] = works.receive(order_created() | {"timestamp": works.clock().isoformat()}).deliveries
    return wake.id


def cancel(works: "Works") -> None:
    """Let the order be canceled a second later."""
    works.clock.pass_(1)
    now = works.clock().isoformat()
    works.receive(order_status_changed("canceled", last_updated_at=now, canceled_time=now) | {"timestamp": now})


def test_what_overtakes_a_delivery_in_flight_keeps_it_from_being_repeated(works: "Works") -> None:
    """The order is canceled while the vendor is asked in vain: there is no second attempt."""
    delivery_id = planned(works, "cancel_on: [scalev.order.canceled]")
    asked = []

    def refuse(call: Call) -> Outcome:
        asked.append(call)
        cancel(works)
        raise RetryableError(Reason.RATE_LIMITED, "too fast")

    works.replace_action("scalev.change_status", run=refuse)
    assert works.deliver(delivery_id).conclusion.state == "retrying"

    works.settle()

    row = works.delivery(delivery_id)
    assert (row.state, row.reason, len(asked)) == ("cancelled", "overtaken", 1)


def test_what_becomes_known_between_looking_and_sending_is_looked_at(works: "Works") -> None:
    """The order is canceled after the condition was asked and before the request leaves: it does not leave."""
    delivery_id = planned(works, 'unless: order.status == "canceled"')
    asked, looks = [], []

    def confirm(call: Call) -> Outcome:
        asked.append(call)
        return Outcome()

    def clock() -> datetime:
        looks.append(works.clock())
        if len(looks) == 2:
            cancel(works)
        return works.clock()

    works.replace_action("scalev.change_status", run=confirm)
    found = replace(works.deliverer, clock=clock).deliver(delivery_id)
    assert found is not None
    assert (found.deferred, [wake.id for wake in found.woken], works.delivery(delivery_id).attempts) == (
        True, [delivery_id], 0,
    )  # fmt: skip

    works.settle()

    row = works.delivery(delivery_id)
    assert (row.state, row.reason, asked) == ("suppressed", "not_needed", [])
