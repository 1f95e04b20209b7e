"""The pages of rules: what is active and how much it is used, an event tried, what was recorded played again."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.support.shop import order_created, order_status_changed
from webhooks.examples import load_example
from worker.ledger import reloads
from worker.ledger.counting import Counter
from worker.ledger.reloads import InUse
from worker.ledger.rule_uses import uses_of

if TYPE_CHECKING:
    from tests.integration.engine.conftest import Works
    from tests.integration.web.conftest import Browser

RULES = """
rules:
  - name: tell
    on: [scalev.order.created]
    from: [toko]
    when: order.phone and order.status != "canceled"
    set: {who: "{{ order.customer_name or 'Kak' }}"}
    steps:
      - id: first
        action: wabotick.send_template
        category: utility
        after: 90m
        unless: order.payment_status == "paid"
        cancel_on: [scalev.order.paid]
        once: "{{ order.order_id }}:told"
        question: {name: sure, answers: [Ya, Tidak], within: 2h}
        retry: {attempts: 3, within: 1d}
        with: {phone_number: "{{ order.phone }}", template_id: "257000", variables: ["{{ who }}", "-"]}
        on_failure:
          - action: proton.create_task
            reasons: [undeliverable]
            with: {user_id: ops@acme.example, title: "Call {{ order.order_id }}"}
  - name: other
    on: [scalev.order.shipped]
    steps:
      - action: scalev.change_status
        with: {ids: ["{{ order.id }}"], status: completed}
