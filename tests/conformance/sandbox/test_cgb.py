"""The faked CGB answers as its document and the observations say. Invariant: only X-ACCESS-TOKEN opens the door."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

AVERY = "12025550143"
NEW = "6281234567890"


@pytest.fixture
def cgb(base_url: str) -> Iterator[httpx.Client]:
    """A client with CGB's header."""
    headers = {"X-ACCESS-TOKEN": "1000001.exampletoken"}
    with httpx.Client(base_url=f"{base_url}/cgb/api", headers=headers, timeout=60) as client:
        yield client
    assert httpx.get(f"{base_url}/").status_code == 200  # the page has words for every effect


def effects(sandbox: httpx.Client, kind: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sandbox.get("/_sandbox/effects", params={"vendor": "cgb", "kind": kind}).json()
    return found


def set_trap(sandbox: httpx.Client, **settings: Any) -> None:
    assert sandbox.put("/_sandbox/settings/cgb", json=settings).status_code == 200


def find(cgb: httpx.Client, field_id: str, value: str) -> list[dict[str, Any]]:
    answer = cgb.get("/contacts/find_by_custom_field", params={"field_id": field_id, "value": value})
    assert answer.status_code == 200
    data: list[dict[str, Any]] = answer.json()["data"]
    return data


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer 1000001.exampletoken"}, {"X-ACCESS-TOKEN": ""}, {"X-API-Key": "x"}]
)
def test_takes_its_own_header_only(base_url: str, headers: dict[str, str]) -> None:
    """A missing key and the Bearer scheme are a wrong key: 401."""
    answer = httpx.get(f"{base_url}/cgb/api/accounts/me", headers=headers)

    assert (answer.status_code, answer.json()) == (401, {"error": "No valid API key provided"})


def test_hides_the_key(cgb: httpx.Client, sandbox: httpx.Client) -> None:
    """The list of requests does not show the token."""
    cgb.get("/accounts/me")
    (request,) = sandbox.get("/_sandbox/requests").json()
    assert request["headers"]["x-access-token"] == "***"


def test_tells_about_the_account(cgb: httpx.Client) -> None:
    """Account, admins, flows and fields have the documented keys."""
    assert set(cgb.get("/accounts/me").json()) == {"page_id", "name", "active", "created", "total_users"}
    (admin,) = cgb.get("/accounts/admins").json()
    assert set(admin) == {"id", "email", "first_name", "last_name", "full_name", "profile_pic"}
    flows = cgb.get("/accounts/flows").json()
    assert [set(flow) for flow in flows] == [{"id", "name"}] * len(flows)
    field = cgb.get("/accounts/custom_fields/name/order_id").json()
    assert set(field) == {"id", "name", "type", "description"}
    assert cgb.get(f"/accounts/custom_fields/{field['id']}").json() == field
    assert field in cgb.get("/accounts/custom_fields").json()
    assert cgb.get("/accounts/custom_fields/999").status_code == 404


def test_keeps_tags(cgb: httpx.Client, sandbox: httpx.Client) -> None:
    """A tag is made from a form, found by id and name, given to a contact, taken away and deleted."""
    tag_id = cgb.post("/accounts/tags", data={"name": "loyal"}).json()["id"]
    assert cgb.get(f"/accounts/tags/{tag_id}").json() == {"id": tag_id, "name": "loyal"}
    assert cgb.get("/accounts/tags/name/loyal").json()["id"] == tag_id
    assert cgb.post(f"/contacts/{AVERY}/tags/{tag_id}").json() == {"success": True}
    assert {"id": tag_id, "name": "loyal"} in cgb.get(f"/contacts/{AVERY}/tags").json()
    assert cgb.delete(f"/contacts/{AVERY}/tags/{tag_id}").json() == {"success": True}
    assert [tag["name"] for tag in cgb.get(f"/contacts/{AVERY}/tags").json()] == ["VIP"]
    assert cgb.delete(f"/accounts/tags/{tag_id}").json() == {"success": True}
    assert cgb.get(f"/accounts/tags/{tag_id}").status_code == 404
    assert [item["kind"] for item in effects(sandbox)] == ["tag", "contact_tag", "contact_untag", "tag_delete"]


