"""The faked Scalev answers as Scalev's documents say. Invariant: only documented shapes are asserted."""

from typing import Any

import httpx
import pytest

ORDER = "0198a1b2-3c4d-7e5f-8a9b-0c1d2e3f4a5b"
LIST_KEYS = {"data", "is_paginated", "has_next", "has_previous", "next_cursor", "previous_cursor", "page_size"}


def effects(sandbox: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sandbox.get("/_sandbox/effects", params={"vendor": "scalev"}).json()
    return found


@pytest.mark.parametrize("identity", [ORDER, "9100001"])
def test_shows_an_order_by_uuid_and_by_legacy_number(scalev: httpx.Client, identity: str) -> None:
    """An order is the answer itself, without an envelope, found by either of its ids."""
    answer = scalev.get(f"/orders/{identity}")

    assert answer.status_code == 200
    order = answer.json()
    assert (order["id"], order["order_id"]) == (ORDER, "250804QWERTY")
    assert order["gross_revenue"] == "168724.00"
    assert order["orderlines"][0]["variant_price"] == 150000.0
    assert order["customer"]["phone"] == "628123456789"


def test_does_not_find_an_order_by_its_human_number(scalev: httpx.Client) -> None:
    """The number people read is no path value: 404."""
    answer = scalev.get("/orders/250804QWERTY")

    assert answer.status_code == 404
    assert answer.json()["error"] == "Not Found"


def test_finds_an_order_by_its_human_number_in_the_list(scalev: httpx.Client) -> None:
    """`order_id=` gives the id to go on with, in the documented list envelope."""
    answer = scalev.get("/orders", params={"order_id": "250804QWERTY"})

    assert set(answer.json()) == LIST_KEYS
    assert [order["id"] for order in answer.json()["data"]] == [ORDER]
    assert answer.json()["has_next"] is False


def test_lists_newest_first_with_mixed_number_types(scalev: httpx.Client) -> None:
    """A list row mixes text and number amounts, as the API does."""
    rows = scalev.get("/orders").json()["data"]

    assert [order["order_id"] for order in rows] == ["250804ASDFGH", "250804QWERTY"]
    assert rows[0]["gross_revenue"] == "99000.00"
    assert rows[0]["net_revenue"] == 99000.0


def test_walks_all_pages_by_cursor(scalev: httpx.Client) -> None:
    """`next_cursor` leads through every order once and ends with null."""
    seen, cursor = [], None
    for _ in range(3):
        params = {"page_size": "1", **({"next_cursor": cursor} if cursor else {})}
        page = scalev.get("/orders", params=params).json()
        seen += [order["order_id"] for order in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert seen == ["250804ASDFGH", "250804QWERTY"]
    assert page["has_previous"] is True
    assert page["page_size"] == 1


@pytest.mark.parametrize(
    "params",
    [
        {"page_size": "26"},
        {"page_size": "0"},
        {"page_size": "many"},
        {"next_cursor": "nonsense"},
        {"next_cursor": "%%%"},
        {"status": "paid"},
        {"payment_status": "refunded"},
        {"search": "x", "search_field": "shoe_size"},
    ],
)
def test_refuses_bad_list_parameters(scalev: httpx.Client, params: dict[str, str]) -> None:
    """Bad sizes, cursors and filter values are a 400 with a JSON error."""
    answer = scalev.get("/orders", params=params)

    assert answer.status_code == 400
    assert answer.json()["error"] == "Bad Request"


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"search": "qwerty"}, ["250804QWERTY"]),
        ({"search": "siti", "search_field": "customer_name"}, ["250804ASDFGH"]),
        ({"search": "628123", "search_field": "customer_phone"}, ["250804QWERTY"]),
        ({"status": "pending"}, ["250804ASDFGH", "250804QWERTY"]),
        ({"status": "shipped"}, []),
        ({"payment_status": "unpaid", "payment_method": "qris"}, ["250804ASDFGH"]),
        ({"is_probably_spam": "true"}, []),
        ({"draft_time_until": "2025-08-04T03:30:00Z"}, ["250804QWERTY"]),
    ],
)
def test_filters_and_searches(scalev: httpx.Client, params: dict[str, str], found: list[str]) -> None:
    """Filters and `search` with `search_field` narrow the list."""
    assert [order["order_id"] for order in scalev.get("/orders", params=params).json()["data"]] == found


def test_gives_only_the_columns_asked_for(scalev: httpx.Client) -> None:
    """`columns` is a comma list; the id always comes along."""
    row = scalev.get("/orders", params={"columns": "order_id,status"}).json()["data"][0]

    assert set(row) == {"id", "order_id", "status"}


