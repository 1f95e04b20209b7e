"""Questions that messages ask: which tap answers which, the first one decides, and nothing is guessed."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Row

from tests.integration.cli.test_commands import document
from tests.support.shop import order_created, order_status_changed
from webhooks.examples import load_example

if TYPE_CHECKING:
    from tests.integration.engine.conftest import Works

FIRST, SECOND = "250804FIRST1", "250804SECOND2"
PHONE, OTHER = "628123456789", "628120000000"
HOUR = 3600
RULES = """
rules:
  - name: ask
    on: [scalev.order.created]
    steps:
      - id: ask
        action: wabotick.send_template
        account: ACCOUNT
        once: "{{ order.order_id }}:ask"
        cancel_on: [scalev.order.canceled]
        question: {answers: [Confirm, Cancel], within: 48h}
        with: {phone_number: "{{ order.phone }}", template_id: "257000", variables: [Ani, "{{ order.order_id }}"]}
  - name: confirm
    on: [wabotick.postback]
    when: tap.answer == "Confirm" and not tap.decided and not event.ambiguous
    steps:
      - action: wabotick.add_notes
        account: wa
        once: "{{ order.order_id }}:confirmed"
        with: {phone_number: "{{ data.phone }}", note_text: "{{ order.order_id }} confirmed"}
  - name: tell
    on: [wabotick.postback]
    when: tap.decided
    steps:
      - action: wabotick.add_notes
        account: wa
        with: {phone_number: "{{ data.phone }}", note_text: "Buyer chose {{ tap.decision }} already"}
  - name: which
    on: [wabotick.postback]
    when: event.ambiguous
    steps:
      - action: wabotick.add_notes
        account: wa
        with: {phone_number: "{{ data.phone }}", note_text: "Which order?"}
"""
SECOND_NUMBER = """
  wb:
    vendor: wabotick
    api_token: "2|test-wabotick-token"
    phone_number_id: "100000000000002"
    url_secrets: {flow: wabotick-flow-secret-of-the-second}
    base_url: "${SANDBOX_URL}/wabotick/api/v1"
"""


@pytest.fixture
def asking(works: "Works") -> "Works":
    """A shop that asks every buyer."""
    use(works, RULES)
    return works


def use(works: "Works", rules: str, account: str = "wa") -> None:
    """Follow other rules."""
    works.shop.write_rules(rules.replace("ACCOUNT", account))
    works.reload()


def ask(works: "Works", number: str, phone: str = PHONE) -> str:
    """Let an order come in and its question be asked; return the message's id."""
    routed = works.receive(order_created(number, phone=phone) | {"timestamp": works.clock().isoformat()})
    [wake] = routed.deliveries
    concluded = works.deliver(wake).conclusion
    assert concluded.state == "succeeded", concluded
    works.clock.pass_(60)
    return str(works.delivery(wake.id).result["message_id"])


def tap(works: "Works", title: str = "Confirm", phone: str = PHONE, account: str = "wa", **said: Any) -> Row[Any]:
    """Tap a button; return the event's row."""
    body = {"chat_id": phone, "user_message": f"#Button Reply#{title}", **said}
    return works.event(works.receive(body, account, trigger="flow").event_id)


def questions(works: "Works") -> list[Row[Any]]:
    """Return the questions, oldest first."""
    return works.shop.rows("SELECT * FROM questions ORDER BY asked_at, delivery_id")


def followed(works: "Works") -> list[str]:
    """Return which rules followed, but for the one that asks."""
    return [row.rule for row in works.shop.deliveries() if row.rule not in {"ask", "hookyard.complete"}]


def test_a_question_is_written_down_when_its_message_leaves(asking: "Works") -> None:
    """Whom, by which number, about what and until when; the person is not in clear."""
    began = asking.clock()
    ask(asking, FIRST)

    [row] = questions(asking)
    assert (row.number, row.subject_account, row.subject, row.name) == (
        "100000000000001", "toko", f"order:{FIRST}", "ask",
    )  # fmt: skip
    assert (row.answers, row.answered_by, (row.until - began).total_seconds()) == (
        ["Confirm", "Cancel"],
        None,
        48 * HOUR,
    )
    assert PHONE not in row.person


