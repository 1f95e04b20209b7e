"""Proton's customers: read, create, create in bulk, patch, search.

Invariant: creating a `customer_id` that exists is a 400 and changes nothing; a patch replaces lists whole.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call, Json
from sandbox.vendors.proton import events
from sandbox.vendors.proton.search import CUSTOMERS, search_page
from sandbox.vendors.proton.state import Company, Record
from sandbox.vendors.proton.words import InvalidError, failure, found, objects, success, text

if TYPE_CHECKING:
    from sandbox.vendors.proton.vendor import Proton

PATCH_TEXTS = (
    "name",
    "street_address",
    "city",
    "state",
    "country",
    "zip_code",
    "email",
    "office_phone_number",
    "fax_number",
    "type",
    "branch",
    "location",
    "region",
    "source",
    "notepad",
)
CREATE_TEXTS = (
    *(name for name in PATCH_TEXTS if name != "notepad"),
    "bill_to_id",
    "parent_customer_id",
    "account_type",
)
LISTS = ("representative_ids", "visibility_ids")
ACCOUNT_TYPES = ("national", "bill_to", "ship_to")
VALUE_NAMES = ("string_val", "float_val", "bool_val", "date_val", "string_val_list")
MOST_IN_BULK = 1000


def show(vendor: "Proton", call: Call) -> Answer:
    """GET /{company}/v1/customers/{identifier}."""
    customer = found(vendor.company(call).customer(call.ids["identifier"]), "Customer")
    return _forbidden(vendor, customer) or success({**customer}, "success")


def create(vendor: "Proton", call: Call) -> Answer:
    """POST /{company}/v1/customers."""
    company = vendor.company(call)
    customer_id, fields = created_fields(call.params)
    if customer_id in company.customers:
        raise InvalidError(f"customer_id {customer_id} already exists")
    customer = _add(vendor, company, customer_id, fields)
    return success({"customer_id": customer_id, "id": customer["id"], "created": True}, "success", _effect(customer))


def create_in_bulk(vendor: "Proton", call: Call) -> Answer:
    """POST /{company}/v1/customers/bulk: always 200; each row says how it went, and the order is kept."""
    company, items = vendor.company(call), objects(call.params, "items")
    if not items:
        raise InvalidError("items must have 1 to 1000 entries")
    if len(items) > MOST_IN_BULK:
        return failure(413, f"items has more than {MOST_IN_BULK} entries")
    results, effects, seen = [], [], set[str]()
    for index, item in enumerate(items):
        errors = _row_errors(company, item, seen)
        result: Record = {"index": index, "id": item.get("customer_id"), "success": not errors}
        if errors:
            results.append({**result, "errors": errors})
            continue
        customer_id, fields = created_fields(item)
        seen.add(customer_id)
        effects.append(_effect(_add(vendor, company, customer_id, fields)))
        results.append({**result, "created": True})
    made = len(effects)
    errors = [error for result in results for error in result.get("errors", ())]
    summary = {"total": len(items), "successful": made, "failed": len(items) - made, "created": made, "updated": 0}
    return success({"summary": {**summary, "errors": errors or None}, "results": results}, "success", *effects)


def update(vendor: "Proton", call: Call) -> Answer:
    """PATCH /{company}/v1/customers/{identifier}: absent keeps, null clears."""
    customer = found(vendor.company(call).customer(call.ids["identifier"]), "Customer")
    refusal = _forbidden(vendor, customer)
    if refusal is not None:
        return refusal
    fields = patched_fields(call.params)
    if not fields:
        raise InvalidError("At least one updatable field is required", "BAD_REQUEST")
    customer.update(fields)
    events.announce(vendor, call.ids["company"], "customer.updated", customer)
    names = {"id": customer["id"], "customer_id": customer["customer_id"], "name": customer["name"]}
    effect = {"kind": "customer_update", **names, "fields": sorted(fields)}
    return success({**customer}, "success", effect)


def search(vendor: "Proton", call: Call) -> Answer:
    """POST /{company}/v2/customers/search: here the samples shout."""
    return success(search_page(vendor.company(call).customers.values(), call.params, CUSTOMERS), "SUCCESS")


def created_fields(params: Mapping[str, Json]) -> tuple[str, Record]:
    """Return the id and the fields of a new customer, checked."""
    customer_id = str(text(params, "customer_id", required=True))
    text(params, "name", required=True)
    fields = _fields(params, CREATE_TEXTS, ("is_active", "is_bill_to"))
    if fields.get("account_type") not in (None, *ACCOUNT_TYPES):
        raise InvalidError(f"account_type must be one of {', '.join(ACCOUNT_TYPES)}")
    if "custom_fields" in params:
        fields["custom_fields"] = [_created_field(item) for item in _objects(params["custom_fields"])]
    return customer_id, fields


def patched_fields(params: Mapping[str, Json]) -> Record:
    """Return what a patch changes, checked; what cannot be patched is left out."""
    fields = _fields(params, PATCH_TEXTS, ("is_active",))
    if "custom_fields" in params:
        fields["custom_fields"] = [_patched_field(item) for item in _objects(params["custom_fields"])]
    return fields


def _add(vendor: "Proton", company: Company, customer_id: str, fields: Record) -> Record:
    """Add a customer and tell of it."""
    _, customer = vendor.companies.upsert_customer(company, customer_id, fields, vendor.ids)
    events.announce(vendor, company.name, "customer.created", customer)
    return customer


def _row_errors(company: Company, item: Record, seen: set[str]) -> list[Record]:
    """Say what is wrong with a row: missing, in the database already, or twice in the batch."""

    def error(name: str, code: str, message: str) -> Record:
        return {"field": name, "code": code, "message": message, "value": item.get(name)}

    missing = [error(name, "required", f"{name} is required") for name in ("customer_id", "name") if not item.get(name)]
    if missing:
        return missing
    try:
        customer_id, _ = created_fields(item)
    except InvalidError as problem:
        return [error("_general", "internal_error", str(problem))]
    if customer_id in company.customers:
        return [error("customer_id", "duplicate", f"duplicate in {'batch' if customer_id in seen else 'database'}")]
    return []


def _forbidden(vendor: "Proton", customer: Record) -> Answer | None:
    """Refuse a customer outside the user's account groups."""
    outside = customer["customer_id"] in vendor.settings.forbidden_customers
    return failure(403, "The customer is outside your account groups") if outside else None