def test_changes_the_status_of_several_orders(scalev: httpx.Client, sandbox: httpx.Client) -> None:
    """A bulk change sets status, its time and `last_updated_at`, keeps older times, and is one effect an order."""
    answer = scalev.post("/orders/change-status", json={"ids": [ORDER, 9100002], "status": "shipped"})

    assert answer.status_code == 200
    order = scalev.get(f"/orders/{ORDER}").json()
    assert order["status"] == "shipped"
    assert order["shipped_time"] == order["last_updated_at"]
    assert order["pending_time"] == "2025-08-04T03:10:08Z"
    assert [(effect["kind"], effect["order_id"], effect["status"]) for effect in effects(sandbox)] == [
        ("order_status", "250804QWERTY", "shipped"),
        ("order_status", "250804ASDFGH", "shipped"),
    ]


def test_changes_the_payment_status(scalev: httpx.Client, sandbox: httpx.Client) -> None:
    """A payment change goes to the top of the history, beside the fields sent with it."""
    body = {"ids": [ORDER], "payment_status": "paid", "by": "Rina", "transfer_time": "2025-08-04T04:50:00Z"}
    scalev.post("/orders/change-status", json=body)

    order = scalev.get(f"/orders/{ORDER}").json()
    assert (order["payment_status"], order["transfer_time"]) == ("paid", "2025-08-04T04:50:00Z")
    assert order["paid_time"] == order["last_updated_at"]
    assert [entry["status"] for entry in order["payment_status_history"]] == ["paid", "unpaid"]
    assert order["payment_status_history"][0]["by"]["name"] == "Rina"
    assert effects(sandbox)[0]["kind"] == "order_payment_status"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (None, 400),
        ({}, 400),
        ({"status": "shipped"}, 422),
        ({"ids": [], "status": "shipped"}, 422),
        ({"ids": ORDER, "status": "shipped"}, 422),
        ({"ids": [ORDER]}, 422),
        ({"ids": [ORDER], "status": "paid"}, 422),
        ({"ids": [ORDER], "status": ["shipped"]}, 422),
        ({"ids": [ORDER], "payment_status": "refunded"}, 422),
        ({"ids": [ORDER, "0198a1b2-0000-7000-8000-000000000000"], "status": "shipped"}, 404),
        ({"ids": ["250804QWERTY"], "status": "shipped"}, 404),
        ({"ids": [{"id": ORDER}], "status": "shipped"}, 404),
    ],
)
def test_refuses_a_wrong_change(scalev: httpx.Client, sandbox: httpx.Client, body: Any, status: int) -> None:
    """A change that is wrong in any part changes no order at all."""
    answer = (
        scalev.post("/orders/change-status", json=body) if body is not None else scalev.post("/orders/change-status")
    )

    assert answer.status_code == status
    assert isinstance(answer.json()["error"], str)
    assert scalev.get(f"/orders/{ORDER}").json()["status"] == "pending"
    assert effects(sandbox) == []


def test_enforces_allowed_moves_only_when_told(scalev: httpx.Client, sandbox: httpx.Client) -> None:
    """The guide's table of moves is a trap to switch on."""
    change = {"ids": [ORDER], "status": "completed"}
    sandbox.put("/_sandbox/settings/scalev", json={"enforce_moves": True})
    assert scalev.post("/orders/change-status", json=change).status_code == 422

    sandbox.put("/_sandbox/settings/scalev", json={"enforce_moves": False})
    assert scalev.post("/orders/change-status", json=change).status_code == 200


def test_sets_a_tracking_number(scalev: httpx.Client, sandbox: httpx.Client) -> None:
    """PATCH shipment-receipt answers the order and is an effect."""
    answer = scalev.patch(f"/orders/{ORDER}/shipment-receipt", json={"shipment_receipt": "JX123"})

    assert answer.json()["shipment_receipt"] == "JX123"
    assert effects(sandbox)[0]["shipment_receipt"] == "JX123"
    assert scalev.patch(f"/orders/{ORDER}/shipment-receipt", json={"shipment_receipt": 5}).status_code == 422
    assert scalev.patch("/orders/nobody/shipment-receipt", json={"shipment_receipt": "J"}).status_code == 404


def test_replaces_the_tags(scalev: httpx.Client) -> None:
    """update-tags replaces the whole list."""
    scalev.post(f"/orders/{ORDER}/update-tags", json={"tags": ["a", "b"]})
    scalev.post(f"/orders/{ORDER}/update-tags", json={"tags": ["c"]})

    assert scalev.get(f"/orders/{ORDER}").json()["tags"] == ["c"]
    assert scalev.post(f"/orders/{ORDER}/update-tags", json={"tags": "c"}).status_code == 422


def test_says_who_the_key_belongs_to(scalev: httpx.Client) -> None:
    """GET /me lists the businesses of the key."""
    assert scalev.get("/me").json()["businesses"][0]["unique_id"]


@pytest.mark.parametrize("header", [None, "", "Bearer", "Basic abc", "sk_example"])
def test_refuses_a_call_without_a_key(base_url: str, header: str | None) -> None:
    """No bearer token: 401 in the documented words."""
    headers = {} if header is None else {"Authorization": header}
    answer = httpx.get(f"{base_url}/scalev/v3/me", headers=headers)

    assert (answer.status_code, answer.json()["error"]) == (401, "Invalid API key")
    assert "X-Ratelimit-Limit" in answer.headers


