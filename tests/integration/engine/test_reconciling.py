"""What no webhook told is asked of the vendor: it becomes an event once, and leads to nothing twice."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tasks.reconciling.finding import Found, Search
from tasks.reconciling.reconciler import LAG, Reconciler, Summary
from tests.integration.cli.test_commands import document, hookyard
from tests.integration.engine.test_receipts import message, report, send
from tests.support.shop import order_created, order_status_changed
from worker.acting import Outcome
from worker.clock import system_clock
from worker.errors import RetryableError
from worker.ledger import watermarks
from worker.states import Reason

if TYPE_CHECKING:
    from tests.integration.engine.conftest import Works

ORDER_ID, NUMBER = "0198a1b2-3c4d-7e5f-8a9b-0c1d2e3f4a5b", "250804QWERTY"
RULES = """
rules:
  - name: tell
    on: [scalev.order.status_changed]
    when: order.status == "shipped"
    steps:
      - action: wabotick.send_template
        account: wa
        with: {phone_number: "{{ order.phone }}", template_id: "257000", variables: [a, b]}
"""


@pytest.fixture
def late(works: "Works") -> "Works":
    """The engine, a while after whatever the sandbox does now."""
    works.clock.now = system_clock() + timedelta(minutes=10)
    return works


def reconciler(works: "Works", **more: Any) -> Reconciler:
    """Return a reconciler on the test's clock."""
    return Reconciler(
        engine=works.engine, settings=works.settings, config=works.config, actions=works.actions,
        open_session=works.connections.open, clock=works.clock, wake=lambda _: None, wait=works.clock.pass_, **more,
    )  # fmt: skip


def happens(works: "Works", status: str) -> None:
    """Let an order change its status at Scalev, and no webhook come."""
    path = f"{works.shop.sandbox.url}/_sandbox/state/scalev/orders/{ORDER_ID}/status"
    httpx.post(path, json={"status": status}).raise_for_status()


def run(works: "Works", account: str = "toko", **more: Any) -> Summary:
    """Reconcile an account and route what was found."""
    summary = reconciler(works, **more).run(account)
    for event_id in summary.events:
        works.route(event_id)
    return summary


def events(works: "Works") -> list[Any]:
    """Return what reconciling brought, oldest first."""
    return works.shop.rows("SELECT * FROM events WHERE trigger = 'reconciled' ORDER BY id")


def test_a_change_that_no_webhook_told_becomes_its_event(late: "Works") -> None:
    """Of the type that the webhook would have had, marked, and rules follow from it as from any."""
    late.receive(order_created())
    happens(late, "shipped")

    summary = run(late)

    [event] = [one for one in events(late) if one.subject == f"order:{NUMBER}"]
    assert (event.type, event.state, event.trigger) == ("scalev.order.status_changed", "processed", "reconciled")
    assert (summary.missed, summary.error) == (0, None)
    assert summary.repaired >= 1
    late.settle()
    assert len(late.shop.sandbox.effects("message")) == 1


def test_an_order_never_heard_of_is_created(late: "Works") -> None:
    """It is told as it is now, whole."""
    happens(late, "shipped")

    run(late)

    [event] = [one for one in events(late) if one.subject == f"order:{NUMBER}"]
    assert event.type == "scalev.order.created"
    facts = late.shop.rows("SELECT type FROM events WHERE parent_id = :id", id=event.id)
    assert "scalev.order.shipped" in {row.type for row in facts}


def test_what_is_known_is_not_told_again(late: "Works") -> None:
    """A second run, also over the same span, finds nothing."""
    happens(late, "shipped")
    first = run(late)

    late.clock.pass_(60)
    second = run(late)

    assert first.repaired >= 1
    assert (second.repaired, second.missed) == (0, 0)
    assert len(events(late)) == first.repaired


def test_a_webhook_that_comes_late_after_all_does_nothing_twice(late: "Works") -> None:
    """The rule fired by what reconciling told; the same change by webhook is noted and asks no rule."""
    late.shop.write_rules(RULES)
    late.reload()
    late.receive(order_created())
    happens(late, "shipped")
    run(late)
    late.settle()
    assert len(late.shop.sandbox.effects("message")) == 1

    body = order_status_changed("shipped") | {"timestamp": (late.clock() - timedelta(hours=1)).isoformat()}
    routed = late.receive(body)
    late.settle()

    assert len(late.shop.sandbox.effects("message")) == 1
    assert "told before by reconciling" in late.event(routed.event_id).note


def test_a_webhook_of_a_later_change_is_news(late: "Works") -> None:
    """Only what reconciling could have told is passed over."""
    late.shop.write_rules(RULES)
    late.reload()
    late.receive(order_created())
    happens(late, "confirmed")
    run(late)

    late.clock.pass_(3600)
    now = late.clock().isoformat()
    late.receive(order_status_changed("shipped", last_updated_at=now) | {"timestamp": now})
    late.settle()

    assert len(late.shop.sandbox.effects("message")) == 1