def test_makes_fields_and_links(cgb: httpx.Client) -> None:
    """A custom field is made from JSON; bot fields are set by form and emptied; a link is single-use."""
    made = cgb.post("/accounts/custom_fields", json={"name": "city", "type": 0}).json()
    assert made["name"] == "city"
    assert cgb.post("/accounts/custom_fields", json={"name": "city", "type": 0}).status_code == 400
    assert cgb.post("/accounts/bot_fields/400001", data={"value": "closed"}).json() == {"success": True}
    assert cgb.get("/accounts/bot_fields/400001").json()["value"] == "closed"
    assert cgb.delete("/accounts/bot_fields/400001").json() == {"success": True}
    assert cgb.get("/accounts/bot_fields/400001").json()["value"] == ""
    links = {cgb.post("/accounts/template/5/generateSingleUseLink").json()["link"] for _ in range(2)}
    assert len(links) == 2


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        ("/accounts/tags", "name", "loyal"),
        ("/accounts/bot_fields/400001", "value", "x"),
        (f"/contacts/{AVERY}/custom_fields/300001", "value", "x"),
        (f"/contacts/{AVERY}/cart/801", "quantity", "2"),
        (f"/contacts/{AVERY}/pay/901", "amount_received", "8000"),
    ],
)
def test_reads_forms_where_it_says_forms(
    cgb: httpx.Client, sandbox: httpx.Client, path: str, name: str, value: str
) -> None:
    """JSON in the place of a form counts as missing and does nothing."""
    assert cgb.post(path, json={name: value}).status_code == 400
    assert effects(sandbox) == []
    assert cgb.post(path, data={name: value}).status_code == 200


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/contacts", {"phone": NEW}),
        ("/accounts/custom_fields", {"name": "city"}),
        (f"/contacts/{AVERY}/send/text", {"text": "hi"}),
        ("/pipelines/601/opportunities", {"title": "x", "contact_id": AVERY}),
        (f"/contacts/{AVERY}/order/901", {"status": "7"}),
        ("/products/801", {"stock": "1"}),
    ],
)
def test_reads_json_where_it_says_json(
    cgb: httpx.Client, sandbox: httpx.Client, path: str, fields: dict[str, str]
) -> None:
    """A form in the place of JSON counts as missing and does nothing."""
    assert cgb.post(path, data=fields).status_code == 400
    assert effects(sandbox) == []
    assert cgb.post(path, json=fields).status_code == 200


def test_shows_a_contact(cgb: httpx.Client) -> None:
    """A contact has numbers for codes, milliseconds for its last times, seconds for its creation."""
    contact = cgb.get(f"/contacts/{AVERY}").json()

    assert (contact["id"], contact["channel"], contact["gender"], contact["subscribed"]) == (int(AVERY), 5, 2, 1)
    assert contact["tags"] == [{"id": 11, "name": "VIP"}]
    assert contact["custom_fields"][0] == {"id": 300001, "name": "order_id", "type": 0, "value": "ORD-1001"}
    assert 900 < contact["last_interaction"] / contact["created_timestamp"] < 1100


def test_shows_an_empty_shell_for_an_unknown_contact(cgb: httpx.Client, sandbox: httpx.Client) -> None:
    """An unknown id is HTTP 200 with empty fields, or a 404 as the document has it."""
    shell = cgb.get("/contacts/999")
    assert (shell.status_code, shell.json()["phone"], shell.json()["first_name"]) == (200, "", "")
    set_trap(sandbox, unknown_contact="not_found")
    assert cgb.get("/contacts/999").status_code == 404


def test_finds_contacts_by_field(cgb: httpx.Client) -> None:
    """A find takes words, system ids and field ids, and lists nothing where nothing fits."""
    for field_id, value in (("phone", AVERY), ("-8", AVERY), ("300001", "ORD-1001")):
        assert [item["id"] for item in find(cgb, field_id, value)] == [int(AVERY)]
    assert find(cgb, "phone", NEW) == []
    assert cgb.get("/contacts/find_by_custom_field", params={"field_id": "phone"}).status_code == 400


def test_finds_the_newest_change_of_the_field_first(cgb: httpx.Client) -> None:
    """The contact whose field changed last comes first."""
    for phone in ("621", "622", AVERY):
        if phone != AVERY:
            cgb.post("/contacts", json={"phone": phone})
        cgb.post(f"/contacts/{phone}/custom_fields/300002", data={"value": "paid"})
    assert [item["id"] for item in find(cgb, "300002", "paid")] == [int(AVERY), 622, 621]


def test_finds_what_it_should_not(cgb: httpx.Client, sandbox: httpx.Client) -> None:
    """Contacts of other channels, stored plus signs, ids as text and hidden phones are traps."""
    set_trap(sandbox, find_other_channels=True, contact_ids="text")
    assert sorted(item["channel"] for item in find(cgb, "phone", AVERY)) == [5, 9]
    assert AVERY in [item["id"] for item in find(cgb, "phone", AVERY)]
    set_trap(sandbox, find_other_channels=False, stored_phone="plus", hide_phone=True)
    assert find(cgb, "phone", AVERY) == []
    assert "phone" not in find(cgb, "phone", f"+{AVERY}")[0]


