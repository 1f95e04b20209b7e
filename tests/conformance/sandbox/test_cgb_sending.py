"""What the faked CGB sends and says back. Invariant: `success` means accepted, and no answer has a message id."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.conformance.sandbox.receiver import Receiver, running_receiver

AVERY = "12025550143"
NEW = "6281234567890"
TEMPLATE = {
    "messaging_product": "whatsapp",
    "recipient_type": "individual",
    "to": AVERY,
    "type": "template",
    "template": {
        "name": "order_confirm",
        "language": {"code": "en"},
        "components": [{"type": "body", "parameters": [{"type": "text", "text": "Avery"}]}],
    },
    "biz_opaque_callback_data": "ORD-1001",
}


@pytest.fixture
def cgb(base_url: str) -> Iterator[httpx.Client]:
    """A client with CGB's header."""
    headers = {"X-ACCESS-TOKEN": "1000001.exampletoken"}
    with httpx.Client(base_url=f"{base_url}/cgb/api", headers=headers, timeout=60) as client:
        yield client
    assert httpx.get(f"{base_url}/").status_code == 200  # the page has words for every effect


@pytest.fixture
def receiver(sandbox: httpx.Client) -> Iterator[Receiver]:
    """A receiver of the External API Request."""
    with running_receiver() as found:
        target = {"external_request": {"url": f"{found.url}/webhooks/bot", "secret": "shared-secret"}}
        assert sandbox.put("/_sandbox/webhooks/cgb", json=target).status_code == 200
        yield found


def state(sandbox: httpx.Client) -> dict[str, Any]:
    sandbox.get("/_sandbox/emissions", params={"settle": 10})
    found: dict[str, Any] = sandbox.get("/_sandbox/state/cgb").json()
    return found


def effects(sandbox: httpx.Client) -> list[str]:
    return [effect["kind"] for effect in sandbox.get("/_sandbox/effects", params={"vendor": "cgb"}).json()]


def set_trap(sandbox: httpx.Client, **settings: Any) -> None:
    assert sandbox.put("/_sandbox/settings/cgb", json=settings).status_code == 200


def tap(sandbox: httpx.Client, **body: Any) -> httpx.Response:
    return sandbox.post("/_sandbox/state/cgb/tap", json={"phone": AVERY, **body})


SENDS = [
    ("send/text", {"text": "hi", "channel": "whatsapp"}, ["message"]),
    ("send/file", {"url": "https://files.example/a.pdf", "type": "file", "channel": "whatsapp"}, ["message"]),
    ("send/501", None, ["flow"]),
    ("send/products", {"product_id": [801, 802]}, ["message"]),
    ("send_content", {"messages": [TEMPLATE]}, ["message"]),
    ("send_content", {"messages": [{"message": {"text": "hi"}}], "channel": "whatsapp"}, ["message"]),
    ("send_content", {"actions": [{"action": "send_flow", "flow_id": 502}]}, ["flow"]),
]


@pytest.mark.parametrize(("path", "body", "kinds"), SENDS)
def test_sends(cgb: httpx.Client, sandbox: httpx.Client, path: str, body: Any, kinds: list[str]) -> None:
    """A send answers success and nothing else, or says in HTTP 200 that it failed and does nothing."""
    set_trap(sandbox, fail_in_200=True)
    failed = cgb.post(f"/contacts/{AVERY}/{path}", json=body)
    assert (failed.status_code, failed.json()) == (200, {"success": False, "error": "message not sent"})
    assert effects(sandbox) == []
    set_trap(sandbox, fail_in_200=False)
    sent = cgb.post(f"/contacts/{AVERY}/{path}", json=body)
    assert (sent.status_code, sent.json()) == (200, {"success": True})
    assert effects(sandbox) == kinds


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("send/text", {}, 400),
        ("send/text", {"text": "hi", "channel": "messenger"}, 400),
        ("send/file", {"url": "https://files.example/a.pdf"}, 400),
        ("send/999", None, 404),
        ("send/confirm", None, 400),
        ("send/products", {"product_id": 801}, 400),
        ("send_content", {}, 400),
        ("send_content", {"messages": [{"type": "template"}]}, 400),
        ("send_content", {"messages": "hi"}, 400),
    ],
)
def test_refuses_a_wrong_send(cgb: httpx.Client, sandbox: httpx.Client, path: str, body: Any, status: int) -> None:
    """What is missing, of another channel or unknown is refused, and a flow goes by its number."""
    assert cgb.post(f"/contacts/{AVERY}/{path}", json=body).status_code == status
    assert effects(sandbox) == []


def test_needs_a_contact_to_send(cgb: httpx.Client, sandbox: httpx.Client) -> None:
    """A phone nobody made a contact of gets nothing."""
    assert cgb.post(f"/contacts/{NEW}/send/text", json={"text": "hi"}).status_code == 404
    assert effects(sandbox) == []


def test_overwrites_the_callback_data(cgb: httpx.Client, sandbox: httpx.Client) -> None:
    """Whatever was sent, Meta's statuses will carry the phone."""
    cgb.post(f"/contacts/{AVERY}/send_content", json={"messages": [TEMPLATE]})
    (message,) = state(sandbox)["messages"]
    assert message["biz_opaque_callback_data"] == f'{{"c":"{AVERY}"}}'
    assert message["id"].startswith("wamid.")
    assert message["status"] == "delivered"


