"""Whether something happened at Scalev that got no answer; and the orders that changed in a span of time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tasks.actions.registry import ACTIONS
from tasks.actions.scalev.reconciling import orders_updated_between
from tests.conformance.actions.conftest import Caller
from tests.conformance.actions.scalev_calls import call_of
from tests.conformance.actions.vendors.scalev import CASE, NUMBER, ORDER, shop
from tests.support.sandbox import Sandbox
from worker.acting import Settlement
from worker.errors import RetryableError

LATER = "RetryableError"
HAPPENED, NOT_KNOWN = "happened", "not_known"
SETTLED = sorted(name for name, action in ACTIONS.items() if name.startswith("scalev.") and action.settle)


def settled(caller: Caller, name: str, since: datetime, **changes: Any) -> Settlement:
    """Ask whether an action happened."""
    settle = ACTIONS[name].settle
    assert settle is not None
    return settle(call_of(caller, name, **changes), since)


@pytest.mark.parametrize("name", SETTLED)
def test_what_happened_without_an_answer_is_found(name: str, caller: Caller, sandbox: Sandbox) -> None:
    """It was done, the answer was lost: the vendor is asked and knows."""
    CASE.prepare(sandbox)
    since = datetime.now(UTC)
    sandbox.fail(vendor="scalev", when="after", reset=True, times=1)
    assert caller.run(name).verdict[0] == "UncertainError"

    found = settled(caller, name, since)

    assert found.settled == HAPPENED
    if name in {"scalev.send_message", "scalev.send_template"}:
        assert found.outcome.result["message_id"].startswith("wamid.")


@pytest.mark.parametrize("name", SETTLED)
def test_what_is_not_found_is_not_known(name: str, caller: Caller, sandbox: Sandbox) -> None:
    """A list that does not show it yet is no proof that it did not happen."""
    CASE.prepare(sandbox)
    # The order of the other parameters has a payment from the start.
    changes = {"id": ORDER} if name == "scalev.create_payment" else {}

    assert settled(caller, name, datetime.now(UTC), **changes).settled == NOT_KNOWN


@pytest.mark.parametrize("name", ["scalev.create_order", "scalev.create_customer"])
def test_what_was_made_before_is_not_ours(name: str, caller: Caller) -> None:
    """The same order of the same buyer, an hour earlier, is another one."""
    caller.run(name)

    assert settled(caller, name, datetime.now(UTC) + timedelta(hours=1)).settled == NOT_KNOWN


@pytest.mark.parametrize("name", ["scalev.create_order", "scalev.create_customer", "scalev.send_message"])
def test_two_that_could_be_it_leave_it_open(name: str, caller: Caller, sandbox: Sandbox) -> None:
    """Nobody knows which of them is ours."""
    CASE.prepare(sandbox)
    since = datetime.now(UTC)
    caller.run(name)
    caller.run(name)

    assert settled(caller, name, since).settled == NOT_KNOWN


# Orders that changed.


def changed(caller: Caller, since: datetime, until: datetime, **more: Any) -> list[str]:
    """Return the numbers of the orders that changed."""
    call = call_of(caller, "scalev.get_order")
    return [order["order_id"] for order in orders_updated_between(call, since, until, **more)]


@pytest.fixture
def began() -> datetime:
    """The moment from which on something may have changed."""
    return datetime.now(UTC) - timedelta(seconds=2)


def test_new_orders_and_changed_ones_are_found_whole(caller: Caller, sandbox: Sandbox, began: datetime) -> None:
    """All that was made or changed since, each once, with all its fields."""
    made = shop(sandbox, "/orders")["order_id"]
    shop(sandbox, f"/orders/{NUMBER}/status", status="shipped")
    call = call_of(caller, "scalev.get_order")

    found = list(orders_updated_between(call, began, datetime.now(UTC) + timedelta(seconds=2)))

    assert sorted(order["order_id"] for order in found) == sorted([made, NUMBER])
    assert all("destination_address" in order and "orderlines" in order for order in found)


def test_what_did_not_change_then_is_not_read(caller: Caller, sandbox: Sandbox, began: datetime) -> None:
    """Only lists are asked when nothing happened."""
    assert changed(caller, began, datetime.now(UTC)) == []
    assert not [request for request in sandbox.requests() if ORDER in request["path"]]


def test_what_is_known_is_not_read(caller: Caller, sandbox: Sandbox, began: datetime) -> None:
    """Whoever asks says what the ledger has."""
    made = [shop(sandbox, "/orders")["order_id"] for _ in range(2)]
    asked: dict[str, datetime | None] = {}

    def knows(order_id: str, changed_at: datetime | None) -> bool:
        asked[order_id] = changed_at
        return order_id == made[0]

    until = datetime.now(UTC) + timedelta(seconds=2)
    assert changed(caller, began, until, knows=knows) == [made[1]]
    assert set(asked) == set(made)
    assert all(moment and began <= moment < until for moment in asked.values())


def test_all_pages_are_walked_and_whoever_asks_sets_the_pace(caller: Caller, sandbox: Sandbox, began: datetime) -> None:
    """More orders than a page holds; before each request the caller is asked."""
    made = {shop(sandbox, "/orders")["order_id"] for _ in range(28)}
    turns: list[int] = []

    found = changed(caller, began, datetime.now(UTC) + timedelta(seconds=9), before_each=lambda: turns.append(1))

    assert (set(found), len(found)) == (made, 28)
    assert len(turns) == len(sandbox.requests())


def test_an_order_that_is_deleted_meanwhile_is_passed_over(caller: Caller, sandbox: Sandbox, began: datetime) -> None:
    """It was in the list and is gone when it is read."""
    shop(sandbox, "/orders")
    sandbox.fail(vendor="scalev", path="/scalev/v3/orders/*", status=404, body={"error": "Not Found"})

    assert changed(caller, began, datetime.now(UTC) + timedelta(seconds=2)) == []


@pytest.mark.parametrize("fault", [{"status": 500}, {"reset": True}, {"status": 200, "body": "[1"}, {"status": 429}])
def test_an_answer_that_does_not_come_ends_it_for_now(fault: dict[str, Any], caller: Caller, sandbox: Sandbox) -> None:
    """Reading harms nothing: whatever went wrong, it may be tried again."""
    sandbox.fail(vendor="scalev", **fault)

    with pytest.raises(RetryableError):
        changed(caller, datetime(2025, 1, 1, tzinfo=UTC), datetime.now(UTC))
