"""CGB's account: tags, flows, custom fields, bot fields, template links.

Invariant: a tag or field is found by id or by its name, and a name that exists is not added twice.
"""

from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call
from sandbox.vendors.cgb.state import Record
from sandbox.vendors.cgb.words import RefusedError, form_text, json_fields, json_text, ok, whole_number

if TYPE_CHECKING:
    from sandbox.vendors.cgb.vendor import Cgb

LINK = "https://app.cgb.example/template/{template_id}?once={once}"
FIELD_TYPES = range(8)


def show_account(vendor: "Cgb", call: Call) -> Answer:  # noqa: ARG001 - one signature for the whole table of routes
    """GET /accounts/me."""
    return Answer(200, {**vendor.bot.account, "total_users": len(vendor.bot.contacts)})


def list_admins(vendor: "Cgb", call: Call) -> Answer:  # noqa: ARG001 - as above
    """GET /accounts/admins."""
    return Answer(200, vendor.bot.admins)


def list_tags(vendor: "Cgb", call: Call) -> Answer:  # noqa: ARG001 - as above
    """GET /accounts/tags."""
    return Answer(200, list(vendor.bot.tags.values()))


def create_tag(vendor: "Cgb", call: Call) -> Answer:
    """POST /accounts/tags: a form."""
    created, tag = vendor.bot.tag_named(form_text(call, "name"), vendor.ids)
    effects = ({"kind": "tag", **tag},) if created else ()
    return Answer(200, {"id": tag["id"]}, effects=effects)


def show_tag(vendor: "Cgb", call: Call) -> Answer:
    """GET /accounts/tags/{tag_id}."""
    return Answer(200, found(vendor.bot.tags, call.ids["tag_id"], "Tag"))


def delete_tag(vendor: "Cgb", call: Call) -> Answer:
    """DELETE /accounts/tags/{tag_id}: contacts lose it too."""
    tag = found(vendor.bot.tags, call.ids["tag_id"], "Tag")
    del vendor.bot.tags[call.ids["tag_id"]]
    for contact in vendor.bot.contacts.values():
        contact.tag_ids = [tag_id for tag_id in contact.tag_ids if tag_id != tag["id"]]
    return ok({"kind": "tag_delete", **tag})


def show_tag_named(vendor: "Cgb", call: Call) -> Answer:
    """GET /accounts/tags/name/{name}."""
    named = {tag["name"]: tag for tag in vendor.bot.tags.values()}
    return Answer(200, found(named, call.ids["name"], "Tag"))


def list_flows(vendor: "Cgb", call: Call) -> Answer:  # noqa: ARG001 - as above
    """GET /accounts/flows: what a flow says is not shown."""
    return Answer(200, [{"id": flow["id"], "name": flow["name"]} for flow in vendor.bot.flows.values()])


def list_fields(vendor: "Cgb", call: Call) -> Answer:  # noqa: ARG001 - as above
    """GET /accounts/custom_fields."""
    return Answer(200, list(vendor.bot.custom_fields.values()))


def create_field(vendor: "Cgb", call: Call) -> Answer:
    """POST /accounts/custom_fields: JSON."""
    name, kind = json_text(call, "name"), whole_number(json_fields(call).get("type", 0), "type")
    if kind not in FIELD_TYPES:
        raise RefusedError("type is not a field type")
    if vendor.bot.field_named(name) is not None:
        raise RefusedError(f"custom field {name} already exists")
    number = vendor.ids.number("custom field", 300_100)
    vendor.bot.custom_fields[str(number)] = {"id": number, "name": name, "type": kind, "description": ""}
    shown = {"id": number, "name": name}
    return Answer(200, shown, effects=({"kind": "custom_field", **shown},))


def show_field(vendor: "Cgb", call: Call) -> Answer:
    """GET /accounts/custom_fields/{field_id}."""
    return Answer(200, found(vendor.bot.custom_fields, call.ids["field_id"], "Custom field"))


def show_field_named(vendor: "Cgb", call: Call) -> Answer:
    """GET /accounts/custom_fields/name/{name}."""
    named = {field["name"]: field for field in vendor.bot.custom_fields.values()}
    return Answer(200, found(named, call.ids["name"], "Custom field"))


def show_bot_field(vendor: "Cgb", call: Call) -> Answer:
    """GET /accounts/bot_fields/{field_id}."""
    return Answer(200, found(vendor.bot.bot_fields, call.ids["field_id"], "Bot field"))


def set_bot_field(vendor: "Cgb", call: Call) -> Answer:
    """POST /accounts/bot_fields/{field_id}: a form."""
    field = found(vendor.bot.bot_fields, call.ids["field_id"], "Bot field")
    field["value"] = form_text(call, "value")
    return ok({"kind": "bot_field", "id": field["id"], "name": field["name"]})


def clear_bot_field(vendor: "Cgb", call: Call) -> Answer:
    """DELETE /accounts/bot_fields/{field_id}: the value goes, the field stays."""
    field = found(vendor.bot.bot_fields, call.ids["field_id"], "Bot field")
    field["value"] = ""
    return ok({"kind": "bot_field", "id": field["id"], "name": field["name"]})


def make_link(vendor: "Cgb", call: Call) -> Answer:
    """POST /accounts/template/{template_id}/generateSingleUseLink."""
    template_id = whole_number(call.ids["template_id"], "template_id")
    link = LINK.format(template_id=template_id, once=vendor.ids.uuid("link"))
    return Answer(200, {"link": link}, effects=({"kind": "link", "template_id": template_id},))


def found(table: dict[str, Record], key: str, what: str) -> Record:
    """Return a row.

    Raises:
        RefusedError: 404, there is none.
    """
    if key not in table:
        raise RefusedError(f"{what} not found", 404)
    return table[key]
