"""`hookyard rules backtest`: recorded events through changed rules, beside what really was sent."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from config.accounts import Business
from config.expressions import Expressions
from config.python_rules import compile_python_rule, rule
from config.rule_compiler import RuleCompiler
from tasks.actions.registry import make_catalog
from tasks.trying.backtest import Backtest
from tasks.trying.examples import Examples
from tasks.trying.reading import WORTH_IT, read_page, reading
from tasks.trying.shelf import Shelf
from tests.support.shop import order_created, order_status_changed
from webhooks.examples import load_example
from webhooks.inbound import Inbound
from webhooks.registry import SOURCES
from webhooks.verification import Match
from worker.ledger import inbox
from worker.ledger.inbox import Arrival, NewEvent
from worker.states import Handling

if TYPE_CHECKING:
    from tests.integration.engine.conftest import Works
    from tests.support.shop import Shop

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


def order_of(phone: str, number: str) -> dict[str, Any]:
    """Return a new order of somebody."""
    body = order_created(number)
    body["data"]["destination_address"]["phone"] = phone
    return body


def hears(works: "Works", *, nothing: bool) -> None:
    """Let the number hear what people write to it, or not, so that nobody knows when they last did."""
    accounts, incoming = works.shop.folder / "config" / "accounts.yaml", "incoming: wabotick-incoming-url-secret, "
    text = accounts.read_text().replace(incoming, "")
    accounts.write_text(text if nothing else text.replace("{flow: [", "{" + incoming + "flow: ["))


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
    hears(told, nothing=True)

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


def test_a_held_message_is_asked_again_when_it_is_quiet_no_more(works: "Works") -> None:
    """What was paid in the night is not reminded in the morning; what needs it waits with it."""
    accounts = works.shop.folder / "config" / "accounts.yaml"
    accounts.write_text(accounts.read_text() + 'business: {timezone: UTC, quiet_hours: "05:00-08:00"}\n')
    more = """\
      - action: scalev.change_status
        needs: [send_template]
        with: {ids: ["{{ order.id }}"], status: confirmed}
"""
    for number in NUMBERS[:2]:
        works.receive(stamped(works, order_created(number, payment_status="unpaid")))
    works.clock.pass_(3 * 3600)
    works.receive(stamped(works, order_status_changed("pending", payment_status="paid")))
    works.clock.pass_(6 * 3600)

    found = play(works, REMIND + more)

    assert totals(found, "wanted", "quiet_hours", "sent", "messages") == (4, 2, 2, 1)
    assert found["reasons"] == {"not_needed": 1, "need_failed": 1}


def test_a_message_that_its_step_drops_in_quiet_hours_is_not_sent(works: "Works") -> None:
    """It is suppressed, as the engine would."""
    accounts = works.shop.folder / "config" / "accounts.yaml"
    accounts.write_text(accounts.read_text() + 'business: {timezone: UTC, quiet_hours: "05:00-08:00"}\n')
    works.receive(stamped(works, order_created(payment_status="unpaid")))
    works.clock.pass_(9000)

    found = play(works, REMIND.replace("after: 2h", "after: 2h\n        quiet_hours: drop"))

    assert (totals(found, "sent", "suppressed"), found["reasons"]) == ((0, 1), {"quiet_hours": 1})


def test_who_opted_out_by_then_gets_no_marketing(works: "Works") -> None:
    """By the wishes of that moment: before STOP, after it, and after START again; and said before the time, too."""
    rules = TELL.replace("scalev.order.shipped", "scalev.order.created")
    works.receive({"chat_id": "628120000000", "user_message": "STOP"}, "wa", trigger="incoming")
    works.clock.pass_(86400)
    began = works.clock()
    works.receive(stamped(works, order_of("628120000000", "250804BEFORE")))
    for number, said in zip(NUMBERS, ("STOP", "START", "hello"), strict=True):
        works.receive(stamped(works, order_of("628123456789", number)))
        works.clock.pass_(3600)
        works.receive({"chat_id": "628123456789", "user_message": said}, "wa", trigger="incoming")
        works.clock.pass_(3600)

    found = play(works, rules, since=works.clock() - began)
    useful = play(
        works, rules.replace("        once:", "        category: utility\n        once:"), works.clock() - began
    )

    assert (totals(found, "sent"), found["reasons"]) == ((2,), {"opted_out": 2})
    assert (totals(useful, "sent"), useful["reasons"]) == ((4,), {})


WRITE = """\
rules:
  - name: write
    on: [scalev.order.shipped]
    steps:
      - action: wabotick.send_message
        once: "{{ order.order_id }}:text"
        with: {phone_number: "{{ order.phone }}", message: "On its way"}
        on_failure:
          - action: wabotick.send_template
            reasons: outside_window
            once: "{{ order.order_id }}:template"
            with: {phone_number: "{{ order.phone }}", template_id: "257000", variables: [Budi, "{{ order.order_id }}"]}
