"""One attempt: who may run it, what a fault makes of it, what is written down."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from tests.support.shop import order_created, order_status_changed
from webhooks.examples import load_example
from worker.acting import Call, Outcome
from worker.ledger import attempting
from worker.ledger.attempting import AttemptRecord, Conclusion, Lease
from worker.states import DeliveryState

if TYPE_CHECKING:
    from tests.integration.engine.conftest import Works


def plan_message(works: "Works") -> UUID:
    """Plan a template message and return its delivery."""
    works.receive(order_created())
    return works.receive(order_status_changed("shipped")).deliveries[0].id


def plan_change(works: "Works", number: str = "250804QWERTY") -> UUID:
    """Plan a change of status, which is idempotent, and return its delivery."""
    works.receive(order_created(number, status="draft"))
    tap = load_example("wabotick", "postback") | {"order_id": number}
    return works.receive(tap, "wa", trigger="flow").deliveries[0].id


def claim(works: "Works", delivery_id: UUID, owner: str, *, sending: bool = True) -> Any:
    """Claim a delivery as a worker does that never comes back."""
    lease = Lease(owner, works.clock(), works.settings.lease_seconds)
    with works.engine.begin() as connection:
        row = attempting.claim(connection, delivery_id, lease)
        assert row is not None
        if sending:
            assert attempting.mark_sending(connection, row, lease)
    return row


def conclude(works: "Works", row: Any, owner: str, state: DeliveryState = DeliveryState.SUCCEEDED) -> bool:
    """Conclude an attempt, late or not."""
    record = AttemptRecord(row.id, row.attempts, works.clock(), works.clock(), "late worker", [])
    with works.engine.begin() as connection:
        return attempting.conclude(connection, record, owner, Conclusion(state, result={"message_id": "wamid.late"}))


def let_the_lease_run_out(works: "Works") -> None:
    """Sweep after the lease of whoever holds a delivery."""
    works.clock.pass_(works.settings.lease_seconds + 1)
    works.sweep()


def test_only_one_of_many_workers_sends(works: "Works") -> None:
    """Eight workers woken for one delivery make one attempt."""
    delivery_id = plan_message(works)

    with ThreadPoolExecutor(8) as pool:
        delivered = list(pool.map(lambda _: works.deliverer.deliver(delivery_id), range(8)))

    assert sum(found is not None for found in delivered) == 1
    assert len(works.shop.sandbox.effects("message")) == 1


def test_a_worker_lost_before_sending_leads_to_another_attempt(works: "Works") -> None:
    """Nothing had left, so the sweep lets another attempt begin."""
    delivery_id = plan_message(works)
    claim(works, delivery_id, "lost", sending=False)

    let_the_lease_run_out(works)

    row = works.delivery(delivery_id)
    assert (row.state, row.reason) == ("retrying", "lease_expired")


@pytest.mark.parametrize(("plan", "state"), [(plan_message, "unknown"), (plan_change, "retrying")])
def test_a_worker_lost_while_sending_is_unknown_unless_repeating_is_harmless(
    works: "Works", plan: Any, state: str
) -> None:
    """The request may have left: only an idempotent action is tried again."""
    delivery_id = plan(works)
    claim(works, delivery_id, "lost")

    let_the_lease_run_out(works)

    assert (works.delivery(delivery_id).state, works.delivery(delivery_id).reason) == (state, "lease_expired")


def test_a_late_answer_settles_what_nobody_began_again(works: "Works") -> None:
    """The lease ran out, the delivery is unknown; then the answer comes after all."""
    delivery_id = plan_message(works)
    row = claim(works, delivery_id, "slow")
    let_the_lease_run_out(works)

    assert conclude(works, row, "slow")

    assert works.delivery(delivery_id).state == "succeeded"


def test_a_late_answer_does_not_settle_a_new_attempt(works: "Works") -> None:
    """Once another worker has claimed it, the old answer is only noted."""
    delivery_id = plan_change(works)
    row = claim(works, delivery_id, "slow")
    let_the_lease_run_out(works)
    works.clock.pass_(60)
    claim(works, delivery_id, "fast")

    assert not conclude(works, row, "slow", DeliveryState.DEAD)

    assert works.delivery(delivery_id).state == "in_flight"
    assert len(works.shop.rows("SELECT id FROM attempts")) == 2


def test_a_late_success_stands_against_a_persons_try_again(works: "Works") -> None:
    """Somebody said "not sent", but before a worker began again the vendor's yes arrived: it is not sent twice."""
    delivery_id = plan_message(works)
    row = claim(works, delivery_id, "slow")
    let_the_lease_run_out(works)
    with works.people() as people:
        people.resolve(delivery_id, sent=False)

    assert conclude(works, row, "slow")

    assert works.deliverer.deliver(delivery_id) is None


