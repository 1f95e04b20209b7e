"""Proton's opportunities (legacy routes, shouted envelope).

Invariant: nothing here is idempotent: the same create twice makes two, as at the vendor.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call, Effect, Json
from sandbox.vendors.proton.search import search_opportunities
from sandbox.vendors.proton.state import Company, Record, stamp
from sandbox.vendors.proton.words import InvalidError, failure, success, text

if TYPE_CHECKING:
    from sandbox.vendors.proton.vendor import Proton

TEXTS = ("pipeline_id", "stage_id", "title", "customer_id", "contact_id", "created_from_sales_play")
LISTS = ("owner", "custom_fields", "associations", "groupings")


def create(vendor: "Proton", call: Call) -> Answer:
    """POST /{company}/opportunities."""
    company, now = vendor.company(call), stamp(vendor.setup.clock())
    fields = _fields(vendor, company, call)
    if vendor.settings.fail_in_200:
        return Answer(200, {"status_message": "FAILURE", "data": None}, refusal="Opportunity was not created")
    user = call.headers.get("x-user-id", "")
    opportunity: Record = {
        "opportunity_id": vendor.ids.uuid("opportunity"),
        **dict.fromkeys(TEXTS),
        "value": None,
        **{name: [] for name in LISTS},
        **fields,
        "customer_info": company.customer(fields["customer_id"]) if fields.get("customer_id") else None,
        "contact_info": None,
        "closed": False,
        "created_by": user,
        "created_date": now,
        "last_stage_change_date": now,
        "last_updated_by": user,
        "last_update_date": now,
        "last_contact_date": None,
        "visibility_ids": [],
        "is_deleted": False,
        "deleted_date": None,
    }
    company.opportunities[opportunity["opportunity_id"]] = opportunity
    return success({**opportunity}, "SUCCESS", _effect("opportunity", opportunity))


def show(vendor: "Proton", call: Call) -> Answer:
    """GET /{company}/opportunities/{id}: adds the representatives."""

    def shown(opportunity: Record) -> Answer:
        return success({**opportunity, "representative_ids": list(opportunity["owner"] or [])})

    return _with_opportunity(vendor, call, shown)


def update(vendor: "Proton", call: Call) -> Answer:
    """PATCH /{company}/opportunities/{id}: what is named changes, null clears."""
    company, now = vendor.company(call), stamp(vendor.setup.clock())
    fields = _fields(vendor, company, call)
    by = text(call, "last_updated_by") or call.headers.get("x-user-id", "")

    def change(opportunity: Record) -> Answer:
        if fields.get("stage_id", opportunity["stage_id"]) != opportunity["stage_id"]:
            opportunity["last_stage_change_date"] = now
        opportunity.update({**fields, "last_update_date": now, "last_updated_by": by})
        if "customer_id" in fields:
            opportunity["customer_info"] = company.customer(fields["customer_id"])
        return success({**opportunity}, "SUCCESS", _effect("opportunity_update", opportunity))

    return _with_opportunity(vendor, call, change)


def delete(vendor: "Proton", call: Call) -> Answer:
    """DELETE /{company}/opportunities/{id}: a soft delete."""

    def remove(opportunity: Record) -> Answer:
        opportunity.update({"is_deleted": True, "deleted_date": stamp(vendor.setup.clock())})
        return success({**opportunity}, "SUCCESS", _effect("opportunity_delete", opportunity))

    return _with_opportunity(vendor, call, remove)


def search(vendor: "Proton", call: Call) -> Answer:
    """POST /{company}/opportunities/search."""
    return success(search_opportunities(vendor.company(call).opportunities.values(), call.params))


def _with_opportunity(vendor: "Proton", call: Call, then: Callable[[Record], Answer]) -> Answer:
    opportunity = vendor.company(call).opportunities.get(call.ids["id"])
    return failure(404, "Opportunity not found") if opportunity is None else then(opportunity)


def _effect(kind: str, opportunity: Record) -> Effect:
    names = ("customer_id", "title", "pipeline_id", "stage_id")
    return {"kind": kind, "id": opportunity["opportunity_id"], **{name: opportunity[name] for name in names}}


def _fields(vendor: "Proton", company: Company, call: Call) -> Record:
    """Return the documented fields that were sent, checked; others are ignored."""
    fields: Record = {name: text(call, name) for name in TEXTS if name in call.params}
    for name in LISTS:
        if name in call.params:
            value = call.params[name]
            if value is not None and not isinstance(value, list):
                raise InvalidError(f"{name} must be a list")
            fields[name] = value or []
    if not all(isinstance(owner, str) for owner in fields.get("owner", [])):
        raise InvalidError("owner must be a list of user ids")
    if not all(isinstance(item, dict) for name in LISTS[1:] for item in fields.get(name, [])):
        raise InvalidError("custom_fields, associations and groupings must be lists of objects")
    if "value" in call.params:
        fields["value"] = _amount(call.params["value"])
    if vendor.settings.check_references:
        _check_references(company, fields)
    return fields


def _amount(value: Json) -> Json:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise InvalidError("value must be a number")
    return value


def _check_references(company: Company, fields: Record) -> None:
    pipeline, stage = fields.get("pipeline_id"), fields.get("stage_id")
    if pipeline is not None and pipeline not in company.pipelines:
        raise InvalidError(f"pipeline {pipeline} does not exist")
    stages = [name for names in company.pipelines.values() for name in names]
    if stage is not None and stage not in (company.pipelines[pipeline] if pipeline else stages):
        raise InvalidError(f"stage {stage} does not exist")
    customer = fields.get("customer_id")
    if customer is not None and company.customer(customer) is None:
        raise InvalidError(f"customer {customer} does not exist")