"""


def test_outside_the_24_hours_the_template_goes_instead(works: "Works") -> None:
    """A text goes to who wrote that day; to the others what the rule says for it, which is counted as what it is."""
    works.receive({"chat_id": "628123456789", "user_message": "hello"}, "wa", trigger="incoming")
    for number, phone in zip(NUMBERS, ("628123456789", "628123456780", "628123456789"), strict=True):
        works.receive(stamped(works, order_of(phone, number)))
        works.clock.pass_(12 * 3600)
        works.receive(stamped(works, order_status_changed("shipped", number)))
        works.clock.pass_(60)

    found = play(works, WRITE)

    assert totals(found, "sent", "messages", "dead") == (3, 3, 2)
    assert found["reasons"] == {"outside_window": 2}


def test_what_is_out_of_date_and_what_is_spam_leads_to_nothing(works: "Works") -> None:
    """By the same reasons as in the engine."""
    rules = TELL.replace("scalev.order.shipped", "scalev.order.status_changed")
    works.receive(stamped(works, order_created()))
    works.receive(stamped(works, order_created(NUMBERS[1], is_probably_spam=True)))
    old = stamped(works, order_status_changed("pending"))
    works.clock.pass_(60)
    works.receive(stamped(works, order_status_changed("confirmed")))
    works.clock.pass_(60)
    works.receive(old)
    works.receive(stamped(works, order_status_changed("pending", NUMBERS[1])))
    works.clock.pass_(60)

    found = play(works, rules.replace(":told", ":{{ event.id }}"))

    assert (totals(found, "sent", "suppressed"), found["reasons"]) == ((1, 2), {"stale": 1, "spam": 1})


def test_an_echo_of_a_rules_own_write_leads_to_nothing(works: "Works") -> None:
    """What the engine did not ask a rule about, as its own write led to it, it is not asked about here."""
    rules = """
rules:
  - name: writer
    on: [scalev.order.status_changed]
    steps:
      - action: scalev.change_status
        once: "{{ event.id }}"
        with: {ids: ["{{ order.id }}"], status: confirmed}
"""
    works.shop.write_rules(rules)
    works.reload()
    works.receive(stamped(works, order_created()))
    first = works.receive(stamped(works, order_status_changed("pending")))
    second = works.receive(stamped(works, order_status_changed("pending", payment_status="paid")))
    works.execute(
        "UPDATE deliveries SET state = 'suppressed', reason = 'loop' WHERE event_id = :id", id=second.event_id
    )
    works.execute("UPDATE events SET chain = '{writer}' WHERE id = :id", id=second.event_id)
    works.execute("UPDATE deliveries SET state = 'succeeded' WHERE event_id = :id", id=first.event_id)
    works.clock.pass_(60)

    found = play(works, rules)

    assert (totals(found, "sent", "same", "gone"), found["reasons"]) == ((1, 1, 0), {"loop": 1})


def test_a_tap_means_what_it_was_found_to_mean(works: "Works") -> None:
    """The first of two decides, and a rule on what it decided follows; what the record says is not guessed anew."""
    ask = TELL.replace("scalev.order.shipped", "scalev.order.created").replace(
        "        with:", "        question: {answers: [Yes], within: 48h}\n        with:"
    )
    works.shop.write_rules(ask)
    works.reload()
    works.receive(stamped(works, order_created()))
    works.settle()
    for _ in range(2):
        works.receive({"chat_id": "628123456789", "user_message": "#Button Reply#Yes"}, "wa", trigger="flow")
        works.clock.pass_(300)
    follow = """\
  - name: follow
    on: [wabotick.postback]
    when: tap.answer == "Yes" and not tap.decided
    steps:
      - action: scalev.change_status
        account: toko
        once: "{{ event.id }}"
        with: {ids: ["{{ order.id }}"], status: confirmed}
