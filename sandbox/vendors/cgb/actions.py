"""The actions a contact's creation, a send or a dynamic reply carries along: tag, set a field, send a flow.

Invariant: every action is checked before the first one happens, so a refused list changes nothing.
"""

from typing import TYPE_CHECKING

from sandbox.exchange import Effect, Json
from sandbox.vendors.cgb.state import Contact, Record
from sandbox.vendors.cgb.words import RefusedError

if TYPE_CHECKING:
    from sandbox.vendors.cgb.vendor import Cgb

NEEDS = {"add_tag": ("tag_name",), "set_field_value": ("field_name", "value"), "send_flow": ("flow_id",)}


def apply_actions(vendor: "Cgb", contact: Contact, actions: Json) -> tuple[Effect, ...]:
    """Do what a list of actions says and return its effects.

    Raises:
        RefusedError: an action, a field or a flow does not exist, or something is missing.
    """
    if actions is None:
        return ()
    if not isinstance(actions, list):
        raise RefusedError("actions must be a list")
    for action in actions:
        _check(vendor, action)
    return tuple(_apply(vendor, contact, action) for action in actions)


def _check(vendor: "Cgb", action: Json) -> None:
    name = action.get("action") if isinstance(action, dict) else None
    if name not in NEEDS:
        raise RefusedError("unknown action")
    if any(action.get(key) in (None, "") for key in NEEDS[name]):
        raise RefusedError(f"{name} needs {' and '.join(NEEDS[name])}")
    # By name, not by id: only the endpoint of a single field goes by id.
    if name == "set_field_value" and vendor.bot.field_named(str(action["field_name"])) is None:
        raise RefusedError(f"there is no custom field {action['field_name']}")
    if name == "send_flow" and str(action["flow_id"]) not in vendor.bot.flows:
        raise RefusedError("Flow not found", 404)


def _apply(vendor: "Cgb", contact: Contact, action: Record) -> Effect:
    match action["action"]:
        case "add_tag":
            _, tag = vendor.bot.tag_named(str(action["tag_name"]), vendor.ids)
            if tag["id"] not in contact.tag_ids:
                contact.tag_ids.append(tag["id"])
            return {"kind": "contact_tag", "contact_id": contact.id, "tag_name": tag["name"]}
        case "set_field_value":
            field = vendor.bot.field_named(str(action["field_name"])) or {}
            vendor.bot.set_value(contact, str(field["id"]), str(action["value"]))
            return {"kind": "custom_field_value", "contact_id": contact.id, "field_name": field["name"]}
        case _:
            return vendor.send_flow(contact, vendor.bot.flows[str(action["flow_id"])])
