"""An order's story: what happened in business words and in order, what is planned, what failed and what to do."""

import json
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from console.stories.entries import Tone
from console.stories.story import Story, read_story
from tests.conformance.sources.vendors.registry import CASES
from tests.support.shop import order_created, order_status_changed
from webhooks.examples import example_names, load_example
from webhooks.registry import SOURCES
from worker.context import Subject, personal_texts
from worker.ids import new_id
from worker.states import Press

if TYPE_CHECKING:
    from tests.integration.engine.conftest import Works

ORDER = Subject("toko", "order:250804QWERTY")
RULES = """
rules:
  - name: remind
    on: [scalev.order.created]
    steps:
      - action: wabotick.send_template
        account: wa
        at: "{{ now.replace(year=2099) }}"
        unless: order.payment_status == "paid"
        cancel_on: [scalev.order.paid, scalev.order.canceled]
        category: utility
        with: {phone_number: "{{ order.phone }}", template_id: "257000", variables: [a, b]}
  - name: tell-shipped
    on: [scalev.order.shipped]
    steps:
      - action: wabotick.send_template
        account: wa
        category: utility
        with: {phone_number: "{{ order.phone }}", template_id: "257000", variables: [a, b]}
        question: {answers: [Received, Problem], within: 3d}
  - name: received
    on: [wabotick.postback]
    steps:
      - action: scalev.change_status
        account: toko
        with: {ids: ["{{ order.id }}"], status: completed}
      - action: proton.create_opportunity
        account: crm
        with: {pipeline_id: pipeline-sales, stage_id: stage-new, title: Again, customer_id: "{{ order.customer_id }}"}
"""
MESSAGE = "WhatsApp message (template 257000)"


@pytest.fixture
def ruled(works: "Works") -> "Works":
    """The engine with these rules."""
    works.shop.write_rules(RULES)
    works.reload()
    return works


def story(works: "Works", subject: Subject = ORDER, **more: Any) -> Story:
    """Read a story."""
    with works.engine.begin() as connection:
        found = read_story(connection, works.config, subject, works.clock(), **more)
    assert found is not None
    return found


def lines(found: Story) -> list[str]:
    """Return what is told, in order."""
    return [entry.text for entry in found.entries]


def paid() -> dict[str, Any]:
    """Return the event that an order was paid."""
    body = load_example("scalev", "order.payment_status_changed")
    body["data"]["order_id"] = "250804QWERTY"
    return body


def shipped_and_told(works: "Works") -> str:
    """Place an order, pay it, ship it, tell the buyer; return the message's id."""
    works.receive(order_created())
    works.receive(paid())
    routed = works.receive(order_status_changed("shipped", shipment_receipt="JX1"))
    [sent] = [works.deliver(wake) for wake in routed.deliveries]
    assert sent.conclusion.result is not None
    return str(sent.conclusion.result["message_id"])


def report(works: "Works", message_id: str, state: str, **more: Any) -> None:
    """Receive a report on a message, a minute later."""
    works.clock.pass_(60)
    body = load_example("wabotick", "message.status")
    works.receive(body | {"wa_message_id": message_id, "message_status": state, **more}, "wa", trigger="status")


def test_an_order_from_its_placing_to_the_tapped_button(ruled: "Works") -> None:
    """Each thing once, in business words, in the order in which it happened."""
    message_id = shipped_and_told(ruled)
    report(ruled, message_id, "delivered")
    report(ruled, message_id, "read")
    ruled.clock.pass_(60)
    tap = {"chat_id": "628123456789", "title": "Received", "postbackid": "x", "reply_message_id": message_id}
    for wake in ruled.receive(tap, "wa", trigger="flow").deliveries:
        ruled.deliver(wake)

    found = story(ruled)

    assert lines(found) == [
        "Order placed: Produk Contoh",
        "Paid by bank transfer",
        "Shipped, receipt JX1",
        f"{MESSAGE} not sent: the order is paid",
        f"{MESSAGE} sent",
        f"{MESSAGE} delivered",
        f"{MESSAGE} read",
        "Button tapped: “Received”",
        "Order set to completed",
        "Opportunity created (Proton)",
    ]
    assert (found.title, found.planned, found.problems, found.earlier) == ("Order 250804QWERTY", (), (), None)
    assert found.entries[2].tone is Tone.GOOD
    assert "It asks: “Received” or “Problem”" in found.entries[4].details
    assert all(entry.event_id for entry in found.entries)