"""
    works.clock.pass_(60)

    found = play(works, ask + follow)

    assert (found["rules"]["tell"]["same"], found["rules"]["follow"]["sent"]) == (1, 1)


def test_a_request_with_several_events_is_played_by_its_parts(works: "Works") -> None:
    """Each is an event by itself, the request is none."""
    body = json.dumps(load_example("meta", "batch")).encode()
    accounts = works.shop.folder / "config" / "accounts.yaml"
    more = "  meta: {vendor: meta, app_secrets: [meta-app-secret], verify_token: meta-verify-token,"
    more += " access_token: meta-access-token, phone_number_id: '1'}"
    accounts.write_text(accounts.read_text().replace("# Lifted", f"{more}\n# Lifted", 1))
    works.reload()
    meta, now = works.config.accounts["meta"], works.clock()
    identities = SOURCES["meta"].identify(
        Inbound("meta", body, {}, "", None, None, now), json.loads(body), Match(0, None), meta
    )
    given: dict[str, Any] = {
        "account": "meta", "query": None, "headers": {}, "source_ip": None, "trigger": None, "secret_index": 0,
        "received_at": now, "occurred_at": now, "content_type": "application/json", "handling": Handling.HANDLED,
    }  # fmt: skip
    whole = NewEvent(dedupe_key="batch", type="meta.batch", body=body, **given | {"handling": Handling.IGNORED})
    parts = [
        NewEvent(dedupe_key=one.dedupe_key, type=one.type, part=one.part, body=None, **given) for one in identities
    ]
    with works.engine.begin() as connection:
        inbox.accept(connection, Arrival(tuple(parts), whole), 0)
    works.clock.pass_(60)

    found = play(works, TELL)

    assert len(parts) > 2
    assert (found["events"]["played"], found["events"]["unreadable"]) == (len(parts), 0)


def test_rules_in_python_are_played(works: "Works") -> None:
    """They are asked when an event came, and again when their step would be sent."""

    @rule(name="large", on=["scalev.order.created"])
    def large(context: Any) -> Iterator[dict[str, Any]]:
        if context["order"]["order_id"] == NUMBERS[0]:
            yield {"action": "scalev.change_status", "with": {"ids": [context["order"]["id"]], "status": "confirmed"}}

    vendors = {name: account.vendor for name, account in works.config.accounts.items()}
    compiled, faults = compile_python_rule(large, RuleCompiler(vendors, make_catalog(), Expressions(Business()), "ID"))
    assert not faults
    for number in NUMBERS:
        works.receive(stamped(works, order_created(number)))
    works.clock.pass_(60)

    now = works.clock()
    with works.engine.connect() as connection:
        config = replace(works.config, rules=(compiled,))
        found = Backtest(connection, config, now - timedelta(days=1), now).run(lambda *_: None)

    assert (found["rules"]["large"]["sent"], found["rules"]["large"]["dead"]) == (1, 0)


def test_several_processes_read_what_one_reads(shop: "Shop") -> None:
    """What they understood comes back whole and in order: of every vendor, what cannot be read included."""
    examples = Examples(shop.config).all
    pages = [[example.stored for example in examples], [replace(examples[0].stored, body=b"{")], []]

    with reading(shop.config, WORTH_IT) as read:
        found = list(read(pages))

    assert found == [read_page(shop.config, page) for page in pages]
    assert found[1:] == [[None], []]


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
