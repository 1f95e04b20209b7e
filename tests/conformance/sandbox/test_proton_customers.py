"""The faked Proton's bulk creates, contacts, and leads. Invariant: plain HTTP, no client of ours."""

from typing import Any

import httpx
import pytest

CUSTOMER = "HL-20418"
CONTACT = "CONT-3307"


def assert_refused(answer: httpx.Response, status: int, code: str) -> None:
    """Check the documented error body."""
    assert answer.status_code == status
    assert answer.json()["status_message"] == "error"
    assert answer.json()["error"]["code"] == code


def bulk(proton: httpx.Client, *items: Any) -> dict[str, Any]:
    """Create customers in bulk and return the data of the 200."""
    answer = proton.post("/v1/customers/bulk", json={"items": list(items)})
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()["data"]
    return found


def told(sandbox: httpx.Client) -> list[dict[str, Any]]:
    """Return the bodies of all webhooks in order."""
    listed = sandbox.get("/_sandbox/emissions", params={"vendor": "proton", "settle": 10}).json()
    return [emission["body"] for emission in listed]


def test_says_of_each_row_of_a_bulk_how_it_went(proton: httpx.Client, sandbox: httpx.Client) -> None:
    """A bulk with failed rows is a 200: duplicates, missing fields and wrong types, in order."""
    rows = (
        {"customer_id": "B-1", "name": "One"},
        {"customer_id": CUSTOMER, "name": "Known"},
        {"customer_id": "B-1", "name": "Twice"},
        {"customer_id": "B-2"},
        {"customer_id": "B-3", "name": 5},
        {"customer_id": "B-4", "name": "Four"},
    )
    data = bulk(proton, *rows)

    assert {**data["summary"], "errors": None} == {
        "total": 6,
        "successful": 2,
        "failed": 4,
        "created": 2,
        "updated": 0,
        "errors": None,
    }
    assert [result["index"] for result in data["results"]] == list(range(6))
    assert [result["success"] for result in data["results"]] == [True, False, False, False, False, True]
    codes = [result["errors"][0]["code"] for result in data["results"] if not result["success"]]
    assert codes == ["duplicate", "duplicate", "required", "internal_error"]
    assert data["results"][4]["errors"][0]["field"] == "_general"
    assert proton.get("/v1/customers/B-1").json()["data"]["name"] == "One"
    assert [body["data"]["customer_id"] for body in told(sandbox)] == ["B-1", "B-4"]


def test_has_no_errors_in_a_bulk_that_went_well(proton: httpx.Client) -> None:
    """`errors` of the summary is null when every row was created."""
    data = bulk(proton, {"customer_id": "B-1", "name": "One"})

    assert (data["summary"]["failed"], data["summary"]["errors"]) == (0, None)
    assert data["results"] == [{"index": 0, "id": "B-1", "success": True, "created": True}]


@pytest.mark.parametrize("items", [[], None, {}, ["x"]])
def test_refuses_a_bulk_without_rows(proton: httpx.Client, items: Any) -> None:
    """No rows, or no list of objects, is INVALID_REQUEST."""
    assert_refused(proton.post("/v1/customers/bulk", json={"items": items}), 400, "INVALID_REQUEST")


def test_refuses_more_than_a_thousand_rows_without_a_body(proton: httpx.Client, sandbox: httpx.Client) -> None:
    """A thousand go through; one more is a 413 that creates nothing."""
    rows = [{"customer_id": f"B-{number}", "name": "x"} for number in range(1001)]
    refused = proton.post("/v1/customers/bulk", json={"items": rows})

    assert (refused.status_code, refused.content) == (413, b"")
    assert told(sandbox) == []
    assert bulk(proton, *rows[:1000])["summary"]["created"] == 1000


def test_forbids_customers_outside_the_account_groups(proton: httpx.Client, sandbox: httpx.Client) -> None:
    """A customer of another group is a 403 for reads and changes."""
    sandbox.put("/_sandbox/settings/proton", json={"forbidden_customers": [CUSTOMER]})

    assert_refused(proton.get(f"/v1/customers/{CUSTOMER}"), 403, "FORBIDDEN")
    assert_refused(proton.patch(f"/v1/customers/{CUSTOMER}", json={"name": "x"}), 403, "FORBIDDEN")


