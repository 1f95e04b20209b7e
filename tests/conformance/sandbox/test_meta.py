"""The faked Cloud API answers and reports as Meta does. Invariant: every webhook is signed over its own bytes."""

import hashlib
import hmac
import json
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import httpx
import pytest

from tests.conformance.sandbox.receiver import Receiver

Starter = Callable[..., AbstractContextManager[tuple[str, "subprocess.Popen[str]"]]]

AVERY = "12025550143"  # wrote just now: window open
BUDI = "628123456789"  # never wrote: window closed
SECRET = "example-app-secret"
TEXT = {"messaging_product": "whatsapp", "to": AVERY, "type": "text", "text": {"body": "Hello"}}
METADATA = {"display_phone_number": "12025550100", "phone_number_id": "100000000000001"}


def template(name: str = "order_shipped", *values: str, to: str = BUDI, **more: Any) -> dict[str, Any]:
    parameters = [{"type": "text", "text": value} for value in values]
    components = [{"type": "body", "parameters": parameters}, *more.pop("components", [])]
    content = {"name": name, "language": {"code": "id"}, "components": components}
    return {"messaging_product": "whatsapp", "to": to, "type": "template", "template": content, **more}


def interactive(kind: str, action: dict[str, Any], **more: Any) -> dict[str, Any]:
    content = {"type": kind, "body": {"text": "Sure?"}, "action": action, **more}
    return {"messaging_product": "whatsapp", "to": AVERY, "type": "interactive", "interactive": content}


def reply_buttons(*titles: str) -> dict[str, Any]:
    buttons = [{"type": "reply", "reply": {"id": f"id:{title}", "title": title}} for title in titles]
    return interactive("button", {"buttons": buttons})


def rows(*titles: str) -> dict[str, Any]:
    found = [{"id": f"row:{title}", "title": title, "description": "10:00 to 12:00"} for title in titles]
    return interactive("list", {"button": "Choose", "sections": [{"title": "S", "rows": found}]})


def send(meta: httpx.Client, body: dict[str, Any]) -> str:
    answer = meta.post("/messages", json=body)
    assert answer.status_code == 200, answer.text
    identity: str = answer.json()["messages"][0]["id"]
    return identity


def aim(sandbox: httpx.Client, receiver: Receiver) -> None:
    target = {"url": f"{receiver.url}/webhooks/meta", "secret": SECRET}
    assert sandbox.put("/_sandbox/webhooks/meta", json={"*": target}).status_code == 200


