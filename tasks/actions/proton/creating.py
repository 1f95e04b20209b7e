"""Creating at Proton, where a repetition has to be told from a first time.

Customers and contacts have natural keys, and a second one of a key is refused with HTTP 400: then it is there, which a
read confirms. Opportunities and notes have none: what a lost answer made is looked for among what was made since.
Invariant: "it is there already" is believed only of the very key, and only after it was read.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from tasks.actions.operations import as_sent
from tasks.actions.proton.client import ask, look
from tasks.actions.proton.parameters import NewCallNote, NewContact, NewCustomer, NewCustomers, NewOpportunity
from webhooks import fields
from webhooks.sources.proton.records import customer_patch
from worker.acting import Action, Call, Outcome, Settled, Settlement
from worker.errors import PermanentError, RetryableError, UncertainError
from worker.states import Reason

_EXISTS = "already exists"
_CUSTOMERS = "/v1/customers"
_CONTACTS = "/v1/contacts"
_NOTES = "/v1/call_notes"
_MOST_FOUND = 100
_MOST_ROWS_TOLD = 10
# The vendor's clock may be behind ours.
_CLOCK_SKEW = timedelta(seconds=30)


class EnsureCustomer(NewCustomer):
    """A customer that is to be there; only `customer_id` counts when it is, nothing of it is changed."""


def of(path: str, identifier: str) -> str:
    """Return the path of one record."""
    return f"{path}/{quote(identifier, safe='')}"


def _create_customer(call: Call) -> Outcome:
    wanted: NewCustomer = call.parameters
    try:
        answer = ask(call, "POST", _CUSTOMERS, json=as_sent(wanted))
    except PermanentError as error:
        if error.reason is not Reason.INVALID_REQUEST or _EXISTS not in str(error):
            raise
        return _known(call, wanted) or _raised(error)
    found = {name: fields.text(fields.at(answer, name)) for name in ("customer_id", "id")}
    if found["customer_id"] != wanted.customer_id:
        raise UncertainError(Reason.UNREADABLE_ANSWER, "accepted, but the answer does not name the customer")
    return Outcome({**found, "created": True})


def _known(call: Call, wanted: NewCustomer) -> Outcome | None:
    """Return what there is under a customer's natural key."""
    data = look(call, of(_CUSTOMERS, wanted.customer_id))
    if fields.text(fields.at(data, "customer_id")) != wanted.customer_id:
        return None
    patch = customer_patch(data, call.session.clock(), call.country)
    found = {"customer_id": wanted.customer_id, "id": fields.text(fields.at(data, "id")), "created": False}
    return Outcome(found, (patch,) if patch else ())


def _raised(error: PermanentError) -> Outcome:
    raise error


def _ensure_customer(call: Call) -> Outcome:
    return _known(call, call.parameters) or _create_customer(call)


def _create_customers(call: Call) -> Outcome:
    """Create in bulk: always 200, each row says how it went; one that is there already is done."""
    wanted: NewCustomers = call.parameters
    answer = ask(call, "POST", f"{_CUSTOMERS}/bulk", json={"items": [as_sent(item) for item in wanted.items]})
    rows = fields.at(answer, "results")
    if not isinstance(rows, list) or len(rows) != len(wanted.items):
        raise UncertainError(Reason.UNREADABLE_ANSWER, "accepted, but the answer does not tell of every row")
    codes = [_codes(row) for row in rows]
    failed = {place: found for place, found in enumerate(codes) if found is not None and found != {"duplicate"}}
    made = sum(found is None for found in codes)
    counts = {"total": len(rows), "created": made, "existing": len(rows) - made - len(failed), "failed": len(failed)}
    if failed:
        raise _rows_refused(counts, failed)
    return Outcome(counts)


def _codes(row: Any) -> set[str] | None:
    """Return the codes of what is wrong with a row; None when nothing is."""
    if fields.at(row, "success") is True:
        return None
    errors = fields.at(row, "errors")
    found = (fields.text(fields.at(error, "code")) for error in errors) if isinstance(errors, list) else ()
    return {code or "unknown" for code in found} or {"unknown"}


def _rows_refused(counts: dict[str, int], failed: dict[int, set[str]]) -> PermanentError | RetryableError:
    """Say which rows were refused; customers have natural keys, so that all of it may be done again."""
    shown = [f"row {place}: {', '.join(sorted(found))}" for place, found in list(failed.items())[:_MOST_ROWS_TOLD]]
    text = f"{counts['failed']} of {counts['total']} rows refused ({counts['created']} made): {'; '.join(shown)}"
    if all(found == {"internal_error"} for found in failed.values()):
        return RetryableError(Reason.SERVER_ERROR, text, most_attempts=3)
    return PermanentError(Reason.REJECTED, text)


def _create_contact(call: Call) -> Outcome:
    wanted: NewContact = call.parameters
    try:
        answer = ask(call, "POST", _CONTACTS, json=as_sent(wanted))
    except PermanentError as error:
        if error.reason is not Reason.INVALID_REQUEST or _EXISTS not in str(error) or wanted.contact_id is None:
            raise
        return _known_contact(call, wanted) or _raised(error)
    found = {name: fields.text(fields.at(answer, name)) for name in ("contact_id", "id")}
    if found["contact_id"] is None:
        raise UncertainError(Reason.UNREADABLE_ANSWER, "accepted, but the answer names no contact")
    return Outcome({**found, "created": True})


