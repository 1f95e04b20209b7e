"""The faked Open Mercato: customers and sales. Invariant: what a running server did outweighs what was read."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

AVERY = "4f6d1b2a-9c03-4e7d-8a51-2b3c4d5e6f70"
DRAFT = "11111111-0000-4000-8000-000000000001"
SHIPPED = "11111111-0000-4000-8000-000000000003"
NOBODY = "00000000-0000-4000-8000-000000000000"
INTERNAL = {"error": "Internal server error", "message": "Something went wrong. Please try again later."}


@pytest.fixture
def erp(base_url: str) -> Iterator[httpx.Client]:
    """A client with Open Mercato's key."""
    headers = {"X-Api-Key": "omk_0a1b2c3d.example"}
    with httpx.Client(base_url=f"{base_url}/open_mercato/api", headers=headers, timeout=60) as client:
        yield client
    assert httpx.get(f"{base_url}/").status_code == 200  # the page has words for every effect


def effects(sandbox: httpx.Client) -> list[str]:
    found = sandbox.get("/_sandbox/effects", params={"vendor": "open_mercato"}).json()
    return [effect["kind"] for effect in found]


def set_trap(sandbox: httpx.Client, **settings: Any) -> None:
    assert sandbox.put("/_sandbox/settings/open_mercato", json=settings).status_code == 200


def make(erp: httpx.Client, path: str, **fields: Any) -> str:
    answer = erp.post(path, json=fields)
    assert answer.status_code == 201, answer.text
    identity: str = answer.json()["id"]
    return identity


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-Api-Key": "omk_1"}, 200),
        ({"Authorization": "ApiKey omk_1"}, 200),
        ({"Authorization": "Bearer omk_1"}, 401),
        ({"X-Api-Key": ""}, 401),
        ({}, 401),
    ],
)
def test_takes_an_api_key_in_two_headers(base_url: str, headers: dict[str, str], status: int) -> None:
    """The key comes in its own header or behind `ApiKey`; a key sent as a Bearer token is unauthorized."""
    answer = httpx.get(f"{base_url}/open_mercato/api/customers/people", headers=headers)

    assert answer.status_code == status
    assert status == 200 or answer.json() == {"error": "Unauthorized"}


def test_says_which_permission_is_missing(erp: httpx.Client, sandbox: httpx.Client) -> None:
    """A key without a permission gets a 403 that names it, and does nothing."""
    set_trap(sandbox, missing_features=["customers.people.manage"])
    answer = erp.post("/customers/people", json={"firstName": "A", "lastName": "B"})

    assert answer.status_code == 403
    assert answer.json() == {"error": "Forbidden", "requiredFeatures": ["customers.people.manage"]}
    assert effects(sandbox) == []


@pytest.mark.parametrize("content", [b"{", b"", b"[]"])
def test_reads_a_body_that_is_no_json_as_empty(erp: httpx.Client, content: bytes) -> None:
    """Such a body is `Invalid input`, with the missing fields as details."""
    answer = erp.post("/customers/people", content=content, headers={"Content-Type": "application/json"})

    assert (answer.status_code, answer.json()["error"]) == (400, "Invalid input")
    assert [issue["path"] for issue in answer.json()["details"]] == [["firstName"], ["lastName"]]


def test_creates_a_person_with_two_ids(erp: httpx.Client, sandbox: httpx.Client) -> None:
    """A create answers the entity id and the profile id; the entity id finds and changes the person."""
    body = {"firstName": "Siti", "lastName": "Rahma", "primaryPhone": "+6281234567890", "cf_source": "shop"}
    answer = erp.post("/customers/people", json=body)
    assert (answer.status_code, set(answer.json())) == (201, {"id", "personId"})
    identity = answer.json()["id"]

    assert erp.put("/customers/people", json={"id": identity, "status": "active"}).json() == {"ok": True}
    page = erp.get("/customers/people", params={"search": "siti r", "hasPhone": "true", "cf_source": "shop"}).json()
    assert {name: page[name] for name in ("total", "page", "pageSize", "totalPages")} == {
        "total": 1,
        "page": 1,
        "pageSize": 50,
        "totalPages": 1,
    }
    (item,) = page["items"]
    assert (item["id"], item["primary_phone"], item["status"]) == (identity, "+6281234567890", "active")
    assert item["display_name"] == "Siti Rahma"
    assert effects(sandbox) == ["person", "person_update"]


