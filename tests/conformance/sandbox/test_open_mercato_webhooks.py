"""The faked Open Mercato's webhooks. Invariant: each is signed after Standard Webhooks over the bytes that arrive."""

import base64
import hashlib
import hmac
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.conformance.sandbox.receiver import Received, Receiver, running_receiver

SECRET = "whsec_b20tZXhhbXBsZS1zZWNyZXQtMjRieXRl"
SCOPE = {"organizationId", "tenantId"}


@pytest.fixture
def erp(base_url: str) -> Iterator[httpx.Client]:
    """A client with Open Mercato's key."""
    headers = {"X-Api-Key": "omk_0a1b2c3d.example"}
    with httpx.Client(base_url=f"{base_url}/open_mercato/api", headers=headers, timeout=60) as client:
        yield client
    assert httpx.get(f"{base_url}/").status_code == 200  # the page has words for every effect


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver of this test's own."""
    with running_receiver() as found:
        yield found


def aim(sandbox: httpx.Client, receiver: Receiver) -> None:
    targets = {"*": {"url": f"{receiver.url}/webhooks/erp", "secret": SECRET}}
    assert sandbox.put("/_sandbox/webhooks/open_mercato", json=targets).status_code == 200


def came(sandbox: httpx.Client, receiver: Receiver) -> list[dict[str, Any]]:
    sandbox.get("/_sandbox/emissions", params={"settle": 10})
    return receiver.bodies()


def signature(received: Received, secret: str) -> str:
    head = f"{received.headers['webhook-id']}.{received.headers['webhook-timestamp']}.".encode()
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.new(key, head + received.body, hashlib.sha256).digest()).decode()


def person(erp: httpx.Client) -> dict[str, str]:
    made: dict[str, str] = erp.post("/customers/people", json={"firstName": "Siti", "lastName": "Rahma"}).json()
    return made


def test_tells_of_a_new_person_by_ids(erp: httpx.Client, sandbox: httpx.Client, receiver: Receiver) -> None:
    """`id` is the profile's, `entityId` what a create answers as `id`; nothing else is told."""
    aim(sandbox, receiver)
    made = person(erp)
    (body,) = came(sandbox, receiver)

    assert set(body) == {"type", "timestamp", "data"}
    assert body["type"] == "customers.person.created"
    assert set(body["data"]) == {"id", "entityId", *SCOPE}
    assert (body["data"]["id"], body["data"]["entityId"]) == (made["personId"], made["id"])
    (received,) = receiver.received
    assert received.headers["webhook-id"].startswith("msg_")
    assert received.headers["webhook-signature"] == signature(received, SECRET)


def test_tells_twice_of_a_deal_won(erp: httpx.Client, sandbox: httpx.Client, receiver: Receiver) -> None:
    """One change, two events: `won` with its amount as text, then `updated` with ids; won once only."""
    aim(sandbox, receiver)
    body = {"title": "Valves", "valueAmount": 100, "valueCurrency": "USD"}
    deal = erp.post("/customers/deals", json=body).json()["id"]
    for _ in range(2):
        erp.put("/customers/deals", json={"id": deal, "status": "won"})
    created, won, updated, again = came(sandbox, receiver)

    assert [item["type"].rpartition(".")[2] for item in (created, won, updated, again)] == [
        "created",
        "won",
        "updated",
        "updated",
    ]
    assert (won["data"]["title"], won["data"]["valueAmount"], won["data"]["valueCurrency"]) == (
        "Valves",
        "100.00",
        "USD",
    )
    assert won["data"]["ownerUserId"] is None
    assert set(updated["data"]) == {"id", *SCOPE}


def test_tells_who_ordered(erp: httpx.Client, sandbox: httpx.Client, receiver: Receiver) -> None:
    """An order's event adds the acting user."""
    aim(sandbox, receiver)
    order = erp.post("/sales/orders", json={"currencyCode": "USD"}).json()["id"]
    (body,) = came(sandbox, receiver)
    assert (body["type"], body["data"]["id"]) == ("sales.order.created", order)
    assert body["data"]["userId"].startswith("api_key:")


def test_repeats_under_the_same_id(erp: httpx.Client, sandbox: httpx.Client, receiver: Receiver) -> None:
    """With the trap on the same id comes three times, each signed for itself."""
    aim(sandbox, receiver)
    sandbox.put("/_sandbox/settings/open_mercato", json={"copies": 3})
    person(erp)
    came(sandbox, receiver)
    assert len(receiver.received) == 3
    assert len({received.headers["webhook-id"] for received in receiver.received}) == 1
    assert all(item.headers["webhook-signature"] == signature(item, SECRET) for item in receiver.received)


def test_keeps_the_id_over_a_repetition(erp: httpx.Client, sandbox: httpx.Client, receiver: Receiver) -> None:
    """A failed delivery comes again under its id; the next event has another."""
    aim(sandbox, receiver)
    receiver.statuses = [500]
    person(erp)
    came(sandbox, receiver)
    person(erp)
    came(sandbox, receiver)
    first, again, other = (received.headers["webhook-id"] for received in receiver.received)
    assert first == again != other


