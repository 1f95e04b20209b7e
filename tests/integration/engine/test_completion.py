"""Events that leave something out wait for the vendor's API; no event waits for what will not come."""

from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from tests.support.shop import order_created, order_status_changed
from webhooks.examples import load_example
from worker.acting import Call, Outcome

if TYPE_CHECKING:
    from tests.integration.engine.conftest import Works

UNKNOWN_ORDER = "0198a1b2-0000-7000-8000-000000000000"


def wait_for_order(works: "Works", **data: str) -> tuple[UUID, UUID]:
    """Receive "shipped" of an order never seen; return the ids of the waiting event and of its read."""
    routed = works.receive(order_status_changed("shipped", **data))
    assert works.event(routed.event_id).state == "waiting"
    [read] = works.shop.deliveries()
    assert (read.rule, read.action) == ("hookyard.complete", "scalev.get_order")
    return routed.event_id, read.id


def test_the_answer_of_the_api_completes_the_event(works: "Works") -> None:
    """The read's answer becomes the snapshot, and the event that waited is routed on."""
    event_id, read = wait_for_order(works)

    delivered = works.deliver(read)
    works.settle()

    assert event_id in delivered.woken_events
    assert works.event(event_id).state == "processed"
    [message] = works.shop.sandbox.effects("message")
    assert message["phone_number"] == "628123456789"


def test_an_order_the_api_does_not_know_fails_the_event_visibly(works: "Works") -> None:
    """404: the read is a dead letter, and the event says what it waited for in vain."""
    event_id, read = wait_for_order(works, id=UNKNOWN_ORDER)

    works.deliver(read)

    assert (works.delivery(read).state, works.delivery(read).reason) == ("dead", "not_found")
    event = works.event(event_id)
    assert (event.state, event.reason) == ("failed", "completion_failed")
    assert "scalev.get_order" in event.last_error


def test_a_retry_of_the_read_heals_the_event(works: "Works") -> None:
    """Once the vendor knows the order, retrying the dead read routes the event that had failed."""
    works.shop.sandbox.fail(vendor="scalev", path="/orders/*", status=404, times=1)
    event_id, read = wait_for_order(works)
    works.deliver(read)
    assert works.event(event_id).state == "failed"

    with works.people() as people:
        people.retry(read)
    works.settle()

    assert works.event(event_id).state == "processed"
    assert len(works.shop.sandbox.effects("message")) == 1


def test_an_order_that_arrives_meanwhile_makes_the_read_unnecessary(works: "Works") -> None:
    """order.created wakes the waiting event; the read is suppressed without asking the vendor."""
    event_id, read = wait_for_order(works)

    routed = works.receive(order_created())
    works.route(event_id)
    works.deliver(read)

    assert routed.events == (event_id,)
    assert works.event(event_id).state == "processed"
    assert (works.delivery(read).state, works.delivery(read).reason) == ("suppressed", "not_needed")
    assert works.shop.sandbox.requests() == []


def test_an_order_that_arrives_late_heals_the_event_that_was_given_up(works: "Works") -> None:
    """order.created tells what the API did not: the failed event goes on by itself."""
    event_id, read = wait_for_order(works, id=UNKNOWN_ORDER)
    works.deliver(read)

    works.receive(order_created(id=UNKNOWN_ORDER))
    works.settle()

    assert works.event(event_id).state == "processed"
    assert len(works.shop.sandbox.effects("message")) == 1


def test_an_event_that_began_to_wait_a_moment_too_late_is_not_left_behind(works: "Works") -> None:
    """A read that finds the order known wakes its event, also when the order's own event missed it.

    A tap takes no lock on the order's snapshot: it may begin to wait while order.created looks for who waits.
    """
    tap = load_example("wabotick", "postback") | {"order_id": "250804QWERTY"}
    event_id = works.receive(tap, "wa", trigger="flow").event_id
    assert works.event(event_id).state == "waiting"
    works.receive(order_created(status="draft"))
    works.execute("UPDATE events SET state = 'waiting', wake_at = NULL WHERE id = :id", id=event_id)

    works.settle()

    assert works.event(event_id).state == "processed"
    assert len(works.shop.sandbox.effects("order_status")) == 1


def test_a_read_that_dies_of_a_bug_fails_its_event(works: "Works") -> None:
    """A bug after the question was sent leaves a dead letter, not an unknown effect: a read has none."""

    def broken(call: Call) -> Outcome:
        call.session.request("GET", "/me")
        raise KeyError

    works.replace_action("scalev.get_order", run=broken)
    event_id, read = wait_for_order(works)

    delivered = works.deliver(read)

    assert (delivered.conclusion.state, delivered.conclusion.reason) == ("dead", "bug")
    assert isinstance(delivered.bug, KeyError)
    assert works.event(event_id).state == "failed"


def test_a_read_that_was_lost_while_sending_is_asked_again(works: "Works") -> None:
    """A lease that ran out on a read leads to another attempt, whatever the action is called by then."""
    event_id, read = wait_for_order(works)
    works.execute(
        "UPDATE deliveries SET state = 'in_flight', attempts = 1, lease_owner = 'x', lease_expires_at = :at, "
        "sending_at = :at WHERE id = :id", at=works.clock(), id=read,
    )  # fmt: skip
    action = works.actions.pop("scalev.get_order")
    works.clock.pass_(1)

    works.sweep()
    works.actions["scalev.get_order"] = action
    works.settle()

    assert works.event(event_id).state == "processed"


def test_a_cancelled_read_fails_its_event_and_a_retry_heals_it(works: "Works") -> None:
    """A person who cancels the read gives up the event, and may think again."""
    event_id, read = wait_for_order(works)

    with works.people() as people:
        people.cancel(read)
    assert works.event(event_id).state == "failed"
    with works.people() as people:
        people.retry(read)
    works.settle()

    assert works.event(event_id).state == "processed"


def test_an_answer_that_tells_nothing_new_fails_the_event(works: "Works") -> None:
    """An answer without the order's address and lines does not make the event ask for ever."""
    works.shop.sandbox.fail(
        vendor="scalev", path="/orders/*", status=200, body={"id": "x", "order_id": "250804QWERTY", "status": "shipped"}
    )
    event_id, _read = wait_for_order(works)

    works.settle()

    event = works.event(event_id)
    assert (event.state, event.reason) == ("failed", "completion_failed")
    assert len(works.shop.sandbox.requests("*/orders/*")) == 1


def test_an_event_of_no_interest_asks_nothing(works: "Works") -> None:
    """Where no rule could follow, the vendor's API is left alone."""
    works.shop.write_rules("rules: []")
    works.reload()

    routed = works.receive(order_status_changed("shipped"))

    assert routed.state == "processed"
    assert works.shop.deliveries() == []


@pytest.mark.parametrize("human_number_only", [True, False])
def test_the_order_is_asked_by_its_key_or_by_its_number(works: "Works", human_number_only: bool) -> None:
    """Deliveries from before mid 2026 carry the human number only: it is searched for."""
    body = order_status_changed("shipped")
    if human_number_only:
        del body["data"]["id"]

    works.receive(body)
    works.settle()

    assert len(works.shop.sandbox.effects("message")) == 1
