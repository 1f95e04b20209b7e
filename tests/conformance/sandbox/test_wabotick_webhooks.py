"""The webhooks of the faked Wabotick. Invariant: their fields are those seen live, no more and no fewer."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from tests.conformance.sandbox.receiver import Receiver

Post = Callable[..., httpx.Response]

AVERY = "12025550143"
BUDI = "628123456789"
CONFIRM = {
    "template_id": "257001",
    "phone_number": AVERY,
    "templateVariable-name-1": "Avery",
    "templateVariable-order-2": "ORD-1001",
}
ECOSYSTEM = "In order to maintain a healthy ecosystem engagement, the message failed to be delivered."
BOT = {
    "whatsapp_bot_name": "Example Store",
    "whatsapp_bot_id": 4242,
    "subscriber_id": f"{AVERY}-4242",
    "first_name": "Avery",
    "chat_id": AVERY,
    "whatsapp_bot_username": "+1 202-555-0100",
}


def emitted(sandbox: httpx.Client, trigger: str = "") -> list[dict[str, Any]]:
    """Return the bodies that were sent on a trigger, in order."""
    found = sandbox.get("/_sandbox/emissions", params={"settle": 10, "vendor": "wabotick", "trigger": trigger}).json()
    return [item["body"] for item in found]


def triggers(sandbox: httpx.Client) -> list[str]:
    found = sandbox.get("/_sandbox/emissions", params={"settle": 10, "vendor": "wabotick"}).json()
    return [item["trigger"] for item in found]


def trap(sandbox: httpx.Client, **settings: Any) -> None:
    assert sandbox.put("/_sandbox/settings/wabotick", json=settings).status_code == 200


def write(sandbox: httpx.Client, text: str, **more: str) -> str:
    body = {"phone_number": AVERY, "message": text, **more}
    identity: str = sandbox.post("/_sandbox/state/wabotick/incoming", json=body).json()["wa_message_id"]
    return identity


def tap(sandbox: httpx.Client, message_id: str, button: str) -> None:
    body = {"message_id": message_id, "button": button}
    assert sandbox.post(f"/_sandbox/phones/{AVERY}/tap", json=body).status_code == 200


def test_a_send_comes_back_and_is_reported(wabotick: Post, sandbox: httpx.Client) -> None:
    """First the message itself on `outgoing`, then how far it came on `status`."""
    identity = wabotick("send/template", CONFIRM).json()["wa_message_id"]
    outgoing, sent, delivered = emitted(sandbox)

    assert triggers(sandbox) == ["outgoing", "status", "status"]
    assert outgoing == {
        **BOT,
        "wa_message_id": identity,
        "label_names": "",
        "user_message": "Halo Avery, apakah pesanan ORD-1001 sudah benar?",
    }
    report = {**BOT, "webhook_type": "message_status_change", "wa_message_id": identity, "failed_reason": None}
    assert {name: value for name, value in sent.items() if name != "status_time"} == {
        **report,
        "message_status": "sent",
    }
    assert len(sent["status_time"]) == len("2026-01-15 10:00:01")
    assert delivered["message_status"] == "delivered"


def test_a_text_of_a_customer_comes_in(wabotick: Post, sandbox: httpx.Client) -> None:
    """The same shape as outgoing, with labels and custom fields where the customer has some."""
    first = write(sandbox, "Where is my order?")
    wabotick("subscriber/chat/assign-labels", phone_number=AVERY, label_ids="3")
    wabotick("subscriber/chat/assign-custom-fields", phone_number=AVERY, custom_fields='{"order_id": "ORD-1001"}')
    second = write(sandbox, "مرحبا")

    plain = {**BOT, "label_names": "", "wa_message_id": first, "user_message": "Where is my order?"}
    fields = {"label_names": "VIP", "custom_fields": {"order_id": "ORD-1001"}}
    assert emitted(sandbox, "incoming") == [
        plain,
        {**plain, **fields, "wa_message_id": second, "user_message": "مرحبا"},
    ]


def test_a_picture_of_a_customer_is_json_in_the_text(sandbox: httpx.Client) -> None:
    """Media has no field of its own."""
    write(sandbox, "here is the receipt", media_type="image")

    assert emitted(sandbox)[0]["user_message"] == '{"type": "image", "caption": "here is the receipt"}'


def test_a_tap_names_its_title_and_the_flow_its_id(wabotick: Post, sandbox: httpx.Client) -> None:
    """`incoming` has the title and the message that was answered, `flow` the postback id and no message id."""
    values = '["confirm:ORD-1001","cancel:ORD-1001"]'
    identity = wabotick("send/template", CONFIRM, template_quick_reply_button_values=values).json()["wa_message_id"]
    tap(sandbox, identity, "Konfirmasi")
    (incoming,), (flow,) = emitted(sandbox, "incoming"), emitted(sandbox, "flow")

    assert (incoming["user_message"], incoming["reply_message_id"]) == ("#Button Reply#Konfirmasi", identity)
    assert flow == {
        "first_name": "Avery",
        "chat_id": AVERY,
        "postbackid": "confirm:ORD-1001",
        "user_input_data": [],
        "user_message": "Konfirmasi",
        "whatsapp_bot_username": "+1 202-555-0100",
    }
    assert triggers(sandbox)[3:] == ["status", "incoming", "flow"]


def test_a_template_button_has_its_own_postback_id(wabotick: Post, sandbox: httpx.Client) -> None:
    """Without values in the call, the id is the one of the button in the list of postbacks."""
    identity = wabotick("send/template", CONFIRM).json()["wa_message_id"]
    tap(sandbox, identity, "Batalkan")
    known = [row["postback_id"] for row in wabotick("get/post-back-list").json()["message"]]

    assert emitted(sandbox, "flow")[0]["postbackid"] == "pZ4rB8nYcHs1WQE"
    assert "pZ4rB8nYcHs1WQE" in known


@pytest.mark.parametrize(("button", "flows"), [("order:1", 0), ("YES_START_CHAT_WITH_HUMAN", 1)])
def test_an_own_button_starts_a_flow_only_if_the_bot_knows_it(
    wabotick: Post, sandbox: httpx.Client, button: str, flows: int
) -> None:
    """The id of an interactive button is lost on `incoming`; the flow's webhook fires for the bot's own ids."""
    buttons = f'[{{"id": "{button}", "title": "Yes"}}]'
    form = {"phone_number": AVERY, "message": "Sure?", "buttons": buttons}
    identity = wabotick("send/interactive-buttons", form).json()["wa_message_id"]
    tap(sandbox, identity, button)

    assert emitted(sandbox, "incoming")[0]["user_message"] == "#Button Reply#Yes"
    assert len(emitted(sandbox, "flow")) == flows


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (131026, "(Error Code : 131026 )Message Undeliverable."),
        (
            131049,
            f"(Error Code : 131049 ){ECOSYSTEM}",
        ),
        (131050, "(Error Code : 131050 )User has stopped marketing messages."),
    ],
)
def test_a_late_error_is_a_failed_status(wabotick: Post, sandbox: httpx.Client, code: int, text: str) -> None:
    """The send is accepted, the code comes inside a text, and a question for the status says the same."""
    sandbox.put(f"/_sandbox/phones/{AVERY}", json={"error": code})
    identity = wabotick("send/template", CONFIRM).json()["wa_message_id"]
    (failed,) = emitted(sandbox, "status")

    assert (failed["wa_message_id"], failed["message_status"], failed["failed_reason"]) == (identity, "failed", text)
    asked = wabotick("get/message-status", wa_message_id=identity, whatsapp_bot_id="4242").json()["message"]
    assert (asked["message_status"], asked["failed_reason"]) == ("failed", text)


def test_an_error_at_once_refuses_the_send(wabotick: Post, sandbox: httpx.Client) -> None:
    """The pair rate is said in the answer, in HTTP 200, and nothing goes out."""
    sandbox.put(f"/_sandbox/phones/{AVERY}", json={"error": 131056, "error_times": 1})
    refused = wabotick("send/template", CONFIRM)

    assert (refused.status_code, refused.json()["status"]) == (200, "0")
    assert refused.json()["message"].startswith("(#131056) ")
    assert triggers(sandbox) == []
    assert wabotick("send/template", CONFIRM).json()["status"] == "1"


def test_a_report_from_outside_is_told_even_when_it_says_nothing_new(wabotick: Post, sandbox: httpx.Client) -> None:
    """A status behind the present one is reported and changes nothing."""
    identity = wabotick("send/template", CONFIRM).json()["wa_message_id"]
    for status in ("read", "delivered"):
        answer = sandbox.put(f"/_sandbox/state/wabotick/messages/{identity}", json={"message_status": status})
        assert answer.json()["status"] == "read"

    assert [body["message_status"] for body in emitted(sandbox, "status")] == ["sent", "delivered", "read", "delivered"]


@pytest.mark.parametrize(("action", "number"), [("resolved", "1"), ("blocked", "3"), ("reopen", "0")])
def test_an_agent_changes_a_conversation(sandbox: httpx.Client, action: str, number: str) -> None:
    """The action comes as a word, as an event and as a number."""
    sandbox.post("/_sandbox/state/wabotick/conversation", json={"phone_number": AVERY, "action": action})
    (body,) = emitted(sandbox, "conversation")

    assert {name: value for name, value in body.items() if name != "changed_at"} == {
        **BOT,
        "event": f"conversation.{action}",
        "action": action,
        "action_status": number,
        "agent_name": "Agent One",
        "wa_message_id": "",
    }


def test_a_flow_ends_with_what_it_asked(sandbox: httpx.Client) -> None:
    """The answers of a flow, or a place, come on `flow` without a postback id."""
    answers = [{"question": "Delivery address?", "answer": "12 Example Street"}]
    flow = {"phone_number": AVERY, "user_input_data": answers, "user_message": "12 Example Street"}
    sandbox.post("/_sandbox/state/wabotick/flow", json=flow)
    (body,) = emitted(sandbox, "flow")

    assert (body["postbackid"], body["user_input_data"], body["chat_id"]) == ("", answers, AVERY)


def test_the_traps_of_the_webhooks(wabotick: Post, sandbox: httpx.Client) -> None:
    """Ids with a tail or none, taps without their message, sends without text, the wrong id of the bot, all fields."""
    trap(sandbox, tap_names_message=False, postback_id="suffixed", outgoing_text=False, bot_id_is_number_id=True)
    identity = wabotick("send/template", CONFIRM).json()["wa_message_id"]
    tap(sandbox, identity, "Konfirmasi")
    trap(sandbox, postback_id="empty", all_flow_fields=True)
    tap(sandbox, identity, "Konfirmasi")
    suffixed, empty = emitted(sandbox, "flow")
    outgoing, incoming = emitted(sandbox, "outgoing")[0], emitted(sandbox, "incoming")[0]

    assert "user_message" not in outgoing
    assert outgoing["whatsapp_bot_id"] == 100000000000001
    assert "reply_message_id" not in incoming
    start, _, tail = suffixed["postbackid"].partition("::")
    assert (start, len(tail)) == ("gT9xK2mQvLw0RTU", 15)
    assert empty["postbackid"] == ""
    assert empty["reply_message_id"] == identity
    assert {"subscriber_id", "last_name", "email", "phone_number", "label_names", "timestamp"} <= set(empty)


def test_webhooks_can_be_forms(sandbox: httpx.Client, receiver: Receiver) -> None:
    """Form encoded, lists as JSON text."""
    sandbox.put("/_sandbox/webhooks/wabotick", json={"*": {"url": f"{receiver.url}/x"}})
    trap(sandbox, form_webhooks=True)
    sandbox.post("/_sandbox/state/wabotick/flow", json={"phone_number": AVERY})
    emitted(sandbox)

    (received,) = receiver.received
    assert received.headers["content-type"] == "application/x-www-form-urlencoded"
    form = parse_qs(received.body.decode(), keep_blank_values=True)
    assert (form["chat_id"], form["user_input_data"], form["postbackid"]) == ([AVERY], ["[]"], [""])


@pytest.mark.parametrize(
    ("setting", "query"),
    [("filled", "order_id=ORD-1%26x&a=1"), ("empty", "order_id=&a=1"), ("raw", "order_id=%23order_id%23&a=1")],
)
def test_merge_tags_of_the_flow_address(
    wabotick: Post, sandbox: httpx.Client, receiver: Receiver, setting: str, query: str
) -> None:
    """A tag is filled from the custom field, arrives empty as seen live, or stays what it is."""
    sandbox.put("/_sandbox/webhooks/wabotick", json={"flow": {"url": f"{receiver.url}/x?order_id=#order_id#&a=1"}})
    wabotick("subscriber/chat/assign-custom-fields", phone_number=AVERY, custom_fields='{"order_id": "ORD-1&x"}')
    trap(sandbox, merge_tags=setting)
    sandbox.post("/_sandbox/state/wabotick/flow", json={"phone_number": AVERY})
    emitted(sandbox)

    assert [item.path for item in receiver.received] == [f"/x?{query}"]


def test_statuses_can_take_their_time(wabotick: Post, sandbox: httpx.Client) -> None:
    """With a delay they are still on their way when the answer is there."""
    trap(sandbox, status_delay_seconds=3600)
    sandbox.put("/_sandbox/webhooks/wabotick", json={"status": {"url": "http://127.0.0.1:9/x"}})
    wabotick("send/template", CONFIRM)
    waiting = sandbox.get("/_sandbox/emissions", params={"pending": 1}).json()

    assert [item["body"]["message_status"] for item in waiting] == ["sent", "delivered"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("conversation", {"phone_number": AVERY, "action": "painted"}),
        ("conversation", {"action": "resolved"}),
        ("flow", {}),
        ("incoming", {"phone_number": "+62"}),
    ],
)
def test_the_control_api_refuses_what_cannot_happen(sandbox: httpx.Client, path: str, body: dict[str, str]) -> None:
    """A wrong phone or action is a 400 and sends nothing."""
    assert sandbox.post(f"/_sandbox/state/wabotick/{path}", json=body).status_code == 400
    assert triggers(sandbox) == []
