"""The faked Proton's webhooks in every form they may have. Invariant: signatures are checked over the raw bytes."""

import base64
import hashlib
import hmac
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.conformance.sandbox.receiver import Received, Receiver, running_receiver

CUSTOMER = "HL-20418"
SECRET = "proton-example-secret"


@pytest.fixture
def receiver(sandbox: httpx.Client) -> Iterator[Receiver]:
    """A receiver of this test's own, where Proton's webhooks go."""
    with running_receiver() as found:
        aim(sandbox, found, SECRET)
        yield found


def aim(sandbox: httpx.Client, receiver: Receiver, secret: str) -> None:
    target = {"*": {"url": f"{receiver.url}/webhooks/crm", "secret": secret}}
    assert sandbox.put("/_sandbox/webhooks/proton", json=target).status_code == 200


def received(sandbox: httpx.Client, receiver: Receiver) -> list[Received]:
    """Wait until all is sent, and return what came."""
    sandbox.get("/_sandbox/emissions", params={"vendor": "proton", "settle": 10})
    return receiver.received


def sha(secret: bytes, content: bytes) -> str:
    return hmac.digest(secret, content, hashlib.sha256).hex()


def test_tells_in_the_reference_form(proton: httpx.Client, sandbox: httpx.Client, receiver: Receiver) -> None:
    """Event, id, company, timestamp and the whole record; signed in hex over the raw bytes."""
    proton.patch(f"/v1/customers/{CUSTOMER}", json={"city": "Köln"})
    (webhook,) = received(sandbox, receiver)
    body = webhook.json()

    assert set(body) == {"event", "id", "company", "timestamp", "data"}
    assert (body["event"], body["company"]) == ("customer.updated", "harborline")
    assert (body["data"]["customer_id"], body["data"]["city"]) == (CUSTOMER, "Köln")
    assert webhook.headers["x-proton-signature"] == "sha256=" + sha(SECRET.encode(), webhook.body)
    assert webhook.headers["x-company"] == "harborline"


def test_tells_of_customers_and_notes(proton: httpx.Client, sandbox: httpx.Client, receiver: Receiver) -> None:
    """Creates, updates and deletes have the five documented names and ids of their own."""
    proton.post("/v1/customers", json={"customer_id": "C-1", "name": "Toko"})
    note = {"user_id": "ops@harborline.example", "customer_ids": [CUSTOMER]}
    path = f"/v1/call_notes/{proton.post('/v1/call_notes', json=note).json()['call_notes'][0]['interaction_id']}"
    proton.put(path, json={"notes": "x"})
    proton.delete(path)
    bodies = [webhook.json() for webhook in received(sandbox, receiver)]

    assert [body["event"] for body in bodies] == [
        "customer.created",
        "call_note.created",
        "call_note.updated",
        "call_note.deleted",
    ]
    assert len({body["id"] for body in bodies}) == 4
    assert bodies[2]["data"]["notes"] == "x"


def test_stays_silent_on_refusals_and_on_records_put_in_place(
    proton: httpx.Client, sandbox: httpx.Client, receiver: Receiver
) -> None:
    """A duplicate, a read and the control API's PUT tell nothing."""
    proton.post("/v1/customers", json={"customer_id": CUSTOMER, "name": "x"})
    proton.get(f"/v1/customers/{CUSTOMER}")
    sandbox.put("/_sandbox/state/proton/customers/HL-9", json={"name": "x"})
    sandbox.put("/_sandbox/state/proton/quotes/Q-1", json={"status": "open"})

    assert received(sandbox, receiver) == []


@pytest.mark.parametrize(
    ("shape", "keys"),
    [
        ("thin", {"event", "company", "timestamp", "data"}),
        ("standard_webhooks", {"type", "timestamp", "data"}),
    ],
)
def test_tells_in_other_forms_when_told(
    proton: httpx.Client, sandbox: httpx.Client, receiver: Receiver, shape: str, keys: set[str]
) -> None:
    """Thin bodies have ids only; Standard Webhooks' keys have no id and no company."""
    sandbox.put("/_sandbox/settings/proton", json={"webhook_shape": shape})
    created = proton.post("/v1/customers", json={"customer_id": "C-1", "name": "Toko"}).json()["data"]
    (webhook,) = received(sandbox, receiver)

    assert set(webhook.json()) == keys
    assert webhook.headers["x-company"] == "harborline"
    if shape == "thin":
        assert webhook.json()["data"] == created


def test_tells_flat_when_told(proton: httpx.Client, sandbox: httpx.Client, receiver: Receiver) -> None:
    """A flat body has the record's keys beside the event's."""
    sandbox.put("/_sandbox/settings/proton", json={"webhook_shape": "flat"})
    proton.post("/v1/customers", json={"customer_id": "C-1", "name": "Toko"})
    body = received(sandbox, receiver)[0].json()

    assert (body["event"], body["customer_id"], "data" in body) == ("customer.created", "C-1", False)