def test_creates_a_contact_with_a_bare_answer(proton: httpx.Client, sandbox: httpx.Client) -> None:
    """201 and the contact itself, without an envelope; what belongs to the customer comes from it."""
    body = {
        "name": "Iris",
        "surname": "Vale",
        "customer_id": CUSTOMER,
        "emails": [{"email": "iris@brightwater.example"}],
        "custom_fields": [{"field_id": "cf_role", "value": "buyer"}],
        "representative_ids": ["nobody"],
    }
    answer = proton.post("/v1/contacts", json=body)

    contact = answer.json()
    assert answer.status_code == 201
    assert not {"status_message", "data"} & set(contact)
    assert (contact["full_name"], contact["customer_name"]) == ("Iris Vale", "Brightwater Mechanical LLC")
    assert contact["representative_ids"] == ["dana.ortiz@harborline.example"]
    assert contact["custom_fields"] == [{"field_id": "cf_role", "value": "buyer"}]
    assert told(sandbox) == []


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"name": None}, 400, "INVALID_REQUEST"),
        ({"customer_id": None}, 400, "INVALID_REQUEST"),
        ({"customer_id": "nobody"}, 404, "NOT_FOUND"),
        ({"contact_id": CONTACT}, 400, "BAD_REQUEST"),
        ({"emails": [{"email": "no address"}]}, 400, "INVALID_REQUEST"),
        ({"phone_numbers": ["+1"]}, 400, "INVALID_REQUEST"),
        ({"custom_fields": [{"custom_field_id": "x", "value": 1}]}, 400, "INVALID_REQUEST"),
        ({"address": "x"}, 400, "INVALID_REQUEST"),
    ],
)
def test_refuses_a_wrong_contact(proton: httpx.Client, fields: dict[str, Any], status: int, code: str) -> None:
    """A taken contact_id is BAD_REQUEST, what is missing or malformed INVALID_REQUEST."""
    assert_refused(proton.post("/v1/contacts", json={"name": "Iris", "customer_id": CUSTOMER, **fields}), status, code)


def test_shows_a_contact_with_counts(proton: httpx.Client) -> None:
    """A read adds the counts, also by UUID."""
    contact = proton.get(f"/v1/contacts/{CONTACT}").json()

    assert (contact["quotes_count"], contact["calls_count"]) == (1, 0)
    assert proton.get(f"/v1/contacts/{contact['id']}").json() == contact
    assert_refused(proton.get("/v1/contacts/nobody"), 404, "NOT_FOUND")


def test_edits_a_contact_partially(proton: httpx.Client) -> None:
    """What is absent stays, lists are replaced whole, the id can be renamed once it is free."""
    path = f"/v1/contacts/{CONTACT}"
    phones = [{"phone_number": "+16145550100"}]
    edited = proton.put(path, json={"contact_id": "CONT-1", "phone_numbers": phones}).json()

    assert (edited["contact_id"], edited["phone_numbers"], edited["name"]) == ("CONT-1", phones, "Marta")
    assert edited["last_edited_date"]
    assert proton.get(path).status_code == 404
    assert_refused(proton.put("/v1/contacts/CONT-1", json={"customer_id": "x"}), 400, "BAD_REQUEST")
    other = proton.post("/v1/contacts", json={"name": "Iris", "customer_id": CUSTOMER}).json()["contact_id"]
    assert_refused(proton.put("/v1/contacts/CONT-1", json={"contact_id": other}), 400, "BAD_REQUEST")


def test_deletes_a_contact_for_good(proton: httpx.Client) -> None:
    """A delete answers bare ids; the contact_id is free again."""
    contact = proton.get(f"/v1/contacts/{CONTACT}").json()
    assert proton.delete(f"/v1/contacts/{CONTACT}").json() == {"contact_id": CONTACT, "id": contact["id"]}

    assert proton.get(f"/v1/contacts/{CONTACT}").status_code == 404
    again = {"contact_id": CONTACT, "name": "New", "customer_id": CUSTOMER}
    assert proton.post("/v1/contacts", json=again).status_code == 201


def test_searches_contacts_flat(proton: httpx.Client) -> None:
    """A row has one address and one phone at its top, in an envelope."""
    body = proton.post("/v1/contacts/search", json={"query": "marta", "customer_id": {"eq": CUSTOMER}}).json()

    assert body["status_message"].lower() == "success"
    (row,) = body["data"]["items"]
    assert (row["email"], row["phone_number"]) == ("marta@brightwater.example", "+1-614-555-0177")
    assert "emails" not in row
    assert_refused(proton.post("/v1/contacts/search", json={"customer_id": {"eq": "x"}}), 400, "INVALID_REQUEST")


@pytest.mark.parametrize(
    ("condition", "count"),
    [
        ({"city": {"exists": True}}, 1),
        ({"location": {"exists": False}}, 1),
        ({"state": {"includes": ["TX"]}}, 0),
        ({"representative_ids": {"contains": "dana.ortiz@harborline.example"}}, 1),
        ({"name": {"contains": "brightwater"}}, 0),
    ],
)
def test_filters_with_every_operator(proton: httpx.Client, condition: dict[str, Any], count: int) -> None:
    """`contains` minds case though the query does not; `exists` and `includes` work on pages."""
    data = proton.post("/v2/customers/search", json={"query": "BRIGHT", **condition}).json()["data"]

    assert data["total_count"] == count


def test_searches_leads(proton: httpx.Client) -> None:
    """Leads can only be searched."""
    data = proton.post("/v1/leads/search", json={"query": "copper", "state": {"eq": "TX"}}).json()["data"]

    assert [item["lead_id"] for item in data["items"]] == ["LEAD-77"]
    assert_refused(proton.post("/v1/leads/search", json={"query": "x", "name": {"eq": "x"}}), 400, "INVALID_REQUEST")
