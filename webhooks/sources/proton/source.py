"""Proton's webhooks: customers and call notes.

Source: the vendor's Postman collection names the events and says nothing else of webhooks. Envelope, identity and
authentication are therefore read tolerantly, from every place that such senders use.
"""

import hashlib
from typing import Any

from phonenumbers import SUPPORTED_REGIONS

from config.accounts import Account, ProtonAccount
from config.phones import to_e164
from config.webhook_auth import JwtScheme
from webhooks import fields
from webhooks.inbound import Inbound
from webhooks.source import Identity, Source
from webhooks.strict_json import JsonError, parse_json
from webhooks.verification import Match, Scheme, scheme_for
from worker.reading import Completion, Stored, Understanding, UnreadableError
from worker.snapshots import Patch
from worker.states import Handling

VENDOR = "proton"
UNRECOGNIZED = "proton.unrecognized"
_MOST_DEPTH = 200

_NAME_AT = ("event", "type", "event_type", "event_name", "topic")
_TIME_AT = ("timestamp", "occurred_at", "created_at", "date")
_DATA_AT = ("data.object", "data", "payload", "object", "resource", "customer", "call_note")
_ENVELOPE = (*_NAME_AT, *_TIME_AT, "id", "event_id", "delivery_id", "uuid", "company", "company_id", "tenant")

EVENT_TYPES = {
    f"proton.{name}": Handling.HANDLED
    for name in ("customer.created", "customer.updated", "call_note.created", "call_note.updated", "call_note.deleted")
}

# Our field: where it stands in Proton's customer.
_CUSTOMER = {
    "customer_id": ("customer_id",),
    "id": ("id",),
    "name": ("name",),
    "email": ("email",),
    "phone_raw": ("office_phone_number",),
    "company": ("branch",),
    "city": ("city",),
    "state": ("state",),
    "country": ("country",),
}


def _schemes(account: ProtonAccount) -> tuple[Scheme, ...]:
    auth = account.webhook_auth
    if isinstance(auth, JwtScheme):  # the vendor's keys are tokens that name their company
        auth = auth.model_copy(update={"claims": {"company": account.company} | auth.claims})
    return (scheme_for(auth),)


def _type(body: Any) -> str:
    names = [name for path in _NAME_AT if (name := fields.event_name(fields.at(body, path)))]
    # A body without an envelope has the record's own `type` among its keys: a name we know goes first.
    types = sorted((f"proton.{name}" for name in names), key=lambda type_: type_ not in EVENT_TYPES)
    return types[0] if types else UNRECOGNIZED


def _identify(inbound: Inbound, body: Any, _match: Match, _account: Account) -> tuple[Identity, ...]:
    type_ = _type(body)
    stated = inbound.header("webhook-id") or inbound.header("svix-id")
    has_data = fields.first_object(body, _DATA_AT) is not None
    places = ("id", "event_id", "delivery_id", "uuid") if has_data else ("event_id", "delivery_id", "uuid")
    dedupe_key = fields.key_text(stated) or fields.first_key(body, places)
    identity = Identity(
        type=type_,
        handling=EVENT_TYPES.get(type_, Handling.UNKNOWN),
        dedupe_key=dedupe_key or f"sha256:{hashlib.sha256(inbound.body).hexdigest()}",
        occurred_at=fields.moment(fields.first(body, _TIME_AT)),
    )
    return (identity,)


def _read(event: Stored, _account: Account, country: str) -> Understanding:
    try:
        body = parse_json(event.body, _MOST_DEPTH)
    except JsonError as error:
        raise UnreadableError(str(error)) from None
    found = fields.first_object(body, _DATA_AT)
    if found is None:
        found = {key: value for key, value in body.items() if key not in _ENVELOPE} if isinstance(body, dict) else {}
    data = fields.jsonable(found)
    type_ = _type(body)
    said_at = fields.moment(fields.first(body, _TIME_AT)) or event.received_at
    handling = EVENT_TYPES.get(type_, Handling.UNKNOWN)
    patch = customer_patch(data, said_at, country) if type_.startswith("proton.customer.") else None
    if patch is None:
        return Understanding(type_, handling, data, said_at)
    return Understanding(
        type=type_, handling=handling, data=data, occurred_at=said_at, subject=patch.subject, patches=(patch,),
        completion=Completion("proton.get_customer", {"identifier": patch.values["customer_id"]}),
    )  # fmt: skip


def customer_patch(data: Any, said_at: Any, country: str) -> Patch | None:
    """Return what Proton says of a customer; None when it does not say which one."""
    values: dict[str, Any] = {ours: fields.text(fields.first(data, places)) for ours, places in _CUSTOMER.items()}
    key = fields.key_text(values["customer_id"]) or fields.key_text(values["id"])
    if key is None:
        return None
    values["customer_id"] = key
    own = (values["country"] or "").upper()
    values["phone"] = to_e164(values["phone_raw"], own if own in SUPPORTED_REGIONS else country)
    return Patch(f"customer:{key}", values, said_at, complete=values["name"] is not None)


SOURCE = Source(
    vendor=VENDOR,
    documentation="https://documenter.getpostman.com (Proton.ai API, T1DtdadU)",
    event_types=EVENT_TYPES,
    schemes=_schemes,
    identify=_identify,
    read=_read,
    kept_headers=("webhook-id", "webhook-timestamp", "svix-id", "x-company"),
)