def settled(sandbox: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sandbox.get("/_sandbox/emissions", params={"settle": 10, "vendor": "meta"}).json()
    return found


def values(sandbox: httpx.Client) -> list[dict[str, Any]]:
    """Return the `value` of every change that was reported."""
    return [
        change["value"]
        for emission in settled(sandbox)
        for entry in emission["body"]["entry"]
        for change in entry["changes"]
    ]


def statuses(sandbox: httpx.Client) -> list[dict[str, Any]]:
    return [status for value in values(sandbox) for status in value.get("statuses", ())]


def test_accepts_a_text(meta: httpx.Client, sandbox: httpx.Client) -> None:
    """The answer names the recipient as given and as known, and the message."""
    answer = meta.post("/messages", json={**TEXT, "to": "+1 (202) 555-0143"})
    body = answer.json()

    assert answer.status_code == 200
    assert body["messaging_product"] == "whatsapp"
    assert body["contacts"] == [{"input": "+1 (202) 555-0143", "wa_id": AVERY}]
    assert body["messages"][0]["id"].startswith("wamid.")
    (effect,) = sandbox.get("/_sandbox/effects", params={"vendor": "meta"}).json()
    assert (effect["kind"], effect["phone_number"], effect["text"]) == ("message", AVERY, "Hello")


def test_reports_sent_and_delivered_in_the_batch_envelope(meta: httpx.Client, sandbox: httpx.Client) -> None:
    """Each status is one webhook with Meta's envelope, the opaque data and a price."""
    identity = send(meta, {**template("order_shipped", "Budi", "JX1"), "biz_opaque_callback_data": "delivery-7"})
    first, second = values(sandbox)

    assert settled(sandbox)[0]["body"]["object"] == "whatsapp_business_account"
    assert settled(sandbox)[0]["body"]["entry"][0]["changes"][0]["field"] == "messages"
    assert (first["messaging_product"], first["metadata"]) == ("whatsapp", METADATA)
    sent, delivered = first["statuses"][0], second["statuses"][0]
    assert (sent["id"], sent["status"], sent["recipient_id"]) == (identity, "sent", BUDI)
    assert sent["timestamp"].isdecimal()
    assert sent["biz_opaque_callback_data"] == delivered["biz_opaque_callback_data"] == "delivery-7"
    assert sent["pricing"] == {"billable": True, "pricing_model": "PMP", "category": "utility", "type": "regular"}
    assert delivered["status"] == "delivered"


def test_signs_the_raw_bytes(sandbox: httpx.Client, receiver: Receiver) -> None:
    """The signature is over the bytes as sent, with letters and slashes escaped, so a re-encoded body fails."""
    aim(sandbox, receiver)
    sandbox.post("/_sandbox/phones/12025550143/text", json={"text": "Zoë and/or", "to": "meta"})
    settled(sandbox)

    (received,) = receiver.received
    expected = hmac.new(SECRET.encode(), received.body, hashlib.sha256).hexdigest()
    assert received.headers["x-hub-signature-256"] == f"sha256={expected}"
    assert rb"Zo\u00eb and\/or" in received.body
    assert received.json()["entry"][0]["changes"][0]["value"]["messages"][0]["text"]["body"] == "Zoë and/or"
    assert json.dumps(received.json()).encode() != received.body


@pytest.mark.parametrize(
    ("headers", "code"),
    [({}, 190), ({"Authorization": "Basic x"}, 190), ({"Authorization": "Bearer"}, 190)],
)
def test_needs_a_bearer_token(base_url: str, headers: dict[str, str], code: int) -> None:
    """Without one it is 401 with Meta's error object."""
    answer = httpx.post(f"{base_url}/meta/v23.0/100000000000001/messages", json=TEXT, headers=headers)
    error = answer.json()["error"]

    assert (answer.status_code, error["type"], error["code"]) == (401, "OAuthException", code)
    assert {"message", "fbtrace_id"} <= set(error)


def test_demands_the_token_of_its_environment(start_sandbox: Starter) -> None:
    """`SANDBOX_META_TOKEN` names the only one that is accepted."""
    with start_sandbox(SANDBOX_META_TOKEN="EAAreal") as (url, _):
        path = f"{url}/meta/v23.0/100000000000001/messages"
        found = [
            httpx.post(path, json=TEXT, headers={"Authorization": f"Bearer {token}"}).status_code
            for token in ("EAAreal", "EAAother")
        ]
    assert found == [200, 401]


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"messaging_product": None}, 400, 100),
        ({"to": None}, 400, 131008),
        ({"to": "somebody"}, 400, 131009),
        ({"to": "12025550100"}, 400, 131021),
        ({"text": {}}, 400, 131008),
        ({"text": {"body": "x" * 4097}}, 400, 131009),
        ({"type": "sticker"}, 400, 131051),
        ({"type": ["text"]}, 400, 131051),
        ({"type": "image"}, 400, 131008),
        ({"type": "image", "image": {"link": "ftp://x"}}, 400, 131009),
        ({"type": "audio", "audio": {"link": "https://x.example/a.ogg", "caption": "c"}}, 400, 100),
        ({"biz_opaque_callback_data": "x" * 513}, 400, 131009),
        ({"type": "template"}, 400, 131008),
        ({"status": "read", "message_id": "wamid.x"}, 400, 131009),
        (template("nothing", "a"), 404, 132001),
        (template("weekend_discount", "a"), 404, 132001),
        (template("new_collection", "a"), 400, 132015),
        (template("old_collection", "a"), 400, 132016),
        (template("order_shipped", "a"), 400, 132000),
        (template("order_shipped", "a", "two\nlines"), 400, 100),
        (template("order_shipped", "a", ""), 400, 100),
        (template("invoice_document", "a"), 400, 132012),
        (reply_buttons("a", "b", "c", "d"), 400, 131009),
        (reply_buttons("a title that is too long"), 400, 131009),
        (reply_buttons("a", "a"), 400, 131009),
        (rows(*[str(n) for n in range(11)]), 400, 131009),
        (interactive("flow", {}), 400, 131009),
        (interactive("button", {}), 400, 131008),
    ],
)
def test_refuses_with_codes_and_sends_nothing(
    meta: httpx.Client, sandbox: httpx.Client, changes: dict[str, Any], status: int, code: int
) -> None:
    """Each mistake has Meta's code and HTTP status, in Meta's error object, and leaves nothing behind."""
    body = {name: value for name, value in {**TEXT, **changes}.items() if value is not None}
    answer = meta.post("/messages", json=body)
    error = answer.json()["error"]

    assert (answer.status_code, error["code"], error["type"]) == (status, code, "OAuthException")
    assert error["message"].startswith(f"(#{code}) ")
    assert error["error_data"]["messaging_product"] == "whatsapp"
    assert error["error_data"]["details"]
    assert error["fbtrace_id"]
    assert sandbox.get("/_sandbox/effects").json() == []
    assert settled(sandbox) == []