def test_shows_the_limit_on_every_answer(scalev: httpx.Client) -> None:
    """The three X-Ratelimit headers count down."""
    first, second = scalev.get("/me"), scalev.get("/orders/none")

    assert first.headers["X-Ratelimit-Limit"] == "100"
    assert int(second.headers["X-Ratelimit-Remaining"]) == int(first.headers["X-Ratelimit-Remaining"]) - 1
    assert 0 <= int(second.headers["X-Ratelimit-Reset"]) <= 10


def test_limits_with_plain_text_when_told(scalev: httpx.Client, sandbox: httpx.Client) -> None:
    """Past the limit the answer is 429 in plain text, without Retry-After."""
    sandbox.put("/_sandbox/settings/scalev", json={"enforce_rate_limit": True, "requests_per_10_seconds": 2})
    answers = [scalev.get("/me") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].headers["Content-Type"].startswith("text/plain")
    assert "Retry-After" not in answers[2].headers
    assert answers[2].headers["X-Ratelimit-Remaining"] == "0"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("DELETE", "/orders", 405), ("PUT", "/me", 405), ("GET", "/orders/a%2Fb", 404)],
)
def test_answers_unknown_calls_in_json(scalev: httpx.Client, method: str, path: str, status: int) -> None:
    """Unknown paths and wrong methods get Scalev's error body."""
    answer = scalev.request(method, path)

    assert answer.status_code == status
    assert set(answer.json()) == {"error", "message"}


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"{", "application/json"),
        (b"[1]", "application/json"),
        (b'{"ids": NaN}', "application/json"),
        (b"[" * 100_000, "application/json"),
        (b"ids=1", "application/x-www-form-urlencoded"),
        (b"\xff\xfe", "text/plain"),
    ],
)
def test_refuses_a_body_that_is_no_json_object(scalev: httpx.Client, content: bytes, content_type: str) -> None:
    """Whatever the bytes, the answer is a JSON 400."""
    answer = scalev.post("/orders/change-status", content=content, headers={"Content-Type": content_type})

    assert answer.status_code == 400
    assert "error" in answer.json()


def test_brings_its_orders_in_line_with_full_order_events(scalev: httpx.Client, sandbox: httpx.Client) -> None:
    """A full-order event adds the order, also an older one without `id`, and updates it the next time."""
    data = {
        "order_id": "250805NEWONE",
        "status": "draft",
        "payment_status": "unpaid",
        "created_at": "2025-08-05T00:00:00Z",
    }
    done = sandbox.post("/_sandbox/state/scalev/event", json={"event": "order.created", "data": data}).json()
    again = sandbox.post(
        "/_sandbox/state/scalev/event", json={"event": "order.updated", "data": {**data, "status": "pending"}}
    ).json()

    assert done == again
    assert done["done"] == "upserted"
    assert scalev.get(f"/orders/{done['id']}").json()["status"] == "pending"
    assert scalev.get("/orders/9100003").json()["order_id"] == "250805NEWONE"


def test_patches_orders_with_status_and_payment_events(scalev: httpx.Client, sandbox: httpx.Client) -> None:
    """Partial events change the matching order only where they say something, and create nothing."""
    paid = {"event": "payment.received", "data": {"order_id": "250804QWERTY", "business": {}, "payment_status": "paid"}}
    unknown = {"event": "order.status_changed", "data": {"order_id": "250804NOBODY", "status": "shipped"}}

    assert sandbox.post("/_sandbox/state/scalev/event", json=paid).json() == {"done": "patched", "id": ORDER}
    assert sandbox.post("/_sandbox/state/scalev/event", json=unknown).json() == {"done": "unknown order", "id": None}
    order = scalev.get(f"/orders/{ORDER}").json()
    assert (order["payment_status"], order["business"]["username"]) == ("paid", "tokocontoh")
    assert len(sandbox.get("/_sandbox/state/scalev").json()["orders"]) == 2
    assert effects(sandbox) == []


def test_deletes_orders_and_ignores_other_events(scalev: httpx.Client, sandbox: httpx.Client) -> None:
    """order.deleted removes the order; a test event changes nothing; a broken envelope is refused."""
    deleted = {"event": "order.deleted", "data": {"id": ORDER}}
    assert sandbox.post("/_sandbox/state/scalev/event", json=deleted).json()["done"] == "deleted"
    assert scalev.get(f"/orders/{ORDER}").status_code == 404
    test_event = {"event": "business.test_event", "data": {}}
    assert sandbox.post("/_sandbox/state/scalev/event", json=test_event).json()["done"] == "ignored"
    for data in (None, {"created_at": 5}, {"tags": "x"}, {"tags": [1]}, {"orderlines": {}}):
        answer = sandbox.post("/_sandbox/state/scalev/event", json={"event": "order.created", "data": data})
        assert answer.status_code == 400
