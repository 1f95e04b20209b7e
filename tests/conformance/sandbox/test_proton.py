"""The faked Proton answers as its collection says. Invariant: success is compared in the case the family uses."""

import json
from typing import Any

import httpx
import pytest

CUSTOMER = "HL-20418"
CUSTOMER_UUID = "6f0b8d52-3c1e-4a57-9f5e-1d2c7a9be410"


ALL = ["Alpha", "Beta", "Gamma"]


def effects(sandbox: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sandbox.get("/_sandbox/effects", params={"vendor": "proton"}).json()
    return found


def create(proton: httpx.Client, **fields: Any) -> dict[str, Any]:
    answer = proton.post("/opportunities", json={"title": "Chiller", "customer_id": CUSTOMER, **fields})
    assert answer.status_code == 200
    data: dict[str, Any] = answer.json()["data"]
    return data


def assert_refused(answer: httpx.Response, status: int, code: str) -> None:
    assert answer.status_code == status
    body = answer.json()
    assert body["status_message"] == "error"
    assert body["error"]["code"] == code
    assert body["error"]["message"]


def test_creates_and_shows_an_opportunity(proton: httpx.Client, sandbox: httpx.Client) -> None:
    """The legacy envelope shouts; the record has an id, the customer and the acting user."""
    answer = proton.post(
        "/opportunities",
        json={"title": "Chiller", "customer_id": CUSTOMER, "owner": ["dana@harborline.example"], "value": 12.5},
    )
    body = answer.json()
    assert (answer.status_code, body["status_message"]) == (200, "SUCCESS")
    opportunity = body["data"]
    assert opportunity["customer_info"]["name"] == "Brightwater Mechanical LLC"
    assert opportunity["created_by"] == "ops@harborline.example"

    shown = proton.get(f"/opportunities/{opportunity['opportunity_id']}").json()["data"]
    assert shown["representative_ids"] == ["dana@harborline.example"]
    (effect,) = effects(sandbox)
    assert effect["kind"] == "opportunity"
    assert (effect["id"], effect["customer_id"]) == (opportunity["opportunity_id"], CUSTOMER)


def test_creates_twice_when_asked_twice(proton: httpx.Client, sandbox: httpx.Client) -> None:
    """Nothing is idempotent: the same create makes two."""
    assert create(proton)["opportunity_id"] != create(proton)["opportunity_id"]
    assert len(effects(sandbox)) == 2


def test_updates_an_opportunity(proton: httpx.Client) -> None:
    """A patch changes what it names; null clears; a new stage has its own date."""
    opportunity = create(proton, stage_id="stage-new", value=5)
    changed = proton.patch(
        f"/opportunities/{opportunity['opportunity_id']}",
        json={"stage_id": "stage-won", "value": None, "last_updated_by": "dana"},
    ).json()["data"]

    assert (changed["stage_id"], changed["value"], changed["title"]) == ("stage-won", None, "Chiller")
    assert changed["last_updated_by"] == "dana"
    assert changed["last_stage_change_date"] == changed["last_update_date"]


def test_deletes_an_opportunity_softly(proton: httpx.Client) -> None:
    """A deleted opportunity is still there, marked, and no longer found."""
    opportunity = create(proton)
    path = f"/opportunities/{opportunity['opportunity_id']}"

    assert proton.delete(path).json()["data"]["is_deleted"] is True
    assert proton.get(path).json()["data"]["is_deleted"] is True
    assert proton.post("/opportunities/search", json={}).json()["data"]["total_count"] == 0


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_does_not_find_an_unknown_opportunity(proton: httpx.Client, method: str) -> None:
    """An unknown id is a 404 NOT_FOUND."""
    body = {} if method == "PATCH" else None
    assert_refused(proton.request(method, "/opportunities/nobody", json=body), 404, "NOT_FOUND")


@pytest.mark.parametrize(
    "fields",
    [
        {"title": 5},
        {"owner": "dana"},
        {"owner": [5]},
        {"value": "12"},
        {"value": True},
        {"custom_fields": {}},
        {"custom_fields": ["x"]},
    ],
)
def test_refuses_wrong_types(proton: httpx.Client, sandbox: httpx.Client, fields: dict[str, Any]) -> None:
    """A field of the wrong type is INVALID_REQUEST and creates nothing."""
    assert_refused(proton.post("/opportunities", json=fields), 400, "INVALID_REQUEST")
    assert effects(sandbox) == []


def test_checks_references_only_when_told(proton: httpx.Client, sandbox: httpx.Client) -> None:
    """Unknown pipelines, stages and customers are refused only with the trap on."""
    wrong = [
        {"pipeline_id": "p-none"},
        {"stage_id": "s-none"},
        {"customer_id": "c-none"},
        {"pipeline_id": "pipeline-sales", "stage_id": "s-none"},
    ]
    for fields in wrong:
        assert proton.post("/opportunities", json=fields).status_code == 200
    sandbox.put("/_sandbox/settings/proton", json={"check_references": True})
    for fields in wrong:
        assert_refused(proton.post("/opportunities", json=fields), 400, "INVALID_REQUEST")
    right = {"pipeline_id": "pipeline-sales", "stage_id": "stage-new", "customer_id": CUSTOMER}
    assert proton.post("/opportunities", json=right).status_code == 200


def test_can_fail_inside_a_200(proton: httpx.Client, sandbox: httpx.Client) -> None:
    """A 2xx whose status_message is not success did nothing."""
    sandbox.put("/_sandbox/settings/proton", json={"fail_in_200": True})
    answer = proton.post("/opportunities", json={"title": "Chiller"})

    assert answer.status_code == 200
    assert answer.json()["status_message"].lower() != "success"
    assert effects(sandbox) == []


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ({}, ALL),
        ({"title": {"eq": "Beta"}}, ["Beta"]),
        ({"title": {"neq": "Beta"}}, ["Alpha", "Gamma"]),
        ({"title": {"contains": "a"}}, ALL),
        ({"title": {"contains": ["m", "G"]}}, ["Gamma"]),
        ({"title": {"not_contains": "et"}}, ["Alpha", "Gamma"]),
        ({"value": {"gte": 20, "lt": 30}}, ["Beta"]),
        ({"value": {"gt": 20}}, ["Gamma"]),
        ({"value": {"lte": 10}, "title": {"eq": "Alpha"}}, ["Alpha"]),
        ({"owner": {"contains": "dana"}}, ["Alpha"]),
        ({"custom_fields": [{"custom_field_id": "order", "eq": "250804QWERTY"}]}, ["Gamma"]),
        ({"inherited_fields": [{"inherited_field_id": "cf_industry", "inherit_from": "customer", "neq": "x"}]}, ALL),
        ({"inherited_fields": [{"inherited_field_id": "cf_industry", "inherit_from": "product", "eq": "x"}]}, []),
        ({"count": 1, "offset": 1}, ["Beta"]),
    ],
)
def test_searches_opportunities(proton: httpx.Client, query: dict[str, Any], titles: list[str]) -> None:
    """Filters take the documented operators and are ANDed."""
    create(proton, title="Alpha", value=10, owner=["dana"])
    create(proton, title="Beta", value=20)
    create(proton, title="Gamma", value=30, custom_fields=[{"custom_field_id": "order", "value": "250804QWERTY"}])
    data = proton.post("/opportunities/search", json=query).json()["data"]

    assert [opportunity["title"] for opportunity in data["opportunities"]] == titles
    assert set(data) == {"opportunities", "total_count", "total_value"}