def test_a_worker_that_lost_its_lease_sends_nothing(works: "Works") -> None:
    """Between the claim and the announcement the sweep took the delivery back."""
    delivery_id = plan_message(works)
    row = claim(works, delivery_id, "slow", sending=False)
    let_the_lease_run_out(works)

    with works.engine.begin() as connection:
        assert not attempting.mark_sending(connection, row, Lease("slow", works.clock(), 4))


def test_an_attempt_recorded_twice_stands_once(works: "Works") -> None:
    """When a commit's answer is lost the record is written again, and changes nothing."""
    row = claim(works, plan_message(works), "me")
    record = AttemptRecord(row.id, row.attempts, works.clock(), works.clock(), "me", [])

    for _ in range(2):
        with works.engine.begin() as connection:
            attempting.conclude(connection, record, "me", Conclusion(DeliveryState.SUCCEEDED))

    assert len(works.shop.rows("SELECT id FROM attempts")) == 1


@pytest.mark.parametrize("sent", [False, True])
def test_a_bug_in_an_action_is_no_blind_retry(works: "Works", sent: bool) -> None:
    """Before anything was sent it is a dead letter; after, nobody knows."""

    def broken(call: Call) -> Outcome:
        if sent:
            call.session.request("POST", "/whatsapp/send/template")
        raise ZeroDivisionError("628123456789")

    works.replace_action("wabotick.send_template", run=broken)
    delivered = works.deliver(plan_message(works))

    row = works.delivery(delivered.id)
    assert (row.state, row.reason) == ("unknown" if sent else "dead", "bug")
    assert isinstance(delivered.bug, ZeroDivisionError)
    assert "628123456789" not in row.last_error


def test_a_request_that_cannot_be_built_was_not_sent(works: "Works") -> None:
    """What fails on our side of the wire is a dead letter, not an unknown."""

    def unbuildable(call: Call) -> Outcome:
        call.session.request("POST", "/x", json={"at": object()})
        return Outcome()

    works.replace_action("wabotick.send_template", run=unbuildable)
    delivered = works.deliver(plan_message(works))

    assert (delivered.conclusion.state, delivered.conclusion.reason) == ("dead", "bug")
    assert len(works.shop.rows("SELECT id FROM attempts")) == 1


@pytest.mark.parametrize(
    "answer",
    [
        {"status": "1", "wa_message_id": "wamid.X", "note": "nul \0 and \ud800"},
        {"status": "1", "wa_message_id": "wamid.X", "deep": json.loads("[" * 600 + "]" * 600)},
        {"status": "1", "wa_message_id": "wamid.X", "huge": 10**300},
    ],
    ids=["nul", "deep", "huge"],
)
def test_an_answer_that_no_database_stores_is_recorded_all_the_same(works: "Works", answer: Any) -> None:
    """The message went out: that is written down whatever else the vendor said."""
    works.shop.sandbox.fail(vendor="wabotick", body=json.dumps(answer), content_type="application/json")
    delivered = works.deliver(plan_message(works))

    assert works.delivery(delivered.id).state == "succeeded"
    assert works.delivery(delivered.id).result["message_id"] == "wamid.X"


def test_a_message_id_too_long_to_be_one_is_no_message_id(works: "Works") -> None:
    """It could not be indexed, and nothing could ever answer it."""
    answer = {"status": "1", "wa_message_id": "w" * 5_000}
    works.shop.sandbox.fail(vendor="wabotick", status=200, body=answer)

    assert works.deliver(plan_message(works)).conclusion.reason == "no_message_id"


def test_what_the_ledger_keeps_of_attempts_reaches_nobody(works: "Works") -> None:
    """No phone, name, e-mail, address or secret stands in any attempt, asked or answered."""
    works.receive(order_status_changed("shipped"))
    works.settle()
    works.receive(load_example("proton", "customer.created"), "crm")
    works.settle()
    plan_change(works, "250804ASDFGH")
    works.settle()

    kept = json.dumps([dict(row._mapping) for row in works.shop.rows("SELECT * FROM attempts")], default=str)
    results = json.dumps([row.result for row in works.shop.deliveries()])
    assert len(works.shop.rows("SELECT id FROM attempts")) >= 3
    for personal in ("8123456789", "Budi Contoh", "budi", "Jalan", "test-wabotick-token", "sk_test", "proton-test-key"):
        assert personal not in kept + results
