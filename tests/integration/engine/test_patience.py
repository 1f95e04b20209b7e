"""A step's own patience and priority: how often and how long it is tried, and who goes first."""

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.integration.engine.test_language import Doing, created, one, step, use
from tests.support.programs import eventually
from tests.support.shop import order_created
from worker.celery_app import make_celery
from worker.errors import PermanentError, RetryableError
from worker.ledger import attempting
from worker.ledger.attempting import Lease
from worker.states import Reason
from worker.wakeups import Wakeups

if TYPE_CHECKING:
    from tests.integration.engine.conftest import Works

LATER = RetryableError(Reason.REJECTED, "later")


def run_out(works: "Works", seconds: float = 600, times: int = 30) -> None:
    """Let so much time pass, again and again, and do what is due."""
    for _ in range(times):
        works.clock.pass_(seconds)
        for wake in works.sweep().deliveries:
            works.deliverer.deliver(wake.id)


@pytest.mark.parametrize(("more", "attempts"), [("retry: {attempts: 3}", 3), ("retry: {attempts: 1}", 1), ("", 20)])
def test_it_is_tried_as_often_as_the_step_says(works: "Works", more: str, attempts: int) -> None:
    """Then it is a dead letter."""
    use(works, step(more))
    doing = Doing(works)
    doing.error = LATER
    works.receive(created(works))

    run_out(works, 4 * 3600)

    assert len(doing.asked) == attempts
    assert (one(works, "confirm").state, one(works, "confirm").reason) == ("dead", "exhausted")


def test_a_step_may_be_tried_more_often_than_others(works: "Works") -> None:
    """What the step says stands in place of the usual number."""
    use(works, step("retry: {attempts: 25}"))
    doing = Doing(works)
    doing.error = LATER
    works.receive(created(works))

    run_out(works, 4 * 3600)

    assert len(doing.asked) == 25


def test_no_attempt_begins_after_its_time(works: "Works") -> None:
    """`within` counts from when it was due, not from when it happened."""
    use(works, step("after: 2h\nretry: {within: 1m}"))
    doing = Doing(works)
    doing.error = LATER
    works.receive(created(works))
    begin = works.clock()

    run_out(works, 1, 10)
    works.clock.now = begin + timedelta(hours=2)
    run_out(works, 1, 300)

    assert one(works, "confirm").state == "dead"
    last = max(works.shop.rows("SELECT started_at FROM attempts"), key=lambda row: row.started_at).started_at
    assert begin + timedelta(hours=2) < last <= begin + timedelta(hours=2, minutes=1)


def test_a_person_s_retry_begins_a_new_time(works: "Works") -> None:
    """What was given up after its time is tried as long again."""
    use(works, step("retry: {within: 1m}"))
    doing = Doing(works)
    doing.error = LATER
    works.receive(created(works))
    run_out(works, 1, 120)
    tried = len(doing.asked)
    assert one(works, "confirm").state == "dead"

    with works.people() as people:
        people.retry(one(works, "confirm").id)
    run_out(works, 1, 120)

    assert len(doing.asked) > tried + 1


def test_what_was_released_late_has_its_whole_time(works: "Works") -> None:
    """A step that needed another counts from when it could begin."""
    use(works, step(step_id="first"), step("needs: [first]\nretry: {within: 1m}"))
    doing = Doing(works)
    doing.error = PermanentError(Reason.REJECTED, "no")
    works.receive(created(works))
    run_out(works, 1, 5)
    works.clock.pass_(3600)
    doing.error = None
    with works.people() as people:
        wake = people.retry(one(works, "first").id)
    works.deliver(wake)
    doing.error = LATER

    run_out(works, 1, 5)

    assert one(works, "confirm").state == "retrying"


def test_a_lost_worker_counts_too(works: "Works") -> None:
    """Whose lease ran out after the only attempt is not tried again."""
    use(works, step("retry: {attempts: 1}"))
    Doing(works)
    [wake] = works.receive(created(works)).deliveries
    with works.engine.begin() as connection:
        assert attempting.claim(connection, wake.id, Lease("lost", works.clock(), 1))
    works.clock.pass_(10)
    works.sweep()

    assert (one(works, "confirm").state, one(works, "confirm").reason) == ("dead", "exhausted")


@pytest.mark.parametrize(("more", "priority"), [("priority: high", 0), ("", 5), ("priority: low", 9)])
def test_priority_goes_with_the_delivery(works: "Works", more: str, priority: int) -> None:
    """From the rule to the ledger, to whoever wakes it, now or later."""
    use(works, step(more))

    [wake] = works.receive(created(works)).deliveries

    works.clock.pass_(60)
    assert (wake.priority, [later.priority for later in works.sweep().deliveries]) == (priority, [priority])


def test_the_high_goes_first_when_many_wait(works: "Works") -> None:
    """A real worker finds a long queue: what was published last, but matters most, is done first."""
    shop = works.shop
    head = "rules:\n" + "".join(
        f"  - name: {priority}\n    on: [scalev.order.created]\n    when: order.notes == '{priority}'\n"
        f"    steps:\n      - action: scalev.change_status\n        priority: {priority}\n"
        "        with: {ids: ['{{ order.id }}'], status: confirmed}\n"
        for priority in ("low", "normal", "high")
    )
    shop.write_rules(head)
    works.reload()
    app = make_celery(works.settings, works.config)
    wakeups = Wakeups(app, works.config.accounts)
    for priority in ("low", "normal", "high"):
        for number in range(40):
            body = order_created(f"{priority}{number}", notes=priority)
            wakeups.deliveries(works.receive(body).deliveries)
    app.close()

    # No beat, so nothing but the queue's own order says who goes first.
    shop.start_worker(HOOKYARD_DESTINATION_CONCURRENCY="1")

    eventually(lambda: len(shop.deliveries("succeeded")) >= 100, "most is done", 90)
    rows = shop.rows("SELECT rule FROM deliveries WHERE state = 'succeeded' ORDER BY updated_at LIMIT 80")
    order = [row.rule for row in rows]
    # What the worker has at hand already may go before: it is not much.
    assert order[:40].count("high") >= 30
    assert order[:60].count("low") <= 5
