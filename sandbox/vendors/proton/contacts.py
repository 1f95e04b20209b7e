"""Proton's contacts: bare answers without an envelope, custom fields under `field_id`.

Invariant: a `contact_id` is unique in its company while its contact lives; a deleted one is free again.
"""

from collections.abc import Mapping
from copy import deepcopy
from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call, Effect, Json
from sandbox.vendors.proton.search import CONTACTS, search_page
from sandbox.vendors.proton.state import Company, Record, bare_stamp
from sandbox.vendors.proton.words import InvalidError, found, objects, picked, success, text

if TYPE_CHECKING:
    from sandbox.vendors.proton.vendor import Proton

TEXTS = ("contact_id", "name", "surname", "contact_type", "position", "notes", "external_id", "last_edited_date")
LISTS = {"emails": "email", "phone_numbers": "phone_number", "custom_fields": "field_id"}
ADDRESS = (
    "street_address",
    "street_address_2",
    "street_address_3",
    "apartment",
    "city",
    "state",
    "country",
    "zip_code",
)
# Taken from the customer, never from the client.
FROM_CUSTOMER = {
    "customer_name": "name",
    "customer_is_active": "is_active",
    "bill_to_id": "bill_to_id",
    "representative_ids": "representative_ids",
    "visibility_ids": "visibility_ids",
}
COUNTS = ("calls_count", "emails_count", "quotes_count", "orders_count")


def create(vendor: "Proton", call: Call) -> Answer:
    """POST /{company}/v1/contacts: 201 and the bare contact."""
    company, params = vendor.company(call), call.params
    text(params, "name", required=True)
    customer = found(company.customer(text(params, "customer_id", required=True)), "Customer")
    fields = _fields(params)
    contact_id = fields.get("contact_id") or vendor.ids.uuid("contact id")
    _check_free(company, contact_id)
    contact = {**vendor.companies.blank("contacts"), **fields, "contact_id": contact_id}
    contact |= {"id": vendor.ids.uuid("contact"), "customer_id": customer["customer_id"]}
    company.contacts[contact_id] = contact
    return Answer(201, shown(company, contact), effects=(_effect("contact", contact),))


def show(vendor: "Proton", call: Call) -> Answer:
    """GET /{company}/v1/contacts/{identifier}: with counts."""
    company = vendor.company(call)
    contact = found(company.find("contacts", call.ids["identifier"]), "Contact")
    quotes = [quote for quote in company.quotes.values() if quote.get("contact_id") == contact["contact_id"]]
    calls = [
        note
        for note in company.call_notes.values()
        if (note.get("additional_info") or {}).get("contact_id") == contact["contact_id"]
    ]
    counts = {**dict.fromkeys(COUNTS, 0), "quotes_count": len(quotes), "calls_count": len(calls)}
    return Answer(200, {**shown(company, contact), **counts})


def update(vendor: "Proton", call: Call) -> Answer:
    """PUT /{company}/v1/contacts/{identifier}: a partial update; lists, address and fields are replaced whole."""
    company = vendor.company(call)
    contact = found(company.find("contacts", call.ids["identifier"]), "Contact")
    fields = _fields(call.params)
    if not fields:
        raise InvalidError("At least one editable field is required", "BAD_REQUEST")
    if "name" in fields:
        text(call.params, "name", required=True)
    renamed = str(fields.get("contact_id") or contact["contact_id"])
    if renamed != contact["contact_id"]:
        _check_free(company, renamed)
    del company.contacts[contact["contact_id"]]
    contact.update({"last_edited_date": bare_stamp(vendor.setup.clock()), **fields, "contact_id": renamed})
    company.contacts[renamed] = contact
    return Answer(200, shown(company, contact), effects=(_effect("contact_update", contact),))


def delete(vendor: "Proton", call: Call) -> Answer:
    """DELETE /{company}/v1/contacts/{identifier}: gone for good."""
    company = vendor.company(call)
    contact = found(company.find("contacts", call.ids["identifier"]), "Contact")
    del company.contacts[contact["contact_id"]]
    return Answer(200, picked(contact, ("contact_id", "id")), effects=(_effect("contact_delete", contact),))


def search(vendor: "Proton", call: Call) -> Answer:
    """POST /{company}/v1/contacts/search: flat rows."""
    company = vendor.company(call)
    rows = [_flat(shown(company, contact)) for contact in company.contacts.values()]
    return success(search_page(rows, call.params, CONTACTS))


def shown(company: Company, contact: Record) -> Record:
    """Return a contact with what it has from its customer."""
    customer = company.customer(contact["customer_id"]) or {}
    names = [contact["name"], contact.get("surname")]
    return {
        **deepcopy(contact),
        "full_name": " ".join(name for name in names if name),
        **{name: deepcopy(customer.get(source)) for name, source in FROM_CUSTOMER.items()},
    }


def _flat(contact: Record) -> Record:
    emails, phones = contact.get("emails") or [{}], contact.get("phone_numbers") or [{}]
    first = {"email": emails[0].get("email"), "phone_number": phones[0].get("phone_number")}
    return {**contact, **(contact.get("address") or {}), **first}


def _fields(params: Mapping[str, Json]) -> Record:
    """Return the editable fields that were sent, checked; the others are ignored."""
    fields: Record = {name: text(params, name) for name in TEXTS if name in params}
    for name, key in LISTS.items():
        if name in params:
            fields[name] = objects(params, name)
            if not all(isinstance(item.get(key), str) for item in fields[name]):
                raise InvalidError(f"each of {name} needs {key}")
    for item in fields.get("emails", ()):
        if "@" not in item["email"].strip("@"):
            raise InvalidError(f"{item['email']} is not an e-mail address")
    if "address" in params:
        address = params["address"]
        if address is not None and not isinstance(address, dict):
            raise InvalidError("address must be an object")
        fields["address"] = None if address is None else picked(address, ADDRESS)
    return fields


def _check_free(company: Company, contact_id: str) -> None:
    if contact_id in company.contacts:
        raise InvalidError(f"contact_id {contact_id} already exists", "BAD_REQUEST")


def _effect(kind: str, contact: Record) -> Effect:
    return {"kind": kind, **{name: contact[name] for name in ("id", "contact_id", "customer_id", "name")}}
