"""What one answer means for other deliveries: circuits, and holds of persons and templates, on the real ledger."""

from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from console.cli.ledger_lists import as_delivery
from tests.support.shop import order_created, order_status_changed
from webhooks.examples import load_example
from worker.acting import Call, Outcome
from worker.errors import PermanentError, RetryableError, WorkerError
from worker.holding import person_key
from worker.ledger.lists import Filter, list_deliveries
from worker.people import RefusedError
from worker.states import HoldKind, Reason, Scope

if TYPE_CHECKING:
    from tests.integration.engine.conftest import Works

MESSAGE = "wabotick.send_template"
PHONE = "+628123456789"


def customers(works: "Works", count: int) -> list[UUID]:
    """Plan opportunities for new customers, one each."""
    body = load_example("proton", "customer.created")
    found = []
    for _ in range(count):
        routed = works.receive(body | {"data": {"customer_id": uuid4().hex, "name": "x"}}, "crm")
        found += [wake.id for wake in routed.deliveries]
    return found


def messages(works: "Works", count: int, **data: Any) -> list[UUID]:
    """Plan template messages, each about an order of its own."""
    found = []
    for number in range(count):
        order = f"2508{len(works.shop.deliveries()):02}{number:04}"
        works.receive(order_created(order, **data))
        found += [wake.id for wake in works.receive(order_status_changed("shipped", order, **data)).deliveries]
    return found


def refuse(works: "Works", name: str, error: WorkerError, scope: Scope, times: int = 1) -> list[UUID]:
    """Let an action fail so often with an error of this scope, then work as it does; return who was tried."""
    really, tried = works.actions[name], []
    error.scope = scope

    def run(call: Call) -> Outcome:
        tried.append(uuid4())
        call.session.request("GET", "/nothing")
        if len(tried) <= times:
            raise error
        return really.run(call)

    works.replace_action(
        name, run=run, recipient=lambda given: given.phone_number, template=lambda given: given.template_id
    )
    return tried


def open_circuit(works: "Works", waiting: int = 3) -> list[UUID]:
    """Open the CRM's circuit by a refused credential; return the deliveries that wait for it."""
    works.shop.sandbox.fail(vendor="proton", status=401)
    found = customers(works, waiting)
    delivered = works.deliver(found[0])
    assert delivered.opened is not None
    return found


def states(works: "Works", ids: list[UUID]) -> list[tuple[str, str | None]]:
    """Return state and reason of deliveries."""
    return [(works.delivery(one).state, works.delivery(one).reason) for one in ids]


def sent(works: "Works", path: str = "") -> int:
    """Return how many requests vendors received."""
    return len(works.shop.sandbox.requests(path))


def test_a_refused_credential_holds_the_account(works: "Works") -> None:
    """The one that met it waits too: its attempt is on record but does not count, and nobody else is even tried."""
    first, *others = open_circuit(works)

    assert [works.deliverer.deliver(one) for one in others] == [None, None]
    assert sent(works) == 1
    row = works.delivery(first)
    assert (row.state, row.reason, row.attempts - row.series_start) == ("retrying", "credentials_refused", 0)
    assert len(works.shop.rows("SELECT id FROM attempts")) == 1
    assert [works.delivery(one).attempts for one in others] == [0, 0]
    assert works.sweep().deliveries == []


def test_other_accounts_go_on(works: "Works") -> None:
    """Only the account that is refused is held."""
    open_circuit(works)
    [message] = messages(works, 1)

    assert works.deliver(message).conclusion.state == "succeeded"


def test_one_probe_at_a_time_goes_through(works: "Works") -> None:
    """When the time has come the sweep wakes one delivery; the others are refused, and the pause grows."""
    waiting = open_circuit(works, 4)
    works.clock.pass_(16)

    [probe] = works.sweep().deliveries
    assert [works.deliverer.deliver(one) for one in waiting if one != probe.id] == [None] * 3
    delivered = works.deliver(probe)
    assert (delivered.opened, delivered.closed) == (None, None)
    assert sent(works) == 2

    works.clock.pass_(16)
    assert works.sweep().deliveries == []
    works.clock.pass_(16)
    [second] = works.sweep().deliveries
    assert second.id != probe.id, "a delivery that has a fault of its own must not be the only one that is tried"


