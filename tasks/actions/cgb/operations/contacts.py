"""Contacts at ChatGPT Builder: read, find, create, tag, custom fields.

Invariant: no result holds what is known of a person beside the contact's id, which a later step needs.
"""

from typing import Annotated, Any

from pydantic import Field

from tasks.actions.cgb.contents import Id, listed, named, rows
from tasks.actions.operations import Operation
from tasks.actions.parameters import Parameters, Text
from webhooks import fields
from worker.acting import Call, Outcome
from worker.errors import PermanentError
from worker.states import Reason

# Of an id that does not exist the vendor shows a contact with nothing in it.
_FILLED_IN_A_CONTACT = ("phone", "first_name", "last_name", "email")


class Contact(Parameters):
    """One contact."""

    contact_id: Id


class FindContacts(Parameters):
    """Which contacts have this value in this field."""

    field_id: Annotated[str, Field(pattern=r"^(phone|email|-?[0-9]{1,20})$", description="phone, email or an id.")]
    value: Text


class ContactTag(Contact):
    """A tag of a contact."""

    tag_id: Id


class ContactField(Contact):
    """A custom field of a contact."""

    field_id: Id


class ContactFieldValue(ContactField):
    """A value for a contact's custom field; dates are unix seconds, booleans 0 and 1."""

    value: Text


def read_contact(_call: Call, answer: Any) -> Outcome:
    """Tell a contact's state; raises PermanentError for the empty shell that an unknown id is answered with."""
    if fields.first(answer, _FILLED_IN_A_CONTACT) is None:
        raise PermanentError(Reason.NOT_FOUND, "there is no such contact")
    told = {name: fields.text(fields.at(answer, place)) for name, place in _CONTACT.items()}
    tags = [fields.text(tag.get("name")) for tag in rows({"data": answer.get("tags")})]
    return Outcome({name: value for name, value in told.items() if value} | {"tags": tags})


def _read_field(_call: Call, answer: Any) -> Outcome:
    """Tell which field it is and whether it is filled; what is in it may be personal."""
    told = {name: fields.text(fields.at(answer, name)) for name in ("id", "name", "type")}
    return Outcome(told | {"is_filled": fields.first(answer, ("value",)) is not None})


_CONTACT = {"contact_id": "id", "channel": "channel", "subscribed": "subscribed"}
_CONTACT_PATH = "/contacts/{contact_id}"
_FIELDS_PATH = _CONTACT_PATH + "/custom_fields"
_FIELD_PATH = _FIELDS_PATH + "/{field_id}"

OPERATIONS = (
    Operation("cgb.get_contact", Contact, "GET", _CONTACT_PATH, "Read a contact.", finish=read_contact),
    Operation(
        "cgb.find_contacts", FindContacts, "GET", "/contacts/find_by_custom_field",
        "List the ids of the contacts with a value in a field, 100 at most.", finish=listed,
    ),
    Operation(
        "cgb.list_contact_tags", Contact, "GET", _CONTACT_PATH + "/tags", "List a contact's tags.", finish=named
    ),
    Operation(
        "cgb.add_contact_tag", ContactTag, "POST", _CONTACT_PATH + "/tags/{tag_id}", "Tag a contact.", idempotent=True
    ),
    Operation(
        "cgb.list_contact_fields", Contact, "GET", _FIELDS_PATH, "List which custom fields a contact has.",
        finish=named,
    ),
    Operation(
        "cgb.get_contact_field", ContactField, "GET", _FIELD_PATH, "Read a contact's custom field.",
        finish=_read_field,
    ),
    Operation(
        "cgb.set_contact_field", ContactFieldValue, "POST", _FIELD_PATH, "Set a contact's custom field.",
        idempotent=True, encoding="form",
    ),
)  # fmt: skip

REMOVALS = (
    Operation(
        "cgb.remove_contact_tag", ContactTag, "DELETE", _CONTACT_PATH + "/tags/{tag_id}", "Untag a contact.",
        idempotent=True,
    ),
    Operation(
        "cgb.delete_contact_field", ContactField, "DELETE", _FIELD_PATH, "Empty a contact's custom field.",
        idempotent=True,
    ),
)  # fmt: skip