@pytest.mark.parametrize("title", ["Confirm", "  confirm ", "CONFIRM"])
def test_the_single_open_question_is_answered(title: str, asking: "Works") -> None:
    """A tap that says nothing but its label finds the order, and decides."""
    ask(asking, FIRST)

    event = tap(asking, title)

    assert (event.subject, event.subject_account, event.note) == (f"order:{FIRST}", "toko", None)
    assert event.tap == {
        "found_by": "question", "question": "ask", "answer": "Confirm", "decided": False, "decision": "Confirm",
        "late": False, "ambiguous": False,
    }  # fmt: skip
    assert [row.answered_by for row in questions(asking)] == [event.id]
    assert followed(asking) == ["confirm"]
    asking.settle()
    [label] = [d for d in asking.shop.deliveries() if d.rule == "confirm"]
    assert label.state == "succeeded"


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ({"postbackid": "confirm::8fj2kd93js0a2kd"}, "Confirm"),
        ({"postbackid": "gT9xK2mQvLw0RTU", "user_message": "#Button Reply#Cancel"}, "Cancel"),
        ({"postbackid": "gT9xK2mQvLw0RTU", "action": "cancel"}, "Cancel"),
        ({"postbackid": "gT9xK2mQvLw0RTU", "user_message": "Talk to a person"}, None),
    ],
)
def test_a_button_is_known_by_id_or_label_and_another_one_is_no_answer(
    said: dict[str, Any], answer: str | None, asking: "Works"
) -> None:
    """What follows `::` is cut; an action said outright comes first; what is none of the answers leaves it open."""
    ask(asking, FIRST)

    event = tap(asking, **said)

    assert event.tap["answer"] == answer
    assert (event.subject == f"order:{FIRST}") == (answer is not None)
    assert [row.answer for row in questions(asking)] == [answer]


def test_two_open_questions_are_not_guessed_between(asking: "Works") -> None:
    """The tap is marked and shown, decides nothing, and a rule may ask the buyer which."""
    ask(asking, FIRST)
    ask(asking, SECOND)

    event = tap(asking)

    assert event.subject == f"phone:{PHONE}"
    assert event.note == f"ambiguous: it could be about order:{FIRST} of toko, order:{SECOND} of toko"
    assert event.tap["ambiguous"] is True
    assert [row.answer for row in questions(asking)] == [None, None]
    assert followed(asking) == ["which"]
    tap(asking, "Hello")
    assert [found["id"] for found in document(asking.shop, "events", "--ambiguous")] == [str(event.id)]


def test_answers_tell_questions_apart(asking: "Works") -> None:
    """A label that only one of the open questions has is no ambiguity."""
    ask(asking, FIRST)
    use(asking, RULES.replace("[Confirm, Cancel]", "[Morning, Evening]"))
    ask(asking, SECOND)

    assert tap(asking, "Evening").subject == f"order:{SECOND}"
    assert tap(asking, "Cancel").subject == f"order:{FIRST}"


def test_a_question_asked_twice_is_one(asking: "Works") -> None:
    """A reminder of the same name asks the same: a tap on either decides both."""
    reminder = (
        RULES.partition("  - name: confirm")[0].replace("name: ask\n", "name: remind\n").replace(":ask", ":remind")
    )
    reminder = reminder.replace("scalev.order.created", "scalev.order.status_changed").replace(
        "within: 48h", "within: 48h, name: ask"
    )
    use(asking, RULES + reminder.replace("rules:\n", ""))
    old = ask(asking, FIRST)
    routed = asking.receive(order_status_changed("pending", FIRST, phone=PHONE))
    asking.deliver(routed.deliveries[0])

    first = tap(asking)
    second = tap(asking, "Cancel", reply_message_id=old)

    assert (first.subject, first.tap["ambiguous"]) == (f"order:{FIRST}", False)
    assert [row.answer for row in questions(asking)] == ["Confirm", "Confirm"]
    assert (second.tap["decided"], second.tap["decision"], second.tap["answer"]) == (True, "Confirm", "Cancel")


@pytest.mark.parametrize("said", ["message", "order_id", "button", "nothing"])
def test_a_second_tap_changes_nothing_and_says_so(said: str, asking: "Works") -> None:
    """Whichever way it is found; the buyer is told what stands."""
    message_id = ask(asking, FIRST)
    way = {
        "message": {"reply_message_id": message_id}, "order_id": {"order_id": FIRST},
        "button": {"postbackid": f"cancel:{FIRST}"}, "nothing": {},
    }[said]  # fmt: skip
    tap(asking)
    asking.clock.pass_(5 * 60)

    second = tap(asking, "Cancel", **way)

    assert second.subject == f"order:{FIRST}"
    assert (second.tap["decided"], second.tap["decision"]) == (True, "Confirm")
    assert followed(asking) == ["confirm", "tell"]
    asking.settle()
    assert asking.shop.sandbox.effects("note")[-1]["text"] == "Buyer chose Confirm already"