def test_knows_its_own_number_only(base_url: str) -> None:
    """Another number is an object that does not exist, another path none at all."""
    headers = {"Authorization": "Bearer x"}
    answer = httpx.post(f"{base_url}/meta/v23.0/999/messages", json=TEXT, headers=headers)

    assert (answer.status_code, answer.json()["error"]["error_subcode"]) == (400, 33)
    assert httpx.post(f"{base_url}/meta/v23.0/999/nothing", json=TEXT, headers=headers).status_code == 404
    assert httpx.get(f"{base_url}/meta/v23.0/999/messages", headers=headers).status_code == 405
    assert httpx.post(f"{base_url}/meta/newest/999/messages", json=TEXT, headers=headers).status_code == 400


@pytest.mark.parametrize("content", [b"{", b"[1]", b"", b'{"to": 1}', b'{"messaging_product": {"a": []}}'])
def test_survives_any_body(meta: httpx.Client, content: bytes) -> None:
    """Whatever comes is refused in Meta's words."""
    answer = meta.post("/messages", content=content, headers={"Content-Type": "application/json"})

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == 100


def test_reports_a_closed_window_later(meta: httpx.Client, sandbox: httpx.Client) -> None:
    """A session message outside the 24 hours is accepted and then fails with 131047."""
    identity = send(meta, {**TEXT, "to": BUDI})
    (failed,) = statuses(sandbox)

    assert (failed["id"], failed["status"]) == (identity, "failed")
    (error,) = failed["errors"]
    assert (error["code"], error["title"]) == (131047, "Re-engagement message")
    assert "24 hours" in error["error_data"]["details"]
    assert error["href"].startswith("https://")
    assert "pricing" not in failed


def test_the_window_has_three_ways(meta: httpx.Client, sandbox: httpx.Client) -> None:
    """It can also refuse at once or be left open; a message of the person opens it."""
    sandbox.put("/_sandbox/settings/meta", json={"window": "at_once"})
    assert meta.post("/messages", json={**TEXT, "to": BUDI}).json()["error"]["code"] == 131047

    sandbox.put("/_sandbox/settings/meta", json={"window": "never"})
    send(meta, {**TEXT, "to": BUDI})
    sandbox.put("/_sandbox/settings/meta", json={"window": "at_once"})
    sandbox.post(f"/_sandbox/phones/{BUDI}/text", json={"text": "Halo", "to": "meta"})
    send(meta, {**TEXT, "to": BUDI})