def test_lets_meta_tell_how_a_message_fared(cgb: httpx.Client, sandbox: httpx.Client) -> None:
    """An app that overhears the number reports CGB's messages with CGB's callback data, not with what was sent."""
    sandbox.put("/_sandbox/settings/meta", json={"overhears": True})
    cgb.post(f"/contacts/{AVERY}/send_content", json={"messages": [TEMPLATE]})
    (message,) = state(sandbox)["messages"]
    told = sandbox.get("/_sandbox/emissions", params={"vendor": "meta"}).json()
    statuses = [item["body"]["entry"][0]["changes"][0]["value"]["statuses"][0] for item in told]
    assert [status["status"] for status in statuses] == ["sent", "delivered"]
    assert {status["id"] for status in statuses} == {message["id"]}
    assert {status["biz_opaque_callback_data"] for status in statuses} == {f'{{"c":"{AVERY}"}}'}


def test_fails_late_outside_the_window(cgb: httpx.Client, sandbox: httpx.Client) -> None:
    """Text to somebody who never wrote is accepted and then fails; a flow with its template arrives."""
    cgb.post("/contacts", json={"phone": NEW, "first_name": "Siti"})
    assert cgb.post(f"/contacts/{NEW}/send/text", json={"text": "hi"}).json() == {"success": True}
    cgb.post(f"/contacts/{NEW}/custom_fields/300001", data={"value": "ORD-9"})
    cgb.post(f"/contacts/{NEW}/send/501")
    text, flow = state(sandbox)["messages"]
    assert (text["status"], text["error_code"]) == ("failed", 131047)
    assert (flow["status"], flow["error_code"]) == ("delivered", None)
    assert flow["content"]["text"]["body"] == "Hi Siti, please confirm order ORD-9."

    sandbox.post(f"/_sandbox/state/cgb/contacts/{NEW}/incoming", json={"message": "hello"})
    cgb.post(f"/contacts/{NEW}/send/text", json={"text": "hi"})
    assert state(sandbox)["messages"][-1]["status"] == "delivered"


def test_calls_the_receiver_when_a_button_is_tapped(
    cgb: httpx.Client, sandbox: httpx.Client, receiver: Receiver
) -> None:
    """The flow's request has our contract's fields, all text, and the secret in its header."""
    cgb.post(f"/contacts/{AVERY}/send/501")
    assert tap(sandbox, button="confirm").status_code == 200
    (kept,) = state(sandbox)["taps"]
    (received,) = receiver.received

    assert received.headers["x-webhook-secret"] == "shared-secret"
    assert received.json() == {
        "event": "button",
        "contact_id": AVERY,
        "phone": AVERY,
        "first_name": "Avery",
        "channel": "whatsapp",
        "button": "confirm",
        "order_id": "ORD-1001",
        "last_text_input": "Confirm order",
    }
    assert (kept["status"], kept["shown"]) == (200, [])


def test_taps_a_button_no_message_shows(sandbox: httpx.Client, receiver: Receiver) -> None:
    """The buttons of a template are Meta's: the tap is told with what is given; nobody and nothing is refused."""
    assert tap(sandbox, button="later", title="Later", order_id="ORD-2").status_code == 200
    assert tap(sandbox, button="").status_code == 400
    assert tap(sandbox, phone="999", button="later").status_code == 400
    state(sandbox)
    (body,) = receiver.bodies()
    assert (body["button"], body["order_id"], body["last_text_input"]) == ("later", "ORD-2", "Later")


@pytest.mark.parametrize(("unresolved", "expected"), [("empty", ""), ("raw", "{{order_id}}")])
def test_leaves_placeholders_unresolved(
    sandbox: httpx.Client, receiver: Receiver, unresolved: str, expected: str
) -> None:
    """A placeholder that does not resolve arrives empty or raw."""
    set_trap(sandbox, unresolved=unresolved, unresolved_fields=["order_id"])
    tap(sandbox, button="confirm")
    state(sandbox)
    assert receiver.bodies()[0]["order_id"] == expected


def test_carries_out_dynamic_content(sandbox: httpx.Client, receiver: Receiver) -> None:
    """What the receiver answers is shown in the chat and its actions are done."""
    receiver.answer = (
        b'{"messages":[{"message":{"text":"Thanks!"}}],"actions":[{"action":"add_tag","tag_name":"order_confirmed"},'
        b'{"action":"set_field_value","field_name":"order_status","value":"confirmed"}]}'
    )
    tap(sandbox, button="confirm")
    found = state(sandbox)

    assert found["taps"][0]["shown"] == [{"type": "text", "text": {"body": "Thanks!"}}]
    assert found["messages"][-1]["content"]["text"]["body"] == "Thanks!"
    contact = next(item for item in found["contacts"] if item["id"] == AVERY)
    assert (12 in contact["tag_ids"], contact["values"]["300002"]) == (True, "confirmed")


@pytest.mark.parametrize("answer", [b"<html>", b"[]", b'{"messages": 5}', b'{"actions": [{"action": "fly"}]}', b"\xff"])
def test_survives_any_answer(sandbox: httpx.Client, receiver: Receiver, answer: bytes) -> None:
    """An answer that is no dynamic content is kept and shows nothing."""
    receiver.answer = answer
    tap(sandbox, button="confirm")
    (kept,) = state(sandbox)["taps"]
    assert (kept["status"], kept["answer"], kept["shown"]) == (200, answer.decode("utf-8", "replace"), [])


def test_does_not_repeat_a_request(sandbox: httpx.Client, receiver: Receiver) -> None:
    """A flow goes on without the answer it did not get."""
    receiver.statuses = [500]
    tap(sandbox, button="confirm")
    assert state(sandbox)["taps"][0]["status"] == 500
    assert len(receiver.received) == 1
