"""The faked Proton's legacy routes: tasks, custom fields, quotes, pipelines, recommendations.

Invariant: every success here shouts, and lists echo their query beside the data.
"""

from typing import Any

import httpx
import pytest

CUSTOMER = "HL-20418"
QUOTE = "S100731.001"


def data(answer: httpx.Response) -> Any:
    """Return the data of a legacy success."""
    assert (answer.status_code, answer.json()["status_message"]) == (200, "SUCCESS"), answer.text
    return answer.json()["data"]


def assert_refused(answer: httpx.Response, status: int, code: str = "INVALID_REQUEST") -> None:
    """Check the documented error body."""
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == code


def opportunity(proton: httpx.Client, **fields: Any) -> dict[str, Any]:
    body = {"title": "Chiller", "pipeline_id": "pipeline-sales", "customer_id": CUSTOMER, **fields}
    found: dict[str, Any] = data(proton.post("/opportunities", json=body))
    return found


def test_edits_a_task_as_json(proton: httpx.Client, sandbox: httpx.Client) -> None:
    """An edit takes a list of users and answers the id alone."""
    form = {"title": (None, "Call back"), "user_id": (None, "dana")}
    task_id = data(proton.post("/create/task", files=form))["task_id"]
    edit = {"task_id": task_id, "completed": True, "user_id": ["dana", "lee"]}

    assert data(proton.post("/edit/task", json=edit)) == {"task_id": task_id}
    (task,) = sandbox.get("/_sandbox/state/proton").json()["companies"]["harborline"]["tasks"]
    assert (task["completed"], task["user_id"], task["title"]) == (True, ["dana", "lee"], "Call back")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "INVALID_REQUEST"),
        ({"task_id": "none"}, 404, "NOT_FOUND"),
        ({"task_id": 5}, 400, "INVALID_REQUEST"),
    ],
)
def test_refuses_a_wrong_edit_of_a_task(proton: httpx.Client, body: dict[str, Any], status: int, code: str) -> None:
    """An edit names a task that exists."""
    assert_refused(proton.post("/edit/task", json=body), status, code)


def test_defines_custom_fields(proton: httpx.Client) -> None:
    """A field is created, edited, listed by record type and deleted; the list echoes its query."""
    body = {"display_name": "Size", "field_type": "number", "record_types": ["customer", "contact"]}
    made = data(proton.post("/custom_field/create", json=body))
    identity = made["custom_field_id"]

    edited = data(proton.put("/custom_field/edit", json={"custom_field_id": identity, "required": True}))
    assert (edited["required"], edited["display_name"]) == (True, "Size")
    listed = proton.get("/custom_field/all", params={"record_types": "contact,opportunity"})
    assert [item["custom_field_id"] for item in data(listed)] == [identity]
    assert listed.json()["record_types"] == ["contact", "opportunity"]
    assert len(data(proton.get("/custom_field/all"))) == 2
    assert data(proton.post("/custom_field/delete", json={"custom_field_id": identity})) == {
        "custom_field_id": identity
    }
    assert_refused(proton.post("/custom_field/delete", json={"field_id": identity}), 404, "NOT_FOUND")


@pytest.mark.parametrize(
    "fields",
    [
        {"display_name": None},
        {"field_type": "colour"},
        {"field_type": "dropdown"},
        {"record_types": []},
        {"record_types": ["planet"]},
    ],
)
def test_refuses_a_wrong_custom_field(proton: httpx.Client, fields: dict[str, Any]) -> None:
    """A field needs a name, a known type, record types, and options for a dropdown."""
    body = {"display_name": "Size", "field_type": "number", "record_types": ["customer"], **fields}

    assert_refused(proton.post("/custom_field/create", json=body), 400)


def test_sets_one_value_and_keeps_the_others(proton: httpx.Client) -> None:
    """update_instance changes one field of one record, where a patch would replace them all."""
    body = {"record_type": "customer", "record_id": CUSTOMER, "custom_field_id": "cf_industry", "value": "Marine"}
    assert data(proton.put("/custom_field/update_instance", json=body))["value"] == "Marine"

    fields = proton.get(f"/v1/customers/{CUSTOMER}").json()["data"]["custom_fields"]
    held = {item["custom_field_id"]: item["value"] for item in fields}
    assert held == {"cf_credit_limit": 25000.5, "cf_industry": "Marine"}
    assert_refused(proton.put("/custom_field/update_instance", json={**body, "record_type": "contact"}), 400)
    assert_refused(proton.put("/custom_field/update_instance", json={**body, "record_id": "nobody"}), 404, "NOT_FOUND")


def test_shows_quotes_with_and_without_lines(proton: httpx.Client) -> None:
    """A quote has lines with their products, a header has none; both spellings of the path work."""
    quote = data(proton.get(f"/quotes/{QUOTE}"))

    assert quote["quote_lines"][0]["product"]["product_id"] == "VLV-2210"
    assert quote["customer_info"]["customer_id"] == CUSTOMER
    assert data(proton.get(f"/v2/quotes/{QUOTE}")) == quote
    assert "quote_lines" not in data(proton.get(f"/quote_headers/{QUOTE}"))
    assert_refused(proton.get("/quotes/none"), 404, "NOT_FOUND")


def test_searches_quote_headers(proton: httpx.Client) -> None:
    """The legacy search has its own envelope and takes `includes`."""
    body = {"status": {"includes": ["open", "partial"]}, "total_value": {"gt": 1000}, "sort_field": "created_date"}
    found = data(proton.post("/quote_headers/search", json=body))

    assert (found["total_count"], [header["quote_id"] for header in found["quote_headers"]]) == (1, [QUOTE])
    assert_refused(proton.post("/quote_headers/search", json={"colour": {"eq": "x"}}), 400)