def test_sends_what_nobody_documents(erp: httpx.Client, sandbox: httpx.Client, receiver: Receiver) -> None:
    """Internal events and the older spelling are traps."""
    aim(sandbox, receiver)
    sandbox.put("/_sandbox/settings/open_mercato", json={"internal_events": True, "event_names": "plural"})
    person(erp)
    types = [body["type"] for body in came(sandbox, receiver)]
    assert types[:2] == ["customers.people.created", "search.index_record"]


def test_raises_an_event_from_outside(sandbox: httpx.Client, receiver: Receiver) -> None:
    """The control API raises any event."""
    aim(sandbox, receiver)
    sandbox.post("/_sandbox/state/open_mercato/events/payment_gateways.payment.captured", json={"id": "p1"})
    (body,) = came(sandbox, receiver)
    assert (body["type"], body["data"]["id"]) == ("payment_gateways.payment.captured", "p1")


def endpoint(erp: httpx.Client, receiver: Receiver, *patterns: str) -> dict[str, Any]:
    body = {"name": "worker", "url": f"{receiver.url}/webhooks/erp", "subscribedEvents": list(patterns)}
    answer = erp.post("/webhooks", json={**body, "customHeaders": {"X-Extra": "1"}})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


@pytest.mark.parametrize(
    ("pattern", "count"), [("*", 1), ("customers.*", 1), ("customers.person.created", 1), ("sales.*", 0)]
)
def test_sends_to_a_managed_endpoint(
    erp: httpx.Client, sandbox: httpx.Client, receiver: Receiver, pattern: str, count: int
) -> None:
    """An endpoint gets what its patterns say, signed with the secret it was made with, shown only then."""
    made = endpoint(erp, receiver, pattern)
    assert made["secret"].startswith("whsec_")
    assert "secret" not in erp.get(f"/webhooks/{made['id']}").json()
    assert made["secret"] not in sandbox.get("/_sandbox/state/open_mercato").text
    person(erp)
    assert len(came(sandbox, receiver)) == count
    for received in receiver.received:
        assert received.headers["webhook-signature"] == signature(received, made["secret"])
        assert received.headers["x-extra"] == "1"


def test_signs_with_both_secrets_after_a_rotation(erp: httpx.Client, sandbox: httpx.Client, receiver: Receiver) -> None:
    """The newest signature comes first."""
    made = endpoint(erp, receiver, "*")
    fresh = erp.post(f"/webhooks/{made['id']}/rotate-secret").json()["secret"]
    person(erp)
    came(sandbox, receiver)
    (received,) = receiver.received
    expected = [signature(received, fresh), signature(received, made["secret"])]
    assert received.headers["webhook-signature"].split() == expected


def test_tests_changes_and_deletes_an_endpoint(erp: httpx.Client, sandbox: httpx.Client, receiver: Receiver) -> None:
    """A test sends a ping whatever is subscribed; a delivery can be sent again; a deleted endpoint gets nothing."""
    made = endpoint(erp, receiver, "sales.*")
    path = f"/webhooks/{made['id']}"
    assert erp.post(f"{path}/test").status_code == 200
    (ping,) = came(sandbox, receiver)
    assert (ping["type"], ping["data"]["ping"]) == ("webhooks.test.ping", True)
    (delivery,) = erp.get("/webhooks/deliveries").json()["items"]
    assert (delivery["eventType"], delivery["responseStatus"]) == ("webhooks.test.ping", 200)
    assert erp.post(f"/webhooks/deliveries/{delivery['id']}/retry").status_code == 200
    assert len(came(sandbox, receiver)) == 2
    assert len({received.headers["webhook-id"] for received in receiver.received}) == 1

    assert erp.put(path, json={"subscribedEvents": ["*"]}).json()["subscribedEvents"] == ["*"]
    assert erp.get("/webhooks").json()["total"] == 1
    assert "customers.person.created" in erp.get("/webhooks/events").json()["items"]
    assert erp.delete(path).status_code == 200
    person(erp)
    assert len(came(sandbox, receiver)) == 2
    assert erp.get(path).status_code == 404


@pytest.mark.parametrize(
    "fields",
    [
        {"name": None},
        {"url": "https://elsewhere.example/hook"},
        {"url": "nonsense"},
        {"subscribedEvents": []},
        {"maxRetries": 31},
        {"timeoutMs": 10},
        {"httpMethod": "GET"},
        {"customHeaders": {"Webhook-Id": "1"}},
        {"customHeaders": {"X-A": 5}},
    ],
)
def test_refuses_a_wrong_endpoint(erp: httpx.Client, fields: dict[str, Any]) -> None:
    """Ranges, reserved headers and targets that are not allowed are `Invalid input`."""
    body = {"name": "worker", "url": "http://127.0.0.1:9/x", "subscribedEvents": ["*"], **fields}
    answer = erp.post("/webhooks", json=body)
    assert (answer.status_code, answer.json()["error"]) == (400, "Invalid input")
    assert erp.get("/webhooks").json()["total"] == 0