@pytest.mark.parametrize("shape", ["nested", "flat"])
def test_creates_a_contact(cgb: httpx.Client, sandbox: httpx.Client, shape: str) -> None:
    """The id is the phone's digits, at the top or inside `data`; the actions are done."""
    set_trap(sandbox, create_shape=shape)
    actions = [
        {"action": "add_tag", "tag_name": "new"},
        {"action": "set_field_value", "field_name": "order_id", "value": "ORD-7"},
    ]
    body = {"phone": f"+{NEW}", "first_name": "Siti", "gender": "female", "actions": actions}
    answer = cgb.post("/contacts", json=body).json()

    assert answer == {"success": True, **({"data": {"id": NEW}} if shape == "nested" else {"id": NEW})}
    contact = cgb.get(f"/contacts/{NEW}").json()
    assert (contact["first_name"], contact["gender"], contact["tags"][0]["name"]) == ("Siti", 0, "new")
    assert [item["kind"] for item in effects(sandbox)] == ["contact", "contact_tag", "custom_field_value"]


@pytest.mark.parametrize(
    ("mode", "status", "created"), [("conflict", 409, 0), ("error", 200, 0), ("returns", 200, 0), ("duplicate", 200, 1)]
)
def test_creates_a_known_contact_as_told(
    cgb: httpx.Client, sandbox: httpx.Client, mode: str, status: int, created: int
) -> None:
    """A create with a known phone fails, fails inside a 200, returns it, or makes a twin; names never change."""
    set_trap(sandbox, create_existing=mode)
    answer = cgb.post("/contacts", json={"phone": AVERY, "first_name": "Other"})

    assert answer.status_code == status
    assert answer.json().get("success", False) is (mode in ("returns", "duplicate"))
    assert len(effects(sandbox, "contact")) == created
    assert len(find(cgb, "phone", AVERY)) == 1 + created
    assert cgb.get(f"/contacts/{AVERY}").json()["first_name"] == "Avery"


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"first_name": "Nobody"},
        {"phone": NEW, "actions": "add_tag"},
        {"phone": NEW, "actions": [{"action": "fly"}]},
        {"phone": NEW, "actions": [{"action": "add_tag"}]},
        {"phone": NEW, "actions": [{"action": "set_field_value", "field_name": "300001", "value": "x"}]},
        {"phone": NEW, "actions": [{"action": "add_tag", "tag_name": "a"}, {"action": "send_flow", "flow_id": 9}]},
    ],
)
def test_refuses_a_wrong_contact(cgb: httpx.Client, sandbox: httpx.Client, fields: dict[str, Any]) -> None:
    """Missing phones and wrong actions are refused, fields go by name, and nothing is done."""
    assert cgb.post("/contacts", json=fields).status_code in (400, 404)
    assert effects(sandbox) == []
    assert find(cgb, "phone", NEW) == []


def test_sets_and_clears_a_field_value(cgb: httpx.Client) -> None:
    """A contact's field is set by form, read alone and in the list, and emptied."""
    path = f"/contacts/{AVERY}/custom_fields/300002"
    assert cgb.post(path, data={"value": "paid"}).json() == {"success": True}
    assert cgb.get(path).json() == {"id": 300002, "name": "order_status", "type": 0, "value": "paid"}
    assert len(cgb.get(f"/contacts/{AVERY}/custom_fields").json()) == 2
    assert cgb.delete(path).json() == {"success": True}
    assert cgb.get(path).json()["value"] == ""


