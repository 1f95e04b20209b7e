"""What people press: done and audited, or refused with a reason; never twice by accident."""

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from tests.support.shop import order_created, order_status_changed
from webhooks.examples import load_example
from worker.people import RefusedError
from worker.states import DeliveryState

if TYPE_CHECKING:
    from tests.integration.engine.conftest import Works

OPEN = {"waiting", "ready", "retrying"}
MAY = {"retry": OPEN | {"dead", "cancelled"}, "cancel": OPEN | {"dead"}, "resolve": {"unknown"}}


def planned(works: "Works", state: str = "ready", customer_id: str = "C-1") -> UUID:
    """Plan a delivery and put it into a state."""
    body = load_example("proton", "customer.created")
    [wake] = works.receive(body | {"data": {"customer_id": customer_id, "name": "x"}}, "crm").deliveries
    works.execute("UPDATE deliveries SET state = :state WHERE id = :id", state=state, id=wake.id)
    return wake.id


def press(works: "Works", action: str, delivery_id: UUID, actor: str = "ani") -> Any:
    """Press a button; return what came of it, or the refusal."""
    try:
        with works.people(actor) as people:
            more = {"sent": False} if action == "resolve" else {}
            return getattr(people, action)(delivery_id, **more)
    except RefusedError as error:
        return error


def audited(works: "Works") -> list[tuple[str, str]]:
    """Return who did what, oldest first."""
    return [(row.actor, row.action) for row in works.shop.rows("SELECT * FROM audit ORDER BY id")]


@pytest.mark.parametrize("action", ["retry", "cancel", "resolve"])
def test_what_may_be_pressed_in_which_state(works: "Works", action: str) -> None:
    """Each button works in the states where it makes sense, and is refused with a reason in all others."""
    deliveries = {state: planned(works, state, f"C-{state}") for state in DeliveryState}

    found = {state: press(works, action, delivery_id) for state, delivery_id in deliveries.items()}

    refused = {state: answer for state, answer in found.items() if isinstance(answer, RefusedError)}
    assert set(DeliveryState) - set(refused) == MAY[action]
    assert all(str(deliveries[state]) in str(answer) for state, answer in refused.items())
    assert all(works.delivery(deliveries[state]).state == state for state in refused)
    assert len(audited(works)) == len(MAY[action])


@pytest.mark.parametrize("action", ["retry", "cancel", "resolve", "replay"])
def test_what_does_not_exist_is_refused(works: "Works", action: str) -> None:
    """An id that names nothing is said to."""
    found = press(works, action, uuid4())

    assert isinstance(found, RefusedError)
    assert "there is no" in str(found)


def test_a_retry_begins_a_new_series(works: "Works") -> None:
    """A delivery that used up its attempts gets them all again."""
    delivery_id = planned(works, "dead")
    works.execute("UPDATE deliveries SET attempts = 20")
    works.shop.sandbox.fail(vendor="proton", status=429)

    press(works, "retry", delivery_id)
    done = works.deliver(delivery_id).conclusion

    assert (done.state, done.reason) == ("retrying", "rate_limited")


def test_a_retry_that_would_do_it_twice_is_refused(works: "Works") -> None:
    """While it was dead another delivery took the effect."""
    first = planned(works, "dead")
    second = planned(works)

    found = press(works, "retry", first)

    assert isinstance(found, RefusedError)
    assert str(second) in str(found)
    assert audited(works) == []


def test_an_unknown_that_was_sent_has_succeeded(works: "Works") -> None:
    """Nothing is sent again, and the effect stays taken."""
    delivery_id = planned(works, "unknown")

    with works.people() as people:
        assert people.resolve(delivery_id, sent=True) is None

    works.settle()
    assert works.delivery(delivery_id).state == "succeeded"
    assert works.shop.sandbox.effects() == []
    assert audited(works) == [("ani", "resolve_sent")]


def test_an_unknown_that_was_not_sent_is_sent(works: "Works") -> None:
    """The person said so, so it goes out, once."""
    delivery_id = planned(works, "unknown")

    press(works, "resolve", delivery_id)
    works.settle()

    assert works.delivery(delivery_id).state == "succeeded"
    assert len(works.shop.sandbox.effects("opportunity")) == 1


@pytest.mark.parametrize(("action", "state"), [("retry", "dead"), ("resolve", "unknown"), ("cancel", "dead")])
def test_two_operators_at_once(works: "Works", action: str, state: str) -> None:
    """Both press at the same moment: it is sent at most once, and the ledger says who did what."""
    delivery_id = planned(works, state)

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda actor: press(works, action, delivery_id, actor), ["ani", "budi"]))
    works.settle()

    refused = sum(isinstance(one, RefusedError) for one in found)
    assert len(audited(works)) == 2 - refused
    assert len(works.shop.sandbox.effects()) == (action != "cancel")


def test_a_retry_against_a_worker_that_just_took_it(works: "Works") -> None:
    """Whoever is first wins; either way it is sent once."""
    delivery_id = planned(works)

    with ThreadPoolExecutor(2) as pool:
        pressed = pool.submit(press, works, "retry", delivery_id)
        delivered = pool.submit(works.deliverer.deliver, delivery_id)
    pressed.result()
    delivered.result()
    works.settle()

    assert works.delivery(delivery_id).state == "succeeded"
    assert len(works.shop.sandbox.effects()) == 1


def test_a_cancelled_delivery_is_not_sent(works: "Works") -> None:
    """Neither by a wake-up under way nor by a sweep."""
    delivery_id = planned(works)

    press(works, "cancel", delivery_id)

    assert works.deliverer.deliver(delivery_id) is None
    works.settle()
    assert works.shop.sandbox.effects() == []


def test_a_replay_asks_new_rules_and_repeats_nothing(works: "Works") -> None:
    """What was sent stays sent; a rule added since is asked."""
    works.receive(order_created())
    routed = works.receive(order_status_changed("shipped"))
    works.settle()
    rules = (works.shop.folder / "config" / "rules" / "orders.yaml").read_text()
    more = rules.replace("tell-buyer-shipped", "tell-again").replace("}}:shipped", "}}:shipped-again")
    (works.shop.folder / "config" / "rules" / "more.yaml").write_text(more)
    works.reload()

    with works.people() as people:
        people.replay(routed.event_id)
    works.settle()
    works.settle()

    assert [row.rule for row in works.shop.deliveries()] == ["tell-buyer-shipped", "tell-again"]
    assert len(works.shop.sandbox.effects("message")) == 2
    assert audited(works) == [("ani", "replay")]


def test_a_fact_is_replayed_by_its_parent_and_a_received_event_not_at_all(works: "Works") -> None:
    """A fact has no body of its own; an event that is about to be routed needs no replay."""
    works.receive(order_created())
    parent = works.receive(order_status_changed("shipped")).event_id
    [fact] = works.shop.rows("SELECT id FROM events WHERE type = 'scalev.order.shipped'")

    assert press(works, "replay", fact.id) == [parent]
    assert isinstance(press(works, "replay", parent), RefusedError)
