"""The faked Freighttech pushes whole journeys. Invariant: a milestone keeps its id from the first push to the last."""

import hashlib
import hmac
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.conformance.sandbox.receiver import Receiver, running_receiver

BOX = "MSKU7382913"
SECRET = "ft-example-hmac-secret"


@pytest.fixture
def receiver(sandbox: httpx.Client) -> Iterator[Receiver]:
    """A receiver that gets both kinds of webhooks."""
    with running_receiver() as found:
        targets = {
            "push": {"url": f"{found.url}/webhooks/boxes/the-secret", "secret": "not used for pushes"},
            "shipment_tracking": {"url": f"{found.url}/webhooks/tracking", "secret": SECRET},
        }
        assert sandbox.put("/_sandbox/webhooks/freighttech", json=targets).status_code == 200
        yield found


def move(sandbox: httpx.Client, what: str = "advance", box: str = BOX) -> httpx.Response:
    return sandbox.post(f"/_sandbox/state/freighttech/containers/{box}/{what}")


def pushes(sandbox: httpx.Client, receiver: Receiver) -> list[dict[str, Any]]:
    sandbox.get("/_sandbox/emissions", params={"settle": 10})
    return receiver.bodies()


def instants(push: dict[str, Any]) -> dict[str, datetime]:
    return {row["id"]: datetime.fromisoformat(row["timestamp"]) for row in push["payload"]["milestones"]}


def kinds(push: dict[str, Any]) -> dict[str, str]:
    return {row["id"]: row["journey_event"]["event_classifier"] for row in push["payload"]["milestones"]}


def test_tells_a_journey_in_three_pushes(sandbox: httpx.Client, receiver: Receiver) -> None:
    """In transit, arrival three days later, delivered: same milestones, new ids; then it is over."""
    assert [move(sandbox).json()["stage"] for _ in range(3)] == ["in_transit", "eta_changed", "delivered"]
    assert move(sandbox).status_code == 409
    first, second, third = pushes(sandbox, receiver)

    assert len({push["id"] for push in (first, second, third)}) == 3
    assert {push["reference_id"] for push in (first, second, third)} == {first["payload"]["reference_id"]}
    assert list(kinds(first).values()) == ["ACT"] * 9 + ["EST"] * 2 + ["PLN"] * 3
    moved = {name for name, at in instants(second).items() if at != instants(first)[name]}
    assert moved == {"ms-0010", "ms-0011", "ms-0012", "ms-0013", "ms-0014"}
    assert instants(second)["ms-0010"] - instants(first)["ms-0010"] == timedelta(hours=70)
    assert set(kinds(third).values()) == {"ACT"}
    assert set(kinds(third)) - set(kinds(second)) == {"ms-0015", "ms-0016", "ms-0017", "ms-0018"}
    assert max(instants(third).values()) < datetime.now(UTC)


def test_pushes_what_the_schema_says(sandbox: httpx.Client, receiver: Receiver) -> None:
    """A push has the documented keys, an offset where the place is known, planned exactly where it is no fact."""
    move(sandbox)
    (push,) = pushes(sandbox, receiver)
    payload = push["payload"]

    assert set(push) == {
        "id",
        "reference_id",
        "parent_reference_id",
        "status",
        "organization_id",
        "payload",
        "created_at",
        "updated_at",
    }
    assert (push["status"], payload["container_id"], payload["container_iso"]) == ("data_received", BOX, "45G1")
    assert payload["destination_port"]["unlocode"] == "USORF"
    for row in payload["milestones"]:
        assert row["planned"] is (row["journey_event"]["event_classifier"] != "ACT")
        assert {"unlocode", "firms_cd", "geolocation"} <= set(row["location"])
    arrival = next(row for row in payload["milestones"] if row["id"] == "ms-0010")
    assert arrival["timestamp"].endswith("-04:00")
    assert (arrival["journey_event"]["event_type"], arrival["shipment_location"]["type_code"]) == ("ARRI", "POD")
    assert arrival["vessel_imo"] == "9999979"


def test_signs_no_push(sandbox: httpx.Client, receiver: Receiver) -> None:
    """The address is the only secret of a push."""
    move(sandbox)
    pushes(sandbox, receiver)
    (received,) = receiver.received
    assert received.path == "/webhooks/boxes/the-secret"
    assert "x-webhook-signature" not in received.headers


