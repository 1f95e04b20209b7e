"""One change at Scalev told twice, and the first order of a buyer: what follows, and what does not."""

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.shop import order_created

if TYPE_CHECKING:
    from tests.integration.engine.conftest import Works

ON_EVENT = """
rules:
  - name: welcome
    on: [{type}]
    steps:
      - action: wabotick.send_template
        {once}
        with:
          phone_number: "{{{{ {who}.phone }}}}"
          template_id: "257000"
          variables: ["{{{{ data.order_id }}}}", b]
"""


def use_rule(works: "Works", type_: str, who: str = "order", once: str = "") -> None:
    """Let one rule send a message."""
    works.shop.write_rules(ON_EVENT.format(type=type_, who=who, once=once))
    works.reload()


def twice(works: "Works") -> tuple[Any, Any]:
    """Receive one order as the business's own delivery and as an app's."""
    body = order_created()
    return works.receive(body), works.receive(body | {"unique_id": "event_TWIN"}, headers={"x-scalev-app-id": "app_1"})


def test_the_same_change_from_an_app_has_no_second_effect(works: "Works") -> None:
    """Both events are kept; the second one's delivery is not planned, as the first has the effect."""
    use_rule(works, "scalev.order.created")

    first, second = twice(works)
    works.settle()

    assert first.event_id != second.event_id
    assert len(works.shop.sandbox.effects("message")) == 1
    assert sorted(row.state for row in works.shop.deliveries()) in (["succeeded"], ["succeeded", "suppressed"])


def test_a_condition_that_could_not_be_asked_is_asked_for_both_with_one_effect(works: "Works") -> None:
    """The effect's name is found at the moment of sending, too."""
    use_rule(works, "scalev.order.created", once='once: "{{ data.missing }}"')
    twice(works)
    assert {row.state for row in works.shop.deliveries()} == {"dead"}

    use_rule(works, "scalev.order.created")
    for row in works.shop.deliveries():
        with works.people() as people:
            people.retry(row.id)
    works.settle()

    assert len(works.shop.sandbox.effects("message")) == 1


def test_another_change_of_the_order_is_another_saying(works: "Works") -> None:
    """Two updates of one order are two."""
    use_rule(works, "scalev.order.created")

    works.receive(order_created())
    works.receive(order_created(notes="Please hurry", last_updated_at="2025-08-04T03:20:08Z"))
    works.settle()

    assert len(works.shop.sandbox.effects("message")) == 2


@pytest.mark.parametrize("spam", [False, True])
def test_the_first_order_of_a_buyer_is_a_fact_of_the_customer(works: "Works", spam: bool) -> None:
    """Once for each customer, with the customer's snapshot at hand; a spam order is nobody's first."""
    use_rule(works, "scalev.customer.first_seen", who="customer")

    works.receive(order_created("250804FIRSTA", is_probably_spam=spam))
    works.receive(order_created("250804SECOND", is_probably_spam=spam))
    works.receive(order_created("250804OTHERS", is_probably_spam=spam, customer_id=28999))
    works.settle()

    facts = works.shop.rows("SELECT * FROM events WHERE type = 'scalev.customer.first_seen' ORDER BY id")
    assert [fact.subject for fact in facts] == ([] if spam else ["customer:28024", "customer:28999"])
    assert [effect["phone_number"] for effect in works.shop.sandbox.effects("message")] == (
        [] if spam else ["628123456789"] * 2
    )


def test_the_first_order_of_a_buyer_is_replayed_with_its_event(works: "Works") -> None:
    """A replay asks the rules of the fact again and plans nothing that is planned."""
    use_rule(works, "scalev.customer.first_seen", who="customer")
    routed = works.receive(order_created())
    works.settle()

    with works.people() as people:
        people.replay(routed.event_id)
    works.route(routed.event_id)
    works.settle()

    assert len(works.shop.deliveries()) == 1
    assert len(works.shop.sandbox.effects("message")) == 1
