"""Proton's customers: read, create, patch, search.

Invariant: creating a `customer_id` that exists is a 400 and changes nothing; a patch replaces lists whole.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call, Json
from sandbox.vendors.proton.search import search_customers
from sandbox.vendors.proton.state import Record
from sandbox.vendors.proton.words import InvalidError, failure, success, text

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


def show(vendor: "Proton", call: Call) -> Answer:
    """GET /{company}/v1/customers/{identifier}."""
    customer = vendor.company(call).customer(call.ids["identifier"])
    return failure(404, "Customer not found") if customer is None else success({**customer}, "success")


def create(vendor: "Proton", call: Call) -> Answer:
    """POST /{company}/v1/customers."""
    company = vendor.company(call)
    customer_id = str(text(call, "customer_id", required=True))
    text(call, "name", required=True)
    fields = _fields(call, CREATE_TEXTS, ("is_active", "is_bill_to"))
    if fields.get("account_type") not in (None, *ACCOUNT_TYPES):
        raise InvalidError(f"account_type must be one of {', '.join(ACCOUNT_TYPES)}")
    if "custom_fields" in call.params:
        fields["custom_fields"] = [_created_field(item) for item in _objects(call.params["custom_fields"])]
    if customer_id in company.customers:
        raise InvalidError(f"customer_id {customer_id} already exists")
    _, customer = vendor.companies.upsert_customer(company, customer_id, fields, vendor.ids)
    effect = {"kind": "customer", "id": customer["id"], "customer_id": customer_id, "name": customer["name"]}
    return success({"customer_id": customer_id, "id": customer["id"], "created": True}, "success", effect)


def update(vendor: "Proton", call: Call) -> Answer:
    """PATCH /{company}/v1/customers/{identifier}: absent keeps, null clears."""
    customer = vendor.company(call).customer(call.ids["identifier"])
    if customer is None:
        return failure(404, "Customer not found")
    fields = _fields(call, PATCH_TEXTS, ("is_active",))
    if "custom_fields" in call.params:
        fields["custom_fields"] = [_patched_field(item) for item in _objects(call.params["custom_fields"])]
    if not fields:
        raise InvalidError("At least one updatable field is required", "BAD_REQUEST")
    customer.update(fields)
    names = {"id": customer["id"], "customer_id": customer["customer_id"], "name": customer["name"]}
    effect = {"kind": "customer_update", **names, "fields": sorted(fields)}
    return success({**customer}, "success", effect)


def search(vendor: "Proton", call: Call) -> Answer:
    """POST /{company}/v2/customers/search: here the samples shout."""
    return success(search_customers(vendor.company(call).customers.values(), call.params), "SUCCESS")


def _fields(call: Call, texts: tuple[str, ...], flags: tuple[str, ...]) -> Record:
    fields: Record = {name: text(call, name) for name in texts if name in call.params}
    for name in flags:
        if name in call.params:
            if not isinstance(call.params[name], bool):
                raise InvalidError(f"{name} must be a boolean")
            fields[name] = call.params[name]
    for name in LISTS:
        if name in call.params:
            value = call.params[name] or []
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