def test_what_happened_just_now_is_left_to_its_webhook(works: "Works") -> None:
    """Within the last minutes the webhook may still be on its way."""
    works.clock.now = system_clock() + LAG / 2
    happens(works, "shipped")

    run(works)

    assert [one for one in events(works) if one.subject == f"order:{NUMBER}"] == []


def test_a_run_that_broke_off_is_resumed(late: "Works") -> None:
    """What was found stands, the watermark does not move, and the next run finds the rest without doubling."""
    happens(late, "shipped")

    def breaks(search: Search) -> Iterator[Found]:
        finder = reconciler(late).finders["scalev"]
        yield next(iter(finder(search)))
        raise RetryableError(Reason.TIMEOUT, "no answer")

    broken = run(late, finders={"scalev": breaks})
    with late.engine.connect() as connection:
        assert watermarks.read(connection, "toko", "reconciled") is None
    assert (broken.repaired, broken.error) == (1, "timeout: no answer")

    whole = run(late)

    assert whole.error is None
    keys = [one.dedupe_key for one in events(late)]
    assert len(keys) == len(set(keys)) == 1 + whole.repaired


def test_it_runs_alone(late: "Works") -> None:
    """Whoever comes second is told so and asks nothing."""
    with watermarks.alone(late.engine, "reconcile toko") as is_alone:
        assert is_alone
        assert run(late).error == "somebody else is at it"
    assert late.shop.sandbox.requests() == []
    assert run(late).error is None


def test_events_that_wait_to_be_routed_are_not_missed(late: "Works") -> None:
    """While workers were away, what the ledger has already is no gap."""
    late.accept(order_created())
    late.clock.pass_(3600)

    assert "wait to be routed" in (run(late).error or "")


def test_a_held_account_is_not_asked(late: "Works") -> None:
    """Its circuit is open: nothing is asked until it is closed."""
    hold = "INSERT INTO holds VALUES ('toko', 'account', '', 'timeout', 'x', 'x', now(), now(), 5, NULL, 0, NULL)"
    late.execute(hold)

    assert run(late).error == "it is held: timeout"
    assert late.shop.sandbox.requests() == []


def test_it_keeps_to_the_accounts_limits(late: "Works") -> None:
    """Every request takes its moment."""
    accounts = late.shop.folder / "config" / "accounts.yaml"
    accounts.write_text(accounts.read_text().replace("scalev: {per_second: null", "scalev: {per_second: 1"))
    late.reload()
    began = late.clock()

    run(late)

    asked = len(late.shop.sandbox.requests())
    assert asked > 2
    assert late.clock() - began >= timedelta(seconds=asked - 1)


def test_a_message_that_nothing_was_heard_of_is_asked_about(works: "Works") -> None:
    """The vendor knows that it came further: its state moves on by an event, and a late webhook is a duplicate."""
    _, message_id = send(works)
    told = Outcome({"message_id": message_id, "message_state": "delivered"})
    works.replace_action("wabotick.get_message_status", run=lambda _call: told)
    works.clock.pass_(3600)

    summary = run(works, "wa")

    assert (summary.repaired, summary.missed, summary.looked_at) == (1, 0, 1)
    assert message(works, message_id).state == "delivered"
    [event] = events(works)
    assert event.type == "wabotick.message.status"
    report(works, message_id, "read")
    assert message(works, message_id).state == "read"


def test_a_message_is_asked_about_at_the_vendor(works: "Works") -> None:
    """By the vendor's own call; one that has nothing new to tell is left alone for an hour."""
    send(works)
    works.clock.pass_(3600)

    run(works, "wa")
    asked = len(works.shop.sandbox.requests("*message-status"))
    works.clock.pass_(60)
    run(works, "wa")

    assert asked == 1
    assert len(works.shop.sandbox.requests("*message-status")) == 1


def test_a_state_that_cannot_be_asked_is_missed_for_now(works: "Works") -> None:
    """It is counted, and asked again the next time round."""
    send(works)
    works.clock.pass_(3600)
    works.shop.sandbox.fail(vendor="wabotick", path="*message-status", status=503)

    summary = run(works, "wa")

    assert (summary.missed, summary.repaired, summary.error) == (1, 0, None)


def test_the_command_tells_what_it_did(works: "Works") -> None:
    """One document with --json; a line an account for people."""
    shop = works.shop

    found = document(shop, "reconcile", "--account", "toko", "--since", "1h")
    told = hookyard("reconcile", environ=shop.environ)

    assert [(one["account"], one["missed"], one["error"]) for one in found] == [("toko", 0, None)]
    assert {line.split(",")[0] for line in told.stdout.splitlines()} == {"toko: 0 missed", "wa: 0 missed"}
    assert hookyard("reconcile", "--account", "crm", environ=shop.environ).returncode == 1