def test_puts_several_events_into_one_body_when_told(
    proton: httpx.Client, sandbox: httpx.Client, receiver: Receiver
) -> None:
    """With the batch trap, a bulk's events arrive as a list in one call, signed as a whole."""
    sandbox.put("/_sandbox/webhooks/proton/traps", json={"batch": 10})
    items = [{"customer_id": f"B-{number}", "name": "x"} for number in range(3)]
    proton.post("/v1/customers/bulk", json={"items": items})
    (webhook,) = received(sandbox, receiver)

    assert [event["data"]["customer_id"] for event in webhook.json()] == ["B-0", "B-1", "B-2"]
    assert webhook.headers["x-proton-signature"] == "sha256=" + sha(SECRET.encode(), webhook.body)


def test_signs_with_a_timestamp_when_told(proton: httpx.Client, sandbox: httpx.Client, receiver: Receiver) -> None:
    """The header has the time and the HMAC over time, dot and body; its name can be set."""
    settings = {"webhook_auth": "hmac_timestamp", "webhook_header": "X-Webhook-Signature"}
    sandbox.put("/_sandbox/settings/proton", json=settings)
    proton.patch(f"/v1/customers/{CUSTOMER}", json={"city": "x"})
    (webhook,) = received(sandbox, receiver)
    parts = dict(part.split("=", 1) for part in webhook.headers["x-webhook-signature"].split(","))

    assert parts["v1"] == sha(SECRET.encode(), f"{parts['t']}.".encode() + webhook.body)
    assert "x-proton-signature" not in webhook.headers


def test_signs_as_standard_webhooks_when_told(proton: httpx.Client, sandbox: httpx.Client, receiver: Receiver) -> None:
    """Id, time and `v1,` signature over all three, keyed by the decoded secret; a repetition keeps the id."""
    key = b"proton-example-secret-0000000001"
    aim(sandbox, receiver, "whsec_" + base64.b64encode(key).decode())
    sandbox.put("/_sandbox/settings/proton", json={"webhook_auth": "standard_webhooks"})
    sandbox.put("/_sandbox/webhooks/proton/traps", json={"retry_seconds": [0]})
    receiver.statuses.append(500)
    proton.patch(f"/v1/customers/{CUSTOMER}", json={"city": "x"})
    first, second = received(sandbox, receiver)

    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    signed = f"{first.headers['webhook-id']}.{first.headers['webhook-timestamp']}.".encode() + first.body
    digest = hmac.digest(key, signed, hashlib.sha256)
    assert first.headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()


def test_sends_a_static_secret_when_told(proton: httpx.Client, sandbox: httpx.Client, receiver: Receiver) -> None:
    """The secret itself stands in the header."""
    sandbox.put("/_sandbox/settings/proton", json={"webhook_auth": "static", "webhook_header": "X-Webhook-Secret"})
    proton.patch(f"/v1/customers/{CUSTOMER}", json={"city": "x"})

    assert received(sandbox, receiver)[0].headers["x-webhook-secret"] == SECRET


def test_lets_things_happen_at_the_vendor(proton: httpx.Client, sandbox: httpx.Client, receiver: Receiver) -> None:
    """What the control API lets happen is told, also under a name no document has."""
    at_vendor = "/_sandbox/state/proton"
    sandbox.post(f"{at_vendor}/customers", json={"customer_id": "C-1", "name": "Toko"})
    sandbox.patch(f"{at_vendor}/customers/C-1", json={"notepad": "Morning"})
    note = sandbox.post(
        f"{at_vendor}/call_notes", json={"user_id": "dana", "customer_ids": ["C-1"], "notes": "Hi"}
    ).json()["call_notes"][0]
    sandbox.patch(f"{at_vendor}/call_notes/{note['interaction_id']}", json={"call_type": "visit"})
    sandbox.delete(f"{at_vendor}/call_notes/{note['interaction_id']}")
    sandbox.post(f"{at_vendor}/events", json={"event": "contact.created", "data": {"contact_id": "X"}})
    bodies: list[dict[str, Any]] = [webhook.json() for webhook in received(sandbox, receiver)]

    assert [body["event"] for body in bodies] == [
        "customer.created",
        "customer.updated",
        "call_note.created",
        "call_note.updated",
        "call_note.deleted",
        "contact.created",
    ]
    assert (bodies[3]["data"]["notes"], bodies[3]["data"]["call_type"]) == ("Hi", "visit")
    assert proton.get("/v1/customers/C-1").json()["data"]["notepad"] == "Morning"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PATCH", "customers/nobody", {"name": "x"}, 404),
        ("POST", "customers", {"name": "x"}, 400),
        ("POST", "events", {"event": "x", "data": []}, 400),
        ("DELETE", "call_notes/none", {}, 404),
        ("PUT", "moons/1", {}, 404),
    ],
)
def test_refuses_what_cannot_happen(
    sandbox: httpx.Client, receiver: Receiver, method: str, path: str, body: dict[str, Any], status: int
) -> None:
    """The control API says what is wrong, and nothing is told."""
    answer = sandbox.request(method, f"/_sandbox/state/proton/{path}", json=body)

    assert (answer.status_code, "error" in answer.json()) == (status, True)
    assert received(sandbox, receiver) == []