@pytest.mark.parametrize(("code", "status"), [(131056, 429), (190, 401), (131031, 403), (131000, 500), (4, 429)])
def test_a_person_can_meet_an_error_at_once(meta: httpx.Client, sandbox: httpx.Client, code: int, status: int) -> None:
    """A phone's error refuses the call with its HTTP status, as often as it is told to."""
    sandbox.put(f"/_sandbox/phones/{BUDI}", json={"error": code, "error_times": 1})
    body = template("order_shipped", "Budi", "JX1")
    answer = meta.post("/messages", json=body)

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    send(meta, body)


@pytest.mark.parametrize("code", [131026, 131049, 131050, 131042])
def test_a_person_can_meet_an_error_later(meta: httpx.Client, sandbox: httpx.Client, code: int) -> None:
    """A late error comes by webhook as a failed status, and nothing else does."""
    sandbox.put(f"/_sandbox/phones/{BUDI}", json={"error": code})
    send(meta, template("order_shipped", "Budi", "JX1"))
    (failed,) = statuses(sandbox)

    assert (failed["status"], failed["errors"][0]["code"]) == ("failed", code)


def test_the_account_can_meet_an_error(meta: httpx.Client, sandbox: httpx.Client) -> None:
    """An error of the account hits everybody, for so many messages."""
    sandbox.put("/_sandbox/settings/meta", json={"error": 130429, "error_times": 2})
    found = [meta.post("/messages", json=body).status_code for body in (TEXT, TEXT, TEXT)]

    assert found == [429, 429, 200]


def test_brings_a_text_of_a_person(sandbox: httpx.Client) -> None:
    """What a person writes comes with the contact's name."""
    sandbox.post(f"/_sandbox/phones/{AVERY}/text", json={"text": "Where is my order?", "to": "meta"})
    (value,) = values(sandbox)

    assert value["contacts"] == [{"profile": {"name": "Avery"}, "wa_id": AVERY}]
    (message,) = value["messages"]
    assert (message["from"], message["type"], message["text"]) == (AVERY, "text", {"body": "Where is my order?"})
    assert message["timestamp"].isdecimal()
    assert "context" not in message


def test_brings_the_tap_of_each_kind_of_button(meta: httpx.Client, sandbox: httpx.Client) -> None:
    """Template quick replies, reply buttons and list rows come in their own shapes, with the message they answer."""
    payloads = [
        {
            "type": "button",
            "sub_type": "quick_reply",
            "index": str(n),
            "parameters": [{"type": "payload", "payload": p}],
        }
        for n, p in enumerate(["confirm:ORD-1", "cancel:ORD-1"])
    ]
    sent = [
        (send(meta, template("order_confirmation", "A", "ORD-1", to=AVERY, components=payloads)), "Konfirmasi"),
        (send(meta, reply_buttons("Yes", "No")), "Yes"),
        (send(meta, rows("Today", "Tomorrow")), "row:Tomorrow"),
    ]
    for identity, button in sent:
        tap = {"message_id": identity, "button": button}
        assert sandbox.post(f"/_sandbox/phones/{AVERY}/tap", json=tap).status_code == 200
    messages = [message for value in values(sandbox) for message in value.get("messages", ())]

    assert [message["context"] for message in messages] == [
        {"from": "12025550100", "id": identity} for identity, _ in sent
    ]
    assert messages[0]["button"] == {"payload": "confirm:ORD-1", "text": "Konfirmasi"}
    assert messages[1]["interactive"] == {"type": "button_reply", "button_reply": {"id": "id:Yes", "title": "Yes"}}
    assert messages[2]["interactive"]["list_reply"] == {
        "id": "row:Tomorrow",
        "title": "Tomorrow",
        "description": "10:00 to 12:00",
    }


def test_marks_a_message_of_a_person_as_read(meta: httpx.Client, sandbox: httpx.Client) -> None:
    """`status: read` is answered with success, for received messages only."""
    wrote = sandbox.post(f"/_sandbox/phones/{AVERY}/text", json={"text": "Hi", "to": "meta"}).json()
    answer = meta.post("/messages", json={"messaging_product": "whatsapp", "status": "read", "message_id": wrote["id"]})

    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert [effect["kind"] for effect in sandbox.get("/_sandbox/effects").json()] == ["read"]


