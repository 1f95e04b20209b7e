"""From a tap to its order: every vendor that tells taps, by every way in which it may tell what they are about."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from sqlalchemy import Row

from tests.support.shop import order_created
from webhooks.examples import load_example

if TYPE_CHECKING:
    from tests.integration.engine.conftest import Works

FIRST, SECOND = "250804FIRST1", "250804SECOND2"
PHONE = "628123456789"
ACCOUNTS = """
  bot: {vendor: cgb, api_token: "1.test-cgb-token", base_url: "${SANDBOX_URL}/cgb/api",
        webhook_auth: {scheme: static, header: X-Webhook-Secret, secrets: [cgb-webhook-secret]}}
  meta: {vendor: meta, app_secrets: [meta-app-secret], verify_token: meta-verify-token, access_token: meta-access-token,
         phone_number_id: "100000000000001", base_url: "${SANDBOX_URL}/meta/v23.0"}
# Lifted"""
LIFTED = "".join(f"  {vendor}: {{per_second: null, per_recipient_seconds: null}}\n" for vendor in ("cgb", "meta"))
BY_META = "{to: '{{ order.phone }}', name: order_confirmation, language: id, variables: [Ani, '{{ order.order_id }}']}"
BY_CGB = "{phone: '{{ order.phone }}', name: order_confirm, variables: [Ani, '{{ order.order_id }}']}"
BY_WABOTICK = "{phone_number: '{{ order.phone }}', template_id: '257000', variables: [Ani, '{{ order.order_id }}']}"
SENDS = {"wabotick": BY_WABOTICK, "meta": BY_META, "cgb": BY_CGB}
ACCOUNT = {"wabotick": "wa", "meta": "meta", "cgb": "bot"}
RULES = """
rules:
  - name: ask
    on: [scalev.order.created]
    steps:
      - action: {vendor}.send_template
        once: "{{{{ order.order_id }}}}:ask"
        question: {{name: sure, answers: [Confirm, Cancel], within: 48h}}
        with: {parameters}
  - name: confirm
    on: [{event}]
    when: tap.question == "sure" and tap.answer == "Confirm" and not tap.decided
    steps:
      - action: scalev.change_status
        account: toko
        once: "{{{{ order.order_id }}}}:decision"
        with: {{ids: ["{{{{ order.id }}}}"], status: confirmed}}
"""


def by_wabotick(at: datetime, way: str, number: str, message_id: str | None) -> dict[str, Any]:
    """Return a tap as Wabotick's endpoint for a flow gets it."""
    said = {
        "order_id": {"order_id": number}, "message": {"reply_message_id": message_id},
        "button": {"postbackid": f"confirm:{number}"}, "question": {},
    }[way]  # fmt: skip
    return {"chat_id": PHONE, "user_message": "#Button Reply#Confirm", "timestamp": int(at.timestamp()), **said}


def by_meta(at: datetime, way: str, number: str, message_id: str | None) -> dict[str, Any]:
    """Return a tap as Meta's webhook tells it: a reply button's own id, or the payload that the platform chose."""
    body = load_example("meta", "postback__button_reply")
    value = body["entry"][0]["changes"][0]["value"]
    value["contacts"][0]["wa_id"] = PHONE
    [message] = value["messages"]
    message |= {"from": PHONE, "id": f"wamid.{uuid4().hex}", "timestamp": str(int(at.timestamp()))}
    button_id = f"confirm:{number}" if way == "button" else "gT9xK2mQvLw0RTU"
    message["interactive"]["button_reply"] = {"id": button_id, "title": "Confirm"}
    if way == "message":
        message["context"]["id"] = message_id
    else:
        del message["context"]
    return body


def by_cgb(_at: datetime, way: str, number: str, _message_id: str | None) -> dict[str, Any]:
    """Return a tap as a flow of ChatGPT Builder tells it."""
    body = load_example("cgb", "button") | {"contact_id": PHONE, "phone": PHONE, "button": "Confirm"}
    return body | {"order_id": number if way == "order_id" else "{{order_id}}"}


