"""Room for calls per vendor, and the end of a worker that takes nothing."""

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest
import redis

from tasks.slots import MOST_TURNED_AWAY, Slots
from tasks.watchdog import Watchdog


def test_no_more_than_its_room_runs_at_once() -> None:
    """A hundred deliveries from sixteen threads: never more than three are inside."""
    slots, lock, inside, most = Slots(3), threading.Lock(), 0, 0

    def run(_: int) -> bool:
        nonlocal inside, most
        if not slots.enter("wabotick", uuid4()):
            return False
        with lock:
            inside += 1
            most = max(most, inside)
        with lock:
            inside -= 1
        slots.leave("wabotick")
        return True

    with ThreadPoolExecutor(16) as pool:
        entered = list(pool.map(run, range(100)))

    assert any(entered)
    assert most <= 3


def test_one_vendor_at_its_limit_leaves_the_others_alone() -> None:
    """Slots are counted for each destination."""
    slots = Slots(1)

    assert slots.enter("dead", uuid4())
    assert not slots.enter("dead", uuid4())
    assert slots.enter("alive", uuid4())


def test_who_was_turned_away_is_named_when_there_is_room_in_order() -> None:
    """Each slot that is given back wakes one, the first first."""
    slots, waiting = Slots(1), [uuid4() for _ in range(3)]
    slots.enter("v", uuid4())
    for delivery_id in waiting:
        slots.enter("v", delivery_id)

    named: list[UUID | None] = []
    for delivery_id in waiting:
        left = slots.leave("v")
        named.append(left and left.id)
        slots.enter("v", delivery_id)

    assert named == waiting
    assert slots.leave("v") is None


def test_who_was_turned_away_goes_on_by_priority() -> None:
    """The high before the low, those of one priority in their order."""
    slots, order = Slots(1), [9, 5, 0, 5, 0]
    slots.enter("v", uuid4())
    for priority in order:
        slots.enter("v", uuid4(), priority)

    left = []
    while turned := slots.leave("v"):
        left.append(turned)
        assert slots.enter("v", None)

    assert [turned.priority for turned in left] == sorted(order)
    assert [turned.nth for turned in left] == [2, 4, 1, 3, 0]


def test_who_matters_more_is_let_in_first() -> None:
    """With room again, one of low priority finds a high one before it, which is named to be woken."""
    slots, high, low = Slots(1), uuid4(), uuid4()
    slots.enter("v", None)
    slots.enter("v", high, 0)
    slots.enter("v", uuid4(), 0)
    slots.leave("v")

    assert not slots.enter("v", low, 9)

    named = slots.overtaking("v")
    assert named is not None
    assert named.id != high
    assert slots.enter("v", named.id, 0)
    assert slots.overtaking("v") is None


def test_the_memory_of_the_turned_away_is_bounded() -> None:
    """Beyond that a sweep finds them."""
    slots = Slots(1)
    slots.enter("v", uuid4())
    for _ in range(MOST_TURNED_AWAY + 5):
        slots.enter("v", uuid4())

    named = 0
    while slots.leave("v"):
        slots.enter("v", uuid4())
        named += 1

    assert named == MOST_TURNED_AWAY


@pytest.mark.parametrize(("waiting", "stuck"), [(0, False), (1, True)])
def test_a_worker_is_stuck_when_messages_wait_and_none_is_taken(waiting: int, stuck: bool) -> None:
    """An idle worker with empty queues is well."""
    assert Watchdog(lambda: waiting, patience_seconds=0).is_stuck() is stuck


def test_a_worker_that_consumes_is_not_stuck() -> None:
    """However long the queue is."""
    watchdog = Watchdog(lambda: 10_000, patience_seconds=60)
    watchdog.consumed()

    assert not watchdog.is_stuck()


def test_a_broker_that_is_away_is_no_fault_of_the_worker() -> None:
    """The count begins when it is back."""

    def away() -> int:
        raise redis.ConnectionError

    assert not Watchdog(away, patience_seconds=0).is_stuck()
