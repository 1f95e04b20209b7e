"""Quiet hours at work: what is ready at night waits for the morning, and is asked everything again then."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from pydantic import TypeAdapter

from config.accounts import Business
from config.quiet_hours import QuietSpan
from tests.integration.engine.test_holds import messages, sent
from tests.support.shop import order_status_changed

if TYPE_CHECKING:
    from tests.integration.engine.conftest import Works

NIGHT = datetime(2026, 1, 15, 15, 0, tzinfo=UTC)  # 22:00 in Jakarta
MORNING = datetime(2026, 1, 16, 1, 0, tzinfo=UTC)
RULE = """
rules:
  - name: tell
    on: [scalev.order.shipped]
    steps:
      - action: wabotick.send_template
        quiet_hours: {quiet}
        unless: order.status == "returned"
        with: {{phone_number: "{{{{ order.phone }}}}", template_id: "257000", variables: ["a", "b"]}}
"""
TEMPLATE = "/wabotick/api/v1/whatsapp/send/template"


def begin(works: "Works", quiet: str = "hold", now: datetime = NIGHT) -> None:
    """Let one rule send, in a shop that is quiet from nine to eight."""
    works.shop.write_rules(RULE.format(quiet=quiet))
    works.reload()
    works.use(replace(works.config, business=Business.model_validate({"quiet_hours": "21:00-08:00"})))
    works.clock.now = now


def due(works: "Works", ids: list[UUID]) -> list[datetime]:
    """Return when deliveries are due."""
    return [works.delivery(one).due_at for one in ids]


def test_what_is_ready_at_night_goes_out_in_the_morning_spread_out(works: "Works") -> None:
    """Each at a moment of its own in the first ten minutes, once, with no attempt spent before."""
    begin(works)
    ids = messages(works, 6)

    assert all(works.deliver(one).deferred for one in ids)

    moments = due(works, ids)
    assert all(MORNING <= moment < MORNING + timedelta(minutes=10) for moment in moments)
    assert len(set(moments)) == 6
    assert {(row.state, row.reason, row.attempts) for row in map(works.delivery, ids)} == {
        ("waiting", "quiet_hours", 0)
    }
    works.clock.now = MORNING - timedelta(minutes=5)
    works.settle(60)
    assert works.clock.now < MORNING
    assert sent(works, TEMPLATE) == 0
    works.clock.now = MORNING
    works.settle(601)
    assert sent(works, TEMPLATE) == 6
    assert {row.state for row in map(works.delivery, ids)} == {"succeeded"}


def test_what_was_held_is_asked_again(works: "Works") -> None:
    """An order that came back in the night gets no message in the morning."""
    begin(works)
    [one] = messages(works, 1)
    works.deliver(one)
    [order] = [row.subject for row in works.shop.rows("SELECT subject FROM deliveries")]
    returned = order_status_changed("returned", order.removeprefix("order:"))
    works.receive(returned | {"timestamp": works.clock().isoformat()})

    works.clock.now = MORNING
    works.settle(601)

    assert sent(works, TEMPLATE) == 0
    assert (works.delivery(one).state, works.delivery(one).reason) == ("suppressed", "not_needed")


def test_a_step_may_send_or_drop(works: "Works") -> None:
    """`send` goes out at night, `drop` never."""
    begin(works, "send")
    [urgent] = messages(works, 1)
    assert works.deliver(urgent).conclusion.state == "succeeded"
    begin(works, "drop")
    [dropped] = messages(works, 1)

    assert works.deliver(dropped).conclusion.state == "suppressed"

    assert works.delivery(dropped).reason == "quiet_hours"
    assert sent(works, TEMPLATE) == 1


def test_by_day_nothing_is_held(works: "Works") -> None:
    """Also in the last minute before it is quiet; in its last seconds a message would leave too late."""
    begin(works, now=MORNING)
    [first] = messages(works, 1)
    assert works.deliver(first).conclusion.state == "succeeded"
    begin(works, now=NIGHT - timedelta(hours=1, seconds=6))
    [second] = messages(works, 1)
    assert works.deliver(second).conclusion.state == "succeeded"
    begin(works, now=NIGHT - timedelta(hours=1, seconds=4))
    [third] = messages(works, 1)
    assert works.deliver(third).deferred
    assert works.delivery(third).due_at >= MORNING


def test_an_account_may_have_hours_of_its_own(works: "Works") -> None:
    """Or none at all, whatever the shop's are."""
    begin(works)
    for quiet, is_held in (("10:00-11:00", False), ("21:30-23:00", True), (None, False)):
        span = quiet and TypeAdapter(QuietSpan).validate_python(quiet)
        wa = works.config.accounts["wa"].model_copy(update={"quiet_hours": span})
        works.use(replace(works.config, accounts={**works.config.accounts, "wa": wa}))
        [one] = messages(works, 1)
        assert works.deliver(one).deferred == is_held
