"""The phones' control API: one phone a person, however many systems write. Invariant: statuses only move forward."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

Post = Callable[..., httpx.Response]

AVERY = "12025550143"
BUDI = "628123456789"
SHIPPED = {
    "template_id": "257000",
    "phone_number": BUDI,
    "templateVariable-name-1": "Budi Contoh",
    "templateVariable-receipt-2": "JX123",
}


def phone(sandbox: httpx.Client, digits: str = BUDI) -> dict[str, Any]:
    found: dict[str, Any] = sandbox.get(f"/_sandbox/phones/{digits}").json()
    return found


def reported(sandbox: httpx.Client) -> list[str]:
    """Return the statuses that were reported, in order."""
    found = sandbox.get("/_sandbox/emissions", params={"settle": 10, "trigger": "status"}).json()
    return [item["body"]["message_status"] for item in found]


def test_shows_a_template_as_the_person_sees_it(wabotick: Post, sandbox: httpx.Client) -> None:
    """The template is filled and has arrived."""
    identity = wabotick("send/template", SHIPPED).json()["wa_message_id"]
    (message,) = phone(sandbox)["messages"]

    assert message["content"]["text"] == "Halo Budi Contoh, paket Anda sudah dikirim. Nomor resi: JX123."
    assert (message["id"], message["status"], message["vendor"]) == (identity, "delivered", "wabotick")
    assert list(message["times"]) == ["accepted", "sent", "delivered"]


def test_one_person_has_one_phone_and_one_window(wabotick: Post, meta: httpx.Client, sandbox: httpx.Client) -> None:
    """What several systems on a number send stands in one chat, and a word to one opens the window for both."""
    sandbox.post(f"/_sandbox/phones/{BUDI}/text", json={"text": "Halo", "to": "wabotick"})
    wabotick("send", phone_number=BUDI, message="from one")
    text = {"messaging_product": "whatsapp", "to": BUDI, "text": {"body": "from the other"}}
    meta.post("/messages", json=text)
    messages = phone(sandbox)["messages"]

    assert [(item["vendor"], item["by_person"], item["status"]) for item in messages] == [
        ("wabotick", True, "read"),
        ("wabotick", False, "delivered"),
        ("meta", False, "delivered"),
    ]


def test_reading_moves_what_was_delivered(wabotick: Post, sandbox: httpx.Client) -> None:
    """Opening the chat reads everything in it once; a second look reports nothing."""
    identity = wabotick("send/template", SHIPPED).json()["wa_message_id"]

    assert sandbox.post(f"/_sandbox/phones/{BUDI}/read").json() == {"read": [identity]}
    assert sandbox.post(f"/_sandbox/phones/{BUDI}/read", json={"to": "meta"}).json() == {"read": []}
    assert reported(sandbox) == ["sent", "delivered", "read"]


def test_an_offline_phone_gets_its_messages_later(wabotick: Post, sandbox: httpx.Client) -> None:
    """One tick while it is off, two when it comes back."""
    sandbox.put(f"/_sandbox/phones/{BUDI}", json={"offline": True})
    wabotick("send/template", SHIPPED)
    assert phone(sandbox)["messages"][0]["status"] == "sent"

    sandbox.put(f"/_sandbox/phones/{BUDI}", json={"offline": False})
    assert phone(sandbox)["messages"][0]["status"] == "delivered"
    assert reported(sandbox) == ["sent", "delivered"]


def test_an_open_chat_reads_at_once(wabotick: Post, sandbox: httpx.Client) -> None:
    """All three statuses come by themselves."""
    sandbox.put(f"/_sandbox/phones/{BUDI}", json={"reads_at_once": True})
    wabotick("send/template", SHIPPED)

    assert reported(sandbox) == ["sent", "delivered", "read"]


def test_a_blocked_number_does_not_arrive(wabotick: Post, sandbox: httpx.Client) -> None:
    """Whoever blocked the business gets nothing of it: 131026, later."""
    sandbox.put(f"/_sandbox/phones/{BUDI}", json={"blocked": ["12025550100"]})
    wabotick("send/template", SHIPPED)

    assert (phone(sandbox)["messages"][0]["error"], reported(sandbox)) == (131026, ["failed"])


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("text", {"text": " "}, 400),
        ("text", {"text": "x" * 5000}, 400),
        ("text", {"text": "Hi", "to": "nobody"}, 400),
        ("tap", {"message_id": "wamid.none", "button": "x"}, 404),
        ("tap", {}, 404),
        ("read", [], 400),
    ],
)
def test_refuses_what_a_person_cannot_do(sandbox: httpx.Client, path: str, body: Any, status: int) -> None:
    """Empty texts, unknown businesses and buttons that are not there are refused, and nothing happens."""
    assert sandbox.post(f"/_sandbox/phones/{BUDI}/{path}", json=body).status_code == status
    assert phone(sandbox)["messages"] == []


@pytest.mark.parametrize("changes", [{"offline": "yes"}, {"error": -1}, {"colour": 1}, [], {"error": "131026"}])
def test_refuses_wrong_changes(sandbox: httpx.Client, changes: Any) -> None:
    """A name or value that does not exist is a 400."""
    assert sandbox.put(f"/_sandbox/phones/{BUDI}", json=changes).status_code == 400


def test_a_button_that_did_not_arrive_cannot_be_tapped(wabotick: Post, sandbox: httpx.Client) -> None:
    """A message that failed is not on the phone, and neither are its buttons."""
    sandbox.put(f"/_sandbox/phones/{BUDI}", json={"error": 131026})
    form = {**SHIPPED, "template_id": "257001"}
    identity = wabotick("send/template", form).json()["wa_message_id"]
    tap = {"message_id": identity, "button": "Konfirmasi"}

    assert sandbox.post(f"/_sandbox/phones/{BUDI}/tap", json=tap).status_code == 409
    assert sandbox.post(f"/_sandbox/phones/{AVERY}/tap", json=tap).status_code == 404


def test_the_window_can_be_set(wabotick: Post, sandbox: httpx.Client) -> None:
    """Tests can open and close the 24 hours without a message."""
    for opened, status in ((True, "1"), (False, "0")):
        sandbox.put(f"/_sandbox/phones/{BUDI}/window", json={"to": "wabotick", "open": opened})
        assert wabotick("send", phone_number=BUDI, message="Hi").json()["status"] == status


def test_lists_people_and_forgets_them_on_reset(sandbox: httpx.Client) -> None:
    """Whoever writes has a phone; reset leaves those of the seed."""
    before = sandbox.get("/_sandbox/phones").json()
    sandbox.post("/_sandbox/phones/628999/text", json={"text": "Hi"})
    assert len(sandbox.get("/_sandbox/phones").json()) == len(before) + 1

    sandbox.post("/_sandbox/reset")
    assert sandbox.get("/_sandbox/phones").json() == before
    assert sandbox.get("/_sandbox/phones/628999").status_code == 404


@pytest.mark.parametrize("digits", ["%2B628", "abc", "1" * 21, "٤٤"])
def test_a_phone_is_digits(sandbox: httpx.Client, digits: str) -> None:
    """Anything else is no phone."""
    assert sandbox.get(f"/_sandbox/phones/{digits}").status_code == 400