Tell = Callable[[datetime, str, str, str | None], dict[str, Any]]
TELLS: dict[str, Tell] = {"wabotick": by_wabotick, "meta": by_meta, "cgb": by_cgb}
WAYS = [
    *(("wabotick", way) for way in ("order_id", "message", "button", "question")),
    *(("meta", way) for way in ("message", "button", "question")),
    *(("cgb", way) for way in ("order_id", "question")),
]
EVENTS = {"wabotick": "wabotick.postback", "meta": "meta.postback", "cgb": "cgb.button"}


def use(works: "Works", vendor: str) -> None:
    """Let the shop ask by a vendor, and follow what is tapped there."""
    accounts = works.shop.folder / "config" / "accounts.yaml"
    accounts.write_text(accounts.read_text().replace("# Lifted", ACCOUNTS.lstrip("\n"), 1) + LIFTED)
    works.shop.write_rules(RULES.format(vendor=vendor, parameters=SENDS[vendor], event=EVENTS[vendor]))
    works.reload()


def ask(works: "Works", number: str) -> str | None:
    """Let an order come in and its question be asked; return the message's id, where the vendor tells it."""
    routed = works.receive(order_created(number, phone=PHONE) | {"timestamp": works.clock().isoformat()})
    [wake] = routed.deliveries
    concluded = works.deliver(wake).conclusion
    assert concluded.state == "succeeded", concluded
    works.clock.pass_(90)
    message_id: str | None = works.delivery(wake.id).result.get("message_id")
    return message_id


def tap(works: "Works", vendor: str, way: str, number: str, message_id: str | None) -> Row[Any]:
    """Tap "Confirm"; return the event's row."""
    body = TELLS[vendor](works.clock(), way, number, message_id)
    part = {"meta": "entry.0.changes.0.value.messages.0"}.get(vendor)
    trigger = {"wabotick": "flow"}.get(vendor)
    event = works.event(works.receive(body, ACCOUNT[vendor], part=part, trigger=trigger).event_id)
    works.clock.pass_(90)
    return event


@pytest.mark.parametrize(("vendor", "way"), WAYS)
def test_a_tap_finds_its_order_and_the_second_changes_nothing(vendor: str, way: str, works: "Works") -> None:
    """The first decides and its rule follows; the second is told apart, and leads to nothing."""
    use(works, vendor)
    message_id = ask(works, FIRST)
    if way != "question":
        ask(works, SECOND)  # what says the order is not misled by another question that is open

    first, second = (tap(works, vendor, way, FIRST, message_id) for _ in range(2))

    for event in (first, second):
        assert (event.type, event.subject, event.subject_account) == (EVENTS[vendor], f"order:{FIRST}", "toko")
        assert (event.tap["found_by"], event.tap["question"], event.tap["answer"]) == (way, "sure", "Confirm")
    assert [first.tap["decided"], second.tap["decided"]] == [False, True]
    [followed] = [row for row in works.shop.deliveries() if row.rule == "confirm"]
    assert (followed.event_id, followed.effect_key) == (first.id, f"{FIRST}:decision")


@pytest.mark.parametrize("vendor", SENDS)
def test_what_could_mean_two_orders_is_marked_and_not_guessed(vendor: str, works: "Works") -> None:
    """A tap that says nothing but its label, with two questions open: shown to people, decided by none."""
    use(works, vendor)
    ask(works, FIRST)
    ask(works, SECOND)

    event = tap(works, vendor, "question", FIRST, None)

    assert (event.subject, event.tap["ambiguous"], event.tap["answer"]) == (f"phone:{PHONE}", True, None)
    assert all(number in event.note for number in (FIRST, SECOND))
    assert {row.rule for row in works.shop.deliveries()} == {"ask"}
    assert works.shop.rows("SELECT answer FROM questions WHERE answer IS NOT NULL") == []
