"""The faked Scalev's WhatsApp routes. Invariant: a message that went out is on the phone it was sent to."""

from typing import Any

import httpx
import pytest

UNIQUE_ID = "waba_AAAAAAAAAAAAAAAAAAAAAAAA"
ACCOUNT = "/waba-accounts/41"
PHONE = "628123456789"
TALK = f"/waba-accounts/{UNIQUE_ID}/customers/{PHONE}"
TEMPLATE = {"template_id": (None, "301"), "components_param": (None, '{"body": ["Budi", "JX123"]}')}
MESSAGE_KEYS = {
    "wamid",
    "phone_number_id",
    "wa_user_id",
    "direction",
    "type",
    "status",
    "error",
    "timestamp_sent",
    "timestamp_delivered",
    "timestamp_read",
    "inserted_at",
    "pricing_category",
    "context",
    "sender_tag",
}


def write(sandbox: httpx.Client, text: str = "Halo") -> dict[str, Any]:
    """Let the customer write to the business."""
    answer = sandbox.post("/_sandbox/state/scalev/waba/incoming", json={"wa_user_id": PHONE, "text": text})
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def effects(sandbox: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sandbox.get("/_sandbox/effects", params={"vendor": "scalev"}).json()
    return found


def test_shows_accounts_by_number_and_templates(scalev: httpx.Client) -> None:
    """Account routes take the numeric id; the text id is a 404 there."""
    (account,) = scalev.get("/waba-accounts").json()["data"]

    assert (account["id"], account["unique_id"]) == (41, UNIQUE_ID)
    assert scalev.get(ACCOUNT).json() == account
    assert scalev.get(f"/waba-accounts/{UNIQUE_ID}").status_code == 404
    names = [row["name"] for row in scalev.get(f"{ACCOUNT}/message-templates").json()["data"]]
    assert "order_shipped" in names


def test_sends_a_template_to_one_person(scalev: httpx.Client, sandbox: httpx.Client) -> None:
    """A template goes out as multipart without an open window; its variables are filled."""
    answer = scalev.post(f"{TALK}/message-templates", files=TEMPLATE)

    message = answer.json()
    assert set(message) >= MESSAGE_KEYS
    assert (message["direction"], message["type"], message["status"]) == ("outbound", "template", "delivered")
    assert message["wamid"].startswith("wamid.")
    (effect,) = effects(sandbox)
    assert (effect["kind"], effect["phone_number"], effect["id"]) == ("message", PHONE, message["wamid"])


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        (f"{TALK}/message-templates", {"template_id": (None, "999")}, 404),
        (f"{TALK}/message-templates", {"template_id": (None, "303")}, 422),
        (f"{TALK}/message-templates", {"template_id": (None, "301")}, 422),
        (f"{TALK}/message-templates", {"template_id": (None, "order_shipped")}, 422),
        (f"/waba-accounts/41/customers/{PHONE}/message-templates", TEMPLATE, 404),
        (f"/waba-accounts/{UNIQUE_ID}/customers/+62/message-templates", TEMPLATE, 422),
    ],
)
def test_refuses_a_wrong_template(
    scalev: httpx.Client, sandbox: httpx.Client, path: str, fields: dict[str, Any], status: int
) -> None:
    """Unknown, paused and unfilled templates and wrong ids send nothing."""
    assert scalev.post(path, files=fields).status_code == status
    assert effects(sandbox) == []


def test_sends_a_message_inside_the_window_only(scalev: httpx.Client, sandbox: httpx.Client) -> None:
    """A session message needs that the customer wrote; then it is a Cloud API object."""
    body = {"type": "text", "text": {"body": "Pesanan dikirim"}}
    assert scalev.post(f"{TALK}/messages", json=body).status_code == 422
    write(sandbox)
    message = scalev.post(f"{TALK}/messages", json=body).json()

    assert (message["text"], message["status"]) == ({"body": "Pesanan dikirim"}, "delivered")
    assert scalev.get(f"{TALK}/messages/{message['wamid']}").json() == message
    rows = scalev.get(f"{TALK}/messages").json()["data"]
    assert [row["direction"] for row in rows] == ["outbound", "inbound"]
    anchored = scalev.get(f"{TALK}/messages", params={"anchor_id": rows[1]["wamid"]}).json()["data"]
    assert anchored == rows[1:]


