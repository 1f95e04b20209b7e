"""Open Mercato's business rules, records of custom entities, and feature toggles.

Invariant: a rule's refusal is an answer like any other: `allowed: false` in HTTP 200.
"""

import uuid
from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call, Effect
from sandbox.vendors.open_mercato.words import Record, page, refused, validation_failed

if TYPE_CHECKING:
    from sandbox.vendors.open_mercato.vendor import OpenMercato

RULE = {"ruleId": "66666666-0000-4000-8000-000000000001", "ruleName": "Credit limit"}
VALUE_NAMES = {"boolean": "enabled", "string": "value", "number": "value", "json": "value"}


def execute_rules(vendor: "OpenMercato", call: Call) -> Answer:
    """POST /business_rules/execute: refuses the entity types that a trap names; a dry run writes no log."""
    entity_type = call.params.get("entityType")
    if not isinstance(entity_type, str) or not entity_type or "data" not in call.params:
        raise validation_failed({name: "Required" for name in ("entityType", "data") if not call.params.get(name)})
    allowed = entity_type not in vendor.settings.refused_entity_types
    body: Record = {
        "allowed": allowed,
        "executedRules": [{**RULE, "conditionResult": allowed, "executionTime": 1}],
        "totalExecutionTime": 1,
    }
    if call.params.get("dryRun") is True:
        return Answer(200, body)
    log_id = vendor.ids.uuid("rule log")
    effect = {"kind": "rules_run", "id": log_id, "label": entity_type, "allowed": allowed}
    return Answer(200, {**body, "logIds": [log_id]}, effects=(effect,))


def create_record(vendor: "OpenMercato", call: Call) -> Answer:
    """POST /entities/records: `cf_` prefixes go; a record id that is no UUID is replaced."""
    entity_id, values = _entity_and_values(call)
    wanted = call.params.get("recordId")
    record_id = wanted if is_uuid(wanted) else vendor.ids.uuid("record")
    return _kept(vendor, entity_id, str(record_id), values)


def update_record(vendor: "OpenMercato", call: Call) -> Answer:
    """PUT /entities/records: a record id that is no UUID makes a new record."""
    entity_id, values = _entity_and_values(call)
    record_id = call.params.get("recordId")
    if not record_id:
        raise validation_failed({"recordId": "Required"})
    if not is_uuid(record_id):
        return _kept(vendor, entity_id, vendor.ids.uuid("record"), values)
    known = vendor.store.find(("records",), record_id)
    if known is None or known["entityId"] != entity_id:
        raise refused(404, "Record not found")
    vendor.store.change(known, {"values": {**known["values"], **values}}, vendor.now())
    return _item(entity_id, str(record_id), "record_update")


def list_records(vendor: "OpenMercato", call: Call) -> Answer:
    """GET /entities/records: of one entity, filtered by its fields."""
    entity_id = call.query.get("entityId")
    if not entity_id:
        raise validation_failed({"entityId": "Required"})
    reserved = ("entityId", "page", "pageSize", "withDeleted", "format")
    wanted = {name.removeprefix("cf_"): value for name, value in call.query.items() if name not in reserved}
    rows = [row for row in vendor.store.rows("records") if row["entityId"] == entity_id]
    found = [row for row in rows if all(str(row["values"].get(name)) == value for name, value in wanted.items())]
    return page(call, [{"id": row["id"], **row["values"]} for row in found])


def check_toggle(vendor: "OpenMercato", call: Call) -> Answer:
    """GET /feature_toggles/check/{type}: the value is `enabled` for a boolean, else `value`."""
    kind, identifier = call.ids["type"], call.query.get("identifier")
    if not identifier:
        raise refused(400, "identifier is required")
    rows = vendor.store.rows("toggles")
    toggle = next((row for row in rows if (row["identifier"], row["type"]) == (identifier, kind)), None)
    if kind not in VALUE_NAMES or toggle is None:
        raise refused(404, "Feature toggle not found")
    names = {"source": toggle["source"], "toggleId": toggle["id"], "identifier": identifier}
    return Answer(200, {VALUE_NAMES[kind]: toggle["value"], **names, "tenantId": toggle["tenantId"]})


def is_uuid(value: object) -> bool:
    """Return whether a value is the text of a UUID."""
    try:
        return isinstance(value, str) and str(uuid.UUID(value)) == value.lower()
    except ValueError:
        return False


def _entity_and_values(call: Call) -> tuple[str, Record]:
    entity_id, values = call.params.get("entityId"), call.params.get("values")
    problems = {} if isinstance(entity_id, str) and entity_id else {"entityId": "Required"}
    if not isinstance(values, dict):
        problems["values"] = "Required"
        values = {}
    if problems:
        raise validation_failed(problems)
    return str(entity_id), {name.removeprefix("cf_"): value for name, value in values.items()}


def _kept(vendor: "OpenMercato", entity_id: str, record_id: str, values: Record) -> Answer:
    vendor.store.add("records", {"id": record_id, "entityId": entity_id, "values": values}, vendor.now())
    return _item(entity_id, record_id, "record")


def _item(entity_id: str, record_id: str, kind: str) -> Answer:
    effect: Effect = {"kind": kind, "id": record_id, "label": entity_id}
    return Answer(200, {"ok": True, "item": {"entityId": entity_id, "recordId": record_id}}, effects=(effect,))
