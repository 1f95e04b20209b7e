"""The faked Scalev makes, edits and ships orders as documented. Invariant: only documented fields are asserted."""

from typing import Any

import httpx
import pytest

ORDER = "0198a1b2-3c4d-7e5f-8a9b-0c1d2e3f4a5b"
DIGITAL = "0198a1b2-7777-7abc-9def-112233445566"
STORE = "store_AAAAAAAAAAAAAAAAAAAAAAAA"
VARIANT = "variant_AAAAAAAAAAAAAAAAAAAAAAAA"
INPUT: dict[str, Any] = {
    "store_unique_id": STORE,
    "customer_name": "Rudi Contoh",
    "customer_phone": "628120000001",
    "payment_method": "bank_transfer",
    "ordervariants": [{"variant_unique_id": VARIANT, "quantity": 2}],
    "location_id": 5001,
    "shipping_cost": 18000,
    "product_discount": 5000,
}


def effects(sandbox: httpx.Client) -> list[str]:
    return [effect["kind"] for effect in sandbox.get("/_sandbox/effects", params={"vendor": "scalev"}).json()]


def create(scalev: httpx.Client, **fields: Any) -> dict[str, Any]:
    answer = scalev.post("/orders", json={**INPUT, **fields})
    assert answer.status_code == 201
    order: dict[str, Any] = answer.json()
    return order


def test_creates_an_order(scalev: httpx.Client, sandbox: httpx.Client) -> None:
    """A new order answers its ids and links, adds up its amounts, and can be read."""
    order = create(scalev)

    assert {"id", "order_id", "secret_slug", "public_order_url", "payment_url"} <= set(order)
    assert (order["id"][14], order["status"], order["payment_status"]) == ("7", "pending", "unpaid")
    assert (order["product_price"], order["net_revenue"], order["gross_revenue"]) == (
        "300000.00",
        "295000.00",
        "313000.00",
    )
    read = scalev.get(f"/orders/{order['id']}").json()
    assert read["destination_address"]["city"] == "Kota Surabaya"
    assert read["customer"]["phone"] == "628120000001"
    assert read["final_variants"] == {"Produk Contoh": 2}
    assert effects(sandbox) == ["order"]


def test_makes_a_draft_of_an_order_without_a_payment_method(scalev: httpx.Client) -> None:
    """Without a payment method the order waits as a draft for the buyer."""
    assert create(scalev, payment_method=None)["status"] == "draft"


def test_sells_a_bundle(scalev: httpx.Client) -> None:
    """A bundle's line has the bundle's price and its variant's id."""
    bundles = [{"bundle_price_option_unique_id": "bpo_AAAAAAAAAAAAAAAAAAAAAAAA", "quantity": 1}]
    (line,) = create(scalev, ordervariants=[], orderbundles=bundles)["orderlines"]

    assert (line["variant_unique_id"], line["product_price"], line["weight"]) == (VARIANT, 280000.0, 1000)


def test_makes_two_of_the_same_order_sent_twice(scalev: httpx.Client) -> None:
    """No idempotency key exists: a repeated create is a second order, of the same customer."""
    first, second = create(scalev), create(scalev)

    assert first["order_id"] != second["order_id"]
    assert first["customer_id"] == second["customer_id"]


@pytest.mark.parametrize(
    "fields",
    [
        {"store_unique_id": "1"},
        {"store_unique_id": None},
        {"customer_name": " "},
        {"customer_phone": 62},
        {"ordervariants": []},
        {"ordervariants": [{"variant_unique_id": "101", "quantity": 1}]},
        {"ordervariants": [{"variant_unique_id": VARIANT, "quantity": 0}]},
        {"location_id": 9},
        {"courier_service_id": 9},
        {"warehouse_unique_id": "warehouse_none"},
        {"shipping_cost": "much"},
        {"shipping_cost": True},
        {"metadata": "x"},
    ],
)
def test_refuses_a_wrong_order(scalev: httpx.Client, sandbox: httpx.Client, fields: dict[str, Any]) -> None:
    """What cannot be an order is a 422 that makes none."""
    answer = scalev.post("/orders", json={**INPUT, **fields})

    assert answer.status_code == 422
    assert len(scalev.get("/orders").json()["data"]) == 2
    assert effects(sandbox) == []


def test_edits_an_order(scalev: httpx.Client) -> None:
    """PATCH changes what is named and adds the amounts up again; the store and the metadata stay."""
    order = create(scalev)
    edited = scalev.patch(f"/orders/{order['id']}", json={"notes": "Pagi saja", "shipping_cost": 20000}).json()

    assert (edited["notes"], edited["gross_revenue"], edited["order_id"]) == (
        "Pagi saja",
        "315000.00",
        order["order_id"],
    )
    for field in ({"store_unique_id": STORE}, {"metadata": {}}):
        assert scalev.patch(f"/orders/{order['id']}", json=field).status_code == 422


