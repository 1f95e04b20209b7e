"""The faked Scalev's shop: customers, places, shipping, stores, checkouts. Invariant: plain HTTP, no client of ours."""

from typing import Any

import httpx
import pytest

WAREHOUSE, PLACE = 1, 5001
VARIANT = {"variant_unique_id": "variant_AAAAAAAAAAAAAAAAAAAAAAAA", "quantity": 1}


def data(answer: httpx.Response) -> Any:
    """Return the rows of a list."""
    assert answer.status_code == 200
    return answer.json()["data"]


def test_keeps_customers(scalev: httpx.Client) -> None:
    """A customer is created, read, changed, counted and found; the resource is the body."""
    created = scalev.post("/customers", json={"name": "Rina Contoh", "phone": "628120000009"})
    path = f"/customers/{created.json()['id']}"
    changed = scalev.patch(path, json={"is_unsubscribe": True, "shoe_size": 40})

    assert (created.status_code, changed.json()["is_unsubscribe"]) == (201, True)
    assert scalev.get(path).json() == changed.json()
    assert "shoe_size" not in changed.json()
    assert scalev.get("/customers/count").json() == {"count": 3}
    assert [row["name"] for row in data(scalev.get("/customers", params={"search": "rina"}))] == ["Rina Contoh"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/customers", {"phone": "62"}, 422),
        ("POST", "/customers", {"name": "x", "email": 5}, 422),
        ("POST", "/customers", None, 400),
        ("GET", "/customers/1", None, 404),
        ("GET", "/customers/budi", None, 404),
        ("PATCH", "/customers/28024", {}, 400),
        ("POST", "/customers/28024/update-tags", {"tags": "x"}, 422),
        ("POST", "/customers/28024/addresses", {"address": "x"}, 422),
        ("GET", "/customers/28024/addresses/1", None, 404),
        ("POST", "/customers/upload", {"file": "x"}, 400),
    ],
)
def test_refuses_wrong_customers(scalev: httpx.Client, method: str, path: str, body: Any, status: int) -> None:
    """What is missing or wrong is said by status."""
    answer = scalev.request(method, path, json=body)

    assert answer.status_code == status
    assert "error" in answer.json()


def test_tags_customers(scalev: httpx.Client) -> None:
    """Tags are replaced whole and listed over all customers."""
    scalev.post("/customers/28024/update-tags", json={"tags": ["a", "b"]})
    scalev.post("/customers/28024/update-tags", json={"tags": ["b"]})

    assert data(scalev.get("/customers/tags")) == ["b"]


def test_keeps_addresses_of_a_customer(scalev: httpx.Client) -> None:
    """Addresses are created, changed and deleted under their customer."""
    path = "/customers/28024/addresses"
    created = scalev.post(path, json={"name": "Rumah", "address": "Jl. Fiktif No. 1", "location_id": PLACE})
    one = f"{path}/{created.json()['id']}"

    assert created.status_code == 201
    assert scalev.patch(one, json={"postal_code": "60231"}).json()["postal_code"] == "60231"
    assert [row["name"] for row in data(scalev.get(path))] == ["Rumah"]
    assert scalev.get(f"/customers/28025/addresses/{created.json()['id']}").status_code == 404
    assert scalev.delete(one).status_code == 204
    assert data(scalev.get(path)) == []


def test_finds_places_and_their_postal_codes(scalev: httpx.Client) -> None:
    """Locations are searched by any part of their name."""
    (place,) = data(scalev.get("/locations", params={"search": "surabaya", "page_size": "5"}))

    assert set(place) == {"id", "display", "subdistrict_name", "city_name", "province_name"}
    assert "60231" in data(scalev.get(f"/locations/{place['id']}/postal-codes"))
    assert scalev.get("/locations", params={"page_size": "26"}).status_code == 400
    assert scalev.get("/locations/1/postal-codes").status_code == 404


def test_prices_the_shipping(scalev: httpx.Client) -> None:
    """Costs grow by the begun kilogram; only the couriers that were asked for answer."""
    body = {"courier_codes": ["jne"], "location_id": PLACE, "warehouse_id": WAREHOUSE, "weight": 1001}
    (service,) = data(scalev.post("/shipping-costs", json=body))

    assert (service["courier"]["code"], service["cost"]) == ("jne", 22000)
    for wrong in ({"location_id": 1}, {"warehouse_id": 9}):
        assert scalev.post("/shipping-costs", json={**body, **wrong}).status_code == 404
    for wrong_type in ({"weight": "heavy"}, {"courier_codes": []}):
        assert scalev.post("/shipping-costs", json={**body, **wrong_type}).status_code == 422