@pytest.mark.parametrize("way", ["message", "nothing"])
def test_two_taps_at_once_one_decides(way: str, asking: "Works") -> None:
    """Routed at the same moment by eight workers, each with its own answer."""
    message_id = ask(asking, FIRST)
    said = {"reply_message_id": message_id} if way == "message" else {}
    bodies = [
        {"chat_id": PHONE, "user_message": f"#Button Reply#{title}", **said} for title in ["Confirm", "Cancel"] * 4
    ]
    ids = [asking.accept(body, "wa", trigger="flow") for body in bodies]
    together = Barrier(len(ids))

    def route(event_id: UUID) -> None:
        together.wait()
        asking.route(event_id)

    with ThreadPoolExecutor(len(ids)) as pool:
        list(pool.map(route, ids))

    taps = [asking.event(event_id).tap for event_id in ids]
    assert [found["decided"] for found in taps].count(False) == 1
    [question] = questions(asking)
    assert {found["decision"] for found in taps} == {question.answer}
    assert sorted(followed(asking)) == sorted(["confirm"] * (question.answer == "Confirm") + ["tell"] * 7)


def test_routing_again_changes_nothing(asking: "Works") -> None:
    """The deciding tap stays the one that decided, the second the second, also with another question since."""
    ask(asking, FIRST)
    first, second = tap(asking), tap(asking, "Cancel")
    asking.clock.pass_(HOUR)
    ask(asking, SECOND)

    for event in (first, second, first):
        with asking.people() as people:
            people.replay(event.id)
        asking.route(event.id)

    again = asking.event(first.id)
    assert (again.subject, again.tap) == (first.subject, first.tap)
    again = asking.event(second.id)
    assert (again.subject, again.tap) == (second.subject, second.tap)
    assert [row.answer for row in questions(asking)] == ["Confirm", None]


def test_the_same_label_at_another_number_is_another_question(works: "Works") -> None:
    """One buyer, two numbers of the shop: each tap answers what that number asked."""
    path = works.shop.folder / "config" / "accounts.yaml"
    path.write_text(path.read_text().replace("accounts:\n", f"accounts:{SECOND_NUMBER}", 1))
    use(works, RULES, "wa")
    ask(works, FIRST)
    use(works, RULES, "wb")
    answer = json.dumps({"status": "1", "wa_message_id": "wamid.BY-THE-SECOND"})  # the sandbox has one number only
    works.shop.sandbox.fail(vendor="wabotick", times=1, status=200, body=answer, content_type="application/json")
    ask(works, SECOND)

    assert tap(works, account="wb").subject == f"order:{SECOND}"
    assert tap(works, phone_number_id="100000000000002").subject == f"order:{SECOND}"
    assert tap(works, phone_number_id="100000000000009").tap["found_by"] is None
    assert tap(works).subject == f"order:{FIRST}"


def test_a_tap_after_the_time_decides_nothing(asking: "Works") -> None:
    """By its label alone it finds nothing and says why; by its message the order is found, and that it is late."""
    message_id = ask(asking, FIRST)
    asking.clock.pass_(48 * HOUR)

    alone, answering, named = tap(asking), tap(asking, reply_message_id=message_id), tap(asking, order_id=FIRST)

    assert (alone.subject, alone.note) == (f"phone:{PHONE}", "the question's time is over")
    for event in (answering, named):
        assert (event.subject, event.tap["late"], event.tap["decision"]) == (f"order:{FIRST}", True, None)
    assert [row.answer for row in questions(asking)] == [None]


def test_a_late_webhook_of_a_tap_in_time_counts(asking: "Works") -> None:
    """What counts is when it was tapped; what was asked after that is not what it answers."""
    ask(asking, FIRST)
    tapped_at = asking.clock().timestamp()
    asking.clock.pass_(HOUR)
    ask(asking, SECOND)
    asking.clock.pass_(60 * HOUR)

    event = tap(asking, timestamp=int(tapped_at))

    assert (event.subject, event.tap["answer"], event.tap["late"]) == (f"order:{FIRST}", "Confirm", False)


def test_a_question_that_was_overtaken_is_no_candidate(asking: "Works") -> None:
    """Of two open questions one is about an order that was canceled since: the other one is answered."""
    ask(asking, FIRST)
    ask(asking, SECOND)
    asking.receive(order_status_changed("canceled", FIRST, phone=PHONE) | {"timestamp": asking.clock().isoformat()})

    event = tap(asking)

    assert (event.subject, event.tap["ambiguous"]) == (f"order:{SECOND}", False)


def test_a_second_tap_finds_what_the_first_one_led_to(asking: "Works") -> None:
    """The first canceled the order, which overtakes the question: the second still hears what was decided."""
    ask(asking, FIRST)
    tap(asking, "Cancel")
    asking.receive(order_status_changed("canceled", FIRST, phone=PHONE) | {"timestamp": asking.clock().isoformat()})
    asking.clock.pass_(5 * 60)

    second = tap(asking)

    assert second.subject == f"order:{FIRST}"
    assert (second.tap["decided"], second.tap["decision"]) == (True, "Cancel")
    assert followed(asking) == ["tell"]