@pytest.mark.parametrize("kind", ["image", "video", "audio", "document"])
def test_sends_media_by_link(meta: httpx.Client, sandbox: httpx.Client, kind: str) -> None:
    """Four kinds of media go out by their address."""
    identity = send(meta, {**TEXT, "type": kind, kind: {"link": "https://files.example/a"}})
    (bubble,) = sandbox.get(f"/_sandbox/phones/{AVERY}").json()["messages"]

    assert (bubble["id"], bubble["content"]["media"]) == (identity, [kind, "https://files.example/a"])


def test_sends_a_template_with_a_document(meta: httpx.Client) -> None:
    """A media header takes a link."""
    header = {"type": "header", "parameters": [{"type": "document", "document": {"link": "https://x.example/a.pdf"}}]}

    send(meta, template("invoice_document", "Budi", components=[header]))


@pytest.mark.parametrize(("merging", "shape"), [("entries", (2, 1, 1)), ("changes", (1, 2, 1)), ("values", (1, 1, 2))])
def test_batches_several_into_one_call(
    meta: httpx.Client, sandbox: httpx.Client, receiver: Receiver, merging: str, shape: tuple[int, int, int]
) -> None:
    """One signed call can hold several entries, changes or statuses; each emission says whose call carried it."""
    aim(sandbox, receiver)
    sandbox.put("/_sandbox/settings/meta", json={"merging": merging})
    sandbox.put("/_sandbox/webhooks/meta/traps", json={"batch": 10})
    send(meta, TEXT)
    listed = settled(sandbox)

    (body,) = receiver.bodies()
    changes = [change for entry in body["entry"] for change in entry["changes"]]
    assert (len(body["entry"]), len(body["entry"][0]["changes"]), len(changes[0]["value"]["statuses"])) == shape
    found = [status["status"] for change in changes for status in change["value"]["statuses"]]
    assert found == ["sent", "delivered"]
    assert [item["sent_with"] for item in listed] == [None, 1]


def test_may_skip_delivered_and_stop_early(meta: httpx.Client, sandbox: httpx.Client) -> None:
    """`read` can come without `delivered`, and a message can stay where it is until it is told to go on."""
    sandbox.put("/_sandbox/settings/meta", json={"skip_delivered": True, "reach": "read"})
    send(meta, TEXT)
    assert [item["status"] for item in statuses(sandbox)] == ["sent", "read"]

    sandbox.put("/_sandbox/settings/meta", json={"skip_delivered": False, "reach": "accepted"})
    identity = send(meta, TEXT)
    for status in ("delivered", "sent"):
        sandbox.put(f"/_sandbox/state/meta/messages/{identity}", json={"status": status}).raise_for_status()
    assert [item["status"] for item in statuses(sandbox)][2:] == ["sent", "delivered", "sent"]


def test_can_overhear_its_number(sandbox: httpx.Client, wabotick: Callable[..., httpx.Response]) -> None:
    """What another system sends on the number is none of its business unless it is told to listen."""
    wabotick("send", phone_number=AVERY, message="Hi")
    assert settled(sandbox) == []

    sandbox.put("/_sandbox/settings/meta", json={"overhears": True})
    wabotick("send", phone_number=AVERY, message="Hi")
    assert [item["status"] for item in statuses(sandbox)] == ["sent", "delivered"]


def test_brings_messages_of_any_type(sandbox: httpx.Client) -> None:
    """The control API can let a type come that the phones do not know."""
    message = {"phone_number": AVERY, "type": "unsupported", "errors": [{"code": 131051}]}
    assert sandbox.post("/_sandbox/state/meta/message", json=message).status_code == 200
    ((value),) = values(sandbox)

    assert value["messages"][0]["type"] == "unsupported"
    assert sandbox.post("/_sandbox/state/meta/incoming", json={}).status_code == 400
