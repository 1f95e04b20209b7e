"""Proton's webhooks: customers and call notes.

Source: the vendor's Postman collection names the events and says nothing else of webhooks. Envelope, identity and
authentication are therefore read tolerantly, from every place that such senders use.
Invariant: what another company's event says touches nothing here: it is stored, and nothing follows.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from config.accounts import Account, ProtonAccount
from config.webhook_auth import JwtScheme
from webhooks import fields
from webhooks.inbound import Inbound
from webhooks.source import Identity, Source
from webhooks.sources.proton.envelope import Envelope, Header, opened, part_of, parts
from webhooks.sources.proton.records import call_note_patch, customer_patch
from webhooks.strict_json import JsonError, parse_json
from webhooks.verification import Match, Scheme, all_of, scheme_for
from worker.reading import Completion, Stored, Understanding, UnreadableError
from worker.snapshots import Patch
from worker.states import Handling

VENDOR = "proton"
_MOST_DEPTH = 200
# Two updates that say the same of one record, under two ids, within this time, are one.
_SAME_UPDATE_SECONDS = 600

EVENT_TYPES = {
    f"proton.{name}": Handling.HANDLED
    for name in ("customer.created", "customer.updated", "call_note.created", "call_note.updated", "call_note.deleted")
}
_KNOWN = {type_.removeprefix("proton."): handling for type_, handling in EVENT_TYPES.items()}
# The read that tells the rest of a record; a deleted one is gone.
_COMPLETED_BY = {
    "customer.created": "proton.get_customer",
    "customer.updated": "proton.get_customer",
    "call_note.created": "proton.get_call_note",
    "call_note.updated": "proton.get_call_note",
}


def _schemes(account: ProtonAccount) -> tuple[Scheme, ...]:
    """Demand every scheme that is configured; the vendor's own tokens have to name the company."""
    schemes = []
    for auth in account.webhook_auth:
        if isinstance(auth, JwtScheme):
            auth = auth.model_copy(update={"claims": {"company": account.company} | auth.claims})  # noqa: PLW2901
        schemes.append(scheme_for(auth))
    return (all_of(schemes),)


def _identify(inbound: Inbound, body: Any, _match: Match, account: Account) -> tuple[Identity, ...]:
    assert isinstance(account, ProtonAccount)  # noqa: S101 - the loader's check, told to mypy
    return tuple(
        _identity(inbound, _opened(entry, inbound.header, account), part, account) for part, entry in parts(body)
    )


def _identity(inbound: Inbound, said: Envelope, part: str | None, account: ProtonAccount) -> Identity:
    if said.stated_id:
        # A header names the request: each event in it needs more.
        key = said.stated_id if part is None else f"{said.stated_id}:{said.name}:{part}"
    elif part is None:
        key = f"sha256:{hashlib.sha256(inbound.body).hexdigest()}"
    else:
        at = said.occurred_at.isoformat() if said.occurred_at else ""
        key = f"sha256:{hashlib.sha256(f'{said.name}:{at}:{said.digest}'.encode()).hexdigest()}:{part}"
    return Identity(
        type=f"proton.{said.name}", handling=_handling(said, account), dedupe_key=key, occurred_at=said.occurred_at,
        part=part,
    )  # fmt: skip


def _opened(entry: Any, header: Header, account: ProtonAccount) -> Envelope:
    return opened(entry, header, account.event_header, _KNOWN)


def _handling(said: Envelope, account: ProtonAccount) -> Handling:
    if _is_anothers(said, account):
        return Handling.IGNORED
    return _KNOWN.get(said.name, Handling.UNKNOWN)


def _is_anothers(said: Envelope, account: ProtonAccount) -> bool:
    return said.company is not None and said.company.casefold() != account.company.casefold()


def _read(event: Stored, account: Account, country: str) -> Understanding:
    assert isinstance(account, ProtonAccount)  # noqa: S101 - likewise
    try:
        body = parse_json(event.body, _MOST_DEPTH)
    except JsonError as error:
        raise UnreadableError(str(error)) from None
    headers: Mapping[str, str] = event.headers
    said = _opened(part_of(body, event.part), lambda name: headers.get(name.lower()), account)
    at = said.occurred_at or event.received_at
    type_, handling = f"proton.{said.name}", _handling(said, account)
    patch = None if handling is not Handling.HANDLED else _patch(said, at, country)
    if patch is not None and said.is_thin and said.name.endswith(".updated"):
        # Not later than we heard of it: what is read afterwards has to count as newer, whatever Proton's clock says.
        patch = replace(patch, outdates=True, as_of=min(at, event.received_at))
    if patch is None:
        return Understanding(type_, handling, said.data, at)
    return Understanding(
        type=type_, handling=handling, data=said.data, occurred_at=at, subject=patch.subject, patches=(patch,),
        completion=_completion(said, patch), same_as=_same_as(said, at),
    )  # fmt: skip


def _completion(said: Envelope, patch: Patch) -> Completion | None:
    """Return the read that would tell the rest; a note is found by two of its three ids."""
    action = _COMPLETED_BY.get(said.name)
    is_found = said.kind == "customer" or patch.values["interaction_id"] or patch.values["id"]
    return Completion(action, {"identifier": patch.subject.partition(":")[2]}) if action and is_found else None


def _patch(said: Envelope, at: datetime, country: str) -> Patch | None:
    if said.kind == "customer":
        return customer_patch(said.data, at, country)
    return call_note_patch(said.data, fields.moment(fields.at(said.data, "last_edited_date")) or at)


def _same_as(said: Envelope, at: datetime) -> str | None:
    """Name an update by what it says: an import and a person's change may each tell of it, under ids of their own."""
    if not said.name.endswith(".updated") or said.is_thin:
        return None
    window = int(at.timestamp()) // _SAME_UPDATE_SECONDS
    return f"{said.name}:{said.resource_id}:{said.digest}:{window}"


SOURCE = Source(
    vendor=VENDOR,
    documentation="https://documenter.getpostman.com (Proton.ai API, T1DtdadU)",
    event_types=EVENT_TYPES,
    schemes=_schemes,
    identify=_identify,
    read=_read,
    kept_headers=("webhook-id", "webhook-timestamp", "svix-id", "x-company"),
)