@pytest.mark.parametrize(
    "fields",
    [
        {"lastName": ""},
        {"firstName": "x" * 121},
        {"primaryPhone": "081234567890"},
        {"primaryEmail": "nobody"},
        {"tags": "vip"},
        {"status": 5},
    ],
)
def test_refuses_a_wrong_person(erp: httpx.Client, sandbox: httpx.Client, fields: dict[str, Any]) -> None:
    """Lengths, the plus of a phone and types are checked; nothing is created."""
    answer = erp.post("/customers/people", json={"firstName": "A", "lastName": "B", **fields})

    assert (answer.status_code, answer.json()["details"][0]["path"]) == (400, [next(iter(fields))])
    assert effects(sandbox) == []


def test_does_not_know_a_person_to_change(erp: httpx.Client) -> None:
    """An update needs an id, and an id that exists."""
    assert erp.put("/customers/people", json={"status": "x"}).status_code == 400
    assert erp.put("/customers/people", json={"id": NOBODY, "status": "x"}).status_code == 404
    assert erp.get(f"/customers/people/{NOBODY}").status_code == 404


def test_demands_the_scope_when_told(erp: httpx.Client, sandbox: httpx.Client) -> None:
    """With the trap on, writes must name organization and tenant."""
    set_trap(sandbox, require_scope=True)
    body = {"firstName": "A", "lastName": "B"}
    assert erp.post("/customers/people", json=body).status_code == 400
    scope = {
        "organizationId": "8e2b6a3d-1f57-4c0a-b9d4-6f3a2e1c9d22",
        "tenantId": "5c1d7f0e-8a42-4f39-9a6d-0b7e2c4d1a11",
    }
    assert erp.post("/customers/people", json={**body, **scope}).status_code == 201


@pytest.mark.parametrize(
    ("digits", "found"), [("12025550143", True), ("2025550143", False), ("+12025550143", False), ("143", False)]
)
def test_checks_a_phone(erp: httpx.Client, sandbox: httpx.Client, digits: str, found: bool) -> None:
    """All digits must be equal, bad input is a null; while phones are encrypted nobody is found."""
    assert erp.get("/customers/people/check-phone", params={"digits": digits}).json() == {"match": None}
    set_trap(sandbox, encrypted_phones=False)
    match = erp.get("/customers/people/check-phone", params={"digits": digits}).json()["match"]
    assert match == ({"id": AVERY, "displayName": "Avery Doe"} if found else None)


def test_shows_a_person_with_what_belongs_to_it(erp: httpx.Client, sandbox: httpx.Client) -> None:
    """A detail includes the collections that are asked for."""
    deal = make(erp, "/customers/deals", title="Valves", personIds=[AVERY])
    make(erp, "/customers/activities", entityId=AVERY, activityType="call", subject="Hello")
    make(erp, "/customers/comments", entityId=AVERY, body="nice")
    make(erp, "/customers/addresses", entityId=AVERY, addressLine1="1 Pier Road")
    todo = erp.post("/customers/todos", json={"entityId": AVERY, "title": "Call"})
    assert (todo.status_code, set(todo.json())) == (201, {"todoId", "linkId"})

    whole = erp.get(
        f"/customers/people/{AVERY}", params={"include": "deals,activities,comments,addresses,todos"}
    ).json()
    assert whole["person"]["displayName"] == "Avery Doe"
    assert deal in [item["id"] for item in whole["deals"]]
    assert [len(whole[name]) for name in ("activities", "comments", "addresses", "todos")] == [1, 1, 1, 1]
    assert "deals" not in erp.get(f"/customers/people/{AVERY}").json()
    assert effects(sandbox) == ["deal", "activity", "comment", "address", "todo"]


def test_knows_companies_and_their_people(erp: httpx.Client) -> None:
    """A company answers two ids too and shows its people."""
    answer = erp.post("/customers/companies", json={"displayName": "Toko"}).json()
    assert set(answer) == {"id", "companyId"}
    make(erp, "/customers/people", firstName="A", lastName="B", companyEntityId=answer["id"])
    whole = erp.get(f"/customers/companies/{answer['id']}", params={"include": "people"}).json()
    assert len(whole["people"]) == 1
    assert erp.get("/customers/companies", params={"search": "tok"}).json()["total"] == 1


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/customers/activities", {"activityType": "call"}),
        ("/customers/comments", {"body": "x"}),
        ("/customers/todos", {"title": "x"}),
    ],
)
def test_does_not_know_the_customer(erp: httpx.Client, path: str, fields: dict[str, str]) -> None:
    """What belongs to a customer needs one that exists."""
    assert erp.post(path, json=fields).status_code == 400
    assert erp.post(path, json={**fields, "entityId": NOBODY}).status_code == 404


