"""Any sender, without code of its own: the account says by expressions what its events are called and about.

Invariant: an expression that gives nothing makes an event less known, never lost: it is stored as unknown.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from config.accounts import Business, GenericAccount
from config.expressions import BODY_NAMES, Evaluate, ExpressionError, Expressions
from webhooks import fields
from webhooks.forms import is_form, parse_form, parse_query
from webhooks.inbound import Inbound
from webhooks.source import Identity, Source
from webhooks.strict_json import JsonError, parse_json
from webhooks.verification import Match
from worker.reading import Stored, Understanding, UnreadableError
from worker.states import Handling

VENDOR = "generic"
UNRECOGNIZED = "generic.unrecognized"
_MOST_DEPTH = 200


@dataclass(frozen=True)
class _Said:
    """What the account's expressions make of a body."""

    type: str
    handling: Handling
    id: str | None
    time: datetime | None
    subject: str | None
    data: dict[str, Any]


def _identify(inbound: Inbound, body: Any, _match: Match, account: Any) -> tuple[Identity, ...]:
    headers = {name: value for name in account.kept_headers if (value := inbound.header(name))}
    said = _said(account, body, headers, inbound.query)
    # Two types may count their ids apart.
    key = f"{said.type}:{said.id}" if said.id else f"sha256:{hashlib.sha256(inbound.body).hexdigest()}"
    return (Identity(said.type, said.handling, key, said.time),)


def _read(event: Stored, account: Any, _country: str) -> Understanding:
    try:
        body = parse_form(event.body) if is_form(event.content_type) else parse_json(event.body, _MOST_DEPTH)
    except JsonError as error:
        raise UnreadableError(str(error)) from None
    headers = {name: value for name in account.kept_headers if (value := event.headers.get(name))}
    said = _said(account, body, headers, event.query or "")
    return Understanding(
        type=said.type, handling=said.handling, data=said.data, occurred_at=said.time or event.received_at,
        subject=said.subject,
    )  # fmt: skip


def _said(account: GenericAccount, body: Any, headers: Mapping[str, str], query: str) -> _Said:
    context = {"body": fields.jsonable(body), "headers": headers, "query": parse_query(query)}
    wanted = account.event
    name = fields.event_name(_value(account, wanted.type, context))
    is_known = name in account.event_types
    data = _value(account, wanted.data, context) if wanted.data else context["body"]
    subject = fields.key_text(_value(account, wanted.subject, context)) if is_known else None
    return _Said(
        type=f"{VENDOR}.{name}" if name else UNRECOGNIZED,
        handling=Handling.HANDLED if is_known else Handling.UNKNOWN,
        id=fields.key_text(_value(account, wanted.id, context)),
        time=fields.moment(_value(account, wanted.time, context)),
        subject=subject if subject and ":" in subject else None,
        data=data if isinstance(data, dict) else {},
    )


def _value(account: GenericAccount, text: str | None, context: Mapping[str, Any]) -> Any:
    if text is None:
        return None
    try:
        return _compiled(text, account.country)(context)
    except ExpressionError:
        return None


@cache
def _compiled(text: str, country: str | None) -> Evaluate:
    business = Business(country=country) if country else Business()
    return Expressions(business).value(text, BODY_NAMES)


SOURCE = Source(
    vendor=VENDOR,
    documentation="https://www.standardwebhooks.com",
    event_types={},
    identify=_identify,
    read=_read,
    accepts_forms=True,
)