def test_a_receipt_from_a_slow_clock_is_told_after_its_message(ruled: "Works") -> None:
    """Vendors tell whole seconds: what arrived in the second of its sending was not delivered before it was sent."""
    message_id = shipped_and_told(ruled)
    report(ruled, message_id, "delivered")
    ruled.execute("UPDATE messages SET delivered_at = accepted_at - interval '1 second'")

    told = lines(story(ruled))

    assert told.index(f"{MESSAGE} sent") < told.index(f"{MESSAGE} delivered")


def test_what_is_planned_says_when_and_unless(ruled: "Works") -> None:
    """In the words of the rule's own condition and of what cancels it."""
    ruled.receive(order_created())

    [plan] = story(ruled).planned

    assert plan.text == f"Send {MESSAGE}"
    assert plan.unless_text == "the payment status is paid, or the order is paid, or the order is cancelled"
    assert (plan.is_due, plan.rule, plan.account) == (False, "remind", "wa")


def test_what_failed_says_what_it_means_and_what_to_do(ruled: "Works") -> None:
    """In the vendor's words and in ours, in the time line and on top."""
    message_id = shipped_and_told(ruled)
    report(ruled, message_id, "failed", failed_reason="(Error Code : 131026 )Message Undeliverable.")

    found = story(ruled)

    said = "the number has no WhatsApp, or cannot get this message"
    assert f"{MESSAGE} failed: {said} (code 131026)" in lines(found)
    [problem] = found.problems
    assert (problem.state, problem.reason) == ("dead", "undeliverable")
    assert "Ask the person" in problem.to_do


def test_what_may_have_happened_needs_a_person(ruled: "Works") -> None:
    """Sent without an answer: the story says so, and how it ended once a person said it."""
    ruled.shop.sandbox.fail(vendor="wabotick", path="*template", when="after", truncate=True, times=1)
    ruled.receive(order_created())
    [wake] = ruled.receive(order_status_changed("shipped")).deliveries
    ruled.deliver(wake)
    before = story(ruled)

    with ruled.people() as people:
        people.resolve(wake.id, sent=True)
    after = story(ruled)

    assert [problem.state for problem in before.problems] == ["unknown"]
    assert any(line.startswith(f"{MESSAGE}: it may have happened") for line in lines(before))
    assert after.problems == ()
    assert f"ani said that it was sent: Send {MESSAGE}" in lines(after)


def test_a_test_event_is_told_as_one(ruled: "Works") -> None:
    """Who sent it stands in the story, in words; what was written down under another time's name is told by it."""
    placed = ruled.accept(order_created())
    ruled.route(placed)
    with ruled.people("root") as people:
        people.note(Press.SEND, placed, {"comment": "to try it"})
    with ruled.engine.begin() as connection:
        connection.execute(
            text("INSERT INTO audit VALUES (:id, :at, 'root', 'looked_twice', :target, '{}')"),
            {"id": new_id(), "at": ruled.clock(), "target": str(placed)},
        )

    found = [entry for entry in story(ruled).entries if entry.text.startswith("root")]

    assert [entry.text for entry in found] == ["root sent it, as a test", "root looked twice"]
    assert found[0].details == ("“to try it”",)


def test_an_account_that_is_held_is_named_with_the_plan(ruled: "Works") -> None:
    """What waits for an open circuit says why, and what mends it."""
    ruled.shop.sandbox.fail(vendor="wabotick", path="*template", status=401)
    ruled.receive(order_created())
    [wake] = ruled.receive(order_status_changed("shipped")).deliveries
    ruled.deliver(wake)

    plan = next(plan for plan in story(ruled).planned if plan.rule == "tell-shipped")

    [note] = plan.notes
    assert note.startswith("The account “wa” is held: the vendor refuses the account's key. Put a valid key")


def test_a_person_who_opts_out_is_in_the_order_s_story(ruled: "Works") -> None:
    """Said to a number, not about the order; it concerns it all the same."""
    ruled.receive(order_created())
    stop = {"chat_id": "628123456789", "user_message": "STOP", "message_id": "wamid.1"}
    routed = ruled.receive(stop, "wa", trigger="incoming")
    for event_id in routed.events or [
        row.id for row in ruled.shop.rows("SELECT id FROM events WHERE state = 'received'")
    ]:
        ruled.route(event_id)

    found = story(ruled)
    person = story(ruled, Subject("wa", "phone:628123456789"))

    assert "The person wants no more messages" in lines(found)
    assert len(found.consents) == 1
    assert {"The person wrote", "The person wants no more messages"} <= {
        line.partition(":")[0] for line in lines(person)
    }
    assert "order:250804QWERTY" in [one.subject.key for one in person.related]
    assert "8123456789" not in person.title


