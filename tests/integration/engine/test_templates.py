"""Messages judged by the vendor's list of templates, which is asked for rarely, and never a reason to lose one."""

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.support.shop import order_created
from worker.states import ConsentScope

if TYPE_CHECKING:
    from uuid import UUID

    from tests.integration.engine.conftest import Works

SEND, LIST = "/wabotick/api/v1/whatsapp/send/template", "/wabotick/api/v1/whatsapp/template/list"
RULE = """
rules:
  - name: tell
    on: [scalev.order.created]
    steps:
      - id: tell
        action: wabotick.send_template
        with: {phone_number: "{{ order.phone }}", template_id: "TEMPLATE", variables: VARIABLES}
"""


def begin(works: "Works", template: str = "257000", variables: str = '["{{ order.customer_name }}", "JX1"]') -> None:
    """Send one template for each order, judged by the list."""
    works.shop.write_rules(RULE.replace("TEMPLATE", template).replace("VARIABLES", variables))
    works.check_templates()


def attempt(works: "Works", number: str = "250804QWERTY") -> "UUID":
    """Let an order come in, run its delivery once, and return it."""
    [wake] = works.receive(order_created(number)).deliveries
    works.deliver(wake)
    return wake.id


def ended(works: "Works", delivery_id: "UUID") -> tuple[str, str | None]:
    """Return a delivery's state and reason."""
    row = works.delivery(delivery_id)
    return row.state, row.reason


def asked(works: "Works", path: str) -> int:
    """Return how many requests Wabotick got at a path."""
    return len(works.shop.sandbox.requests(path))


def change(works: "Works", template: str = "257000", **said: Any) -> None:
    """Let Meta judge a template, or its text be another one."""
    url = f"{works.shop.sandbox.url}/_sandbox/state/wabotick/templates/{template}"
    httpx.put(url, json=said).raise_for_status()


def kept(works: "Works") -> Any:
    """Return the one list that the ledger keeps."""
    [row] = works.shop.rows("SELECT * FROM template_lists")
    return row


def test_one_call_for_many_messages(works: "Works") -> None:
    """The list is asked for once in its lifetime, by all processes together, and stands in no attempt."""
    begin(works)

    first = attempt(works, "250804QWERT1")
    attempt(works, "250804QWERT2")
    works.check_templates()  # another process
    attempt(works, "250804QWERT3")
    works.clock.pass_(3000)
    attempt(works, "250804QWERT4")

    assert (asked(works, LIST), asked(works, SEND)) == (1, 4)
    [exchanges] = works.shop.rows("SELECT exchanges FROM attempts WHERE delivery_id = :id", id=first)
    assert [one["request"]["path"] for one in exchanges.exchanges] == ["/whatsapp/send/template"]
    works.clock.pass_(3601)
    attempt(works, "250804QWERT5")
    assert (asked(works, LIST), asked(works, SEND)) == (2, 5)


@pytest.mark.parametrize(
    ("template", "variables", "said"),
    [
        ("257000", '["{{ order.customer_name }}"]', "{{2}} is missing"),
        ("257000", '["a", "b", "{{ order.order_id }}"]', "but variables gives 3"),
        ("257005", '["a"]', "has a file as its header"),
        ("257004", '["a"]', "was rejected by WhatsApp"),
        ("257007", '["a"]', "is disabled by WhatsApp"),
        ("257008", '["a", "b"]', "are not mapped"),
        ("order_shipped", '["a", "b"]', '"order_shipped" is another name of "257000"'),
        ("999999", "[]", "there is no template"),
    ],
)
def test_what_cannot_be_sent_does_not_leave(works: "Works", template: str, variables: str, said: str) -> None:
    """It is a dead letter that says what to do, and no request to send was made."""
    begin(works, template, variables)

    found = attempt(works)

    row = works.delivery(found)
    assert row.state == "dead"
    assert row.reason in {"template", "template_stopped"}
    assert said in row.last_error
    assert asked(works, SEND) == 0


@pytest.mark.parametrize("value", ["", "two\\nlines", "a\\ttab", "many      blanks"])
def test_values_that_whatsapp_refuses_do_not_leave(works: "Works", value: str) -> None:
    """Empty ones, line breaks, tabs, more than four blanks: the parameter is named."""
    begin(works, variables=f'["{{{{ order.order_id[:0] ~ \'{value}\' }}}}", "JX1"]')

    found = attempt(works)

    assert ended(works, found) == ("dead", "invalid_parameters")
    assert "variables" in works.delivery(found).last_error
    assert asked(works, SEND) == 0


@pytest.mark.parametrize("status", ["Paused", "Pending"])
def test_a_paused_template_holds_its_messages_until_it_is_back(works: "Works", status: str) -> None:
    """They are looked at again after ten minutes, spend no attempt, and go when the list says so."""
    begin(works)
    change(works, status=status)
    found = attempt(works)
    row = works.delivery(found)
    assert (row.state, row.reason, row.attempts) == ("waiting", "template_stopped", 0)
    assert asked(works, SEND) == 0

    works.clock.pass_(600)
    works.deliver(found)
    assert ended(works, found) == ("waiting", "template_stopped")
    change(works, status="Approved")
    works.clock.pass_(600)
    works.deliver(found)

    assert ended(works, found) == ("succeeded", None)
    assert asked(works, SEND) == 1


