"""Open Mercato's webhooks: customers, sales, workflows, carriers, payments; the body holds ids and little more.

Source: the webhooks module of the public repository, and a server built from it. Signed after Standard Webhooks; the
same `webhook-id` comes over all retries, and was seen two or three times within a second, each time signed anew.
"""

import hashlib
from typing import Any

from config.accounts import Account
from webhooks import fields
from webhooks.inbound import Inbound
from webhooks.source import Identity, Source
from webhooks.sources.open_mercato.names import EVENT_TYPES, PREFIX, handling_of, type_of
from webhooks.sources.open_mercato.records import BY_ENTITY, told_patch
from webhooks.strict_json import JsonError, parse_json
from webhooks.verification import Match
from worker.reading import Completion, Stored, Understanding, UnreadableError
from worker.states import Handling

VENDOR = "open_mercato"
_MOST_DEPTH = 200


def _type(body: Any) -> str:
    return type_of(fields.event_name(fields.at(body, "type")))


def _identify(inbound: Inbound, body: Any, _match: Match, _account: Account) -> tuple[Identity, ...]:
    type_ = _type(body)
    identity = Identity(
        type=type_,
        handling=handling_of(type_),
        dedupe_key=fields.key_text(inbound.header("webhook-id"))
        or f"sha256:{hashlib.sha256(inbound.body).hexdigest()}",
        occurred_at=fields.moment(fields.at(body, "timestamp")),
    )
    return (identity,)


def _read(event: Stored, _account: Account, _country: str) -> Understanding:
    try:
        body = parse_json(event.body, _MOST_DEPTH)
    except JsonError as error:
        raise UnreadableError(str(error)) from None
    data = fields.at(body, "data")
    data = fields.jsonable(data) if isinstance(data, dict) else {}
    type_ = _type(body)
    handling = handling_of(type_)
    told_at = fields.moment(fields.at(body, "timestamp")) or event.received_at
    entity, _, change = type_.removeprefix(PREFIX).rpartition(".")
    kind = BY_ENTITY.get(entity) if handling is Handling.HANDLED else None
    patch = told_patch(kind, data, told_at, deleted=change == "deleted") if kind else None
    if kind is None or patch is None:
        return Understanding(type_, handling, data, told_at)
    # What was deleted can be read no more.
    completion = None if change == "deleted" else Completion(kind.action, {"id": patch.values["id"]})
    return Understanding(type_, handling, data, told_at, patch.subject, (patch,), completion)


SOURCE = Source(
    vendor=VENDOR,
    documentation="https://github.com/open-mercato/open-mercato",
    event_types=EVENT_TYPES,
    identify=_identify,
    read=_read,
    kept_headers=("webhook-id", "webhook-timestamp"),
)
