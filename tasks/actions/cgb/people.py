"""The contact behind a phone number at ChatGPT Builder: found, or made, once, and remembered.

The platform writes to contacts, never to numbers. What it does with a second contact of one phone is not documented,
so one is looked for before it is made, and again when making it was refused.
Invariant: nothing here sends anything: whatever goes wrong, it may be done again.
"""

import hashlib
from typing import Any

from pydantic import Field, model_validator

from tasks.actions.cgb.client import ask, asking
from tasks.actions.cgb.contents import ContactAction, Gender, rows
from tasks.actions.judging import looking
from tasks.actions.operations import as_sent
from tasks.actions.parameters import Parameters, Phone, Text
from webhooks import fields
from worker.acting import Action, Call, Outcome, Settled, Settlement
from worker.errors import PermanentError, RetryableError, UncertainError
from worker.states import Reason

WHATSAPP = "5"
"""The number of the channel, as answers give it."""
_FIND = "/contacts/find_by_custom_field"
# Made a moment ago and not to be found yet.
_MOST_LOOKS = 5
_ask_or_none = asking(404)


class EnsureContact(Parameters):
    """The WhatsApp contact of a phone number; the rest counts only when it has to be made."""

    phone: Phone
    email: Text | None = None
    first_name: Text | None = None
    last_name: Text | None = None
    gender: Gender | None = None


class CreateContact(Parameters):
    """A contact to be made; its name and e-mail address cannot be changed later, only custom fields can."""

    phone: Phone | None = None
    email: Text | None = None
    first_name: Text | None = None
    last_name: Text | None = None
    gender: Gender | None = None
    actions: list[ContactAction] = Field(default_factory=list)

    @model_validator(mode="after")
    def _can_be_found(self) -> "CreateContact":
        if self.phone is None and self.email is None:
            raise ValueError("either phone or email is wanted")
        return self


def memory_key(digits: str) -> str:
    """Return under which key a contact is remembered, and kept to one delivery at a time: no phone can be read there.

    A WhatsApp contact's id was seen to be the phone's digits, so that both name one contact here.
    """
    return f"contact:{hashlib.sha256(digits.encode()).hexdigest()}"


def find(call: Call, phone: str) -> str | None:
    """Return the id of the WhatsApp contact with a phone (E.164); raises PermanentError when it could be several."""
    for spelling in (phone.lstrip("+"), phone):
        with looking():
            answer = _ask_or_none(call, "GET", _FIND, params={"field_id": "phone", "value": spelling})
        ids = {found for row in rows(answer) if (found := _whatsapp_id(row, phone))}
        if len(ids) > 1:
            raise PermanentError(Reason.NOT_FOUND, f"{len(ids)} WhatsApp contacts have this phone: which one?")
        if ids:
            return ids.pop()
    return None


def _whatsapp_id(row: dict[str, Any], phone: str) -> str | None:
    """Return a row's id when it is on WhatsApp and has, as far as it says, this very number."""
    said = "".join(filter(str.isdecimal, fields.text(row.get("phone")) or ""))
    if fields.text(row.get("channel")) != WHATSAPP or said not in {"", phone.lstrip("+")}:
        return None
    return fields.key_text(row.get("id"))


def ensure(call: Call, phone: str, given: EnsureContact) -> str:
    """Return the id of a phone's contact, made when there is none."""
    return find(call, phone) or _make(call, phone, given)


def _make(call: Call, phone: str, given: EnsureContact) -> str:
    refused: PermanentError | None = None
    made: str | None = None
    try:
        with looking():  # a contact is no message: when it was made after all, the next attempt finds it
            made = _id_in(ask(call, "POST", "/contacts", json=_sent(given)))
    except PermanentError as error:
        refused = error  # somebody else was faster?
    found = made or find(call, phone)
    if found:
        return found
    if refused:
        raise refused
    raise RetryableError(Reason.NOT_YET, "the contact was made, and cannot be found yet", most_attempts=_MOST_LOOKS)


def _sent(given: EnsureContact | CreateContact) -> dict[str, Any]:
    sent = as_sent(given)
    return sent | {"phone": given.phone.lstrip("+")} if given.phone else sent


def _id_in(answer: Any) -> str | None:
    return fields.first_key(answer, ("data.id", "id"))


def _ensure_contact(call: Call) -> Outcome:
    wanted: EnsureContact = call.parameters
    key = memory_key(wanted.phone.lstrip("+"))
    with call.memory.alone(key):
        contact_id = ensure(call, wanted.phone, wanted)
        call.memory.remember(key, contact_id)
    return Outcome({"contact_id": contact_id})


def _create_contact(call: Call) -> Outcome:
    contact_id = _id_in(ask(call, "POST", "/contacts", json=_sent(call.parameters)))
    if contact_id is None:
        raise UncertainError(Reason.UNREADABLE_ANSWER, "accepted, but the answer names no contact")
    return Outcome({"contact_id": contact_id})


def _settle_created(call: Call, _since: Any) -> Settlement:
    """Look for the phone: whoever made the contact, it is there. Actions that came along are left to a person."""
    wanted: CreateContact = call.parameters
    found = find(call, wanted.phone) if wanted.phone and not wanted.actions else None
    return Settlement(Settled.HAPPENED, Outcome({"contact_id": found})) if found else Settlement(Settled.NOT_KNOWN)


ACTIONS = (
    Action(
        "cgb.ensure_contact", EnsureContact, _ensure_contact, idempotent=True,
        summary="Find the WhatsApp contact of a phone number, or make it.", endpoint=f"GET {_FIND}, POST /contacts",
    ),
    Action(
        "cgb.create_contact", CreateContact, _create_contact, idempotent=False, summary="Make a contact.",
        endpoint="POST /contacts", settle=_settle_created, settled_by="a WhatsApp contact with that phone",
    ),
)  # fmt: skip
