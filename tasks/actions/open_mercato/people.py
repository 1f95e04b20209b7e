"""Find a person at Open Mercato by phone, or create one: several calls that together are done once.

The server's own look-up by phone finds nobody where its data is encrypted, which is the default, and no constraint
keeps two persons of one phone apart. So the way to a person goes: what we remember, the look-up, a search by name.

Invariant: of all workers one at a time looks for a phone and creates its person; everything but creating can be
repeated without harm.
"""

import hashlib
from datetime import datetime
from typing import Any

from tasks.actions.judging import looking
from tasks.actions.open_mercato.client import ask
from tasks.actions.open_mercato.operations.customers import CreatePerson
from tasks.actions.open_mercato.parameters import Phone
from tasks.actions.open_mercato.reading import all_rows
from tasks.actions.operations import as_sent
from webhooks import fields
from worker.acting import Action, Call, Outcome, Settled, Settlement
from worker.errors import PermanentError
from worker.states import Reason


class UpsertPerson(CreatePerson):
    """Change the person with this phone; create one where there is none."""

    primary_phone: Phone


def upsert_person(call: Call) -> Outcome:
    """Change the person of a phone, or create one; the result says which person, and whether it is new."""
    key = _key(call)
    with call.memory.alone(key):
        with looking():  # to look and to set the same values again harms nobody
            if person := _updated(call, call.memory.recall(key)) or _updated(call, _found(call)):
                call.memory.remember(key, person)
                return Outcome({"id": person, "created": False})
        answer = ask(call, "POST", "/customers/people", json=as_sent(call.parameters))
        told = {name: fields.text(answer.get(name)) for name in ("id", "personId")}
        if told["id"]:
            call.memory.remember(key, told["id"])
        ids = {"id": told["id"], "profile_id": told["personId"]}
        return Outcome({name: value for name, value in ids.items() if value} | {"created": True})


def _settle(call: Call, _since: datetime) -> Settlement:
    """See whether the person is there by now; that nobody is found proves nothing."""
    person = _found(call)
    if person is None:
        return Settlement(Settled.NOT_KNOWN)
    call.memory.remember(_key(call), person)
    return Settlement(Settled.HAPPENED, Outcome({"id": person}))


def _key(call: Call) -> str:
    """Return what a phone is remembered under: not the phone."""
    return f"person:{hashlib.sha256(f'{call.account_name}:{call.parameters.primary_phone}'.encode()).hexdigest()}"


def _updated(call: Call, person: str | None) -> str | None:
    """Set what is given of a person; None when there is none, or when it is gone."""
    if person is None:
        return None
    try:
        ask(call, "PUT", "/customers/people", json={**as_sent(call.parameters), "id": person})
    except PermanentError as error:
        if error.reason is not Reason.NOT_FOUND or call.memory.recall(_key(call)) != person:
            raise
        call.memory.forget(_key(call))
        return None
    return person


def _found(call: Call) -> str | None:
    digits = _digits(call.parameters.primary_phone)
    answer = ask(call, "GET", "/customers/people/check-phone", params={"digits": digits})
    if person := fields.text(fields.at(answer, "match.id")):
        return person
    for search in _searches(call.parameters):
        for row in all_rows(call, "/customers/people", **search):
            phone = fields.text(fields.first(row, ("primary_phone", "primaryPhone")))
            if phone and _digits(phone) == digits:
                return fields.text(row.get("id"))
    return None


def _searches(given: UpsertPerson) -> list[dict[str, str]]:
    """Return what the person may be found by: the name that it is shown with, and the e-mail address."""
    names: list[dict[str, Any]] = [{"search": given.display_name or f"{given.first_name} {given.last_name}"}]
    return [*names, *([{"email": given.primary_email}] if given.primary_email else [])]


def _digits(phone: str) -> str:
    return "".join(filter(str.isdecimal, phone))


ACTIONS = (
    Action(
        "open_mercato.upsert_person",
        UpsertPerson,
        upsert_person,
        idempotent=False,
        summary="Change the person with a phone, or create one.",
        endpoint="GET /customers/people/check-phone, GET, PUT or POST /customers/people",
        settle=_settle,
        settled_by="looking for the person; a person, where none is found",
    ),
)