def test_keeps_deals_with_amounts_as_text_in_lists(erp: httpx.Client) -> None:
    """A list shows the amount as text, and filters by stage and person."""
    identity = make(erp, "/customers/deals", title="Valves", valueAmount=100, valueCurrency="USD", pipelineStage="new")
    assert erp.put("/customers/deals", json={"id": identity, "personIds": [AVERY]}).json() == {"ok": True}
    (deal,) = erp.get("/customers/deals", params={"personEntityId": AVERY, "pipelineStage": "new"}).json()["items"]
    assert (deal["value_amount"], deal["value_currency"]) == ("100.00", "USD")
    assert erp.post("/customers/deals", json={"title": "x", "valueCurrency": "usd"}).status_code == 400


def test_assigns_a_tag_once(erp: httpx.Client, sandbox: httpx.Client) -> None:
    """The second assignment is a 409 that means done; unknown tags and customers are a 404."""
    tag = make(erp, "/customers/tags", slug="vip", label="VIP")
    pair = {"tagId": tag, "entityId": AVERY}
    assert erp.post("/customers/tags", json={"slug": "V P", "label": "x"}).status_code == 400
    assert erp.post("/customers/tags/assign", json=pair).status_code == 201
    again = erp.post("/customers/tags/assign", json=pair)
    assert (again.status_code, again.json()) == (409, {"error": "Tag already assigned"})
    assert erp.get("/customers/people", params={"tagIds": tag}).json()["total"] == 1
    assert erp.post("/customers/tags/assign", json={**pair, "tagId": NOBODY}).status_code == 404
    assert erp.post("/customers/tags/unassign", json=pair).status_code == 201
    assert effects(sandbox) == ["tag", "tag_assigned", "tag_removed"]


def test_upserts_a_dictionary_value(erp: httpx.Client) -> None:
    """A new value is a 201, a known one a 200 with the same entry."""
    path = "/customers/dictionaries/source"
    first, second = erp.post(path, json={"value": "shop"}), erp.post(path, json={"value": "shop"})
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    assert [entry["value"] for entry in erp.get(path).json()["items"]] == ["shop"]


def test_creates_an_order_with_lines(erp: httpx.Client, sandbox: httpx.Client) -> None:
    """An order without a number gets one, its totals follow its lines, and it is found by a part of its number."""
    line = {"name": "Valve", "quantity": 2, "unitPriceNet": 10, "unitPriceGross": 11}
    identity = make(erp, "/sales/orders", currencyCode="USD", customerEntityId=AVERY, lines=[line])
    (order,) = erp.get("/sales/orders", params={"search": "order-"}).json()["items"]
    assert (order["id"], order["grandTotalNetAmount"], order["grandTotalGrossAmount"]) == (identity, "20.00", "22.00")
    assert re.fullmatch(r"ORDER-\d{5}", order["orderNumber"])

    more = {"orderId": identity, "currencyCode": "USD", "quantity": 1, "unitPriceGross": "8"}
    added = erp.post("/sales/order-lines", json=more)
    assert (added.status_code, set(added.json())) == (201, {"id", "orderId"})
    changed = erp.put("/sales/order-lines", json={**more, "id": added.json()["id"], "quantity": 3})
    assert changed.status_code == 200
    assert erp.get("/sales/orders", params={"id": identity}).json()["items"][0]["grandTotalGrossAmount"] == "46.00"
    assert effects(sandbox) == ["order", "order_line", "order_line_update"]


def test_fails_plainly_on_a_number_that_exists(erp: httpx.Client, sandbox: httpx.Client) -> None:
    """A second order of the same number is a 500 that says nothing, and is not made."""
    body = {"currencyCode": "USD", "orderNumber": "WEB-1"}
    assert erp.post("/sales/orders", json=body).status_code == 201
    again = erp.post("/sales/orders", json=body)
    assert (again.status_code, again.json()) == (500, INTERNAL)
    assert erp.get("/sales/orders", params={"search": "WEB-1"}).json()["total"] == 1
    assert effects(sandbox) == ["order"]


def test_updates_an_order(erp: httpx.Client) -> None:
    """An update needs the id and one field more, and answers the order."""
    identity = make(erp, "/sales/orders", currencyCode="USD")
    assert erp.put("/sales/orders", json={"id": identity}).status_code == 400
    assert erp.put("/sales/orders", json={"id": identity, "orderNumber": "X"}).status_code == 400
    changed = erp.put("/sales/orders", json={"id": identity, "statusEntryId": DRAFT}).json()
    assert (changed["id"], changed["statusEntryId"]) == (identity, DRAFT)
    assert erp.post("/sales/orders", json={"currencyCode": "usd"}).status_code == 400


