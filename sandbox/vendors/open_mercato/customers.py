"""Open Mercato's customers beyond CRUD: look-up by phone, detail, tags, dictionaries, todos.

Invariant: the id that everything takes is the entity id; the profile's own id shows only in a create's answer and in
webhooks.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call
from sandbox.vendors.open_mercato import records
from sandbox.vendors.open_mercato.kinds import ACTIVITIES, CUSTOMERS, TODOS
from sandbox.vendors.open_mercato.words import Record, invalid_input, refused, row

if TYPE_CHECKING:
    from sandbox.vendors.open_mercato.vendor import OpenMercato

FEWEST_DIGITS = 4
INCLUDES = {"comments": "comments", "activities": "activities", "todos": "todos", "addresses": "addresses"}


def check_phone(vendor: "OpenMercato", call: Call) -> Answer:
    """GET /customers/people/check-phone: exact digits, bad input is a null; encrypted phones never match."""
    digits = call.query.get("digits", "")
    match = None
    if (
        digits.isascii()
        and digits.isdecimal()
        and len(digits) >= FEWEST_DIGITS
        and not vendor.settings.encrypted_phones
    ):
        same = (p for p in vendor.store.table("people").values() if _digits(p) == digits)
        match = next(({"id": person["id"], "displayName": person["displayName"]} for person in same), None)
    return Answer(200, {"match": match})


def show_person(vendor: "OpenMercato", call: Call) -> Answer:
    """GET /customers/people/{id}."""
    return _detail(vendor, call, "people", "person", "personIds")


def show_company(vendor: "OpenMercato", call: Call) -> Answer:
    """GET /customers/companies/{id}."""
    return _detail(vendor, call, "companies", "company", "companyIds")


def create_todo(vendor: "OpenMercato", call: Call) -> Answer:
    """POST /customers/todos: answers the todo and its link to the customer."""
    answer = records.create(TODOS)(vendor, call)
    return replace(answer, body={"todoId": answer.body["id"], "linkId": answer.body["linkId"]})


def assign_tag(vendor: "OpenMercato", call: Call) -> Answer:
    """POST /customers/tags/assign: a 409 says that it is done already."""
    tag, customer = _tag_and_customer(vendor, call)
    if tag["id"] in customer["tags"]:
        raise refused(409, "Tag already assigned")
    customer["tags"].append(tag["id"])
    return _tagged(vendor, tag, customer, "assigned")


def unassign_tag(vendor: "OpenMercato", call: Call) -> Answer:
    """POST /customers/tags/unassign."""
    tag, customer = _tag_and_customer(vendor, call)
    if tag["id"] not in customer["tags"]:
        raise refused(404, "Tag is not assigned")
    customer["tags"].remove(tag["id"])
    return _tagged(vendor, tag, customer, "removed")


def list_dictionary(vendor: "OpenMercato", call: Call) -> Answer:
    """GET /customers/dictionaries/{kind}."""
    entries = [entry for entry in vendor.store.table("dictionary").values() if entry["kind"] == call.ids["kind"]]
    return Answer(200, {"items": entries})


def add_to_dictionary(vendor: "OpenMercato", call: Call) -> Answer:
    """POST /customers/dictionaries/{kind}: 201 for a new value, 200 for one that exists."""
    value = call.params.get("value")
    if not isinstance(value, str) or not value:
        raise invalid_input({"value": "Required"})
    for entry in vendor.store.table("dictionary").values():
        if (entry["kind"], entry["value"]) == (call.ids["kind"], value):
            return Answer(200, entry)
    fields = {name: call.params.get(name) for name in ("label", "color", "icon")}
    fields = {**fields, "label": fields["label"] or value, "kind": call.ids["kind"], "value": value}
    entry = vendor.store.add("dictionary", fields, vendor.now())
    effect = {"kind": "dictionary_entry", "id": entry["id"], "label": value}
    return Answer(201, entry, effects=(effect,))


def _detail(vendor: "OpenMercato", call: Call, table: str, name: str, deal_field: str) -> Answer:
    record = vendor.store.find((table,), call.ids["id"])
    if record is None:
        raise refused(404, "Not found")
    wanted = {item for text in call.query.get("include", "").split(",") if (item := text.strip())}
    body: Record = {name: record, "customFields": record.get("customFields", {})}
    for include in wanted & set(INCLUDES):
        found = vendor.store.rows(INCLUDES[include])
        snake = INCLUDES[include] not in (ACTIVITIES.table, TODOS.table)
        body[include] = [row(item, snake=snake) for item in found if item["entityId"] == record["id"]]
    if "deals" in wanted:
        deals = vendor.store.rows("deals")
        body["deals"] = [row(deal, snake=True) for deal in deals if record["id"] in (deal.get(deal_field) or [])]
    if "people" in wanted and table == "companies":
        people = vendor.store.rows("people")
        body["people"] = [row(item, snake=True) for item in people if item.get("companyEntityId") == record["id"]]
    return Answer(200, body)


def _tag_and_customer(vendor: "OpenMercato", call: Call) -> tuple[Record, Record]:
    missing = {name: "Required" for name in ("tagId", "entityId") if not call.params.get(name)}
    if missing:
        raise invalid_input(missing)
    tag = vendor.store.find(("tags",), call.params["tagId"])
    customer = vendor.store.find(CUSTOMERS, call.params["entityId"])
    if tag is None or customer is None:
        raise refused(404, "Tag not found" if tag is None else "Customer not found")
    customer["tags"] = customer.get("tags") or []
    return tag, customer


def _tagged(vendor: "OpenMercato", tag: Record, customer: Record, what: str) -> Answer:
    identity = vendor.ids.uuid("tag assignment")
    vendor.raise_event(f"customers.tag.{what}", {"id": identity, "tagId": tag["id"], "entityId": customer["id"]})
    effect = {"kind": f"tag_{what}", "id": identity, "label": tag["slug"], "entity_id": customer["id"]}
    return Answer(201, {"id": identity}, effects=(effect,))


def _digits(person: Record) -> str:
    return "".join(filter(str.isdigit, str(person.get("primaryPhone") or "")))