def test_keeps_opportunities(cgb: httpx.Client) -> None:
    """A create answers a LIST; the contact id goes in as text and comes out as a number; stages are checked."""
    pipeline = "/pipelines/601"
    assert cgb.get("/pipelines/").json() == {"data": [{"id": 601, "name": "Sales"}]}
    assert cgb.get(f"{pipeline}/stages").json()["data"][1] == {"id": 6012, "name": "Won"}
    body = {"contact_id": AVERY, "title": "Scarf", "stage_id": 6011, "value": 40, "assigned_admins": [7001]}
    (made,) = cgb.post(f"{pipeline}/opportunities", json=body).json()["data"]
    path = f"{pipeline}/opportunities/{made['id']}"

    assert (made["contact_id"], made["title"]) == (int(AVERY), "Scarf")
    assert cgb.post(path, json={"stage_id": "9"}).status_code == 400
    assert cgb.post(path, json={"stage_id": 6012, "contact_id": "1"}).json() == {"success": True}
    assert (cgb.get(path).json()["stage_id"], cgb.get(path).json()["contact_id"]) == (6012, int(AVERY))
    listed = cgb.get(f"{pipeline}/opportunities", params={"contact_id": AVERY}).json()["data"]
    assert [item["id"] for item in listed] == [made["id"]]
    assert cgb.get(f"{pipeline}/opportunities", params={"offset": 1}).json() == {"data": []}
    assert cgb.delete(path).json() == {"success": True}
    assert cgb.get(path).status_code == 404
    body["contact_id"] = "999"
    assert cgb.post(f"{pipeline}/opportunities", json=body).status_code == 400


def test_comments_an_opportunity(cgb: httpx.Client) -> None:
    """A comment answers id, data, created_at and created_by, is listed and deleted."""
    body = {"contact_id": AVERY, "title": "Scarf"}
    (made,) = cgb.post("/pipelines/601/opportunities", json=body).json()["data"]
    path = f"/pipelines/601/opportunities/{made['id']}/comments"
    comment = cgb.post(path, json={"content": "called"}).json()

    assert set(comment) == {"id", "data", "created_at", "created_by"}
    assert cgb.get(path).json() == {"data": [comment]}
    assert cgb.delete(f"{path}/{comment['id']}").json() == {"success": True}
    assert cgb.get(path).json() == {"data": []}


def test_fills_a_cart_and_checks_out(cgb: httpx.Client, sandbox: httpx.Client) -> None:
    """Totals are cents, prices are not; a checkout makes the cart an order."""
    cgb.post(f"/contacts/{AVERY}/cart/801", data={"quantity": "2"})
    cgb.post(f"/contacts/{AVERY}/cart/802", data={"quantity": "1"})
    cgb.delete(f"/contacts/{AVERY}/cart/802")
    cart = cgb.get(f"/contacts/{AVERY}/cart").json()
    assert (cart["total"], cart["line_items"][0]["price"]) == (8000, 40)

    order = sandbox.post(f"/_sandbox/state/cgb/contacts/{AVERY}/checkout").json()
    assert cgb.get(f"/contacts/{AVERY}/order/{order['id']}").json()["total"] == 8000
    assert cgb.get(f"/contacts/{AVERY}/cart").json() == {"total": 0, "line_items": []}
    cgb.post(f"/contacts/{AVERY}/cart/802", data={"quantity": "1"})
    assert cgb.delete(f"/contacts/{AVERY}/cart").json() == {"success": True}
    assert cgb.get(f"/contacts/{AVERY}/cart").json()["line_items"] == []


@pytest.mark.parametrize(("status", "expected"), [(7, 200), (13, 200), (8, 400), ("x", 400), (6, 402)])
def test_sets_an_order_status(cgb: httpx.Client, status: Any, expected: int) -> None:
    """Only 6, 7, 10 and 13 can be set; the same status again is a 402; unknown orders are a 404."""
    assert cgb.post(f"/contacts/{AVERY}/order/901", json={"status": status}).status_code == expected
    assert cgb.post(f"/contacts/{AVERY}/order/999", json={"status": 7}).status_code == 404


def test_takes_a_payment_in_cents(cgb: httpx.Client, sandbox: httpx.Client) -> None:
    """Less than the total is a 400; a failed checkout is the other 402."""
    path = f"/contacts/{AVERY}/pay/901"
    assert cgb.post(path, data={"amount_received": "7999"}).status_code == 400
    assert cgb.post(path, data={"amount_received": "80.00"}).status_code == 400
    assert cgb.post(path, data={"amount_received": "8000"}).json() == {"success": True}
    set_trap(sandbox, checkout_fails=True)
    assert cgb.post(path, data={"amount_received": "8000"}).status_code == 402
    assert len(effects(sandbox, "payment")) == 1


def test_shows_and_changes_a_product(cgb: httpx.Client) -> None:
    """A product's stock can be changed; an unknown one is a 404."""
    assert cgb.post("/products/801", json={"stock": 3}).json()["success"] is True
    assert cgb.get("/products/801").json()["stock"] == 3
    assert cgb.get("/products/1").status_code == 404


def test_is_too_fast_when_told(cgb: httpx.Client, sandbox: httpx.Client) -> None:
    """Above the pace it answers 429."""
    set_trap(sandbox, per_second=0)
    assert cgb.get("/accounts/me").status_code == 429
