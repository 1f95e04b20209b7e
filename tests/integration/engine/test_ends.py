"""How message steps end: what receipts say hours later, what is waited for, and what follows when nothing comes."""

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy import Row

from config.faults import ConfigError
from tests.integration.engine.test_receipts import report
from tests.integration.engine.test_reconciling import reconciler
from tests.support.shop import order_created
from webhooks.examples import load_example
from webhooks.sources.meta.messages import pieces
from worker.acting import Call, Outcome
from worker.errors import PermanentError, UncertainError
from worker.people import RefusedError
from worker.states import Reason

if TYPE_CHECKING:
    from tests.integration.engine.conftest import Works

UNDELIVERABLE = {"failed_reason": "(Error Code : 131026 )Message Undeliverable."}
MESSAGE = 'action: wabotick.send_template\n        once: "{{ order.order_id }}:told"\n        '
MESSAGE += 'with: {phone_number: "{{ order.phone }}", template_id: "257000", variables: [a, b]}\n'
FALLBACK = """        on_failure:
          - id: instead
            action: scalev.change_status
            reasons: [undeliverable, not_delivered]
            with: {ids: ["{{ order.id }}"], status: confirmed}
"""
AFTER = """      - id: after
        action: scalev.change_status
        needs: [tell]
        with: {ids: ["{{ order.id }}"], status: confirmed}
"""


def use(works: "Works", more: str = "", *, then: str = FALLBACK) -> None:
    """Let a rule with one message be the only one."""
    rules = "rules:\n  - name: r\n    on: [scalev.order.created]\n    steps:\n      - id: tell\n        " + MESSAGE
    works.shop.write_rules(rules + (f"        {more}\n" if more else "") + then)
    works.reload()
    works.replace_action("scalev.change_status", run=lambda _: Outcome({"done": True}))


def one(works: "Works", step: str = "tell") -> Row[Any]:
    """Return the only delivery of a step."""
    [row] = works.shop.rows("SELECT * FROM deliveries WHERE step = :step", step=step)
    return row


def ends(works: "Works") -> dict[str, tuple[str, str | None]]:
    """Return state and reason of every step's delivery."""
    return {row.step: (row.state, row.reason) for row in works.shop.deliveries()}


def send(works: "Works") -> tuple[UUID, str]:
    """Send the message; return its delivery and its id at the vendor."""
    [wake] = works.receive(order_created()).deliveries
    assert works.deliver(wake).conclusion.is_success
    return wake.id, one(works).result["message_id"]


def sent_messages(works: "Works") -> int:
    """Return how often the message was sent."""
    return len(works.shop.sandbox.effects("message"))


# Receipts decide.


def test_a_failure_told_hours_later_ends_the_delivery(works: "Works") -> None:
    """Dead with the receipt's reason, its effect free, and what is done instead is done once."""
    use(works)
    _, message_id = send(works)
    works.settle(7200)

    for _ in range(3):
        report(works, message_id, "failed", **UNDELIVERABLE)
        works.settle()

    row = one(works)
    assert (row.state, row.reason) == ("dead", "undeliverable")
    assert "131026" in row.last_error
    assert ends(works)["tell.instead"] == ("succeeded", None)
    assert len(works.shop.deliveries()) == 2
    [free] = works.receive(order_created(), dedupe_key="again").deliveries
    assert works.delivery(free.id).state == "ready"


def test_only_the_reasons_of_a_fallback_lead_to_it(works: "Works") -> None:
    """A failure of another kind has no fallback here."""
    use(works)
    _, message_id = send(works)

    report(works, message_id, "failed", failed_reason="(Error Code : 131047 )Re-engagement message")
    works.settle()

    assert ends(works) == {"tell": ("dead", "outside_window")}


@pytest.mark.parametrize("later", ["delivered", "read", "sent", "failed"])
def test_what_comes_after_a_failure_changes_nothing(works: "Works", later: str) -> None:
    """The delivery stays dead, its fallback stays one."""
    use(works)
    _, message_id = send(works)
    report(works, message_id, "failed", **UNDELIVERABLE)
    works.settle()

    report(works, message_id, later, **UNDELIVERABLE)
    works.settle()

    assert ends(works) == {"tell": ("dead", "undeliverable"), "tell.instead": ("succeeded", None)}


@pytest.mark.parametrize("before", ["delivered", "read"])
def test_what_arrived_does_not_turn_back(works: "Works", before: str) -> None:
    """A failure after it was delivered leaves the delivery as it is."""
    use(works)
    _, message_id = send(works)
    report(works, message_id, before)

    report(works, message_id, "failed", **UNDELIVERABLE)
    works.settle()

    assert ends(works) == {"tell": ("succeeded", None)}


