"""CGB's contacts: find, read, create, tag, set custom fields.

Invariant: name and e-mail are set at creation and never again; only tags and custom fields change.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call, Effect, Json
from sandbox.vendors.cgb.accounts import found
from sandbox.vendors.cgb.actions import apply_actions
from sandbox.vendors.cgb.state import GENDERS, UNKNOWN_GENDER, WEBCHAT, WHATSAPP, Contact, Record, utc_text
from sandbox.vendors.cgb.words import RefusedError, data, failure, form_text, json_fields, ok

if TYPE_CHECKING:
    from sandbox.vendors.cgb.vendor import Cgb

MOST_FOUND = 100
# System fields go by word; as negative ids they were seen in one account.
SYSTEM_FIELDS = {"phone": "phone", "-8": "phone", "email": "email", "-12": "email"}
TIMES = ("last_sent", "last_delivered", "last_seen", "last_interaction")


def show_contact(vendor: "Cgb", call: Call) -> Answer:
    """GET /contacts/{contact_id}: an unknown id is an empty shell in HTTP 200, a 404 only after the document."""
    contact = vendor.bot.contacts.get(call.ids["contact_id"])
    if contact is not None:
        return Answer(200, shown(vendor, contact))
    if vendor.settings.unknown_contact == "not_found":
        raise RefusedError("Contact not found", 404)
    empty = shown(vendor, Contact(id="", created_at=vendor.setup.clock(), channel=0))
    return Answer(200, {name: value if isinstance(value, list) else "" for name, value in empty.items()})


def find_contacts(vendor: "Cgb", call: Call) -> Answer:
    """GET /contacts/find_by_custom_field: newest change of that field first."""
    field_id, value = call.query.get("field_id", ""), call.query.get("value", "")
    if not field_id or not value:
        raise RefusedError("field_id and value are required")
    if field_id not in SYSTEM_FIELDS and field_id not in vendor.bot.custom_fields:
        raise RefusedError("field_id is not a field of this account")
    matches = [c for c in vendor.bot.contacts.values() if _field(vendor, c, field_id) == value]
    if vendor.settings.find_other_channels:
        matches = [*_strangers(vendor, matches), *matches]
    matches.sort(key=lambda contact: contact.touched.get(field_id, 0), reverse=True)
    return data([shown(vendor, contact) for contact in matches[:MOST_FOUND]])


def create_contact(vendor: "Cgb", call: Call) -> Answer:
    """POST /contacts: JSON; what follows for a phone that exists is a setting, for no document says it."""
    fields = json_fields(call)
    phone = "".join(filter(str.isdigit, str(fields.get("phone") or "")))
    if not phone and not fields.get("email"):
        raise RefusedError("phone or email is required")
    known = vendor.bot.whatsapp_contact(phone) if phone else None
    if known is not None:
        match vendor.settings.create_existing:
            case "conflict":
                raise RefusedError("Contact already exists", 409)
            case "error":
                return failure(200, "Contact already exists")
            case "returns":
                return _created(vendor, known, apply_actions(vendor, known, fields.get("actions")))
    contact = _new(vendor, fields, phone, doubled=known is not None)
    effects = apply_actions(vendor, contact, fields.get("actions"))
    vendor.bot.contacts[contact.id] = contact
    whole = {"kind": "contact", "id": contact.id, "phone": contact.phone, "first_name": contact.first_name}
    return _created(vendor, contact, (whole, *effects))


def list_tags(vendor: "Cgb", call: Call) -> Answer:
    """GET /contacts/{contact_id}/tags."""
    return Answer(200, _tags(vendor, vendor.contact(call)))


def add_tag(vendor: "Cgb", call: Call) -> Answer:
    """POST /contacts/{contact_id}/tags/{tag_id}."""
    contact, tag = vendor.contact(call), found(vendor.bot.tags, call.ids["tag_id"], "Tag")
    if tag["id"] in contact.tag_ids:
        return ok()
    contact.tag_ids.append(tag["id"])
    return ok({"kind": "contact_tag", "contact_id": contact.id, "tag_name": tag["name"]})


def remove_tag(vendor: "Cgb", call: Call) -> Answer:
    """DELETE /contacts/{contact_id}/tags/{tag_id}."""
    contact, tag = vendor.contact(call), found(vendor.bot.tags, call.ids["tag_id"], "Tag")
    if tag["id"] not in contact.tag_ids:
        return ok()
    contact.tag_ids.remove(tag["id"])
    return ok({"kind": "contact_untag", "contact_id": contact.id, "tag_name": tag["name"]})


def list_values(vendor: "Cgb", call: Call) -> Answer:
    """GET /contacts/{contact_id}/custom_fields."""
    return Answer(200, _values(vendor, vendor.contact(call)))


def show_value(vendor: "Cgb", call: Call) -> Answer:
    """GET /contacts/{contact_id}/custom_fields/{field_id}."""
    contact, field = vendor.contact(call), found(vendor.bot.custom_fields, call.ids["field_id"], "Custom field")
    return Answer(200, _value(field, contact.values.get(str(field["id"]), "")))


def set_value(vendor: "Cgb", call: Call) -> Answer:
    """POST /contacts/{contact_id}/custom_fields/{field_id}: a form."""
    contact, field = vendor.contact(call), found(vendor.bot.custom_fields, call.ids["field_id"], "Custom field")
    vendor.bot.set_value(contact, str(field["id"]), form_text(call, "value"))
    return ok({"kind": "custom_field_value", "contact_id": contact.id, "field_name": field["name"]})


def clear_value(vendor: "Cgb", call: Call) -> Answer:
    """DELETE /contacts/{contact_id}/custom_fields/{field_id}."""
    contact, field = vendor.contact(call), found(vendor.bot.custom_fields, call.ids["field_id"], "Custom field")
    contact.values.pop(str(field["id"]), None)
    return ok({"kind": "custom_field_value", "contact_id": contact.id, "field_name": field["name"]})


def shown(vendor: "Cgb", contact: Contact) -> Record:
    """Return a contact as answers show it: `last_*` in milliseconds, `created_timestamp` in seconds."""
    last = contact.last_interaction_at
    return {
        "id": identity(vendor, contact.id, seen_as_text=False),
        "page_id": vendor.bot.account["page_id"],
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        **({} if vendor.settings.hide_phone else {"phone": _stored_phone(vendor, contact), "email": contact.email}),
        "channel": contact.channel,
        "profile_pic": "",
        "locale": "en_US",
        "gender": contact.gender,
        "timezone": 0,
        **dict.fromkeys(TIMES, int(last.timestamp() * 1000) if last else 0),
        "created_timestamp": int(contact.created_at.timestamp()),
        "subscribed_date": utc_text(contact.created_at),
        "subscribed": 1,
        "tags": _tags(vendor, contact),
        "custom_fields": _values(vendor, contact),
    }


def identity(vendor: "Cgb", contact_id: str, *, seen_as_text: bool) -> Json:
    """Return a contact id as this answer gives it: the create was seen with text, the others with a number."""
    as_text = {"as_seen": seen_as_text, "text": True, "number": False}[vendor.settings.contact_ids]
    return contact_id if as_text or not contact_id.isdecimal() else int(contact_id)


def _created(vendor: "Cgb", contact: Contact, effects: tuple[Effect, ...]) -> Answer:
    body = {"id": identity(vendor, contact.id, seen_as_text=True)}
    nested = vendor.settings.create_shape == "nested"
    return Answer(200, {"success": True, **({"data": body} if nested else body)}, effects=effects)


def _new(vendor: "Cgb", fields: Record, phone: str, *, doubled: bool) -> Contact:
    own_id = doubled or not phone
    return Contact(
        id=str(vendor.ids.number("contact", 9_000_000)) if own_id else phone,
        created_at=vendor.setup.clock(),
        phone=phone,
        email=str(fields.get("email") or ""),
        first_name=str(fields.get("first_name") or ""),
        last_name=str(fields.get("last_name") or ""),
        channel=WHATSAPP if phone else WEBCHAT,
        gender=GENDERS.get(str(fields.get("gender")), UNKNOWN_GENDER),
    )


def _strangers(vendor: "Cgb", matches: Iterable[Contact]) -> list[Contact]:
    """Return the webchat twins of WhatsApp contacts, added when a find first meets them."""
    twins = []
    for contact in matches:
        twin_id = f"9{contact.id}"
        if contact.channel == WHATSAPP:
            twin = Contact(twin_id, contact.created_at, contact.phone, contact.email, "Guest", channel=WEBCHAT)
            if twin_id not in vendor.bot.contacts:
                vendor.bot.contacts[twin_id] = twin
                twins.append(twin)
    return twins


def _field(vendor: "Cgb", contact: Contact, field_id: str) -> str:
    if SYSTEM_FIELDS.get(field_id) == "phone":
        return _stored_phone(vendor, contact)
    return contact.email if field_id in SYSTEM_FIELDS else contact.values.get(field_id, "")


def _stored_phone(vendor: "Cgb", contact: Contact) -> str:
    return f"+{contact.phone}" if vendor.settings.stored_phone == "plus" and contact.phone else contact.phone


def _tags(vendor: "Cgb", contact: Contact) -> list[Record]:
    return [vendor.bot.tags[str(tag_id)] for tag_id in contact.tag_ids]


def _values(vendor: "Cgb", contact: Contact) -> list[Record]:
    return [_value(vendor.bot.custom_fields[field_id], value) for field_id, value in contact.values.items()]


def _value(field: Record, value: str) -> Record:
    return {"id": field["id"], "name": field["name"], "type": field["type"], "value": value}