@pytest.mark.parametrize(("status", "answered"), [("shipped", 422), ("canceled", 204)])
def test_deletes_drafts_and_canceled_orders_only(scalev: httpx.Client, status: str, answered: int) -> None:
    """An order under way cannot be deleted."""
    scalev.post("/orders/change-status", json={"ids": [ORDER], "status": status})

    assert scalev.post("/orders/delete", json={"ids": [ORDER]}).status_code == answered
    assert (scalev.get(f"/orders/{ORDER}").status_code == 404) is (answered == 204)


def test_takes_the_spam_mark_away(scalev: httpx.Client) -> None:
    """mark-not-spam clears the mark of all orders named."""
    order = create(scalev, is_probably_spam=True)
    listed = scalev.get("/orders", params={"is_probably_spam": "true"}).json()["data"]
    scalev.post("/orders/mark-not-spam", json={"ids": [order["id"]]})

    assert [row["id"] for row in listed] == [order["id"]]
    assert scalev.get(f"/orders/{order['id']}").json()["is_probably_spam"] is False


def test_says_of_each_order_how_a_bulk_change_went_when_told(scalev: httpx.Client, sandbox: httpx.Client) -> None:
    """With the trap on, a 200 carries failures beside successes."""
    sandbox.put("/_sandbox/settings/scalev", json={"partial_changes": True})
    answer = scalev.post("/orders/change-status", json={"ids": [ORDER, "none"], "status": "shipped"})

    assert answer.status_code == 200
    assert (set(answer.json()["successes"]), set(answer.json()["failures"])) == ({ORDER}, {"none"})
    assert effects(sandbox) == ["order_status"]


def test_generates_airway_bills_with_successes_and_failures(scalev: httpx.Client) -> None:
    """generate-awb and cancel-awb answer 200 with two maps."""
    first = scalev.post("/orders/generate-awb", json={"ids": [ORDER, DIGITAL]}).json()
    again = scalev.post("/orders/generate-awb", json={"ids": [ORDER]}).json()
    canceled = scalev.post("/orders/cancel-awb", json={"ids": [ORDER]}).json()

    assert (set(first["successes"]), set(first["failures"])) == ({ORDER}, {DIGITAL})
    assert (again["successes"], set(canceled["successes"])) == ({}, {ORDER})
    assert scalev.get(f"/orders/{ORDER}").json()["awb_status"] == "canceled"


def test_creates_a_payment_at_the_gateway_only(scalev: httpx.Client) -> None:
    """A gateway's method gets a reference by which the order is found; a bank transfer and a paid order are refused."""
    paid = scalev.post(f"/orders/{DIGITAL}/payment").json()

    assert "qr_code" in paid["pg_payment_info"]["payment_method"]
    found = scalev.get(f"/orders/pg-reference-id/{paid['pg_reference_id']}").json()
    assert found["id"] == DIGITAL
    assert scalev.get("/orders/pg-reference-id/none").status_code == 404
    assert scalev.post(f"/orders/{ORDER}/payment").status_code == 422
    scalev.post("/orders/change-status", json={"ids": [DIGITAL], "payment_status": "paid"})
    assert scalev.post(f"/orders/{DIGITAL}/payment").status_code == 409


def test_duplicates_an_order_and_cancels_the_original(scalev: httpx.Client) -> None:
    """The twin begins anew with the same buyer and goods."""
    scalev.post("/orders/change-status", json={"ids": [ORDER], "status": "shipped", "payment_status": "paid"})
    twin = scalev.post(f"/orders/{ORDER}/duplicate").json()
    original = scalev.get(f"/orders/{ORDER}").json()

    assert (twin["status"], twin["payment_status"], twin["shipped_time"]) == ("pending", "unpaid", None)
    assert (twin["gross_revenue"], twin["customer"]) == (original["gross_revenue"], original["customer"])
    assert original["status"] == "canceled"


def test_adds_shipment_news(scalev: httpx.Client) -> None:
    """Shipment data and history change the order; the history wants its three fields."""
    shipped = scalev.patch(f"/orders/{ORDER}/shipment", json={"shipment_receipt": "JX1", "awb_ca_status": "created"})
    news = {"status": "shipped", "description": "Di perjalanan", "timestamp": "2026-01-02T03:04:05Z"}
    told = scalev.post(f"/orders/{ORDER}/shipment-status-history", json=news)

    assert (shipped.json()["shipment_receipt"], shipped.json()["awb_ca_status"]) == ("JX1", "created")
    assert told.json()["shipment_status"] == "shipped"
    assert scalev.patch(f"/orders/{ORDER}/shipment", json={"awb_ca_status": "lost"}).status_code == 422
    assert scalev.post(f"/orders/{ORDER}/shipment-status-history", json={"status": "shipped"}).status_code == 422


def test_moves_an_order_to_another_customer(scalev: httpx.Client) -> None:
    """PATCH customer takes the id of a customer that exists."""
    moved = scalev.patch(f"/orders/{ORDER}/customer", json={"customer_id": 28025}).json()

    assert moved["customer"]["name"] == "Siti Contoh"
    assert scalev.patch(f"/orders/{ORDER}/customer", json={"customer_id": 1}).status_code == 404