@pytest.mark.parametrize(("state", "end"), [("failed", "dead"), ("delivered", "succeeded"), ("sent", "waiting")])
def test_a_receipt_faster_than_the_answer_decides_too(works: "Works", state: str, end: str) -> None:
    """The vendor reported before the send was recorded."""
    use(works, "delivered_within: 2h")
    answer = {"status": "1", "wa_message_id": "wamid.FAST", "message": "sent"}
    works.shop.sandbox.fail(vendor="wabotick", status=200, body=json.dumps(answer), content_type="application/json")
    report(works, "wamid.FAST", state, **(UNDELIVERABLE if state == "failed" else {}))
    [wake] = works.receive(order_created()).deliveries

    assert works.deliver(wake).conclusion.state == end

    assert one(works).state == end


def test_the_old_message_says_nothing_of_the_new_one(works: "Works") -> None:
    """Sent again by a person: a late failure of the first message leaves the second alone."""
    use(works)
    delivery_id, first = send(works)
    report(works, first, "failed", **UNDELIVERABLE)
    with works.people() as people:
        wake = people.retry(delivery_id)
    works.deliver(wake)

    report(works, first, "failed", **UNDELIVERABLE)

    row = one(works)
    assert (row.state, row.result["message_id"] == first) == ("succeeded", False)


# Waiting until it arrived.


@pytest.mark.parametrize(("more", "hours"), [("delivered_within: 2h", 2), ("success: delivered", 24)])
def test_it_waits_until_it_arrived(works: "Works", more: str, hours: int) -> None:
    """Accepted is not enough: nothing that needs it goes on, nothing sends it again, until it was delivered."""
    use(works, more, then=AFTER)
    delivery_id, message_id = send(works)
    row = one(works)
    assert (row.state, row.reason) == ("waiting", "awaiting_delivery")
    assert row.due_at == works.clock() + timedelta(hours=hours)

    works.settle(3600)
    assert works.deliverer.deliver(delivery_id) is None
    report(works, message_id, "sent")
    works.settle()
    assert ends(works)["after"] == ("waiting", None)
    report(works, message_id, "delivered")
    works.settle()
    works.settle(hours * 3600)

    assert ends(works) == {"tell": ("succeeded", None), "after": ("succeeded", None)}
    assert sent_messages(works) == 1


def test_a_failure_ends_the_waiting(works: "Works") -> None:
    """At once, with its fallback, and what needs it is not done."""
    use(works, "delivered_within: 2h", then=FALLBACK + AFTER)
    _, message_id = send(works)

    report(works, message_id, "failed", **UNDELIVERABLE)
    works.settle()

    assert ends(works) == {
        "tell": ("dead", "undeliverable"), "tell.instead": ("succeeded", None), "after": ("suppressed", "need_failed"),
    }  # fmt: skip


def look(works: "Works") -> list[str]:
    """Sweep, ask about what the sweep says, and return what died."""
    swept = works.sweep()
    for wake in swept.unknown:
        reconciler(works).ask_about(wake.id)
    for event_id in swept.events:
        works.route(event_id)
    return [dead.reason for dead in swept.dead]


def test_when_the_time_is_over_the_vendor_is_asked_once_then_it_is_given_up(works: "Works") -> None:
    """Whatever happens in between, it is asked once; with no news it is dead, and the fallback follows."""
    use(works, "delivered_within: 2h")
    works.replace_action("wabotick.get_message_status", run=lambda _: Outcome({"message_state": "accepted"}))
    send(works)
    works.clock.pass_(7200)

    assert [wake.id for wake in works.sweep().unknown] == [one(works).id]
    assert reconciler(works).ask_about(one(works).id) is not None
    assert look(works) == []
    works.clock.pass_(61)
    assert look(works) == [Reason.NOT_DELIVERED]
    works.settle()

    assert ends(works) == {"tell": ("dead", "not_delivered"), "tell.instead": ("succeeded", None)}
    assert sent_messages(works) == 1


@pytest.mark.parametrize(("told", "end"), [("delivered", "succeeded"), ("failed", "dead")])
def test_what_the_vendor_answers_decides(works: "Works", told: str, end: str) -> None:
    """Its answer stands for the receipt that never came."""
    use(works, "delivered_within: 2h")
    answer = Outcome({"message_state": told, "error_code": "131026" if told == "failed" else None})
    works.replace_action("wabotick.get_message_status", run=lambda _: answer)
    send(works)
    works.clock.pass_(7200)

    look(works)
    works.clock.pass_(5)
    look(works)

    assert one(works).state == end