def test_totals_a_search_over_all_pages(proton: httpx.Client) -> None:
    """Count and value are those of everything found, not of the page."""
    for value in (10, 20):
        create(proton, value=value)
    data = proton.post("/opportunities/search", json={"count": 1}).json()["data"]

    assert (len(data["opportunities"]), data["total_count"], data["total_value"]) == (1, 2, 30)


@pytest.mark.parametrize(
    "query",
    [
        {"title": {"like": "x"}},
        {"title": "x"},
        {"shoe_size": {"eq": 1}},
        {"count": "ten"},
        {"custom_fields": [{"eq": 1}]},
        {"inherited_fields": [{"inherited_field_id": "a", "inherit_from": "moon", "eq": 1}]},
    ],
)
def test_refuses_wrong_searches(proton: httpx.Client, query: dict[str, Any]) -> None:
    """Unknown operators, fields and sizes are INVALID_REQUEST."""
    create(proton)
    assert_refused(proton.post("/opportunities/search", json=query), 400, "INVALID_REQUEST")


@pytest.mark.parametrize("identifier", [CUSTOMER, CUSTOMER_UUID])
def test_shows_a_customer(proton: httpx.Client, identifier: str) -> None:
    """The customer routes whisper success; both ids find the customer."""
    body = proton.get(f"/v1/customers/{identifier}").json()

    assert body["status_message"] == "success"
    assert (body["data"]["customer_id"], body["data"]["id"]) == (CUSTOMER, CUSTOMER_UUID)