def test_searches_couriers_and_warehouses(scalev: httpx.Client) -> None:
    """Cash on delivery leaves only the couriers that take cash."""
    body = {"store_id": 1, "warehouse_id": WAREHOUSE, "location_id": PLACE, "weight": 500}
    path = "/shipping-costs/search-courier-service"
    wanted = {"store_id": 1, "destination_id": PLACE, "variants": [{"variant_id": 101, "qty": 1}]}

    assert len(data(scalev.post(path, json=body))) == 2
    assert [row["is_cod"] for row in data(scalev.post(path, json={**body, "payment_method": "cod"}))] == [True]
    assert [row["id"] for row in data(scalev.post("/shipping-costs/search-warehouse", json=wanted))] == [WAREHOUSE]
    unknown = {**wanted, "variants": [{"variant_id": 9, "qty": 1}]}
    assert scalev.post("/shipping-costs/search-warehouse", json=unknown).status_code == 404


def test_shows_stores_by_their_numbers(scalev: httpx.Client) -> None:
    """Products and payment methods are found by the numeric store id, not by the text id."""
    first, second = data(scalev.get("/stores/simplified"))

    assert set(first) == {"id", "unique_id", "name", "logo"}
    assert [row["name"] for row in data(scalev.get(f"/stores/{second['id']}/products"))] == [
        "Kelas Contoh",
        "Buku Digital Contoh",
    ]
    assert "cod" in data(scalev.get(f"/stores/{first['id']}/payment-methods"))
    assert scalev.get(f"/stores/{first['unique_id']}/products").status_code == 404


def test_orders_with_what_the_searches_gave(scalev: httpx.Client) -> None:
    """Place, warehouse, courier, order: the ids of each answer fit the next call."""
    store = data(scalev.get("/stores/simplified"))[0]
    variant = data(scalev.get(f"/stores/{store['id']}/products"))[0]["variants"][0]
    place = data(scalev.get("/locations", params={"search": "menteng"}))[0]
    wanted = {"store_id": store["id"], "destination_id": place["id"], "variants": [{"variant_id": 101, "qty": 1}]}
    warehouse = data(scalev.post("/shipping-costs/search-warehouse", json=wanted))[0]
    way = {"store_id": store["id"], "warehouse_id": warehouse["id"], "location_id": place["id"], "weight": 500}
    courier = data(scalev.post("/shipping-costs/search-courier-service", json=way))[0]
    order = {
        "store_unique_id": store["unique_id"],
        "customer_name": "Rina Contoh",
        "payment_method": "cod",
        "ordervariants": [{"variant_unique_id": variant["unique_id"], "quantity": 1}],
        "location_id": place["id"],
        "warehouse_unique_id": warehouse["unique_id"],
        "courier_service_id": courier["id"],
        "shipping_cost": courier["cost"],
    }
    made = scalev.post("/orders", json=order).json()

    assert made["courier_service"]["courier"]["code"] == courier["courier"]["code"]
    assert made["warehouse"]["name"] == warehouse["name"]
    assert made["destination_address"]["subdistrict"] == "Menteng"


def test_lists_intents_by_status_and_follows_up_once(scalev: httpx.Client, sandbox: httpx.Client) -> None:
    """An abandoned intent takes one follow-up email: 204, then 409."""
    begin = "/_sandbox/state/scalev/intents"
    reachable = sandbox.post(begin, json={"email": "budi@example.com", "ordervariants": [VARIANT]}).json()
    nobody = sandbox.post(begin, json={"name": "Tanpa Kontak"}).json()
    email = f"/checkout-intents/{reachable['id']}/follow-up-email"

    assert scalev.post(email).status_code == 422
    sandbox.post(f"{begin}/{reachable['id']}/abandon", json={})
    assert sandbox.post(f"{begin}/{nobody['id']}/abandon", json={}).status_code == 422
    assert [scalev.post(email).status_code for _ in range(2)] == [204, 409]
    listed = data(scalev.get("/checkout-intents", params={"status": "abandoned"}))
    assert [(row["id"], row["is_email_follow_up_already_sended"]) for row in listed] == [(reachable["id"], True)]
    assert scalev.get("/checkout-intents", params={"status": "lost"}).status_code == 400
    assert scalev.get("/checkout-intents/none").status_code == 404