def test_keeps_follow_up_chats_as_history(scalev: httpx.Client) -> None:
    """Message history is a preset chat by its number; free text is refused, and the chats are filled texts."""
    chats = scalev.get(f"/orders/{ORDER}/chats").json()["data"]
    scalev.post(f"/orders/{ORDER}/message-history", json={"follow_up_chat_id": chats[0]["id"]})
    refused = scalev.post(f"/orders/{ORDER}/message-history", json={"follow_up_chat_id": "Halo"})

    assert "Budi Contoh" in chats[0]["text"]
    assert scalev.get(f"/orders/{ORDER}/chats/{chats[0]['id']}").json() == chats[0]
    (entry,) = scalev.get(f"/orders/{ORDER}/message-history").json()["data"]
    assert (entry["follow_up_chat_id"], refused.status_code) == (chats[0]["id"], 422)


@pytest.mark.parametrize(
    ("path", "order", "status"),
    [
        ("trigger-purchase", ORDER, 204),
        ("send-lms-access", DIGITAL, 204),
        ("send-lms-access", ORDER, 422),
        ("send-product-digital", ORDER, 422),
        ("send-product-digital", "none", 404),
        ("check-payment", ORDER, 200),
        ("check-settlement", ORDER, 200),
    ],
)
def test_does_what_needs_no_body(scalev: httpx.Client, path: str, order: str, status: int) -> None:
    """The small actions on an order answer by what is in it."""
    assert scalev.post(f"/orders/{order}/{path}").status_code == status


def test_reads_around_orders(scalev: httpx.Client) -> None:
    """Statistics, tags, mails and actions are reads of their own, not orders of that name."""
    scalev.post(f"/orders/{ORDER}/update-tags", json={"tags": ["vip", "baru"]})

    assert scalev.get("/orders/statistics").json()["pending"] == 2
    assert scalev.get("/orders/tags", params={"search": "v"}).json()["data"] == ["vip"]
    assert scalev.get(f"/orders/{ORDER}/emails").json()["data"] == []
    assert scalev.get(f"/orders/{ORDER}/actions").json()["has_physical"] is True


@pytest.mark.parametrize("path", ["upload", "upload-receipt", "upload-change-status"])
def test_takes_csv_uploads_as_multipart_only(scalev: httpx.Client, path: str) -> None:
    """A CSV comes as a file; JSON is refused."""
    file = {"file": ("orders.csv", b"order_id\n1\n", "text/csv")}

    assert scalev.post(f"/orders/{path}", files=file).status_code == 204
    assert scalev.post(f"/orders/{path}", json={"file": "x"}).status_code == 400
    assert scalev.post(f"/orders/{path}", files={"other": (None, "x")}).status_code == 422


@pytest.mark.parametrize(
    ("params", "count"),
    [({"store_id": "1"}, 2), ({"store_id": "2"}, 0), ({"handler_id": "7"}, 2), ({"product_id": "11"}, 1)],
)
def test_filters_by_the_ids_of_parts(scalev: httpx.Client, params: dict[str, str], count: int) -> None:
    """Store, handler and product filter by their numeric ids."""
    if "product_id" in params:
        create(scalev)
    assert len(scalev.get("/orders", params=params).json()["data"]) == count


@pytest.mark.parametrize(
    ("shape", "kind"), [("object", dict), ("list", list), ("number", int), ("boolean", bool), ("string", str)]
)
def test_says_no_in_any_shape(scalev: httpx.Client, sandbox: httpx.Client, shape: str, kind: type) -> None:
    """`error` may be any JSON value."""
    sandbox.put("/_sandbox/settings/scalev", json={"error_shape": shape})

    assert type(scalev.get("/orders/none").json()["error"]) is kind


def test_refuses_what_a_restricted_key_may_not_do(scalev: httpx.Client, sandbox: httpx.Client) -> None:
    """A missing scope and another business are a 403; the rest still works."""
    sandbox.put("/_sandbox/settings/scalev", json={"missing_scopes": ["order:change_status"]})
    body = {"ids": [ORDER], "status": "shipped"}

    assert scalev.post("/orders/change-status", json=body).status_code == 403
    assert scalev.get("/me", params={"b_uid": "BBBBBBBBBBBBBBBB"}).status_code == 403
    assert scalev.get("/me", params={"b_uid": "AAAAAAAAAAAAAAAA"}).status_code == 200


def test_limits_by_the_hour_too(scalev: httpx.Client, sandbox: httpx.Client) -> None:
    """Past the hourly limit the headers are those of the hour."""
    sandbox.put("/_sandbox/settings/scalev", json={"enforce_rate_limit": True, "requests_per_hour": 2})
    answers = [scalev.get("/me") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].headers["X-Ratelimit-Limit"] == "2"
    assert int(answers[2].headers["X-Ratelimit-Reset"]) > 10