def _known_contact(call: Call, wanted: NewContact) -> Outcome | None:
    """Return the contact of that id when it is this customer's: a contact_id may be used again by others."""
    if wanted.contact_id is None:
        return None
    data = look(call, of(_CONTACTS, wanted.contact_id))
    theirs = {name: fields.text(fields.at(data, name)) for name in ("contact_id", "customer_id", "id")}
    if (theirs["contact_id"], theirs["customer_id"]) != (wanted.contact_id, wanted.customer_id):
        return None
    return Outcome({"contact_id": wanted.contact_id, "id": theirs["id"], "created": False})


def _settle_contact(call: Call, _since: datetime) -> Settlement:
    found = _known_contact(call, call.parameters)
    return Settlement(Settled.HAPPENED, found) if found else Settlement(Settled.NOT_KNOWN)


def _create_call_note(call: Call) -> Outcome:
    answer = ask(call, "POST", _NOTES, json=as_sent(call.parameters))
    return _notes(fields.at(answer, "call_notes"))


def _notes(rows: Any) -> Outcome:
    found = [fields.text(fields.at(row, "interaction_id")) for row in rows] if isinstance(rows, list) else []
    if not found or None in found:
        raise UncertainError(Reason.UNREADABLE_ANSWER, "accepted, but the answer does not name the notes")
    return Outcome({"interaction_id": found[0], "interaction_ids": found})


def _settle_call_note(call: Call, since: datetime) -> Settlement:
    """Look for a note of those words for each customer; a date of its own says nothing of when it was made."""
    wanted: NewCallNote = call.parameters
    if wanted.date:
        return Settlement(Settled.NOT_KNOWN)
    customers = set(wanted.customer_ids)
    body = {"customer_id": {"includes": sorted(customers)}, "user_id": {"eq": wanted.user_id}, "count": _MOST_FOUND}
    rows = _objects(fields.at(ask(call, "POST", f"{_NOTES}/search", json=body), "items"))
    new = [row for row in rows if _is_new(row, "date", since) and (row.get("notes") or "") == (wanted.notes or "")]
    if len(new) != len(customers) or {fields.text(row.get("customer_id")) for row in new} != customers:
        return Settlement(Settled.NOT_KNOWN)
    return Settlement(Settled.HAPPENED, _notes(new))


def _create_opportunity(call: Call) -> Outcome:
    answer = ask(call, "POST", "/opportunities", json=as_sent(call.parameters))
    found = fields.text(fields.at(answer, "opportunity_id"))
    if found is None:
        raise UncertainError(Reason.UNREADABLE_ANSWER, "accepted, but the answer names no opportunity")
    return Outcome({"opportunity_id": found})


def _settle_opportunity(call: Call, since: datetime) -> Settlement:
    """Look for the only one of that title and customer, made since."""
    wanted: NewOpportunity = call.parameters
    body = {
        "title": {"eq": wanted.title}, "customer_id": {"eq": wanted.customer_id},
        "pipeline_id": {"eq": wanted.pipeline_id}, "count": _MOST_FOUND,
    }  # fmt: skip
    rows = _objects(fields.at(ask(call, "POST", "/opportunities/search", json=body), "opportunities"))
    found = [fields.text(row.get("opportunity_id")) for row in rows if _is_new(row, "created_date", since)]
    if len(found) != 1 or found[0] is None:
        return Settlement(Settled.NOT_KNOWN)
    return Settlement(Settled.HAPPENED, Outcome({"opportunity_id": found[0]}))


def _is_new(row: dict[str, Any], name: str, since: datetime) -> bool:
    made_at = fields.moment(row.get(name))
    return made_at is not None and made_at >= since - _CLOCK_SKEW


def _objects(found: Any) -> Iterable[dict[str, Any]]:
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


ACTIONS = (
    Action(
        "proton.ensure_customer", EnsureCustomer, _ensure_customer, idempotent=True,
        summary="Find a customer by its customer_id, or create it.",
        endpoint="GET /v1/customers/{customer_id}, POST /v1/customers",
    ),
    Action(
        "proton.create_customer", NewCustomer, _create_customer, idempotent=True,
        summary="Create a customer; one that is there already stays as it is.", endpoint="POST /v1/customers",
    ),
    Action(
        "proton.create_customers", NewCustomers, _create_customers, idempotent=True,
        summary="Create up to 1,000 customers; those that are there already stay as they are.",
        endpoint="POST /v1/customers/bulk",
    ),
    Action(
        "proton.create_contact", NewContact, _create_contact, idempotent=False, summary="Create a customer's contact.",
        endpoint="POST /v1/contacts", settle=_settle_contact, settled_by="the contact_id, where one was given",
    ),
    Action(
        "proton.create_call_note", NewCallNote, _create_call_note, idempotent=False,
        summary="Write a call note for each of some customers.", endpoint="POST /v1/call_notes",
        settle=_settle_call_note, settled_by="a note of that user and those words for each customer, made since",
    ),
    Action(
        "proton.create_opportunity", NewOpportunity, _create_opportunity, idempotent=False,
        summary="Create an opportunity in a pipeline's stage.", endpoint="POST /opportunities",
        settle=_settle_opportunity, settled_by="one opportunity of that customer and title, made since",
    ),
)  # fmt: skip
