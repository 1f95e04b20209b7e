"""Opting out: one word, one person under every spelling, every account; what is left is what a rule calls utility."""

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.cli.test_commands import document, hookyard
from tests.integration.engine.test_holds import messages, sent
from tests.support.shop import order_created
from webhooks.examples import load_example
from worker.acting import Call, Outcome
from worker.errors import PermanentError
from worker.states import Reason, Scope

if TYPE_CHECKING:
    from tests.integration.engine.conftest import Works

PERSON = "628123456789"
TEMPLATE = "/wabotick/api/v1/whatsapp/send/template"
RULES = """
rules:
  - name: tell
    on: [scalev.order.shipped]
    steps:
      - action: wabotick.send_template
        category: {category}
        with: {{phone_number: "{{{{ order.phone }}}}", template_id: "257000", variables: ["a", "b"]}}
  - name: confirm
    on: [whatsapp.opted_out]
    steps:
      - action: wabotick.send_template
        category: utility
        with: {{phone_number: "{{{{ data.phone }}}}", template_id: "257000", variables: ["off", "x"]}}
"""


def begin(works: "Works", category: str = "marketing") -> None:
    """Let one rule send to buyers, and another confirm an opt-out."""
    works.shop.write_rules(RULES.format(category=category))
    works.reload()


def say(works: "Works", text: str, **more: Any) -> Any:
    """Let the buyer write to the shop; return what was routed, the fact of it too."""
    body = load_example("wabotick", "message.received") | {"chat_id": PERSON, "user_message": text, **more}
    works.clock.pass_(1)
    routed = works.receive(body, "wa", trigger="incoming")
    return [works.route(event_id) for event_id in routed.events]


def facts(works: "Works") -> list[str]:
    """Return the types of what was told of opting out and in, as it happened."""
    rows = works.shop.rows("SELECT type, body FROM events WHERE type LIKE 'whatsapp.%' ORDER BY id")
    return [row.type.removeprefix("whatsapp.") for row in rows]


def outcome(works: "Works") -> tuple[str, str | None]:
    """Plan a message to the buyer, try to send it, and return what became of it."""
    [one] = messages(works, 1)
    works.deliver(one)
    return works.delivery(one).state, works.delivery(one).reason


@pytest.mark.parametrize("text", ["STOP", " Stop. ", "Berhenti!", "BERHENTI 🙏", "st op", "unsubscribe"])
def test_one_word_stops_marketing(works: "Works", text: str) -> None:
    """Case, blanks, punctuation and pictures do not matter."""
    begin(works)

    say(works, text)

    assert facts(works) == ["opted_out"]
    assert outcome(works) == ("suppressed", "opted_out")


@pytest.mark.parametrize("text", ["please stop by tomorrow", "jangan berhenti", "batal", "", "🛑", "nonstop"])
def test_a_message_that_only_holds_the_word_stops_nothing(works: "Works", text: str) -> None:
    """Nor does one that may mean the order."""
    begin(works)

    say(works, text)

    assert facts(works) == []
    assert outcome(works) == ("succeeded", None)


def test_what_waits_is_asked_at_sending_and_start_brings_back(works: "Works") -> None:
    """A message planned before is not sent after; the next one after START is."""
    begin(works)
    [waiting] = messages(works, 1)
    say(works, "STOP")
    works.deliver(waiting)
    assert (works.delivery(waiting).state, works.delivery(waiting).reason) == ("suppressed", "opted_out")

    say(works, "Mulai")

    assert outcome(works) == ("succeeded", None)
    assert facts(works) == ["opted_out", "opted_in"]


@pytest.mark.parametrize("phone", ["08123456789", "+628123456789", "628123456789", "6208123456789", "0812-3456-789"])
def test_one_person_under_every_spelling(works: "Works", phone: str) -> None:
    """However the shop's order writes the number."""
    begin(works)
    say(works, "STOP")
    address = order_created()["data"]["destination_address"] | {"phone": phone}
    [one] = messages(works, 1, destination_address=address)

    works.deliver(one)

    assert works.delivery(one).reason == "opted_out"


def test_a_change_is_told_once_and_confirmed_once(works: "Works") -> None:
    """STOP three times is one fact, and one confirmation, which is utility."""
    begin(works)
    planned = [wake for _ in range(3) for routed in say(works, "STOP") for wake in routed.deliveries]

    for wake in planned:
        works.deliver(wake)

    assert facts(works) == ["opted_out"]
    assert [works.delivery(wake.id).state for wake in planned] == ["succeeded"]
    assert sent(works, TEMPLATE) == 1


def test_utility_is_what_the_rule_calls_so(works: "Works") -> None:
    """It goes out after STOP, but not when the conversation was blocked."""
    begin(works, "utility")
    say(works, "STOP")
    assert outcome(works) == ("succeeded", None)
    blocked = load_example("wabotick", "conversation.status__blocked") | {"chat_id": PERSON}
    works.receive(blocked, "wa", trigger="conversation")

    assert outcome(works) == ("suppressed", "opted_out")
    works.clock.pass_(60)
    works.receive(blocked | {"action": "unblocked", "event": "conversation.unblocked"}, "wa", trigger="conversation")
    assert outcome(works) == ("succeeded", None)