def test_ships_no_more_than_is_left(erp: httpx.Client) -> None:
    """A shipment needs lines, known ones, and no more than remains; it can set the order's status."""
    order = make(erp, "/sales/orders", currencyCode="USD", lines=[{"name": "Valve", "quantity": 2}])
    (line,) = erp.get("/sales/order-lines", params={"orderId": order}).json()["items"]
    none = erp.post("/sales/shipments", json={"orderId": order})
    assert (none.status_code, none.json()["error"]) == (400, "Add at least one line to ship")

    def ship(quantity: int, line_id: str = line["id"]) -> httpx.Response:
        items = [{"orderLineId": line_id, "quantity": quantity}]
        body = {"orderId": order, "items": items, "trackingNumbers": ["T1"], "documentStatusEntryId": SHIPPED}
        return erp.post("/sales/shipments", json=body)

    assert ship(3).status_code == 400
    assert ship(1, NOBODY).status_code == 404
    assert ship(2).status_code == 201
    assert ship(1).status_code == 400
    (shipment,) = erp.get("/sales/shipments", params={"orderId": order}).json()["items"]
    assert shipment["tracking_numbers"] == ["T1"]
    changed = erp.put("/sales/shipments", json={"id": shipment["id"], "trackingNumbers": ["T2", "T3"]})
    assert changed.json() == {"ok": True}
    assert erp.get("/sales/orders", params={"id": order}).json()["items"][0]["statusEntryId"] == SHIPPED


def test_takes_payments_in_the_currency_of_the_order(erp: httpx.Client) -> None:
    """A payment needs an order and its currency; the totals come with the answer."""
    line = {"name": "Valve", "quantity": 1, "unitPriceGross": 10}
    order = make(erp, "/sales/orders", currencyCode="USD", lines=[line])
    body = {"amount": 4, "currencyCode": "USD"}
    assert erp.post("/sales/payments", json=body).status_code == 400
    assert erp.post("/sales/payments", json={**body, "orderId": order, "currencyCode": "EUR"}).status_code == 400
    paid = erp.post("/sales/payments", json={**body, "orderId": order})
    assert (paid.status_code, paid.json()["orderTotals"]["outstandingAmount"]) == (201, 6)
    changed = erp.put("/sales/payments", json={"id": paid.json()["id"], "amount": 10}).json()
    assert changed["orderTotals"]["outstandingAmount"] == 0


def test_notes_addresses_numbers_and_quotes(erp: httpx.Client) -> None:
    """Notes, addresses, numbers and a quote's conversion answer as documented."""
    order = make(erp, "/sales/orders", currencyCode="USD")
    note = erp.post("/sales/notes", json={"contextType": "order", "contextId": order, "body": "x"}).json()
    assert set(note) == {"id", "authorUserId"}
    make(erp, "/sales/document-addresses", documentId=order, documentKind="order", addressLine1="Pier", country="ID")
    number = erp.post("/sales/document-numbers", json={"kind": "order"}).json()
    assert set(number) == {"number", "format", "sequence"}
    quote = "33333333-0000-4000-8000-000000000001"
    made = erp.post("/sales/quotes/convert", json={"quoteId": quote}).json()["orderId"]
    assert erp.get("/sales/orders", params={"id": made}).json()["items"][0]["grandTotalGrossAmount"] == "22.00"
    assert erp.post("/sales/quotes/convert", json={"quoteId": quote}).status_code == 404


@pytest.mark.parametrize("name", ["order-statuses", "order-line-statuses", "payment-statuses", "shipment-statuses"])
def test_looks_up_statuses(erp: httpx.Client, name: str) -> None:
    """Statuses are pages of entries whose id is what documents want."""
    items = erp.get(f"/sales/{name}").json()["items"]
    assert {"id", "value", "label", "color", "icon"} <= set(items[0])
    assert erp.get(f"/sales/{name}", params={"search": "no such"}).json()["items"] == []


@pytest.mark.parametrize(
    "path",
    [
        "/sales/channels",
        "/sales/shipping-methods",
        "/sales/payment-methods",
        "/sales/tax-rates",
        "/sales/tags",
        "/catalog/products",
        "/catalog/variants",
    ],
)
def test_looks_up_the_rest(erp: httpx.Client, path: str) -> None:
    """The other look-ups are pages; a page size above the limit is refused."""
    assert len(erp.get(path).json()["items"]) == 1
    assert erp.get(path, params={"pageSize": 500}).status_code == 400