def test_a_story_of_very_many_events_is_told_in_pages(ruled: "Works") -> None:
    """Every event stands on exactly one page; what is planned stands on each."""
    ruled.receive(order_created())
    with ruled.engine.begin() as connection:
        values = [{"id": new_id(), "key": f"k{number}", "at": ruled.clock()} for number in range(250)]
        connection.execute(
            text(
                "INSERT INTO events (id, account, dedupe_key, type, handling, state, subject, subject_account, body,"
                " received_at, occurred_at) VALUES (:id, 'toko', :key, 'scalev.order.updated', 'handled', 'processed',"
                " 'order:250804QWERTY', 'toko', 'not json', :at, :at)"
            ),
            values,
        )
    seen: list[Any] = []
    page = story(ruled)
    while True:
        seen += [entry.event_id for entry in page.entries]
        assert len(page.planned) == 1
        if page.earlier is None:
            break
        page = story(ruled, before=page.earlier)

    assert len(seen) == len(set(seen)) == 251


def test_hostile_names_are_told_harmlessly(ruled: "Works") -> None:
    """Scripts, turned directions, a megabyte: one short line each, and nobody's name in clear."""
    name = "<script>alert(1)</script>\u202e" + "x" * 1_000_000
    body = order_created()
    body["data"]["destination_address"]["name"] = name
    for line in body["data"]["orderlines"]:
        line["product_name"] = "<b>" + name
    ruled.receive(body)

    found = story(ruled)

    assert all(len(line) < 300 and "\u202e" not in line for line in lines(found))
    assert "xxxxxxxxxx" not in str(found.snapshot["customer_name"])


def test_a_rule_and_an_event_of_another_time_are_told_too(ruled: "Works") -> None:
    """Rules that are gone, types that nobody knows, bodies that cannot be read: a story still."""
    ruled.receive(order_created())
    ruled.execute("UPDATE deliveries SET rule = 'gone', action = 'gone.do_it', state = 'dead', reason = 'of_old'")
    ruled.execute("UPDATE events SET type = 'gone.was', body = 'x', state = 'failed', reason = 'of_old'")

    found = story(ruled)

    assert "Was (gone)" in lines(found)
    assert [problem.reason for problem in found.problems][:2] == ["of_old", "of_old"]


def test_nothing_known_is_no_story(ruled: "Works") -> None:
    """Neither an event nor a snapshot."""
    with ruled.engine.begin() as connection:
        assert read_story(connection, ruled.config, Subject("toko", "order:NONE"), ruled.clock()) is None


def test_every_vendor_s_events_are_told(works: "Works") -> None:
    """Whatever comes in of any vendor has a story in words, and nobody's name or number in it."""
    accounts = {vendor: {"vendor": vendor, **CASES[vendor].account} for vendor in SOURCES}
    (works.shop.folder / "config" / "accounts.yaml").write_text(json.dumps({"accounts": accounts}))
    works.shop.write_rules("rules: []")
    works.reload()
    for vendor in SOURCES:
        case = CASES[vendor]
        for name in example_names(vendor):
            trigger = case.triggers.get(name.partition("__")[0], case.trigger) or None
            works.receive(load_example(vendor, name), vendor, trigger=trigger)
    named = works.shop.rows("SELECT DISTINCT subject_account, subject FROM events WHERE subject IS NOT NULL")

    found = [story(works, Subject(row.subject_account, row.subject)) for row in named]

    assert {one.kind for one in found} >= {
        "order",
        "customer",
        "phone",
        "container",
        "deal",
        "sales_order",
        "call_note",
    }
    known = [row.snapshot for row in works.shop.rows("SELECT snapshot FROM subjects")]
    personal = {text for snapshot in known for text in personal_texts(snapshot) if len(text) > 4}
    for one in found:
        said = " ".join([one.title, *lines(one), *(part for entry in one.entries for part in entry.details)])
        assert one.entries, one.title
        assert not set("{}[]_") & set(said), said
        assert [text for text in personal if text in said] == []
