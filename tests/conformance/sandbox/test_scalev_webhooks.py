"""The faked Scalev tells of its orders as documented. Invariant: bodies are compared with the documented fields."""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.conformance.sandbox.receiver import Receiver, running_receiver

ORDER = "0198a1b2-3c4d-7e5f-8a9b-0c1d2e3f4a5b"
SECRET = "example-signing-secret"
STATUS_KEYS = {
    "id",
    "payment_link_id",
    "is_from_payment_link",
    "order_id",
    "status",
    "created_at",
    "last_updated_at",
    *(
        f"{name}_time"
        for name in "draft pending confirmed in_process ready shipped completed rts canceled closed".split()  # noqa: SIM905
    ),
}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver of this test's own."""
    with running_receiver() as found:
        yield found


def told(sandbox: httpx.Client) -> list[dict[str, Any]]:
    """Return the bodies of all webhooks, in order, also of those that had no target."""
    listed = sandbox.get("/_sandbox/emissions", params={"vendor": "scalev", "settle": 10}).json()
    return [emission["body"] for emission in listed]


def names(sandbox: httpx.Client) -> list[str]:
    return [body["event"] for body in told(sandbox)]


def at_shop(sandbox: httpx.Client, path: str, **body: Any) -> dict[str, Any]:
    answer = sandbox.post(f"/_sandbox/state/scalev{path}", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_signs_the_raw_body(sandbox: httpx.Client, receiver: Receiver) -> None:
    """The header is the padded Base64 of the HMAC over the bytes that arrive."""
    target = {"*": {"url": f"{receiver.url}/webhooks/toko", "secret": SECRET}}
    sandbox.put("/_sandbox/webhooks/scalev", json=target)
    at_shop(sandbox, "/orders", customer_name="Café ☕")
    told(sandbox)

    (webhook,) = receiver.received
    digest = hmac.digest(SECRET.encode(), webhook.body, hashlib.sha256)
    assert webhook.headers["x-scalev-hmac-sha256"] == base64.b64encode(digest).decode()
    assert "x-scalev-app-id" not in webhook.headers
    assert webhook.json()["data"]["destination_address"]["name"] == "Café ☕"


def test_wraps_every_event_alike(sandbox: httpx.Client) -> None:
    """Four keys, a unique id of its own, a time with microseconds."""
    at_shop(sandbox, "/orders")
    at_shop(sandbox, "/orders")
    first, second = told(sandbox)

    assert set(first) == {"event", "unique_id", "timestamp", "data"}
    assert re.fullmatch(r"event_[0-9A-Za-z]{24}", first["unique_id"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", first["timestamp"])
    assert first["unique_id"] != second["unique_id"]


@pytest.mark.parametrize(
    ("fields", "events"),
    [
        ({}, ["order.created"]),
        ({"payment_method": "qris"}, ["order.created", "order.epayment_created"]),
        ({"payment_method": "va_bca"}, ["order.created", "order.epayment_created"]),
        ({"is_probably_spam": True}, ["order.spam_created"]),
    ],
)
def test_tells_of_a_new_order(sandbox: httpx.Client, fields: dict[str, Any], events: list[str]) -> None:
    """A new order is told whole; a gateway's payment and spam have events of their own."""
    order = at_shop(sandbox, "/orders", **fields)

    assert names(sandbox) == events
    for body in told(sandbox):
        assert body["data"]["order_id"] == order["order_id"]
        assert {"orderlines", "destination_address", "gross_revenue", "final_variants"} <= set(body["data"])
        assert isinstance(body["data"]["orderlines"][0]["variant_price"], str)


def test_tells_of_a_status_without_customer_or_money(scalev: httpx.Client, sandbox: httpx.Client) -> None:
    """A change by the API is told as a partial event, and as an update."""
    scalev.post("/orders/change-status", json={"ids": [ORDER], "status": "shipped"})
    changed, updated = told(sandbox)

    assert (changed["event"], updated["event"]) == ("order.status_changed", "order.updated")
    assert set(changed["data"]) == STATUS_KEYS
    assert (changed["data"]["status"], updated["data"]["status"]) == ("shipped", "shipped")


def test_leaves_the_update_out_when_told(scalev: httpx.Client, sandbox: httpx.Client) -> None:
    """Whether an update follows is not documented, so it can be switched off."""
    sandbox.put("/_sandbox/settings/scalev", json={"updated_with_changes": False})
    scalev.post("/orders/change-status", json={"ids": [ORDER], "status": "shipped", "payment_status": "paid"})

    assert names(sandbox) == ["order.status_changed", "order.payment_status_changed", "payment.received"]


def test_tells_of_money_received_twice(sandbox: httpx.Client) -> None:
    """Paid and later settled are each a payment.received of one order."""
    sandbox.put("/_sandbox/settings/scalev", json={"updated_with_changes": False})
    at_shop(sandbox, f"/orders/{ORDER}/payment", payment_status="paid")
    at_shop(sandbox, "/orders/250804QWERTY/payment", payment_status="settled")

    assert names(sandbox) == ["order.payment_status_changed", "payment.received"] * 2
    block, received = told(sandbox)[:2]
    assert not {"orderlines", "destination_address", "gross_revenue"} & set(block["data"])
    assert block["data"]["business"] == {}
    assert "customer" not in block["data"]
    assert received["data"]["customer"]["phone"] == "628123456789"
    assert [entry["status"] for entry in told(sandbox)[-1]["data"]["payment_status_history"]] == [
        "settled",
        "paid",
        "unpaid",
    ]


@pytest.mark.parametrize(
    ("status", "events"),
    [
        ("conflict", ["order.payment_status_changed", "payment.failed"]),
        ("unpaid", ["order.payment_status_changed"]),
    ],
)
def test_tells_of_a_conflict_as_failed(sandbox: httpx.Client, status: str, events: list[str]) -> None:
    """Failed means conflict; back to unpaid has no event of its own."""
    sandbox.put("/_sandbox/settings/scalev", json={"updated_with_changes": False})
    at_shop(sandbox, f"/orders/{ORDER}/payment", payment_status=status)

    assert names(sandbox) == events


def test_tells_of_a_deleted_order_by_its_ids(sandbox: httpx.Client) -> None:
    """A deleted order is ids and two times."""
    sandbox.delete(f"/_sandbox/state/scalev/orders/{ORDER}")
    (body,) = told(sandbox)

    assert body["event"] == "order.deleted"
    assert set(body["data"]) == {
        "id",
        "payment_link_id",
        "is_from_payment_link",
        "order_id",
        "created_at",
        "last_updated_at",
    }


def test_tells_of_edits_by_the_api(scalev: httpx.Client, sandbox: httpx.Client) -> None:
    """Tags, receipts and edits are updates; a read and a refusal tell nothing."""
    scalev.post(f"/orders/{ORDER}/update-tags", json={"tags": ["a"]})
    scalev.patch(f"/orders/{ORDER}/shipment-receipt", json={"shipment_receipt": "JX1"})
    scalev.patch(f"/orders/{ORDER}", json={"notes": "x"})
    scalev.patch(f"/orders/{ORDER}", json={"location_id": 1})
    scalev.get(f"/orders/{ORDER}")

    assert names(sandbox) == ["order.updated"] * 3
    assert told(sandbox)[1]["data"]["shipment_receipt"] == "JX1"
    assert told(sandbox)[0]["data"]["shipment_receipt"] is None


def test_stays_silent_when_brought_in_line(sandbox: httpx.Client) -> None:
    """An event posted from elsewhere changes the state and sends nothing."""
    event = {"event": "order.status_changed", "data": {"order_id": "250804QWERTY", "status": "shipped"}}
    sandbox.post("/_sandbox/state/scalev/event", json=event)

    assert told(sandbox) == []


def test_delivers_to_the_app_as_well_when_told(sandbox: httpx.Client, receiver: Receiver) -> None:
    """The app's delivery has its header, a unique id of its own and the same data and secret."""
    sandbox.put("/_sandbox/settings/scalev", json={"app_id": "app_EXAMPLE"})
    sandbox.put("/_sandbox/webhooks/scalev", json={"*": {"url": f"{receiver.url}/webhooks/toko", "secret": SECRET}})
    at_shop(sandbox, "/orders")
    told(sandbox)

    business, app = receiver.received
    assert ("x-scalev-app-id" in business.headers, app.headers["x-scalev-app-id"]) == (False, "app_EXAMPLE")
    assert business.json()["data"] == app.json()["data"]
    assert business.json()["unique_id"] != app.json()["unique_id"]
    digest = hmac.digest(SECRET.encode(), app.body, hashlib.sha256)
    assert app.headers["x-scalev-hmac-sha256"] == base64.b64encode(digest).decode()


def test_sends_the_test_event_in_both_ages(sandbox: httpx.Client) -> None:
    """Today's test event has a unique id, the older one has none; data is empty."""
    at_shop(sandbox, "/test-event")
    at_shop(sandbox, "/test-event", legacy=True)
    new, old = told(sandbox)

    assert (new["event"], new["data"], "unique_id" in new) == ("business.test_event", {}, True)
    assert set(old) == {"event", "timestamp", "data"}


def test_resends_an_event_as_it_was(sandbox: httpx.Client) -> None:
    """The dashboard's button repeats the unique id and the snapshot, whatever happened since."""
    at_shop(sandbox, f"/orders/{ORDER}/status", status="confirmed")
    first = told(sandbox)[0]
    at_shop(sandbox, f"/orders/{ORDER}/status", status="shipped")
    at_shop(sandbox, "/resend", unique_id=first["unique_id"])

    assert told(sandbox)[-1] == first
    assert sandbox.post("/_sandbox/state/scalev/resend", json={"unique_id": "event_none"}).status_code == 404


def test_leaves_the_uuid_out_as_older_events_did(sandbox: httpx.Client) -> None:
    """Before mid 2026 an event named its order by the human number only."""
    sandbox.put("/_sandbox/settings/scalev", json={"without_order_uuid": True})
    order = at_shop(sandbox, "/orders")

    assert "id" not in told(sandbox)[0]["data"]
    assert told(sandbox)[0]["data"]["order_id"] == order["order_id"]


def test_tells_of_checkout_intents(scalev: httpx.Client, sandbox: httpx.Client) -> None:
    """Abandoned once, with a recovery link; completed with the order, and without the link."""
    lines = [{"variant_unique_id": "variant_AAAAAAAAAAAAAAAAAAAAAAAA", "quantity": 2}]
    intent = at_shop(sandbox, "/intents", email="budi@example.com", ordervariants=lines)
    at_shop(sandbox, f"/intents/{intent['id']}/abandon")
    again = sandbox.post(f"/_sandbox/state/scalev/intents/{intent['id']}/abandon", json={})
    at_shop(sandbox, f"/intents/{intent['id']}/complete", order_id="250804QWERTY")
    abandoned, completed = told(sandbox)

    assert (abandoned["event"], completed["event"]) == ("checkout_intent.abandoned", "checkout_intent.completed")
    assert abandoned["data"]["cart_summary"] == {
        "item_quantity": 2,
        "estimated_total": "300000",
        "currency": "IDR",
    }
    assert abandoned["data"]["store"]["id"] == abandoned["data"]["store"]["unique_id"]
    assert (abandoned["data"]["recovery_url"] is None, completed["data"]["recovery_url"]) == (False, None)
    assert completed["data"]["order"] == {"id": ORDER, "order_id": "250804QWERTY"}
    assert again.status_code == 422
    assert scalev.get(f"/checkout-intents/{intent['id']}").json() == completed["data"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/orders", {"store_unique_id": "none"}, 422),
        (f"/orders/{ORDER}/status", {"status": "gone"}, 400),
        (f"/orders/{ORDER}/payment", {"payment_status": "refunded"}, 400),
        ("/orders/none/status", {"status": "shipped"}, 404),
        ("/nothing", {}, 404),
    ],
)
def test_refuses_what_cannot_happen(sandbox: httpx.Client, path: str, body: dict[str, Any], status: int) -> None:
    """The control API says what is wrong and nothing is told."""
    answer = sandbox.post(f"/_sandbox/state/scalev{path}", json=body)

    assert (answer.status_code, "error" in answer.json()) == (status, True)
    assert told(sandbox) == []