def test_creates_a_customer(proton: httpx.Client, sandbox: httpx.Client) -> None:
    """A created customer answers its ids and `created`, and can be read."""
    fields = [{"custom_field_id": "cf_a", "string_val": "x"}]
    answer = proton.post("/v1/customers", json={"customer_id": "C-1", "name": "Toko", "custom_fields": fields})

    data = answer.json()["data"]
    assert data == {"customer_id": "C-1", "id": data["id"], "created": True}
    customer = proton.get("/v1/customers/C-1").json()["data"]
    assert customer["is_active"] is True
    assert customer["custom_fields"] == [{"custom_field_id": "cf_a", "value": "x"}]
    assert effects(sandbox)[0]["kind"] == "customer"


@pytest.mark.parametrize(
    "fields",
    [
        {"name": None},
        {"customer_id": ""},
        {"customer_id": 5},
        {"is_active": "yes"},
        {"account_type": "other"},
        {"representative_ids": "dana"},
        {"custom_fields": [{"custom_field_id": "a", "value": 1}]},
        {"custom_fields": [{"custom_field_id": "a", "string_val": "x", "bool_val": True}]},
        {"custom_fields": "x"},
    ],
)
def test_refuses_a_wrong_customer(proton: httpx.Client, fields: dict[str, Any]) -> None:
    """Missing and mistyped fields are INVALID_REQUEST."""
    answer = proton.post("/v1/customers", json={"customer_id": "C-1", "name": "Toko", **fields})

    assert_refused(answer, 400, "INVALID_REQUEST")
    assert proton.get("/v1/customers/C-1").status_code == 404


def test_refuses_a_customer_id_that_exists(proton: httpx.Client) -> None:
    """A duplicate is a 400 with "already exists" in the text, not a 409."""
    answer = proton.post("/v1/customers", json={"customer_id": CUSTOMER, "name": "Other"})

    assert_refused(answer, 400, "INVALID_REQUEST")
    assert "already exists" in answer.json()["error"]["message"]
    assert proton.get(f"/v1/customers/{CUSTOMER}").json()["data"]["name"] == "Brightwater Mechanical LLC"


def test_patches_a_customer(proton: httpx.Client) -> None:
    """Absent keeps, null clears, lists are replaced whole."""
    body = {"email": None, "notepad": "note", "custom_fields": [{"custom_field_id": "cf_new", "value": 1}]}
    customer = proton.patch(f"/v1/customers/{CUSTOMER}", json=body).json()["data"]

    assert (customer["email"], customer["notepad"], customer["city"]) == (None, "note", "Columbus")
    assert customer["custom_fields"] == [{"custom_field_id": "cf_new", "value": 1}]


def test_refuses_a_patch_without_an_updatable_field(proton: httpx.Client) -> None:
    """A patch of nothing, or of fields that cannot change, is BAD_REQUEST; an unknown customer 404."""
    assert_refused(proton.patch(f"/v1/customers/{CUSTOMER}", json={"bill_to_id": "x"}), 400, "BAD_REQUEST")
    assert_refused(proton.patch("/v1/customers/nobody", json={"name": "x"}), 404, "NOT_FOUND")
    fields = [{"custom_field_id": "cf_new", "string_val": "x"}]
    wrong_form = proton.patch(f"/v1/customers/{CUSTOMER}", json={"custom_fields": fields})
    assert_refused(wrong_form, 400, "INVALID_REQUEST")


def test_searches_customers(proton: httpx.Client) -> None:
    """The query ignores case, filters narrow it, and the page has its totals."""
    page = proton.post("/v2/customers/search", json={"query": "bright", "state": {"includes": ["OH", "TX"]}}).json()[
        "data"
    ]

    assert [item["customer_id"] for item in page["items"]] == [CUSTOMER]
    assert (page["total_count"], page["page_size"], page["page_number"], page["total_pages"]) == (1, 10, 1, 1)
    assert "custom_fields" not in page["items"][0]
    none = proton.post("/v2/customers/search", json={"query": "bright", "city": {"eq": "Dallas"}}).json()["data"]
    assert none["items"] == []


