"""What the control API can let happen at Proton, as if a person there or the ERP had done it.

Invariant: the `PUT`s only put records in place and tell nothing; everything else is told by webhooks.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call, Json
from sandbox.routing import Route
from sandbox.vendors.proton import call_notes, customers, events
from sandbox.vendors.proton.state import KEYS, Company, Record
from sandbox.vendors.proton.words import InvalidError, found, objects, text

if TYPE_CHECKING:
    from sandbox.vendors.proton.vendor import Proton

DEFAULT_COMPANY = "harborline"


def put_customer(vendor: "Proton", call: Call) -> Answer:
    """`PUT /customers/<customer_id>`: add or change a customer; nothing is sent."""
    company, fields = company_of(vendor, call)
    created, customer = vendor.companies.upsert_customer(company, call.ids["id"], fields, vendor.ids)
    return Answer(200, {"created": created, "customer": customer})


def put_record(kind: str) -> Callable[["Proton", Call], Answer]:
    """Return the handler that puts a record of a kind in place."""

    def handle(vendor: "Proton", call: Call) -> Answer:
        company, fields = company_of(vendor, call)
        if "quote_lines" in fields:
            fields["quote_lines"] = objects(fields, "quote_lines")
        for line in fields.get("quote_lines", ()):
            text(line, "product_id", required=True)
            text(line, "interaction_id", required=True)
        known = company.kind(kind).get(call.ids["id"])
        record = {**(known or vendor.companies.blank(kind)), **fields, KEYS[kind]: call.ids["id"]}
        company.kind(kind)[call.ids["id"]] = record
        return Answer(200, {"created": known is None, "record": record})

    return handle


def remove_customer(vendor: "Proton", call: Call) -> Answer:
    """`DELETE /customers/<customer_id>`: the record is gone; the document knows no event for it."""
    company, _ = company_of(vendor, call)
    customer = found(company.customers.pop(call.ids["id"], None), "Customer")
    return Answer(200, {"deleted": customer["customer_id"]})


def create_customer(vendor: "Proton", call: Call) -> Answer:
    """`POST /customers`: somebody adds a customer."""
    return _as_somebody(vendor, call, customers.create)


def update_customer(vendor: "Proton", call: Call) -> Answer:
    """`PATCH /customers/<customer_id>`: somebody changes a customer."""
    return _as_somebody(vendor, replace(call, ids={"identifier": call.ids["id"]}), customers.update)


def create_call_note(vendor: "Proton", call: Call) -> Answer:
    """`POST /call_notes`: somebody writes call notes."""
    return _as_somebody(vendor, call, call_notes.create)


def update_call_note(vendor: "Proton", call: Call) -> Answer:
    """`PATCH /call_notes/<interaction_id>`: its creator edits a note; here what is left out stays."""
    company, fields = company_of(vendor, call)
    note = found(company.find("call_notes", call.ids["id"]), "Call note")
    call_notes.edit(vendor, company, note, {"notes": note["notes"], "call_type": note["call_type"], **fields})
    return Answer(200, call_notes.full(company, note))


def delete_call_note(vendor: "Proton", call: Call) -> Answer:
    """`DELETE /call_notes/<interaction_id>`: its creator deletes a note."""
    company, _ = company_of(vendor, call)
    note = found(company.find("call_notes", call.ids["id"]), "Call note")
    call_notes.remove(vendor, company, note)
    return Answer(200, {"deleted": note["interaction_id"]})


def send_event(vendor: "Proton", call: Call) -> Answer:
    """`POST /events`: any name with any data, for what the vendor may send and does not document."""
    company, fields = company_of(vendor, call)
    event, data = str(text(fields, "event", required=True)), fields.get("data")
    if not isinstance(data, dict):
        raise InvalidError("data must be an object")
    events.announce(vendor, company.name, event, data)
    return Answer(200, {"sent": event})


def company_of(vendor: "Proton", call: Call) -> tuple[Company, Record]:
    """Return the tenant that `company` in the body names, added if new, and the rest of the body."""
    company: Json = call.params.get("company", DEFAULT_COMPANY)
    if not isinstance(company, str) or not company:
        raise InvalidError("company: must be text")
    fields = {name: value for name, value in call.params.items() if name != "company"}
    return vendor.companies.add(company), fields


PUT_CUSTOMER: "Route[Proton]" = Route("PUT", "/customers/{id}", put_customer)
ROUTES: tuple["Route[Proton]", ...] = (
    Route("POST", "/customers", create_customer),
    Route("PATCH", "/customers/{id}", update_customer),
    Route("DELETE", "/customers/{id}", remove_customer),
    Route("POST", "/call_notes", create_call_note),
    Route("PATCH", "/call_notes/{id}", update_call_note),
    Route("DELETE", "/call_notes/{id}", delete_call_note),
    Route("POST", "/events", send_event),
    *(Route("PUT", f"/{kind}/{{id}}", put_record(kind)) for kind in ("products", "quotes", "leads", "users")),
)


def _as_somebody(vendor: "Proton", call: Call, handle: Callable[["Proton", Call], Answer]) -> Answer:
    """Let an API handler do it for the tenant of the body."""
    company, fields = company_of(vendor, call)
    return handle(vendor, replace(call, params=fields, ids={**call.ids, "company": company.name}))