def test_repeats_a_push_under_a_new_id(sandbox: httpx.Client, receiver: Receiver) -> None:
    """A repetition says nothing new but its update id."""
    move(sandbox)
    move(sandbox, "repeat")
    first, again = pushes(sandbox, receiver)
    assert first["id"] != again["id"]
    assert first["payload"] == again["payload"]


def test_writes_the_same_instants_in_utc(sandbox: httpx.Client, receiver: Receiver) -> None:
    """Offsets may differ between pushes while the instants are the same."""
    move(sandbox)
    sandbox.put("/_sandbox/settings/freighttech", json={"utc_times": True})
    move(sandbox, "repeat")
    first, again = pushes(sandbox, receiver)
    assert first["payload"]["milestones"] != again["payload"]["milestones"]
    assert instants(first) == instants(again)


def test_can_be_sparse(sandbox: httpx.Client, receiver: Receiver) -> None:
    """Codes, places and even a time may be missing."""
    sandbox.put("/_sandbox/settings/freighttech", json={"sparse": True})
    move(sandbox)
    (push,) = pushes(sandbox, receiver)
    rows = push["payload"]["milestones"]
    assert (rows[0]["timestamp"], rows[0]["location"], push["parent_reference_id"]) == (None, None, None)
    assert "firms_cd" not in rows[1]["location"]
    assert "transport_mode" not in rows[1]["journey_event"]


@pytest.mark.parametrize(("box", "status"), [("TGHU1234567", 200), ("nonsense", 400), ("tghu1234567", 400)])
def test_follows_other_containers(sandbox: httpx.Client, receiver: Receiver, box: str, status: int) -> None:
    """Any container number can be moved, each on its own; nonsense cannot."""
    move(sandbox)
    assert move(sandbox, box=box).status_code == status
    found = [push["payload"]["container_id"] for push in pushes(sandbox, receiver)]
    assert found == ([BOX, box] if status == 200 else [BOX])
    assert move(sandbox, "jump").status_code == 404


def test_signs_tracking_events_with_their_time(sandbox: httpx.Client, receiver: Receiver) -> None:
    """The second sender signs timestamp and body, has no delivery id, and lists its estimates newest first."""
    move(sandbox)
    move(sandbox)
    path = f"/_sandbox/state/freighttech/tracking/{BOX}/transport.eta_updated"
    assert sandbox.post(path).status_code == 200
    body = pushes(sandbox, receiver)[-1]
    received = receiver.received[-1]
    signed = received.headers["x-webhook-timestamp"].encode() + b"." + received.body
    expected = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()

    assert received.headers["x-webhook-signature"] == expected
    assert (body["type"], body["containerNumber"]) == ("shipment_tracking.transport.eta_updated", BOX)
    assert "data" not in body
    newest = max(body["etaTimestamps"], key=lambda item: item["updatedAt"])
    assert newest == body["etaTimestamps"][0] != body["etaTimestamps"][-1]
    assert body["ataTimestamps"] is None
    assert body["eventCount"] == 9


def test_does_not_sign_without_a_secret(sandbox: httpx.Client, receiver: Receiver) -> None:
    """Without a secret the timestamp comes alone."""
    target = {"shipment_tracking": {"url": receiver.url}}
    sandbox.put("/_sandbox/webhooks/freighttech", json=target)
    assert sandbox.post(f"/_sandbox/state/freighttech/tracking/{BOX}/shipment.delivered").status_code == 200
    assert sandbox.post(f"/_sandbox/state/freighttech/tracking/{BOX}/shipment.exploded").status_code == 404
    (body,) = pushes(sandbox, receiver)
    (received,) = receiver.received
    assert body["status"] == "DELIVERED"
    assert "x-webhook-timestamp" in received.headers
    assert "x-webhook-signature" not in received.headers


def test_takes_a_subscription(base_url: str, sandbox: httpx.Client) -> None:
    """A reference needs carrier, callback and container or booking, and a key."""
    url = f"{base_url}/freighttech/v1/references"
    body = {"carrier_code": "MAEU", "container_id": "TGHU1234567", "callback_url": "https://shop.example/push"}
    assert httpx.post(url, json=body).status_code == 401
    headers = {"X-Api-Key": "k"}
    assert httpx.post(url, headers=headers, json={"carrier_code": "MAEU"}).status_code == 400
    reference = httpx.post(url, headers=headers, json=body).json()["reference"]
    assert (reference["container_id"], reference["active"]) == ("TGHU1234567", True)
    assert sandbox.get("/_sandbox/effects", params={"vendor": "freighttech"}).json()[0]["kind"] == "reference"