def test_a_person_sends_it_again_knowingly(works: "Works") -> None:
    """Not while it is waited for; once it is given up, a retry sends."""
    use(works, "delivered_within: 2h")
    delivery_id, first = send(works)
    for press in ("retry", "cancel"):
        with works.people() as people, pytest.raises(RefusedError, match="was sent and waits for its receipt"):
            getattr(people, press)(delivery_id)
    works.execute("UPDATE deliveries SET settles = 1, wake_at = :now", now=works.clock())
    assert look(works) == [Reason.NOT_DELIVERED]

    with works.people() as people:
        wake = people.retry(delivery_id)
    works.deliver(wake)
    report(works, first, "delivered")

    assert (one(works).state, one(works).reason) == ("waiting", "awaiting_delivery")
    assert sent_messages(works) == 2


def test_a_person_may_say_what_became_of_it(works: "Works") -> None:
    """`resolve` ends the waiting."""
    use(works, "delivered_within: 2h")
    delivery_id, _ = send(works)

    with works.people() as people:
        people.resolve(delivery_id, sent=True)

    assert one(works).state == "succeeded"


def test_what_waits_for_its_receipt_blocks_nobody(works: "Works") -> None:
    """The next delivery of its rule and subject goes on, and what happens meanwhile does not take it back."""
    use(works, "cancel_on: [scalev.order.updated]\n        delivered_within: 2h\n        after: 0s")
    works.shop.write_rules(
        (works.shop.folder / "config" / "rules" / "test.yaml").read_text().replace(":told", ":{{ event.id }}")
    )
    works.reload()
    send(works)
    works.clock.pass_(10)
    [wake] = works.receive(order_created() | {"unique_id": "another"}).deliveries

    works.deliver(wake)
    at = works.clock().strftime("%Y-%m-%dT%H:%M:%SZ")
    works.receive(order_created(last_updated_at=at) | {"event": "order.updated", "timestamp": at})

    states = [(row.state, row.reason) for row in works.shop.deliveries()]
    assert states == [("waiting", "awaiting_delivery")] * 2


def test_accepted_and_delivered_contradict_each_other(works: "Works") -> None:
    """A step that is content with being accepted waits for nothing."""
    with pytest.raises(ConfigError, match="with delivered_within it has to be delivered"):
        use(works, "success: accepted\n        delivered_within: 2h")


# Messages whose id is not told (ChatGPT Builder), by what Meta reports of them.

BOT = """
  bot: {vendor: cgb, api_token: "1.test-cgb-token", base_url: "${SANDBOX_URL}/cgb",
        webhook_auth: {scheme: static, header: X-Webhook-Secret, secrets: [cgb-webhook-secret]}}
  meta: {vendor: meta, app_secrets: [meta-app-secret], verify_token: meta-verify-token, access_token: meta-access-token,
         phone_number_id: "100000000000001", base_url: "${SANDBOX_URL}/meta"}
# Lifted"""
BUYER = "6281234567890"


@pytest.fixture
def bot(works: "Works") -> "Works":
    """A rule that sends through ChatGPT Builder, whose answers tell no id."""
    accounts = works.shop.folder / "config" / "accounts.yaml"
    limits = "  cgb: {per_second: null, per_recipient_seconds: null}\n"
    accounts.write_text(accounts.read_text().replace("# Lifted", BOT.lstrip("\n"), 1) + limits)
    works.shop.write_rules(
        "rules:\n  - name: r\n    on: [scalev.order.created]\n    steps:\n      - id: tell\n"
        "        action: cgb.send_text\n        delivered_within: 2h\n"
        f'        once: "{{{{ event.id }}}}"\n        with: {{phone: "+{BUYER}", text: hello}}\n'
    )
    works.reload()
    works.replace_action("cgb.send_text", run=lambda _: Outcome({"contact_id": "7"}))
    return works


def tell(bot: "Works", message_id: str, state: str, *, mark: str | None = None, seconds: int = 0) -> None:
    """Receive Meta's report of a message, as it comes for what ChatGPT Builder sent."""
    body = load_example("meta", "message.status")
    at = str(int((bot.clock() + timedelta(seconds=seconds)).timestamp()))
    mark = mark or json.dumps({"c": BUYER})
    told = {"id": message_id, "status": state, "timestamp": at, "biz_opaque_callback_data": mark}
    body["entry"][0]["changes"][0]["value"]["statuses"][0] |= told
    [piece] = pieces(body)
    bot.receive(body, "meta", part=piece.part)


def bot_sends(bot: "Works", number: str = "250804QWERTY") -> UUID:
    """Send a message through ChatGPT Builder."""
    [wake] = bot.receive(order_created(number)).deliveries
    assert bot.deliver(wake).conclusion.reason == Reason.AWAITING_DELIVERY
    return wake.id