def test_a_tap_on_a_canceled_order_finds_it(asking: "Works") -> None:
    """By the message: the rule sees the order's state, and has its say."""
    message_id = ask(asking, FIRST)
    asking.receive(order_status_changed("canceled", FIRST, phone=PHONE) | {"timestamp": asking.clock().isoformat()})
    use(asking, RULES.replace("and not tap.decided", "and not tap.decided and order.status == 'pending'"))

    assert tap(asking, reply_message_id=message_id).subject == f"order:{FIRST}"
    assert followed(asking) == []


def test_a_tap_of_somebody_else_decides_nothing(asking: "Works") -> None:
    """On a forwarded message, by its label alone, or by the order's number: the question was not theirs."""
    message_id = ask(asking, FIRST)

    forwarded = tap(asking, phone=OTHER, reply_message_id=message_id)
    alone = tap(asking, phone=OTHER)
    named = tap(asking, phone=OTHER, order_id=FIRST)

    assert (forwarded.subject, forwarded.note) == (
        f"phone:{OTHER}",
        "the message that was answered was for somebody else",
    )
    assert (alone.subject, alone.tap["found_by"]) == (f"phone:{OTHER}", None)
    assert (named.subject, named.tap["question"]) == (f"order:{FIRST}", None)
    assert [row.answer for row in questions(asking)] == [None]


def test_an_answer_to_a_message_of_others_is_not_taken_for_ours(asking: "Works") -> None:
    """A campaign of the platform has a button of the same name."""
    ask(asking, FIRST)

    event = tap(asking, reply_message_id="wamid.of-a-campaign")

    assert (event.subject, event.note) == (f"phone:{PHONE}", "the message that was answered is none of ours")
    assert [row.answer for row in questions(asking)] == [None]


@pytest.mark.parametrize(("minutes", "subject"), [(1, f"phone:{PHONE}"), (10, f"order:{SECOND}")])
def test_one_tap_by_two_ways_does_not_answer_another_question(minutes: int, subject: str, asking: "Works") -> None:
    """The flow names the order, the bot's own webhook of the same tap does not: it must not decide what else is open.

    Minutes later, and with that other question asked after the first was decided, it is a tap of its own.
    """
    ask(asking, FIRST)
    tap(asking, order_id=FIRST)
    asking.clock.pass_(30)
    ask(asking, SECOND)
    asking.clock.pass_(minutes * 60 - 60)

    event = tap(asking)

    assert event.subject == subject
    assert event.tap["ambiguous"] == (minutes == 1)


def test_a_message_that_never_left_or_never_arrived_asks_nothing(asking: "Works") -> None:
    """A refused one, and one that a receipt says failed, are no candidates; one whose outcome is unknown is."""
    asking.shop.sandbox.fail(vendor="wabotick", status=400, times=1)
    refused = asking.receive(order_created("250804REFUSED", phone=PHONE)).deliveries[0]
    asking.deliver(refused)
    failed = ask(asking, FIRST)
    report = load_example("wabotick", "message.status")
    report |= {"wa_message_id": failed, "message_status": "failed", "failed_reason": "(Error Code : 131026 )"}
    asking.receive(report, "wa", trigger="status")
    ask(asking, SECOND)

    assert tap(asking).subject == f"order:{SECOND}"

    asking.clock.pass_(HOUR)
    asking.shop.sandbox.fail(vendor="wabotick", reset=True, times=1)
    lost = asking.receive(order_created("250804LOST", phone=PHONE)).deliveries[0]
    assert asking.deliver(lost).conclusion.state == "unknown"
    assert tap(asking, reply_message_id="wamid.never-told").subject == "order:250804LOST"


def test_a_rule_may_ask_again_and_the_new_question_is_open(asking: "Works") -> None:
    """What was decided stays; the same question about the same order, asked anew, takes a new answer."""
    ask(asking, FIRST)
    tap(asking, "Cancel")
    asking.clock.pass_(HOUR)
    use(asking, RULES.replace(':ask"', ':ask:{{ event.id }}"'))
    again = order_created(FIRST, phone=PHONE) | {"timestamp": asking.clock().isoformat(), "unique_id": uuid4().hex}
    asking.deliver(asking.receive(again).deliveries[0])
    asking.clock.pass_(60)

    event = tap(asking)

    assert (event.tap["decided"], event.tap["decision"]) == (False, "Confirm")
    assert [row.answer for row in questions(asking)] == ["Cancel", "Confirm"]