@pytest.mark.parametrize(
    "body",
    [
        {"type": "text"},
        {"type": "text", "text": {"body": ""}},
        {"type": "smoke", "smoke": {}},
        {"type": "image", "image": {}},
        {"type": "interactive", "interactive": {"body": {"text": "x"}, "action": {}}},
    ],
)
def test_refuses_a_message_that_shows_nothing(
    scalev: httpx.Client, sandbox: httpx.Client, body: dict[str, Any]
) -> None:
    """A message object without content is a 422."""
    write(sandbox)

    assert scalev.post(f"{TALK}/messages", json=body).status_code == 422
    assert effects(sandbox) == []


def test_records_a_mock_without_sending(scalev: httpx.Client, sandbox: httpx.Client) -> None:
    """The mock header keeps the message and sends nothing, window or not."""
    body = {"type": "text", "text": {"body": "Coba"}}
    answer = scalev.post(f"{TALK}/messages", json=body, headers={"X-Scalev-Waba-Send-Mode": "mock"})

    assert (answer.status_code, answer.json()["status"]) == (200, "accepted")
    assert effects(sandbox) == []


def test_marks_reads_and_deletes(scalev: httpx.Client, sandbox: httpx.Client) -> None:
    """The customer's message is marked read, also by the typing indicator; ours cannot be."""
    first, second = write(sandbox), write(sandbox, "Lagi")
    ours = scalev.post(f"{TALK}/messages", json={"type": "text", "text": {"body": "x"}}).json()

    read = scalev.patch(f"{TALK}/messages/{first['wamid']}", json={"status": "read"}).json()
    assert (read["status"], read["timestamp_read"] is None) == ("read", False)
    assert scalev.post(f"{TALK}/messages/{second['wamid']}/typing-indicator").status_code == 204
    assert scalev.get(f"{TALK}/messages/{second['wamid']}").json()["status"] == "read"
    assert scalev.patch(f"{TALK}/messages/{ours['wamid']}", json={"status": "read"}).status_code == 422
    assert scalev.patch(f"{TALK}/messages/{first['wamid']}", json={"status": "sent"}).status_code == 422
    assert scalev.delete(f"{TALK}/messages/{ours['wamid']}").status_code == 204
    assert scalev.get(f"{TALK}/messages/{ours['wamid']}").status_code == 404


def test_sends_a_batch_from_a_csv(scalev: httpx.Client, sandbox: httpx.Client) -> None:
    """A batch answers 204; its attempts say per line how it went, and a doubled phone goes out once."""
    table = b"name,phone\nBudi,628123456789\nSiti,628129876543\nBudi,628123456789\n"
    form = {
        "template_id": (None, "301"),
        "file": ("people.csv", table, "text/csv"),
        "component_values": (None, '["Kak", "JX1"]'),
        "is_prevent_duplicate": (None, "true"),
    }
    answer = scalev.post(f"{ACCOUNT}/send-messages", files=form)

    assert (answer.status_code, answer.content) == (204, b"")
    attempts = scalev.get(f"{ACCOUNT}/message-attempts").json()["data"]
    assert [(row["phone"], row["status"]) for row in attempts] == [("628129876543", "sent"), (PHONE, "sent")]
    assert len(effects(sandbox)) == 2
    assert scalev.post(f"{ACCOUNT}/send-messages", json={"template_id": 301}).status_code == 400


def test_keeps_users_of_conversations(scalev: httpx.Client, sandbox: httpx.Client) -> None:
    """Who wrote is a user that can be handed to a person, and a purchase can be told."""
    write(sandbox)
    path = f"/waba-accounts/{UNIQUE_ID}/customers"
    (user,) = scalev.get(path).json()["data"]
    changed = scalev.patch(f"{path}/{user['id']}", json={"handler_type": "human", "tag_ids": [1]}).json()

    assert (changed["handler_type"], changed["tag_ids"], user["wa_user_id"]) == ("human", [1], PHONE)
    assert scalev.patch(f"{path}/{user['id']}", json={"handler_type": "robot"}).status_code == 422
    assert scalev.post(f"{path}/{user['id']}/purchase", json={"currency": "IDR", "value": 5}).status_code == 204
    assert scalev.post(f"{path}/{user['id']}/purchase", json={"currency": "IDR"}).status_code == 422