def test_a_template_that_stays_paused_is_given_up_after_a_day(works: "Works") -> None:
    """Then somebody has to decide."""
    begin(works)
    change(works, status="Paused")
    found = attempt(works)

    works.clock.pass_(86_401)
    works.deliver(found)

    assert ended(works, found) == ("dead", "template_stopped")
    assert works.delivery(found).last_error.startswith("held for a day: template")


def test_what_was_mended_is_seen_within_a_minute(works: "Works") -> None:
    """A list that is over a minute old keeps nothing back: the vendor is asked again first."""
    begin(works)
    change(works, status="Rejected")
    found = attempt(works)
    assert ended(works, found) == ("dead", "template")
    change(works, status="Approved")

    works.clock.pass_(61)
    with works.people() as people:
        people.retry(found)
    works.deliver(found)

    assert ended(works, found) == ("succeeded", None)
    assert (asked(works, LIST), asked(works, SEND)) == (2, 1)


def test_a_template_that_is_new_is_found(works: "Works") -> None:
    """It was not in the list that is kept, so the vendor is asked again."""
    begin(works)
    attempt(works, "250804QWERT1")
    works.execute("UPDATE template_lists SET templates = templates - 0")  # the list of before it was there
    works.clock.pass_(61)

    found = attempt(works, "250804QWERT2")

    assert ended(works, found) == ("succeeded", None)
    assert asked(works, LIST) == 2


def test_a_changed_text_is_seen(works: "Works") -> None:
    """The list says how many variables it has by now."""
    begin(works)
    change(works, body_content="Halo {{1}}")

    assert ended(works, attempt(works)) == ("dead", "template")


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 404}, {"reset": True}, {"truncate": True}])
def test_without_a_list_the_message_goes_as_before(works: "Works", fault: dict[str, Any]) -> None:
    """The vendor's own refusal is the net; that it could not be had is written down, and it is not asked each time."""
    begin(works)
    works.shop.sandbox.fail(vendor="wabotick", path="/whatsapp/template/list", **fault)

    first, second = attempt(works, "250804QWERT1"), attempt(works, "250804QWERT2")

    assert [ended(works, one) for one in (first, second)] == [("succeeded", None)] * 2
    assert (asked(works, LIST), asked(works, SEND)) == (1, 2)
    row = kept(works)
    assert (row.failures, row.templates, row.listed_at) == (1, None, None)
    assert row.error


def test_a_list_that_is_never_there_is_asked_for_ever_more_rarely(works: "Works") -> None:
    """After one minute, two, four, at most about an hour; when it is back, it counts at once."""
    begin(works)
    works.shop.sandbox.fail(vendor="wabotick", path="/whatsapp/template/list", status=404)
    for number, seconds in enumerate((0, 61, 61, 61)):
        works.clock.pass_(seconds)
        attempt(works, f"250804QWER{number:02}")
    assert asked(works, LIST) == 3
    assert kept(works).failures == 3

    works.shop.sandbox.heal()
    change(works, status="Rejected")
    works.clock.pass_(300)

    assert ended(works, attempt(works)) == ("dead", "template")
    assert (kept(works).failures, kept(works).error) == (0, None)


def test_a_stale_list_that_cannot_be_renewed_keeps_nothing_back(works: "Works") -> None:
    """What was known an hour ago is no reason to lose a message."""
    begin(works)
    change(works, status="Rejected")
    attempt(works, "250804QWERT1")
    change(works, status="Approved")
    works.shop.sandbox.fail(vendor="wabotick", path="/whatsapp/template/list", status=500)
    works.clock.pass_(4000)

    assert ended(works, attempt(works, "250804QWERT2")) == ("succeeded", None)


def test_while_another_worker_asks_nobody_waits(works: "Works") -> None:
    """The claim of a worker that was lost holds for a minute, and messages go meanwhile."""
    begin(works)
    now = works.clock()
    works.execute("INSERT INTO template_lists (account, shelf, tried_at) VALUES ('wa', '', :now)", now=now)

    assert ended(works, attempt(works, "250804QWERT1")) == ("succeeded", None)
    assert asked(works, LIST) == 0
    works.clock.pass_(61)
    attempt(works, "250804QWERT2")
    assert asked(works, LIST) == 1


def test_who_opted_out_is_said_first(works: "Works") -> None:
    """A person's wish counts before the list has a word."""
    begin(works, "257004", '["a"]')
    with works.people() as people:
        people.consent("+628123456789", ConsentScope.ALL, None, stopped=True)

    assert ended(works, attempt(works)) == ("suppressed", "opted_out")


def test_it_can_be_switched_off(works: "Works") -> None:
    """With a lifetime of nothing no list is asked for."""
    begin(works)
    works.check_templates(0)

    assert ended(works, attempt(works)) == ("succeeded", None)
    assert asked(works, LIST) == 0
    assert works.shop.rows("SELECT * FROM template_lists") == []