def test_two_sweeps_choose_one_probe(works: "Works") -> None:
    """The probe's moment is taken once, whoever sweeps."""
    open_circuit(works)
    works.clock.pass_(16)

    assert [len(works.sweep().deliveries) for _ in range(3)] == [1, 0, 0]


def test_a_success_closes_it_and_everything_goes_on(works: "Works") -> None:
    """Nothing that was held is lost, and each is done once."""
    waiting = open_circuit(works, 5)
    works.shop.sandbox.heal()
    works.clock.pass_(16)

    [probe] = works.sweep().deliveries
    delivered = works.deliver(probe)
    assert delivered.closed is not None
    works.settle()

    assert states(works, waiting) == [("succeeded", None)] * 5
    assert len(works.shop.sandbox.effects("opportunity")) == 5


def test_an_outage_opens_after_failures_of_several_deliveries(works: "Works") -> None:
    """Four that found the vendor down are retried as usual; the fifth opens, and the rest is not tried."""
    works.shop.sandbox.fail(vendor="proton", status=503)
    found = customers(works, 7)

    outcomes = [works.deliverer.deliver(one) for one in found]

    assert [bool(one and one.opened) for one in outcomes] == [False] * 4 + [True, False, False]
    assert outcomes[5:] == [None, None]
    assert sent(works) == 5


def test_an_answer_in_between_is_no_row(works: "Works") -> None:
    """Four failures, one success, four failures: the vendor lives."""
    for _ in range(2):
        works.shop.sandbox.fail(vendor="proton", status=503, times=4)
        assert [works.deliver(one).opened for one in customers(works, 5)] == [None] * 5


def test_an_outage_is_over_when_anybody_answers(works: "Works") -> None:
    """A refusal of one delivery's own data is an answer."""
    works.shop.sandbox.fail(vendor="proton", status=503)
    for one in customers(works, 5):
        works.deliver(one)
    works.shop.sandbox.heal()
    works.shop.sandbox.fail(vendor="proton", status=400)
    works.clock.pass_(16)

    [probe] = works.sweep().deliveries

    assert works.deliver(probe).closed is not None


def test_what_was_held_for_a_day_is_a_dead_letter(works: "Works") -> None:
    """Its reason is the account's, and it is reported."""
    waiting = open_circuit(works)
    works.clock.pass_(24 * 3600 - 60)
    assert works.sweep().dead == []
    works.clock.pass_(120)

    swept = works.sweep()

    dead = {letter.id for letter in swept.dead}
    assert dead | {wake.id for wake in swept.deliveries} >= set(waiting)
    assert len(dead) >= 2
    assert {letter.reason for letter in swept.dead} == {Reason.CREDENTIALS_REFUSED}
    assert all(works.delivery(one).state == "dead" for one in dead)


def test_a_person_closes_a_circuit(works: "Works") -> None:
    """After the credential was put right nobody has to wait for the next probe; it is audited."""
    waiting = open_circuit(works)
    works.shop.sandbox.heal()

    with works.people() as people:
        people.close("crm")
    works.settle()

    assert states(works, waiting) == [("succeeded", None)] * 3
    assert [row.target for row in works.shop.rows("SELECT target FROM audit")] == ["crm/account"]
    with works.people() as people, pytest.raises(RefusedError):
        people.close("crm")


def test_an_event_that_waits_for_a_read_is_held_with_it(works: "Works") -> None:
    """A read that the account refuses is no reason to give the event up."""
    works.shop.sandbox.fail(vendor="scalev", status=401)
    routed = works.receive(order_status_changed("shipped"))
    [read] = works.shop.deliveries()
    works.deliver(read.id)
    assert works.event(routed.event_id).state == "waiting"

    works.shop.sandbox.heal()
    works.settle()

    assert works.event(routed.event_id).state == "processed"


def test_a_rate_limit_does_not_open_the_circuit(works: "Works") -> None:
    """Too fast: the account goes slower for a while."""
    works.shop.sandbox.fail(vendor="proton", status=429)
    [one] = customers(works, 1)

    assert works.deliver(one).opened is None
    [hold] = works.shop.rows("SELECT kind, reason FROM holds")
    assert (hold.kind, hold.reason) == ("pace", "rate_limited")


