"""Proton's custom fields: their definitions, and one value set on one record.

Invariant: a dropdown has options; a value is set only on a kind of record the field is defined for.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call, Json
from sandbox.vendors.proton.state import Record
from sandbox.vendors.proton.words import InvalidError, echoed, found, objects, picked, success, text, texts

if TYPE_CHECKING:
    from sandbox.vendors.proton.vendor import Proton

FIELD_TYPES = ("dropdown", "number", "boolean", "string", "percentage")
# Record types, and where and under which key their records keep a value.
RECORD_TYPES: Mapping[str, tuple[str, str]] = {
    "contact": ("contacts", "field_id"),
    "customer": ("customers", "custom_field_id"),
    "opportunity": ("opportunities", "custom_field_id"),
}
_DEFINITION: Record = {
    "display_name": None,
    "display_description": None,
    "field_type": "string",
    "options": [],
    "required": False,
    "record_types": [],
    "editability": ["all"],
    "visibility": ["all"],
    "config": {},
}
_EDITABLE = (*_DEFINITION, "lookup_target", "display_order", "is_ingested", "conditional_logic", "group")


def create(vendor: "Proton", call: Call) -> Answer:
    """POST /{company}/custom_field/create."""
    company, params = vendor.company(call), call.params
    for name in ("display_name", "field_type"):
        text(params, name, required=True)
    identity = text(params, "custom_field_id") or vendor.ids.uuid("custom field")
    if identity in company.custom_fields:
        raise InvalidError(f"custom_field_id {identity} already exists", "BAD_REQUEST")
    definition: Record = {"custom_field_id": identity, **_DEFINITION, **picked(params, _EDITABLE)}
    if not definition["record_types"]:
        raise InvalidError("record_types is required")
    _check(definition)
    company.custom_fields[identity] = definition
    return success({**definition}, "SUCCESS", {"kind": "custom_field", "id": identity})


def edit(vendor: "Proton", call: Call) -> Answer:
    """PUT /{company}/custom_field/edit."""
    definition = _definition(vendor, call)
    changed = {**definition, **picked(call.params, _EDITABLE)}
    _check(changed)
    definition.update(changed)
    return success({**definition}, "SUCCESS", {"kind": "custom_field_update", "id": definition["custom_field_id"]})


def delete(vendor: "Proton", call: Call) -> Answer:
    """POST or DELETE /{company}/custom_field/delete: the text and the sample differ."""
    definition = _definition(vendor, call)
    identity = definition["custom_field_id"]
    del vendor.company(call).custom_fields[identity]
    return success({"custom_field_id": identity}, "SUCCESS", {"kind": "custom_field_delete", "id": identity})


def list_(vendor: "Proton", call: Call) -> Answer:
    """GET /{company}/custom_field/all: `record_types` is a comma list, empty means all."""
    wanted = {name for name in call.query.get("record_types", "").split(",") if name}
    definitions = vendor.company(call).custom_fields.values()
    return echoed(call, [item for item in definitions if not wanted or wanted & set(item["record_types"])])


def set_value(vendor: "Proton", call: Call) -> Answer:
    """PUT /{company}/custom_field/update_instance."""
    company, params = vendor.company(call), call.params
    record_type, record_id = (str(text(params, name, required=True)) for name in ("record_type", "record_id"))
    definition = _definition(vendor, call)
    if record_type not in definition["record_types"]:
        raise InvalidError(f"the field is not defined for {record_type}")
    if "value" not in params:
        raise InvalidError("value is required")
    kind, key = RECORD_TYPES[record_type]
    record = found(company.find(kind, record_id), record_type.capitalize())
    identity = definition["custom_field_id"]
    others = [item for item in record.get("custom_fields") or [] if item.get(key) != identity]
    record["custom_fields"] = [*others, {key: identity, "value": params["value"]}]
    instance = {**picked(params, ("record_type", "record_id", "value")), "custom_field_id": identity}
    effect = {"kind": "custom_field_value", "id": record_id, "record_type": record_type, "custom_field_id": identity}
    return success(instance, "SUCCESS", effect)


def _definition(vendor: "Proton", call: Call) -> Record:
    """Find a definition by `custom_field_id`; a part of the text calls it `field_id`."""
    name = "custom_field_id" if "custom_field_id" in call.params else "field_id"
    identity = text(call.params, name)
    if identity is None:
        raise InvalidError("custom_field_id is required")
    return found(vendor.company(call).custom_fields.get(identity), "Custom field")


def _check(definition: Record) -> None:
    if definition["field_type"] not in FIELD_TYPES:
        raise InvalidError(f"field_type must be one of {', '.join(FIELD_TYPES)}")
    if any(name not in RECORD_TYPES for name in texts(definition, "record_types")):
        raise InvalidError(f"record_types must be of {', '.join(RECORD_TYPES)}")
    options: Json = definition["options"]
    if definition["field_type"] == "dropdown" and not options:
        raise InvalidError("options is required for a dropdown")
    if not isinstance(options, list):
        objects(definition, "options")