def test_the_first_report_is_matched_by_person_and_time_later_ones_by_id(bot: "Works") -> None:
    """However late the later ones are."""
    delivery_id = bot_sends(bot)
    bot.clock.pass_(20)

    tell(bot, "wamid.ONE", "sent")
    assert bot.delivery(delivery_id).result["message_id"] == "wamid.ONE"
    bot.clock.pass_(3600)
    tell(bot, "wamid.ONE", "delivered")

    assert bot.delivery(delivery_id).state == "succeeded"
    [row] = bot.shop.rows("SELECT account, message_id, state FROM messages")
    assert (row.account, row.message_id, row.state) == ("bot", "wamid.ONE", "delivered")


@pytest.mark.parametrize(
    ("mark", "wait"), [('{"c": "6289999999999"}', 20), ('{"c": "", "d": 1}', 20), ("{not json", 20), (None, 400)]
)
def test_the_report_of_another_is_not_taken_for_it(bot: "Works", mark: str | None, wait: int) -> None:
    """Another person's, one with another mark, one more than five minutes later."""
    delivery_id = bot_sends(bot)
    bot.clock.pass_(wait)

    tell(bot, "wamid.OTHER", "delivered", mark=mark)

    assert bot.delivery(delivery_id).state == "waiting"


def test_two_at_once_are_never_guessed(bot: "Works") -> None:
    """Both are marked; not even a later report, when only one is still in its window, is matched."""
    first = bot_sends(bot)
    bot.clock.pass_(200)
    second = bot_sends(bot, "ANOTHER1")
    bot.clock.pass_(20)

    tell(bot, "wamid.ONE", "sent")
    bot.clock.pass_(150)
    tell(bot, "wamid.ONE", "delivered")
    tell(bot, "wamid.TWO", "delivered")

    assert {bot.delivery(one).state for one in (first, second)} == {"waiting"}
    rows = bot.shop.rows("SELECT message_id, reason FROM messages ORDER BY message_id")
    assert [row.reason for row in rows] == ["ambiguous"] * 4


@pytest.mark.parametrize("is_told", [True, False])
@pytest.mark.parametrize("state", ["failed", "delivered"])
def test_a_report_while_another_message_leaves_is_never_guessed(bot: "Works", state: str, *, is_told: bool) -> None:
    """It may be of the one that is leaving, whether its answer comes or not: neither gets it."""
    first = bot_sends(bot)
    bot.clock.pass_(20)

    def send(_call: Call) -> Outcome:
        tell(bot, "wamid.ONE", state)
        if not is_told:
            raise UncertainError(Reason.TIMEOUT, "no answer in time")
        return Outcome({"contact_id": "7"})

    bot.replace_action("cgb.send_text", run=send)
    [wake] = bot.receive(order_created("ANOTHER1")).deliveries
    bot.deliver(wake)
    tell(bot, "wamid.TWO", state)

    assert [bot.delivery(one).state for one in (first, wake.id)] == ["waiting", "waiting" if is_told else "unknown"]
    rows = bot.shop.rows("SELECT reason FROM messages")
    assert [row.reason for row in rows] == ["ambiguous"] * (4 if is_told else 3)


def test_a_message_that_never_left_is_in_nobodys_way(bot: "Works") -> None:
    """A report after the second was refused is the first one's."""
    first = bot_sends(bot)

    def refuse(_call: Call) -> Outcome:
        raise PermanentError(Reason.REJECTED, "no")

    bot.replace_action("cgb.send_text", run=refuse)
    [wake] = bot.receive(order_created("ANOTHER1")).deliveries
    bot.deliver(wake)
    tell(bot, "wamid.ONE", "delivered")

    assert [bot.delivery(one).state for one in (first, wake.id)] == ["succeeded", "dead"]


def test_one_after_the_other_is_no_doubt(bot: "Works") -> None:
    """The second message begins unmatched alone: the first has its id by then."""
    deliveries = []
    for number, message_id in (("FIRST1", "wamid.ONE"), ("SECOND1", "wamid.TWO")):
        deliveries.append(bot_sends(bot, number))
        bot.clock.pass_(10)
        tell(bot, message_id, "sent")
    tell(bot, "wamid.ONE", "delivered")

    assert [bot.delivery(one).result["message_id"] for one in deliveries] == ["wamid.ONE", "wamid.TWO"]
    assert [bot.delivery(one).state for one in deliveries] == ["succeeded", "waiting"]


@pytest.mark.parametrize(("state", "end"), [("failed", "dead"), ("delivered", "succeeded"), ("sent", "waiting")])
def test_a_report_faster_than_the_send_is_recorded_is_found(bot: "Works", state: str, end: str) -> None:
    """Meta told before ChatGPT Builder answered."""
    bot.replace_action("cgb.send_text", run=lambda _: (tell(bot, "wamid.FAST", state), Outcome({"contact_id": "7"}))[1])
    [wake] = bot.receive(order_created()).deliveries

    bot.deliver(wake)

    assert (bot.delivery(wake.id).state, bot.delivery(wake.id).result["message_id"]) == (end, "wamid.FAST")
