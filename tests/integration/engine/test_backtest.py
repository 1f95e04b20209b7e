"""`hookyard rules backtest`: recorded events through changed rules, beside what really was sent."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tasks.trying.backtest import Backtest
from tasks.trying.shelf import Shelf
from tests.support.shop import order_created, order_status_changed

if TYPE_CHECKING:
    from tests.integration.engine.conftest import Works

NUMBERS = ("250804QWERTY", "250804ASDFGH", "250804ZXCVBN")
TELL = """\
rules:
  - name: tell
    on: [scalev.order.shipped]
    when: order.phone
    steps:
      - action: wabotick.send_template
        once: "{{ order.order_id }}:told"
        with: {phone_number: "{{ order.phone }}", template_id: "257000", variables: [Budi, "{{ order.order_id }}"]}
"""
REMIND = """\
rules:
  - name: remind
    on: [scalev.order.created]
    steps:
      - action: wabotick.send_template
        after: 2h
        cancel_on: [scalev.order.shipped]
        unless: order.payment_status == 'paid'
        once: "{{ order.order_id }}:reminded"
        with: {phone_number: "{{ order.phone }}", template_id: "257000", variables: [Budi, "{{ order.order_id }}"]}
"""


def stamped(works: "Works", body: dict[str, Any]) -> dict[str, Any]:
    """Return an event of this very moment."""
    now = works.clock().isoformat()
    return body | {"timestamp": now, "data": body["data"] | {"last_updated_at": now}}


def play(works: "Works", rules: str, since: timedelta = timedelta(days=7)) -> dict[str, Any]:
    """Play what is recorded through rules, on a connection that cannot write."""
    works.shop.write_rules(rules)
    config, now = works.shop.config, works.clock()
    seen: list[tuple[int, int]] = []
    with works.engine.connect().execution_options(postgresql_readonly=True) as connection:
        found = Backtest(connection, config, now - since, now).run(lambda done, total, _: seen.append((done, total)))
    assert not seen or seen[-1][0] == seen[-1][1] == found["events"]["played"]
    return found


def totals(found: dict[str, Any], *names: str) -> tuple[int, ...]:
    """Return some of the totals."""
    return tuple(found["totals"][name] for name in names)


@pytest.fixture
def told(works: "Works") -> "Works":
    """A week in which three buyers were told that their order was shipped."""
    works.shop.write_rules(TELL)
    works.reload()
    for number in NUMBERS:
        works.clock.pass_(3600)
        works.receive(stamped(works, order_created(number)))
        works.clock.pass_(3600)
        works.receive(stamped(works, order_status_changed("shipped", number)))
        works.settle()
    assert [row.state for row in works.shop.deliveries()] == ["succeeded"] * 3
    works.clock.pass_(60)
    return works


def test_the_same_rules_lead_to_what_really_was(told: "Works") -> None:
    """Nothing new, nothing gone; and nothing was written or sent."""
    sent = len(told.shop.sandbox.effects("message"))

    found = play(told, TELL)

    assert totals(found, "sent", "messages", "same", "new", "repeated", "gone") == (3, 3, 3, 0, 0, 0)
    assert (found["events"]["played"], found["rules"]["tell"]["same_messages"], found["samples"]) == (6, 3, {})
    assert len(told.shop.sandbox.effects("message")) == sent


def test_what_a_rule_would_not_send_any_more_is_gone(told: "Works") -> None:
    """By the rule that sent it, with the events as samples."""
    found = play(told, TELL.replace("when: order.phone", f"when: order.order_id == '{NUMBERS[0]}'"))

    assert totals(found, "same", "new", "gone", "gone_messages") == (1, 0, 2, 2)
    assert {sample["rule"] for sample in found["samples"]["gone"]} == {"tell"}


def test_another_effect_key_would_send_a_second_time(told: "Works") -> None:
    """The message is new by its key, and a repetition by its action, person and order."""
    found = play(told, TELL.replace(":told", ":told-now"))

    assert totals(found, "new", "repeated", "gone") == (3, 3, 3)
    [row] = told.shop.rows("SELECT type FROM events WHERE id = :id", id=found["samples"]["repeated"][0]["event"])
    assert row.type == "scalev.order.status_changed"


def test_another_message_is_new_and_no_repetition(told: "Works") -> None:
    """A rule on another event adds; what the rule in use sends, stays."""
    more = (
        TELL.replace("scalev.order.shipped", "scalev.order.created").replace(":told", ":hello").replace("tell", "hello")
    )
    more = more.replace("wabotick.send_template", "wabotick.send_message").partition("        with:")[0]
    more += '        with: {phone_number: "{{ order.phone }}", message: hello}\n'

    found = play(told, TELL + more.removeprefix("rules:\n"))

    assert totals(found, "same", "new", "repeated", "gone") == (3, 3, 0, 0)


def test_what_was_sent_before_the_time_is_not_new(told: "Works") -> None:
    """An effect stays one, however long ago it was; facts told before are not told again."""
    told.receive(stamped(told, order_status_changed("completed", NUMBERS[0])))
    told.clock.pass_(1)
    rules = TELL.replace("[scalev.order.shipped]", "[scalev.order.shipped, scalev.order.completed]")

    found = play(told, rules, since=timedelta(seconds=30))

    assert found["events"]["played"] == 1
    assert totals(found, "sent", "same", "new", "gone") == (1, 0, 0, 0)


@pytest.mark.parametrize(
    ("then", "counts"),
    [
        ([("shipped", {}, 600)], (0, 1, 0)),
        ([("shipped", {}, 9000)], (1, 0, 0)),
        ([("draft", {"payment_status": "paid"}, 600), ("pending", {}, 9000)], (0, 0, 1)),
    ],
    ids=["cancelled", "sent", "not needed"],
)
def test_timers_are_asked_again_when_they_are_due(
    works: "Works", then: list[tuple[str, dict[str, str], float]], counts: tuple[int, int, int]
) -> None:
    """`cancel_on` cancels what waits, `unless` is asked with what is known by then."""
    works.receive(stamped(works, order_created(payment_status="unpaid")))
    for status, more, seconds in then:
        works.clock.pass_(seconds)
        works.receive(stamped(works, order_status_changed(status, **more)))
    works.clock.pass_(9000)

    found = play(works, REMIND)

    assert totals(found, "sent", "cancelled", "suppressed") == counts


def test_what_is_due_after_now_is_told_apart(works: "Works") -> None:
    """It would be sent later, if nothing happens until then."""
    works.receive(stamped(works, order_created(payment_status="unpaid")))
    works.clock.pass_(60)

    assert totals(play(works, REMIND), "sent", "later") == (1, 1)


def test_invalid_numbers_and_dead_letters_are_counted(works: "Works") -> None:
    """Who has no valid number gets nothing; the samples say what is wrong, without the number."""
    address = order_created()["data"]["destination_address"] | {"phone": "0812"}
    body = order_created(destination_address=address, customer=None, message_variables=None)
    works.receive(stamped(works, body))
    works.clock.pass_(9000)

    found = play(works, REMIND)

    assert totals(found, "sent", "dead", "invalid_numbers") == (0, 1, 1)
    [sample] = found["samples"]["invalid_numbers"]
    assert "phone_number" in sample["error"]
    assert "0812" not in str(found)


def test_quiet_hours_are_counted(works: "Works") -> None:
    """A message that would be due at night is one that waits for the morning."""
    accounts = works.shop.folder / "config" / "accounts.yaml"
    accounts.write_text(accounts.read_text() + 'business: {quiet_hours: "11:00-23:00"}\n')
    works.receive(stamped(works, order_created(payment_status="unpaid")))
    works.clock.pass_(9000)

    assert totals(play(works, REMIND), "sent", "quiet_hours") == (1, 1)


def test_a_step_that_needs_another_follows_it(works: "Works") -> None:
    """It is sent where the other one is, and after it; where the other is not, neither is it."""
    more = """\
      - action: scalev.change_status
        needs: [send_template]
        after: 1h
        with: {ids: ["{{ order.id }}"], status: confirmed}
"""
    works.receive(stamped(works, order_created(payment_status="unpaid")))
    works.receive(stamped(works, order_created(NUMBERS[1], payment_status="paid")))
    works.clock.pass_(36000)

    found = play(works, REMIND + more)

    assert totals(found, "wanted", "sent", "messages", "suppressed") == (4, 2, 1, 2)
    assert found["reasons"] == {"not_needed": 1, "need_failed": 1}


def test_a_shelf_keeps_more_than_fits() -> None:
    """What was not used for long comes back from disk as it was, and what was dropped does not."""
    shelf = Shelf(most_near=10)
    for number in range(100):
        shelf.put(str(number), {"number": number})
    shelf.put("3", {"number": "new"})
    shelf.drop("4")

    assert shelf.get("0") == {"number": 0}
    assert shelf.get("3") == {"number": "new"}
    assert shelf.get("99") == {"number": 99}
    assert shelf.get("4") is None