@pytest.mark.parametrize(
    ("path", "fields", "change"),
    [
        (f"/waba-accounts/{UNIQUE_ID}/quick-replies", {"code": "ongkir", "message": "x"}, {"message": "y"}),
        ("/waba-customer-tags", {"name": "Baru", "color": "#000000"}, {"color": "#ffffff"}),
        ("/whatsapp-integrations", {"name": "HP 2", "phone": "628111111113"}, {"phone": "628111111114"}),
    ],
)
def test_keeps_plain_lists(scalev: httpx.Client, path: str, fields: dict[str, str], change: dict[str, str]) -> None:
    """Quick replies, tags and devices are created, listed, changed and deleted."""
    created = scalev.post(path, json=fields).json()
    one = f"{path}/{created['id']}"

    assert scalev.post(path, json=fields).status_code == 422
    assert scalev.post(path, json={}).status_code == 400
    assert scalev.patch(one, json=change).json() == {**created, **change}
    assert len(scalev.get(path).json()["data"]) == 2
    assert scalev.delete(one).status_code == 204
    assert scalev.get(one).status_code == 404


def test_checks_devices_and_takes_pictures(scalev: httpx.Client) -> None:
    """A device says its status; media are JPEG or PNG."""
    assert scalev.post("/whatsapp-integrations/1/check-status").json()["status"] == "connected"
    picture = {"file": ("promo.png", b"\x89PNG", "image/png")}
    assert scalev.post(f"{ACCOUNT}/upload-media", files=picture).json()["id"]
    film = {"file": ("promo.mp4", b"x", "video/mp4")}
    assert scalev.post(f"{ACCOUNT}/upload-media", files=film).status_code == 422


def test_tells_of_messages_when_told(scalev: httpx.Client, sandbox: httpx.Client) -> None:
    """The WhatsApp events are known by name only, so they are off until switched on."""

    def told() -> list[str]:
        listed = sandbox.get("/_sandbox/emissions", params={"vendor": "scalev", "settle": 10}).json()
        return [emission["trigger"] for emission in listed]

    write(sandbox)
    assert told() == []
    sandbox.put("/_sandbox/settings/scalev", json={"whatsapp_events": True})
    write(sandbox)
    scalev.post(f"{TALK}/message-templates", files=TEMPLATE)
    assert told() == ["whatsapp.message.received", *["whatsapp.message.status.updated"] * 2]


def test_shows_on_the_phone_and_hears_the_tap(scalev: httpx.Client, sandbox: httpx.Client) -> None:
    """A template's filled text and button are on the phone; the tap comes back as a message that answers it."""
    sent = scalev.post(f"{TALK}/message-templates", files=TEMPLATE).json()
    (bubble,) = sandbox.get(f"/_sandbox/phones/{PHONE}").json()["messages"]

    assert bubble["content"]["text"] == "Halo Budi, pesanan Anda dikirim dengan resi JX123."
    tap = {"message_id": sent["wamid"], "button": "Sudah diterima"}
    assert sandbox.post(f"/_sandbox/phones/{PHONE}/tap", json=tap).status_code == 200
    reply = scalev.get(f"{TALK}/messages").json()["data"][0]
    assert (reply["direction"], reply["context"]) == ("inbound", {"id": sent["wamid"]})
    assert reply["interactive"]["button_reply"]["title"] == "Sudah diterima"
    assert scalev.get(f"{TALK}/messages/{sent['wamid']}").json()["status"] == "read"


@pytest.mark.parametrize(("code", "status"), [(131026, 200), (131056, 422)])
def test_meets_whatsapp_errors(scalev: httpx.Client, sandbox: httpx.Client, code: int, status: int) -> None:
    """What WhatsApp says late fails an accepted message; the rest refuses the call with the code in its text."""
    assert sandbox.put(f"/_sandbox/phones/{PHONE}", json={"error": code}).status_code == 200
    answer = scalev.post(f"{TALK}/message-templates", files=TEMPLATE)

    assert answer.status_code == status
    if status == 200:
        message = scalev.get(f"{TALK}/messages/{answer.json()['wamid']}").json()
        assert (message["status"], message["error"]["code"]) == ("failed", code)
    else:
        assert f"(#{code})" in answer.json()["message"]