def test_an_older_word_told_late_changes_nothing(works: "Works") -> None:
    """Replaying the STOP after START does not stop again."""
    begin(works)
    body = load_example("wabotick", "message.received") | {"chat_id": PERSON, "user_message": "STOP"}
    routed = works.receive(body, "wa", trigger="incoming")
    say(works, "START")

    with works.people() as people:
        people.replay(routed.event_id)
    works.settle(1)

    assert facts(works) == ["opted_out", "opted_in"]
    assert outcome(works) == ("succeeded", None)


def test_an_answer_that_says_so_counts_as_a_word(works: "Works") -> None:
    """131050 as the answer of a send: marketing is over, utility is not, and the fact names the person."""
    begin(works)
    error = PermanentError(Reason.OPTED_OUT, "the person stopped marketing")
    error.scope = Scope.RECIPIENT
    really = works.actions["wabotick.send_template"].run

    def refuse(call: Call) -> Outcome:
        call.session.request("GET", "/nothing")
        raise error

    works.replace_action("wabotick.send_template", run=refuse)
    [first] = messages(works, 1)
    [fact] = works.deliver(first).woken_events
    works.replace_action("wabotick.send_template", run=really)

    routed = works.route(fact)

    assert routed is not None
    assert works.event(fact).subject == f"phone:{PERSON}"
    assert [works.deliver(wake).conclusion.state for wake in routed.deliveries] == ["succeeded"]
    assert outcome(works) == ("suppressed", "opted_out")


def test_a_receipt_that_says_so_counts_as_a_word(works: "Works") -> None:
    """The person is known by the message that the receipt is about."""
    begin(works)
    [first] = messages(works, 1)
    works.deliver(first)
    report = load_example("wabotick", "message.status__failed_131026")
    report |= {"wa_message_id": works.delivery(first).result["message_id"], "failed_reason": "(Error Code : 131050 )no"}

    works.receive(report, "wa", trigger="status")

    assert facts(works) == ["opted_out"]
    assert outcome(works) == ("suppressed", "opted_out")


def test_a_receipt_faster_than_the_recorded_send_counts_as_a_word(works: "Works") -> None:
    """Whose message it is about is known a moment later, and then the person has opted out."""
    begin(works)
    answer = {"status": "1", "wa_message_id": "wamid.FAST", "message": "sent"}
    works.shop.sandbox.fail(vendor="wabotick", status=200, body=json.dumps(answer), content_type="application/json")
    report = load_example("wabotick", "message.status__failed_131026")
    report |= {"wa_message_id": "wamid.FAST", "failed_reason": "(Error Code : 131050 )no"}
    works.receive(report, "wa", trigger="status")
    assert facts(works) == []

    [first] = messages(works, 1)
    works.deliver(first)

    assert facts(works) == ["opted_out"]
    assert outcome(works) == ("suppressed", "opted_out")


def test_a_person_writes_it_down(works: "Works") -> None:
    """`consent stop` and `start`, listed by key, never by phone, and audited."""
    begin(works)
    shop = works.shop
    hookyard("consent", "stop", "0812 3456 789", "--comment", "asked by telephone", environ=shop.environ)
    listed = document(shop, "consent", "list")
    assert [(row["scope"], row["account"]) for row in listed] == [("marketing", "")]
    assert PERSON not in str(listed)
    works.clock.pass_(60)
    assert outcome(works) == ("suppressed", "opted_out")

    said = document(shop, "consent", "start", "+628123456789")

    assert said["changed"]
    assert document(shop, "consent", "list") == []
    audit = works.shop.rows("SELECT action, target, details FROM audit ORDER BY id")
    assert [row.action for row in audit] == ["consent_stop", "consent_start"]
    assert audit[0].details["comment"] == "asked by telephone"
    assert PERSON not in str(audit)


def test_the_words_are_the_shops(works: "Works") -> None:
    """What is configured takes the place of the shipped list."""
    path = works.shop.folder / "config" / "accounts.yaml"
    path.write_text(path.read_text() + "business: {consent: {stop_words: [cukup]}}\n")
    begin(works)
    say(works, "STOP")
    assert facts(works) == []

    say(works, "Cukup!")

    assert facts(works) == ["opted_out"]


def test_who_opts_out_while_a_message_waits_its_turn_gets_none(works: "Works") -> None:
    """Between the gate and the sending stand seconds of the account's line: what was said meanwhile is heard."""
    begin(works)
    [one] = messages(works, 1)
    said: list[float] = []

    def wait(seconds: float) -> None:
        works.clock.pass_(seconds)
        if not said:
            said.append(seconds)
            say(works, "STOP")

    works.deliverer = replace(works.deliverer, wait=wait)
    first = works.deliver(one)
    works.settle(60)

    assert said
    assert first.deferred
    assert (works.delivery(one).state, works.delivery(one).reason) == ("suppressed", Reason.OPTED_OUT)
    assert sent(works, TEMPLATE) == 1  # the confirmation of the opt-out
