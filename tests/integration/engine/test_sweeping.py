"""The sweep finds in the ledger whatever the broker lost; the engine stands through an outage of the ledger."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from tasks.engine import MOST_ROUTING_ATTEMPTS, Engine
from tests.support.programs import eventually
from tests.support.shop import Shop, order_created, order_status_changed
from webhooks.examples import load_example
from worker.celery_app import make_celery
from worker.ledger import attempting
from worker.ledger.attempting import Lease
from worker.sweeping import Swept

if TYPE_CHECKING:
    from tests.integration.engine.conftest import Works


def customers(works: "Works", count: int) -> list[UUID]:
    """Store events of new customers, one each."""
    body = load_example("proton", "customer.created")
    return [works.accept(body | {"data": {"customer_id": uuid4().hex, "name": "x"}}, "crm") for _ in range(count)]


def go_away(works: "Works", table: str) -> None:
    """Let every insert into a table end as when the server is shut down."""
    works.execute("CREATE FUNCTION away() RETURNS trigger AS $$ BEGIN RAISE SQLSTATE '57P01'; END $$ LANGUAGE plpgsql")
    works.execute(f"CREATE TRIGGER away BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION away()")


def two_sweeps(works: "Works") -> list[Swept]:
    """Sweep twice at the same time."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda _: works.sweep(), range(2)))


def test_an_event_nobody_announced_is_found(works: "Works") -> None:
    """Its wake-up was lost: once the patience is over the sweep names it, again and again until it is routed."""
    [event_id] = customers(works, 1)

    assert works.sweep().events == []
    for _ in range(2):
        works.clock.pass_(works.settings.rewake_seconds)
        assert works.sweep().events == [event_id]


def test_two_sweeps_at_once_wake_each_thing_once(works: "Works") -> None:
    """No event and no delivery is named by both."""
    events = customers(works, 20)
    wakes = [
        wake.id for event_id in customers(works, 20) if (done := works.route(event_id)) for wake in done.deliveries
    ]
    works.clock.pass_(works.settings.rewake_seconds)

    swept = two_sweeps(works)

    assert sorted(event_id for one in swept for event_id in one.events) == sorted(events)
    assert sorted(wake.id for one in swept for wake in one.deliveries) == sorted(wakes)


def test_two_sweeps_at_once_resolve_each_lease_once(works: "Works") -> None:
    """One record and one dead letter or retry for each lost attempt."""
    for event_id in customers(works, 10):
        done = works.route(event_id)
        assert done is not None
        with works.engine.begin() as connection:
            assert attempting.claim(connection, done.deliveries[0].id, Lease("lost", works.clock(), 4))
    works.clock.pass_(5)

    two_sweeps(works)

    assert [row.state for row in works.shop.deliveries()] == ["retrying"] * 10
    assert len(works.shop.rows("SELECT id FROM attempts")) == 10


def test_a_worker_lost_again_and_again_ends_as_a_dead_letter(works: "Works") -> None:
    """A delivery that kills its worker each time is given up at last, and the sweep reports it."""
    [event_id] = customers(works, 1)
    works.route(event_id)
    works.execute(
        "UPDATE deliveries SET state = 'in_flight', attempts = 20, lease_owner = 'x', lease_expires_at = :at",
        at=works.clock(),
    )
    works.clock.pass_(1)

    [dead] = works.sweep().dead

    assert (dead.reason, works.shop.deliveries()[0].state) == ("exhausted", "dead")


def test_a_retry_is_a_row_with_a_time(works: "Works") -> None:
    """What failed for now is due at a moment in the ledger, and not before."""
    works.shop.sandbox.fail(vendor="proton", retry_after=100, times=1)
    [event_id] = customers(works, 1)
    done = works.route(event_id)
    assert done is not None
    delivery_id = done.deliveries[0].id

    works.deliver(delivery_id)

    assert works.delivery(delivery_id).due_at >= works.clock() + timedelta(seconds=100)
    works.clock.pass_(99)
    assert works.deliverer.deliver(delivery_id) is None
    assert works.sweep().deliveries == []
    works.clock.pass_(2)
    assert [wake.id for wake in works.sweep().deliveries] == [delivery_id]


@pytest.fixture
def engine(works: "Works") -> Engine:
    """The engine as the tasks have it, on the clock of the test."""
    return Engine(works.settings, works.config, make_celery(works.settings, works.config), works.clock)


def test_an_event_that_no_routing_can_store_ends_in_a_visible_state(works: "Works", engine: Engine) -> None:
    """What the database refuses each time is counted as the fault it is, and given up visibly."""
    [event_id] = customers(works, 1)
    works.execute("ALTER TABLE subjects ADD CHECK (false)")

    for _ in range(MOST_ROUTING_ATTEMPTS):
        engine.process_event(event_id)
    engine.close()

    assert (works.event(event_id).state, works.event(event_id).reason) == ("failed", "bug")


def test_an_event_is_only_postponed_while_the_ledger_is_away(works: "Works", engine: Engine) -> None:
    """No connection is nobody's fault: nothing is counted, and the event is as it was."""
    [event_id] = customers(works, 1)
    go_away(works, "subjects")

    for _ in range(MOST_ROUTING_ATTEMPTS):
        engine.process_event(event_id)
    works.execute("DROP TRIGGER away ON subjects")
    engine.process_event(event_id)
    engine.close()

    assert works.event(event_id).state == "processed"


def test_what_was_sent_is_recorded_once_the_ledger_is_back(works: "Works", engine: Engine) -> None:
    """The ledger goes away while the vendor answers: the worker waits for it with the answer in its hands."""
    works.receive(order_created())
    [wake] = works.receive(order_status_changed("shipped")).deliveries
    go_away(works, "attempts")

    with ThreadPoolExecutor(1) as pool:
        delivering = pool.submit(engine.deliver, wake.id)
        eventually(lambda: works.shop.sandbox.effects("message"), "the message was sent")
        works.execute("DROP TRIGGER away ON attempts")
        delivered = delivering.result(30)
    engine.close()

    assert delivered is not None
    assert works.delivery(wake.id).state == "succeeded"
    assert len(works.shop.rows("SELECT id FROM attempts")) == 1


def test_nothing_waits_where_no_wake_up_would_find_it(shop: Shop, works: "Works") -> None:
    """Every row that is open has a moment at which a sweep names it."""
    works.receive(order_created())
    works.receive(order_status_changed("shipped"))
    works.receive(order_status_changed("shipped", "250804ASDFGH"))
    customers(works, 1)

    assert shop.rows("SELECT id FROM events WHERE state = 'received' AND wake_at IS NULL") == []
    lost = "SELECT id FROM deliveries WHERE state IN ('waiting', 'ready', 'retrying') AND wake_at IS NULL"
    assert shop.rows(lost) == []