def test_messages_to_a_person_wait_as_long_as_the_person_is_held(works: "Works") -> None:
    """Others are sent; what waits has spent nothing."""
    error = RetryableError(Reason.PAIR_RATE_LIMITED, "too many for this person", 300.0)
    tried = refuse(works, MESSAGE, error, Scope.RECIPIENT)
    first, second = messages(works, 2)
    [other] = messages(works, 1, destination_address={"name": "Sari Contoh", "phone": "08111111111"})
    works.deliver(first)

    deferred = works.deliver(second)

    assert deferred.deferred
    row = works.delivery(second)
    assert (row.state, row.reason, row.attempts) == ("waiting", "pair_rate_limited", 0)
    assert (row.due_at - works.clock()).total_seconds() == 300
    assert len(tried) == 1
    assert works.deliver(other).conclusion.state == "succeeded"
    works.settle(301)
    assert works.delivery(second).state == "succeeded"


def test_nothing_more_is_sent_to_somebody_who_opted_out(works: "Works") -> None:
    """It is written down for the person, and further messages are suppressed with that reason."""
    error = PermanentError(Reason.OPTED_OUT, "the person stopped marketing")
    refuse(works, MESSAGE, error, Scope.RECIPIENT)
    first, second = messages(works, 2)

    works.deliver(first)
    works.deliver(second)

    assert states(works, [first, second]) == [("dead", "opted_out"), ("suppressed", "opted_out")]
    [consent] = works.shop.rows("SELECT * FROM consents")
    assert (consent.person, consent.scope, consent.account) == (person_key(PHONE), "marketing", "")


def test_a_paused_template_waits_and_then_goes_on(works: "Works") -> None:
    """Every message made from it comes due again when the pause is over."""
    error = RetryableError(Reason.TEMPLATE_STOPPED, "paused", 3 * 3600.0)
    refuse(works, MESSAGE, error, Scope.TEMPLATE)
    first, second = messages(works, 2)
    works.deliver(first)
    works.deliver(second)
    assert states(works, [first, second]) == [("retrying", "template_stopped"), ("waiting", "template_stopped")]

    works.settle(3 * 3600 + 1)

    assert states(works, [first, second]) == [("succeeded", None)] * 2


def test_a_disabled_template_is_dead_for_all_until_a_person_acts(works: "Works") -> None:
    """Nothing is sent any more; lifted, the dead letters can be retried."""
    tried = refuse(works, MESSAGE, PermanentError(Reason.TEMPLATE_STOPPED, "disabled"), Scope.TEMPLATE)
    first, second = messages(works, 2)
    works.deliver(first)
    works.deliver(second)
    assert states(works, [first, second]) == [("dead", "template_stopped")] * 2
    assert len(tried) == 1

    with works.people() as people:
        people.close("wa", HoldKind.TEMPLATE, "257000")
        people.retry(second)

    assert works.deliver(second).conclusion.state == "succeeded"


def test_a_template_that_stays_paused_holds_for_a_day_at_most(works: "Works") -> None:
    """Put back again and again, a message is a dead letter after a day."""
    error = RetryableError(Reason.TEMPLATE_STOPPED, "paused", 3 * 3600.0)
    refuse(works, MESSAGE, error, Scope.TEMPLATE, times=1000)
    found = messages(works, 2)

    for _ in range(12):
        for one in found:
            works.deliverer.deliver(one)
        works.clock.pass_(3 * 3600 - 60)
        works.deliverer.deliver(found[1])
        works.clock.pass_(61)

    assert works.delivery(found[1]).state == "dead"


def test_what_is_held_says_so(works: "Works") -> None:
    """Lists show the account's reason and when it is tried next, not the delivery's own past."""
    waiting = open_circuit(works)
    with works.engine.begin() as connection:
        rows = list_deliveries(connection, Filter(reason="credentials_refused")).rows

    shown = [as_delivery(row) for row in rows]
    assert {row["id"] for row in shown} == set(waiting)
    assert {(row["due_at"] - works.clock()).total_seconds() for row in shown} == {15}
