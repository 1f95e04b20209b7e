"""What is due later is a row of the ledger: restarts, an empty broker and clocks that jump change nothing about it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.engine.conftest import Works
from tests.support.shop import order_created

if TYPE_CHECKING:
    from tests.support.shop import Shop

HOUR, TEN_MINUTES = 3600, 600
RULES = """
rules:
  - name: remind
    on: [scalev.order.created]
    steps:
      - action: wabotick.send_template
        after: 2h
        once: "{{ order.order_id }}:reminded"
        with: {phone_number: "{{ order.phone }}", template_id: "257000", variables: [Budi, "{{ order.order_id }}"]}
"""


def plan(works: Works) -> None:
    """Let an order come in that is reminded of two hours later."""
    works.shop.write_rules(RULES)
    works.reload()
    now = works.clock().isoformat()
    body = order_created()
    works.receive(body | {"timestamp": now, "data": body["data"] | {"created_at": now, "last_updated_at": now}})


def do_what_is_due(works: Works) -> None:
    """Sweep, and run what the sweep finds, as a worker that hears nothing of the broker does."""
    for wake in works.sweep().deliveries:
        works.deliverer.deliver(wake.id)


def sent(works: Works) -> int:
    """Return how many messages left."""
    return len(works.shop.sandbox.effects("message"))


@pytest.fixture
def again(shop: "Shop") -> Iterator[Any]:
    """Start the engine anew, as often as it is called, on the same ledger and by the same clock."""
    started: list[Works] = []

    def start() -> Works:
        fresh = Works(shop)
        if started:
            fresh.clock.now = started[-1].clock.now
            started[-1].close()
        started.append(fresh)
        return fresh

    yield start
    started[-1].close()


def test_twenty_restarts_change_nothing(again: Any) -> None:
    """Nothing is sent before its time, and one message at it, though nobody remembers the timer but the ledger."""
    works = again()
    plan(works)
    for _ in range(20):
        works = again()
        works.clock.pass_(5 * 60)
        do_what_is_due(works)
        assert sent(works) == 0
    works.clock.pass_(20 * 60)
    for _ in range(20):
        do_what_is_due(works)
        works = again()

    assert sent(works) == 1
    assert [row.state for row in works.shop.deliveries()] == ["succeeded"]


@pytest.mark.parametrize("jump", [TEN_MINUTES, -TEN_MINUTES], ids=["ahead", "back"])
def test_a_clock_that_jumps_and_is_put_right_sends_once(jump: int, works: Works) -> None:
    """Long before its time, and a moment after it was sent: it is not sent early, not twice, and not forgotten."""
    plan(works)
    works.clock.pass_(HOUR)
    works.clock.pass_(jump)
    do_what_is_due(works)
    works.clock.pass_(-jump)
    do_what_is_due(works)
    assert sent(works) == 0

    works.clock.pass_(HOUR + 1)
    do_what_is_due(works)
    works.clock.pass_(jump)
    do_what_is_due(works)
    works.clock.pass_(-jump)
    works.settle()

    assert sent(works) == 1
    assert [row.state for row in works.shop.deliveries()] == ["succeeded"]


@pytest.mark.parametrize("changed_at", ["2026-03-29T01:00", "2026-10-25T01:00"], ids=["to summer", "to winter"])
def test_two_hours_are_two_hours_in_the_night_in_which_clocks_are_changed(changed_at: str, works: Works) -> None:
    """A timer counts real time, whatever the clock on the shop's wall does meanwhile."""
    accounts = works.shop.folder / "config" / "accounts.yaml"
    accounts.write_text(accounts.read_text() + "business: {timezone: Europe/Berlin}\n")
    works.clock.now = datetime.fromisoformat(changed_at).replace(tzinfo=UTC) - timedelta(hours=1)
    plan(works)

    works.clock.pass_(2 * HOUR - 1)
    do_what_is_due(works)
    assert sent(works) == 0
    works.clock.pass_(1)
    do_what_is_due(works)

    assert sent(works) == 1
