"""What follows from an event: planned once, whatever comes twice, late, or cannot be asked."""

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from config.load import Config
from tests.support.shop import order_created, order_status_changed
from webhooks.examples import load_example

if TYPE_CHECKING:
    from tests.integration.engine.conftest import Works

RULE = """
rules:
  - name: tell
    on: [scalev.order.shipped]
    when: {when}
    steps:
      - action: wabotick.send_template
        once: {once}
        with: {{phone_number: "{{{{ order.phone }}}}", template_id: "257000", variables: [a, b]}}
"""


def rule(when: str = "order.phone", once: str = "'{{ order.order_id }}:shipped'") -> str:
    """Return a rules file with one rule."""
    return RULE.format(when=when, once=once)


def shipped(works: "Works", number: str = "250804QWERTY") -> Any:
    """Let a known order be shipped; return what routing the event led to."""
    works.receive(order_created(number))
    return works.receive(order_status_changed("shipped", number))


def counts(works: "Works") -> list[int]:
    """Return how many events, deliveries and attempts there are."""
    tables = ("events", "deliveries", "attempts")
    return [works.shop.rows(f"SELECT count(*) AS n FROM {table}")[0].n for table in tables]  # noqa: S608 - fixed names


def test_routing_twice_changes_nothing(works: "Works") -> None:
    """A second routing finds the event processed; a replay plans nothing that is planned."""
    routed = shipped(works)
    before = counts(works)

    assert works.route(routed.event_id) is None
    with works.people() as people:
        people.replay(routed.event_id)
    again = works.route(routed.event_id)

    assert again is not None
    assert again.deliveries == ()
    assert counts(works) == before


def test_routing_in_two_workers_at_once_plans_once(works: "Works") -> None:
    """However many workers hear of an event, its deliveries are planned once."""
    works.receive(order_created())
    event_id = works.accept(order_status_changed("shipped"))

    with ThreadPoolExecutor(8) as pool:
        routed = [found for found in pool.map(lambda _: works.route(event_id), range(8)) if found]

    assert [len(found.deliveries) for found in routed] == [1]
    assert len(works.shop.deliveries()) == 1


def test_events_of_one_order_routed_at_once_give_one_fact(works: "Works") -> None:
    """Eight events that all say "shipped", routed at the same time, give one fact and one delivery."""
    works.receive(order_created())
    events = [works.accept(order_status_changed("shipped")) for _ in range(8)]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(works.route, events))

    assert len(works.shop.rows("SELECT id FROM events WHERE type = 'scalev.order.shipped'")) == 1
    assert len(works.shop.deliveries()) == 1


def test_two_events_that_state_the_same_have_one_effect(works: "Works") -> None:
    """The second delivery is suppressed and says of whom it is a duplicate."""
    for _ in range(2):
        works.receive(load_example("proton", "customer.created"), "crm")

    first, second = works.shop.deliveries()
    assert (first.state, second.state) == ("ready", "suppressed")
    assert (second.reason, second.duplicate_of) == ("duplicate_effect", first.id)


@pytest.mark.parametrize(
    ("state", "second"),
    [("dead", "ready"), ("cancelled", "ready"), ("unknown", "suppressed"), ("succeeded", "suppressed")],
)
def test_only_a_delivery_that_surely_had_no_effect_frees_its_key(works: "Works", state: str, second: str) -> None:
    """Dead or cancelled: another event may have the effect. Unknown or succeeded: it may not."""
    works.receive(load_example("proton", "customer.created"), "crm")
    works.execute("UPDATE deliveries SET state = :state", state=state)

    works.receive(load_example("proton", "customer.created"), "crm")

    assert works.shop.deliveries()[1].state == second


def test_one_order_number_at_two_shops_is_two_effects(works: "Works") -> None:
    """The default effect key of a fact names its subject with the account: numbers repeat between shops."""
    works.shop.write_rules(rule().replace("        once: '{{ order.order_id }}:shipped'\n", ""))
    accounts = works.shop.folder / "config" / "accounts.yaml"
    second = 'toko2: {vendor: scalev, signing_secrets: ["another-signing-secret"], api_key: k}'
    accounts.write_text(accounts.read_text().replace("  wa:\n", f"  {second}\n  wa:\n"))
    works.reload()

    for account in ("toko", "toko2"):
        works.receive(order_created(), account)
        works.receive(order_status_changed("shipped"), account)

    assert [row.state for row in works.shop.deliveries()] == ["ready", "ready"]


@pytest.mark.parametrize(
    ("when", "once"), [("order.city.upper().nothing > 1", "'k'"), ("order.phone", "'{{ data.x }}'")]
)
def test_a_rule_that_cannot_be_asked_leaves_a_dead_letter_that_can_be_retried(
    works: "Works", when: str, once: str
) -> None:
    """Once the rule is mended a retry asks the condition and the effect's name again, and sends."""
    works.shop.write_rules(rule(when, once))
    works.reload()
    routed = shipped(works)
    [dead] = works.shop.deliveries()
    assert (dead.state, dead.reason, dead.effect_key) == ("dead", "expression", None)
    assert "test.yaml:3" in dead.last_error
    assert [letter.id for letter in routed.dead] == [dead.id]

    works.shop.write_rules(rule())
    works.reload()
    with works.people() as people:
        wake = people.retry(dead.id)
    delivered = works.deliver(wake)

    assert delivered.conclusion.state == "succeeded"
    assert works.delivery(dead.id).effect_key == "250804QWERTY:shipped"