def _effect(customer: Record) -> Record:
    names = ("id", "customer_id", "name")
    return {"kind": "customer", **{name: customer[name] for name in names}}


def _fields(params: Mapping[str, Json], texts: tuple[str, ...], flags: tuple[str, ...]) -> Record:
    fields: Record = {name: text(params, name) for name in texts if name in params}
    for name in flags:
        if name in params:
            if not isinstance(params[name], bool):
                raise InvalidError(f"{name} must be a boolean")
            fields[name] = params[name]
    for name in LISTS:
        if name in params:
            value = params[name] or []
            if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
                raise InvalidError(f"{name} must be a list of strings")
            fields[name] = value
    return fields


def _objects(value: Json) -> list[Mapping[str, Json]]:
    items = value or []
    if not isinstance(items, list) or not all(
        isinstance(item, dict) and isinstance(item.get("custom_field_id"), str) for item in items
    ):
        raise InvalidError("custom_fields must be a list of objects with a custom_field_id")
    return items


def _created_field(item: Mapping[str, Json]) -> Record:
    """Read a custom field in the form a create takes: exactly one `*_val`."""
    values = [item[name] for name in VALUE_NAMES if name in item]
    if len(values) != 1:
        raise InvalidError(f"a custom field needs exactly one of {', '.join(VALUE_NAMES)}")
    return {"custom_field_id": item["custom_field_id"], "value": values[0]}


def _patched_field(item: Mapping[str, Json]) -> Record:
    """Read a custom field in the form a patch takes: `value`."""
    if "value" not in item:
        raise InvalidError("a custom field needs a value")
    return {"custom_field_id": item["custom_field_id"], "value": item["value"]}