@pytest.mark.parametrize("body", [{}, {"query": "x", "email": {"eq": "y"}}, {"query": "", "city": {"like": "x"}}])
def test_refuses_wrong_customer_searches(proton: httpx.Client, body: dict[str, Any]) -> None:
    """A search needs a query, known filters and known operators."""
    assert_refused(proton.post("/v2/customers/search", json=body), 400, "INVALID_REQUEST")


def test_creates_a_task_from_a_multipart_form(proton: httpx.Client, sandbox: httpx.Client) -> None:
    """A task is multipart, with its associations as JSON text."""
    associations = json.dumps([{"type": "customer", "customer_id": CUSTOMER}])
    form = {"user_id": "dana", "title": "Call back", "due_date": "2026-03-03T09:00:00Z", "associations": associations}
    answer = proton.post("/create/task", files={name: (None, value) for name, value in form.items()})

    body = answer.json()
    assert body == {"status_message": "SUCCESS", "data": {"task_id": body["data"]["task_id"]}}
    (effect,) = effects(sandbox)
    assert (effect["kind"], effect["title"], effect["user_id"]) == ("task", "Call back", "dana")
    (task,) = sandbox.get("/_sandbox/state/proton").json()["companies"]["harborline"]["tasks"]
    assert task["associations"][0]["customer_id"] == CUSTOMER


def test_refuses_a_wrong_task(proton: httpx.Client) -> None:
    """JSON, a missing title and associations that are no JSON list are refused."""
    assert_refused(proton.post("/create/task", json={"title": "x"}), 400, "INVALID_REQUEST")
    assert_refused(proton.post("/create/task", files={"user_id": (None, "x")}), 400, "INVALID_REQUEST")
    files = {"title": (None, "x"), "associations": (None, "{}")}
    assert_refused(proton.post("/create/task", files=files), 400, "INVALID_REQUEST")


@pytest.mark.parametrize(
    "headers",
    [{"X-Api-Key": ""}, {"X-Company": "acme"}, {"X-User-Id": ""}],
)
def test_refuses_bad_headers_without_a_body(proton: httpx.Client, headers: dict[str, str]) -> None:
    """Each of the three headers is needed; 401 has no body."""
    answer = proton.get(f"/v1/customers/{CUSTOMER}", headers=headers)

    assert (answer.status_code, answer.content) == (401, b"")


def test_knows_several_companies_and_keeps_them_apart(base_url: str) -> None:
    """A company sees its own customers only; an unknown company is a 404."""
    headers = {"X-Api-Key": "k", "X-User-Id": "u"}
    acme = httpx.get(f"{base_url}/proton/acme/v1/customers/{CUSTOMER}", headers={**headers, "X-Company": "acme"})
    nobody = httpx.get(f"{base_url}/proton/nobody/v1/customers/1", headers={**headers, "X-Company": "nobody"})

    assert_refused(acme, 404, "NOT_FOUND")
    assert_refused(nobody, 404, "NOT_FOUND")


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nothing", 404), ("PUT", "/opportunities", 405)])
def test_answers_unknown_calls_in_json(proton: httpx.Client, method: str, path: str, status: int) -> None:
    """Unknown paths and wrong methods get Proton's error body."""
    answer = proton.request(method, path)

    assert (answer.status_code, answer.json()["status_message"]) == (status, "error")


@pytest.mark.parametrize("content", [b"{", b"[]", b'"x"'])
def test_refuses_a_body_that_is_no_json_object(proton: httpx.Client, content: bytes) -> None:
    """A broken body is INVALID_REQUEST."""
    answer = proton.post("/opportunities", content=content, headers={"Content-Type": "application/json"})

    assert_refused(answer, 400, "INVALID_REQUEST")


def test_upserts_a_customer_from_outside(proton: httpx.Client, sandbox: httpx.Client) -> None:
    """The control API adds a customer as if Proton had; the second time it changes it."""
    path = "/_sandbox/state/proton/customers/HL-9"
    assert sandbox.put(path, json={"name": "New", "city": "Austin"}).json()["created"] is True
    assert sandbox.put(path, json={"name": "Newer"}).json()["created"] is False

    customer = proton.get("/v1/customers/HL-9").json()["data"]
    assert (customer["name"], customer["city"]) == ("Newer", "Austin")
    assert sandbox.put(path, json={"company": 5}).status_code == 400
    assert effects(sandbox) == []