@pytest.mark.parametrize(
    ("mended", "state", "reason"),
    [
        (rule(when="order.city == 'nowhere'"), "suppressed", "not_needed"),
        (rule(once="'taken'"), "suppressed", "duplicate_effect"),
    ],
)
def test_a_dead_letter_of_a_mended_rule_may_turn_out_not_to_be_wanted(
    works: "Works", mended: str, state: str, reason: str
) -> None:
    """The condition may not hold, or another delivery may have had the effect meanwhile."""
    works.shop.write_rules(rule(once="'taken'"))
    works.reload()
    holder = shipped(works, "A-1").deliveries[0].id
    works.shop.write_rules(rule(once="'{{ data.x }}'"))
    works.reload()
    shipped(works)
    [dead] = works.shop.deliveries("dead")
    works.shop.write_rules(mended)
    works.reload()
    with works.people() as people:
        people.retry(dead.id)

    done = works.deliver(dead.id).conclusion

    assert (done.state, done.reason) == (state, reason)
    assert works.delivery(dead.id).duplicate_of == (holder if reason == "duplicate_effect" else None)


def test_a_replay_reports_no_dead_letter_twice(works: "Works") -> None:
    """What was dead before is no news."""
    works.shop.write_rules(rule(once="'{{ data.x }}'"))
    works.reload()
    routed = shipped(works)

    with works.people() as people:
        people.replay(routed.event_id)
    again = works.route(routed.event_id)

    assert len(routed.dead) == 1
    assert again is not None
    assert again.dead == ()


def test_a_removed_rule_leaves_a_dead_letter_that_says_so(works: "Works") -> None:
    """What was planned under a rule that is gone is not sent."""
    [wake] = shipped(works).deliveries
    works.shop.write_rules("rules: []")
    works.reload()

    done = works.deliver(wake).conclusion

    assert (done.state, done.reason) == ("dead", "rule_missing")
    assert works.shop.sandbox.effects() == []


def test_an_account_that_is_gone_leaves_failed_events_and_dead_letters(works: "Works") -> None:
    """Nothing stays behind in silence for an account that is no longer configured."""
    wake = works.receive(load_example("proton", "customer.created"), "crm").deliveries[0]
    late = works.accept(load_example("proton", "customer.updated"), "crm")
    config = works.config
    works.use(Config({n: a for n, a in config.accounts.items() if n != "crm"}, config.business, config.rules))

    works.settle()

    assert (works.event(late).state, works.event(late).reason) == ("failed", "unreadable_event")
    assert (works.delivery(wake.id).state, works.delivery(wake.id).reason) == ("dead", "rule_missing")


def test_an_event_that_cannot_be_read_fails_visibly(works: "Works") -> None:
    """A body that is no JSON any more is a failed event with a reason, and can be replayed."""
    routed = works.receive(b"not json")

    row = works.event(routed.event_id)
    assert (row.state, row.reason) == ("failed", "unreadable_event")
    assert routed.failure is not None


def test_a_tap_names_its_order(works: "Works") -> None:
    """The order id that a tap carries leads to the order's snapshot, in the account that knows it."""
    works.receive(order_created(status="draft"))

    routed = works.receive(load_example("wabotick", "postback") | {"order_id": "250804QWERTY"}, "wa", trigger="flow")

    event = works.event(routed.event_id)
    assert (event.subject, event.subject_account) == ("order:250804QWERTY", "toko")
    assert [row.action for row in works.shop.deliveries()] == ["scalev.change_status"]


def test_a_tap_that_answers_our_message_is_about_that_messages_order(works: "Works") -> None:
    """Without an order id the message that was answered tells which order it is."""
    works.deliver(shipped(works).deliveries[0])
    [message] = works.shop.sandbox.effects("message")
    tap = load_example("wabotick", "postback") | {"reply_message_id": message["id"]}
    tap["chat_id"] = message["phone_number"]
    del tap["order_id"]

    routed = works.receive(tap, "wa", trigger="flow")

    assert works.event(routed.event_id).subject == "order:250804QWERTY"


@pytest.mark.parametrize("more", [{"reply_message_id": "wamid.nobody"}, {}])
def test_a_tap_that_names_no_order_of_ours_is_processed_with_a_note(works: "Works", more: dict[str, str]) -> None:
    """Nothing is guessed: the event says why nothing followed."""
    tap = load_example("wabotick", "postback") | more
    del tap["order_id"]

    routed = works.receive(tap, "wa", trigger="flow")

    assert works.event(routed.event_id).note
    assert works.shop.deliveries() == []
