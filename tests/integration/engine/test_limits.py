"""Limits of accounts and persons on the real ledger: shared, exact, and what waits is woken once, at its turn."""

import itertools
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from config.accounts import Limits
from tests.integration.engine.test_holds import customers, messages
from tests.support.shop import order_status_changed
from worker.acting import Call, Outcome
from worker.ledger import paces
from worker.limits import Allowed

if TYPE_CHECKING:
    from tests.integration.engine.conftest import Works


def limit(works: "Works", vendor: str, **figures: float) -> None:
    """Configure a vendor's limits."""
    lifted = dict.fromkeys(Limits.model_fields)
    config = works.config
    works.use(type(config)(config.accounts, config.business, config.rules, {vendor: Limits(**lifted | figures)}))


def watch(works: "Works", name: str) -> list[datetime]:
    """Return the moments at which an action runs, as they come."""
    really, moments = works.actions[name], []

    def run(call: Call) -> Outcome:
        moments.append(works.clock())
        return really.run(call)

    works.replace_action(name, run=run)
    return moments


def gaps(moments: list[datetime]) -> list[float]:
    """Return the seconds between each and the next."""
    return [(second - first).total_seconds() for first, second in itertools.pairwise(moments)]


def test_an_account_is_called_no_faster_than_allowed(works: "Works") -> None:
    """Ten customers at one in two seconds: two seconds apart, each made once."""
    limit(works, "proton", per_second=0.5)
    moments = watch(works, "proton.create_opportunity")
    ids = customers(works, 10)
    deferred = [one.id for one in map(works.deliver, ids) if one.deferred]

    for _ in range(20):
        works.clock.pass_(1)
        for wake in works.sweep().deliveries:
            works.deliverer.deliver(wake.id)

    assert len(moments) == 10
    assert min(gaps(moments)) >= 2
    assert deferred
    assert {works.delivery(one).state for one in ids} == {"succeeded"}
    assert [works.delivery(one).attempts for one in ids] == [1] * 10


def test_what_waits_for_its_turn_says_so_and_is_left_alone(works: "Works") -> None:
    """It is due at its turn with a reason, and no sweep wakes it before."""
    limit(works, "proton", per_second=0.1)
    first, second = customers(works, 2)
    works.deliver(first)

    assert works.deliver(second).deferred

    row = works.delivery(second)
    assert (row.state, row.reason, row.attempts) == ("waiting", "paced", 0)
    assert row.due_at - works.clock() == timedelta(seconds=10)
    works.clock.pass_(9)
    assert works.sweep().deliveries == []
    works.clock.pass_(1)
    assert [wake.id for wake in works.sweep().deliveries] == [second]
    assert works.deliver(second).conclusion.state == "succeeded"


def test_many_workers_share_one_pace(works: "Works") -> None:
    """Eight threads reserve two hundred moments: all a gap apart, none given twice."""
    allowed = {"": Allowed(0.5)}

    def reserve(_: int) -> datetime | None:
        with works.engine.begin() as connection:
            turn = paces.reserve(connection, "crm", allowed, works.clock(), had_turn=False)
        return turn.at

    with ThreadPoolExecutor(8) as pool:
        moments = sorted(at for at in pool.map(reserve, range(200)) if at)

    assert set(gaps(moments)) == {0.5}


def test_one_person_gets_one_message_in_six_seconds(works: "Works") -> None:
    """Three messages to one person are six seconds apart; another person need not wait."""
    limit(works, "wabotick", per_recipient_seconds=6)
    moments = watch(works, "wabotick.send_template")
    works.replace_action("wabotick.send_template", recipient=lambda given: given.phone_number)
    same = messages(works, 3)
    [other] = messages(works, 1, destination_address={"name": "Sari Contoh", "phone": "08111111111"})

    outcomes = [works.deliver(one) for one in same]
    assert [one.deferred for one in outcomes] == [False, True, True]
    assert not works.deliver(other).deferred
    due = [works.delivery(one).due_at for one in same[1:]]
    assert gaps(due) == [6.0]
    works.settle(7)

    assert Counter(row.state for row in works.shop.deliveries()) == {"succeeded": 4}
    assert len(moments) == 4


def test_a_slot_that_a_lost_worker_took_is_only_lost_time(works: "Works") -> None:
    """The delivery comes back after its lease, and no other is held up for it."""
    limit(works, "proton", per_second=1)
    lost, other = customers(works, 2)

    def dies(_seconds: float) -> None:
        raise KeyboardInterrupt

    works.deliver(other)
    object.__setattr__(works.deliverer, "wait", dies)
    try:
        works.deliverer.deliver(lost)
    except KeyboardInterrupt:
        object.__setattr__(works.deliverer, "wait", works.clock.pass_)
    assert works.delivery(lost).state == "in_flight"

    works.settle(10)

    assert works.delivery(lost).state == "succeeded"


def test_reads_count_as_calls(works: "Works") -> None:
    """A completion is a request like any other."""
    limit(works, "scalev", per_second=0.1)
    works.receive(order_status_changed("shipped"))
    works.receive(order_status_changed("shipped", "250804ASDFGH", id="0198a1b2-0000-7000-8000-0000000000aa"))
    first, second = [row.id for row in works.shop.deliveries()]

    works.deliver(first)

    assert works.deliver(second).deferred


def test_further_requests_of_one_action_count_too(works: "Works") -> None:
    """An action that asks three times takes three places, a gap apart."""
    limit(works, "proton", per_second=2)
    moments: list[datetime] = []

    def thrice(call: Call) -> Outcome:
        for _ in range(3):
            call.session.request("GET", "/nothing")
            moments.append(works.clock())
        return Outcome()

    works.replace_action("proton.create_opportunity", run=thrice)
    [one] = customers(works, 1)

    works.deliver(one)

    assert gaps(moments) == [0.5, 0.5]


def test_a_rate_limit_halves_the_pace(works: "Works") -> None:
    """After 429 the others go half as fast for a minute, then as before."""
    limit(works, "proton", per_second=1)
    works.shop.sandbox.fail(vendor="proton", status=429, times=1)
    refused, first, second, third = customers(works, 4)
    works.deliver(refused)
    works.clock.pass_(2)
    works.deliver(first)

    works.deliver(second)

    assert (works.delivery(second).due_at - works.clock()).total_seconds() == 2
    works.clock.pass_(61)
    works.deliver(second)
    works.deliver(third)
    assert works.delivery(third).state == "succeeded"


def test_nothing_is_written_where_nothing_is_limited(works: "Works") -> None:
    """Lifted limits cost no row."""
    for one in customers(works, 2):
        works.deliver(one)

    assert works.shop.rows("SELECT * FROM paces") == []
