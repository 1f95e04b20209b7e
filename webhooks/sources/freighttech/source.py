"""Freighttech's webhooks: container journeys, pushed whole each time, and the shipment_tracking module's events.

Source: the request schema of POST /fms_tracking/webhook/freighttech and the public modules. The push is not signed:
its URL, which is ours to choose, is the credential. shipment_tracking signs `<timestamp>.<body>` in hexadecimal.
"""

import hashlib
from typing import Any

from config.accounts import Account
from webhooks import fields
from webhooks.inbound import Inbound
from webhooks.source import Identity, Source
from webhooks.sources.freighttech.journey import FACTS, container_facts, journey_patch
from webhooks.sources.freighttech.tracking import NAMES, PREFIX, shipment_patch
from webhooks.strict_json import JsonError, parse_json
from webhooks.verification import Match
from worker.reading import Stored, Understanding, UnreadableError
from worker.states import Handling

VENDOR = "freighttech"
UPDATED = "freighttech.container.updated"
UNRECOGNIZED = "freighttech.unrecognized"
_MOST_DEPTH = 200

EVENT_TYPES = {
    UPDATED: Handling.HANDLED,
    **dict.fromkeys(FACTS, Handling.HANDLED),
    **{f"freighttech.{name}": Handling.HANDLED for name in NAMES},
}
_TOLD_AT = ("updated_at", "created_at")


def _type(body: Any) -> str:
    name = fields.event_name(fields.at(body, "type"))
    if name and name.startswith(PREFIX):
        return f"freighttech.{name}"
    if fields.first_object(body, ("payload",)) is not None or fields.at(body, "reference_id") is not None:
        return UPDATED  # a push has no name
    # What the vendor would call like one of our facts is none: rules on facts count on "once".
    return f"freighttech.{name}" if name and f"freighttech.{name}" not in EVENT_TYPES else UNRECOGNIZED


def _identify(inbound: Inbound, body: Any, _match: Match, _account: Account) -> tuple[Identity, ...]:
    type_ = _type(body)
    is_push = type_ == UPDATED
    # A push has an id of its own; the module repeats the same body, and the id in it is the shipment's.
    stated = fields.key_text(fields.at(body, "id")) if is_push else None
    identity = Identity(
        type=type_,
        handling=EVENT_TYPES.get(type_, Handling.UNKNOWN),
        dedupe_key=stated or f"sha256:{hashlib.sha256(inbound.body).hexdigest()}",
        occurred_at=fields.moment(fields.first(body, _TOLD_AT if is_push else ("timestamp",))),
    )
    return (identity,)


def _read(event: Stored, _account: Account, _country: str) -> Understanding:
    try:
        body = parse_json(event.body, _MOST_DEPTH)
    except JsonError as error:
        raise UnreadableError(str(error)) from None
    data = fields.jsonable(body) if isinstance(body, dict) else {}
    type_ = _type(body)
    handling = EVENT_TYPES.get(type_, Handling.UNKNOWN)
    is_push = type_ == UPDATED
    told_at = fields.moment(fields.first(body, _TOLD_AT if is_push else ("timestamp",))) or event.received_at
    patch = None
    if handling is Handling.HANDLED:
        patch = journey_patch(body, told_at) if is_push else shipment_patch(body, told_at)
    if patch is None:
        return Understanding(type_, handling, data, told_at)
    if not is_push:  # its events have names: they are the news
        return Understanding(type_, handling, data, told_at, patch.subject, (patch,))
    return Understanding(
        type=type_, handling=handling, data=data, occurred_at=told_at, subject=patch.subject, patches=(patch,),
        other_facts=container_facts, possible_facts=FACTS,
    )  # fmt: skip


SOURCE = Source(
    vendor=VENDOR,
    documentation="https://docs.vizionapi.com",
    event_types=EVENT_TYPES,
    identify=_identify,
    read=_read,
    kept_headers=("x-webhook-timestamp",),
    triggers={"container.updated": "push"},
)