def test_edits_a_line_of_a_quote(proton: httpx.Client) -> None:
    """A patch changes the named line; a line that is not there changes nothing."""
    line = data(proton.get(f"/quotes/{QUOTE}"))["quote_lines"][0]["interaction_id"]
    changed = data(proton.patch(f"/quotes/{QUOTE}", json={"quote_lines": [{"interaction_id": line, "quantity": 3}]}))

    assert changed["quote_lines"][0]["quantity"] == 3
    wrong = {"notes": "x", "quote_lines": [{"interaction_id": "none", "quantity": 9}]}
    assert_refused(proton.patch(f"/quotes/{QUOTE}", json=wrong), 400)
    assert data(proton.get(f"/quotes/{QUOTE}"))["notes"] is None


def test_totals_pipelines(proton: httpx.Client) -> None:
    """Totals are of one pipeline or of all, and count what a search finds."""
    opportunity(proton, value=100, stage_id="stage-won")
    opportunity(proton, value=50, stage_id="stage-new")
    opportunity(proton, value=7, pipeline_id=None)

    sales = data(proton.post("/pipelines/pipeline-sales/metrics", json={}))
    assert set(sales) == {"total_count", "total_value", "forecast_value"}
    assert (sales["total_count"], sales["total_value"]) == (2, 150)
    assert data(proton.post("/pipelines/metrics", json={}))["total_count"] == 3
    export = data(proton.post("/pipelines/pipeline-sales/export", json={"value": {"gt": 60}}))
    assert export["url"].endswith(".csv")
    assert_refused(proton.post("/pipelines/none/metrics", json={}), 404, "NOT_FOUND")


def test_lists_users_of_a_pipeline(proton: httpx.Client) -> None:
    """`q` finds by name and is echoed as an array beside the data."""
    answer = proton.get("/pipelines/pipeline-sales/mock_users", params={"q": "Park"})

    assert [user["user_id"] for user in data(answer)] == ["lee.park@harborline.example"]
    assert answer.json()["q"] == ["Park"]


def test_feeds_the_activity_of_an_opportunity(proton: httpx.Client) -> None:
    """What happened around the customer comes in pages; the cursor is JSON text, null at the end."""
    made = opportunity(proton)
    proton.post("/v1/call_notes", json={"user_id": "ops@harborline.example", "customer_ids": [CUSTOMER]})
    path = f"/opportunities/{made['opportunity_id']}/activity_feed"
    first = data(proton.get(path, params={"count": "2"}))
    rest = data(proton.get(path, params={"count": "2", "cursor": first["cursor"]}))

    assert len(first["activities"]) == 2
    assert (len(rest["activities"]), rest["cursor"]) == (1, None)
    assert all({"date", "activity_id"} <= set(item) for item in first["activities"])
    assert len(data(proton.get(path, params={"mode": "phone"}))["activities"]) == 1
    assert_refused(proton.get(path, params={"mode": "smoke"}), 400)
    assert_refused(proton.get(path, params={"cursor": "next"}), 400)


@pytest.mark.parametrize("kind", ["", "/periodic", "/bought", "/similar", "/recent", "/cart_lite"])
def test_recommends_products(proton: httpx.Client, kind: str) -> None:
    """Every kind answers products, never the one it was asked about, and echoes the query."""
    params = {"customer_id": CUSTOMER, "product_id": "VLV-2210", "count": "5"}
    answer = proton.get(f"/product/recommendations{kind}", params=params)

    assert [product["product_id"] for product in data(answer)] == ["FLT-1045"]
    assert answer.json()["customer_id"] == [CUSTOMER]


def test_recommends_for_a_cart(proton: httpx.Client) -> None:
    """What is in the cart is not recommended; similar products need one to be similar to."""
    cart = {"customer_id": CUSTOMER, "products": [{"product_id": "FLT-1045", "quantity": 1}]}

    assert [item["product_id"] for item in data(proton.post("/product/recommendations/cart", json=cart))] == [
        "VLV-2210"
    ]
    assert_refused(proton.get("/product/recommendations/similar"), 400)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"event": "seen", "product_id": "VLV-2210"}, 200),
        ({"event": "search", "queryString": "valve"}, 200),
        ({"event": "search", "product_id": "VLV-2210"}, 400),
        ({"event": "stare", "product_id": "VLV-2210"}, 400),
        ({"event": "seen"}, 400),
    ],
)
def test_tracks_what_visitors_do(proton: httpx.Client, body: dict[str, Any], status: int) -> None:
    """A tracked event names a product, or a query when it is a search."""
    sent = {"company": "harborline", "customer_id": CUSTOMER, **body}

    assert proton.post("/track", json=sent).status_code == status


def test_tracks_logins_and_lists_initiatives(proton: httpx.Client) -> None:
    """A login names both visitors; initiatives are listed for a comma list of customers."""
    login = {"company": "harborline", "old_customer_id": "anonymous", "new_customer_id": CUSTOMER}
    listed = proton.get("/product_initiatives/all", params={"customer_id": f"{CUSTOMER},HL-9"})

    assert proton.post("/track/login", json=login).status_code == 200
    assert_refused(proton.post("/track/login", json={"company": "harborline"}), 400)
    assert [item["content"]["trigger_product"] for item in data(listed)] == ["VLV-2210"]
    assert data(proton.get("/product_initiatives/all", params={"customer_id": "HL-9"})) == []