"""


@pytest.fixture
def ruled(works: "Works") -> "Works":
    """A shop with two rules, of which one was followed for three orders; the clock shows the real time."""
    works.clock.now = datetime.now(UTC)
    works.shop.write_rules(RULES)
    works.reload()
    for number in ("250804FIRST1", "250804SECOND", "250804THIRD3"):
        works.receive(order_created(number))
        works.clock.pass_(1)
    return works


def test_the_rules_are_listed_with_what_became_of_them(ruled: "Works", viewer: "Browser") -> None:
    """Where each stands, what it listens to, how often it matched, when last, and how its deliveries fare."""
    Counter(ruled.engine).count(ruled.clock())

    page = viewer.open("/rules")

    assert "rules/test.yaml:3" in page
    assert "only from toko" in page
    assert "/deliveries?rule=tell&amp;state=ready" in page
    with ruled.engine.connect() as connection:
        uses = uses_of(connection, ["tell", "other"], ruled.clock())
    assert (uses["tell"].ever, uses["tell"].day, uses["tell"].week, uses["tell"].states) == (3, 3, 3, {"ready": 3})
    assert uses["tell"].last_at is not None
    assert (uses["other"].ever, uses["other"].last_at, uses["other"].states) == (0, None, {})


def test_of_a_rule_that_is_used_much_the_newest_deliveries_are_looked_at(ruled: "Works") -> None:
    """So the page is as quick in a ledger of any size."""
    with ruled.engine.connect() as connection:
        assert uses_of(connection, ["tell"], ruled.clock(), most=2)["tell"].looked_at == 2


def test_a_rule_is_told_in_words(ruled: "Works", viewer: "Browser") -> None:
    """Every key that it was written with, its expressions as they were written, and what is done instead."""
    accounts = ruled.shop.folder / "config" / "accounts.yaml"
    accounts.write_text(accounts.read_text() + 'business: {quiet_hours: "21:00-08:00"}\n')

    page = viewer.open("/rules/of/tell")

    for said in (
        "When scalev.order.created comes by toko", "order.phone and order.status != &#34;canceled&#34;", "who is",
        "1 hour 30 minutes after it happened", "not if, at that moment,", "cancelled by scalev.order.paid",
        "once in the world for each", "{{ order.order_id }}:told", "utility: to everybody",
        "asks “sure”: Ya or Tidak, open for 2 hours", "tried 3 times at most, for 1 day at most",
        "If it finally failed", "only where it failed because of undeliverable", "Call {{ order.order_id }}",
        "{{ order.phone }}", "{{ who }}",
    ):  # fmt: skip
        assert said in page, said
    assert "ops@acme.example" not in page
    viewer.open("/rules/of/nothing", 404)


def test_a_refused_reload_is_told_loudly(ruled: "Works", viewer: "Browser") -> None:
    """By the worker that refused, with file and line; as long as that worker lives."""
    fault = "rules/test.yaml:9: unknown key <b>"
    with ruled.engine.begin() as connection:
        reloads.write(connection, InUse("worker-1", ruled.clock(), 2, (fault,)))

    page = viewer.open("/rules")

    assert 'role="alert"' in page
    assert "worker-1" in page
    assert "rules/test.yaml:9: unknown key &lt;b&gt;" in page


@pytest.mark.usefixtures("ruled")
def test_a_rule_is_paused_on_its_page(operator: "Browser", viewer: "Browser") -> None:
    """By who may, with a reason, which stands there until it is resumed."""
    assert 'action="/held/pause/rule/tell"' in operator.open("/rules/of/tell")
    assert "/held/pause" not in viewer.open("/rules/of/tell")

    assert operator.press("/held/pause/rule/tell", comment="wrong template", back="/rules").status_code == 303

    for path in ("/rules", "/rules/of/tell"):
        assert "wrong template" in viewer.open(path)
    assert 'action="/held/resume/rule/tell"' in operator.open("/rules/of/tell")


def test_a_recorded_event_is_tried(ruled: "Works", viewer: "Browser") -> None:
    """What each rule says to it, with its parameters masked; nothing is written."""
    [event, *_] = ruled.shop.rows("SELECT id FROM events WHERE type = 'scalev.order.created' ORDER BY id")

    page = viewer.open(f"/rules/try?event={event.id}")

    assert "it is planned already" in page
    assert "it listens to scalev.order.shipped" in page
    assert "8123456789" not in page
    assert len(ruled.shop.deliveries()) == 3
    assert "no id of an event" in viewer.open("/rules/try?event=x")
    assert "there is no event or delivery" in viewer.open("/rules/try?event=0198a1b2-3c4d-7e5f-8a9b-0c1d2e3f4a5b")


def test_an_example_is_tried(ruled: "Works", viewer: "Browser") -> None:
    """With the facts that it leads to."""
    page = viewer.open("/rules/try?example=toko/order.status_changed")

    assert "It leads to scalev.order.shipped" in page
    assert "scalev.change_status at toko" in page
    viewer.open("/rules/try?example=toko/nothing", 404)
    viewer.open("/rules/try?example=nobody/order.created", 404)
    assert len(ruled.shop.rows("SELECT id FROM events WHERE parent_id IS NULL")) == 3


def test_a_pasted_body_is_tried(ruled: "Works", operator: "Browser", viewer: "Browser") -> None:
    """As if the account had received it; by who may paste, and nothing of it is kept."""
    body = json.dumps(order_status_changed("shipped", "250804PASTED"))

    page = operator.press("/rules/try", account="toko", trigger="", body=body).text

    assert "scalev.order.status_changed" in page
    assert "It leads to scalev.order.shipped" in page
    assert viewer.press("/rules/try", account="toko", trigger="", body=body).status_code == 403
    for broken, said in (("{", "This cannot be read"), ("", "Paste the event"), ("{" * 300_000, "Paste the event")):
        assert said in operator.press("/rules/try", account="toko", trigger="", body=broken).text
    assert "there is no account" in operator.press("/rules/try", account="nobody", trigger="", body="{}").text
    tap = json.dumps(load_example("wabotick", "postback"))
    assert "wabotick.postback" in operator.press("/rules/try", account="wa", trigger="flow", body=tap).text
    assert ruled.shop.rows("SELECT id FROM events WHERE subject = 'order:250804PASTED'") == []
