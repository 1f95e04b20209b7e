"""Wabotick's webhooks: bot webhooks, flow nodes and postbacks; the URL's secret is the credential.

Source: none of the vendor's; see `normalized.py`. No signature exists, so each trigger has a secret URL of its own.
"""

import hashlib
import json
from dataclasses import asdict
from typing import Any

from config.accounts import Account
from webhooks import fields
from webhooks.forms import is_form, parse_form
from webhooks.inbound import Inbound
from webhooks.source import Identity, Source
from webhooks.sources.wabotick.normalized import Normalized, normalize
from webhooks.strict_json import JsonError, parse_json
from webhooks.verification import Match
from webhooks.whatsapp import receipt_of
from worker.reading import Heard, OrderReference, Stored, Understanding, UnreadableError
from worker.states import Handling

VENDOR = "wabotick"
_MOST_DEPTH = 200
# A second real tap on a button looks just like a repeated delivery of the first; within this time it is taken as one.
_SAME_TAP_SECONDS = 60

EVENT_TYPES = {
    "wabotick.message.received": Handling.HANDLED,
    "wabotick.message.sent": Handling.HANDLED,
    "wabotick.message.status": Handling.HANDLED,
    "wabotick.conversation.status": Handling.HANDLED,
    "wabotick.postback": Handling.HANDLED,
    "wabotick.flow.completed": Handling.HANDLED,
}


def _identify(inbound: Inbound, body: Any, match: Match, account: Account) -> tuple[Identity, ...]:
    said = normalize(body, inbound.query, match.trigger, account.country or "ID")
    identity = Identity(
        type=f"wabotick.{said.kind}",
        handling=_handling(said),
        dedupe_key=_dedupe_key(inbound, body, said, match.trigger),
        occurred_at=said.occurred_at,
    )
    return (identity,)


def _handling(said: Normalized) -> Handling:
    """Understand what names a person; a report needs nothing but its message."""
    is_report = said.kind == "message.status" and said.message_id and said.status
    return Handling.HANDLED if said.phone_raw or is_report else Handling.UNKNOWN


def _dedupe_key(inbound: Inbound, body: Any, said: Normalized, trigger: str | None) -> str:
    if said.message_id:
        return ":".join([said.kind, said.message_id, said.status or said.status_raw or ""])
    window = int(inbound.received_at.timestamp()) // _SAME_TAP_SECONDS
    answers = json.dumps(fields.jsonable(fields.at(body, "user_input_data")), sort_keys=True)
    same = (
        trigger, said.bot_id, said.phone_raw, said.postback_id, said.text, said.order_id, said.replied_to, said.action,
        said.status_raw, answers,
    )  # fmt: skip
    content = repr(same).encode() if said.phone_raw else inbound.body
    return f"{said.kind}:{hashlib.sha256(content).hexdigest()}:{window}"


def _read(event: Stored, _account: Account, country: str) -> Understanding:
    body = parse_body(event.body, event.content_type)
    said = normalize(body, event.query or "", event.trigger, country)
    given = fields.jsonable(body) if isinstance(body, dict) else {}
    is_tap, is_report = said.kind == "postback", said.kind == "message.status"
    occurred_at = said.occurred_at or event.received_at
    words = {name: value for name, value in asdict(said).items() if name not in {"kind", "occurred_at"}}
    return Understanding(
        type=f"wabotick.{said.kind}",
        handling=_handling(said),
        data=given | words,
        occurred_at=occurred_at,
        subject=f"phone:{said.phone.lstrip('+')}" if said.phone else None,
        order=OrderReference(said.order_id, said.replied_to, said.button_order_id) if is_tap else None,
        receipt=receipt_of(words, occurred_at) if is_report else None,
        heard=_heard(said),
    )


def _heard(said: Normalized) -> Heard | None:
    """Return what the person said; what a flow asked for is no wish of its own."""
    if said.phone is None:
        return None
    if said.kind == "conversation.status":
        blocked = {"blocked": True, "unblocked": False}.get(said.action or "")
        return None if blocked is None else Heard(said.phone, blocked=blocked)
    if said.kind in {"message.received", "postback"}:
        return Heard(said.phone, said.title or said.text)
    return Heard(said.phone) if said.kind == "flow.completed" else None


def parse_body(body: bytes, content_type: str | None) -> Any:
    """Parse a stored body, which may be JSON or a form; raises UnreadableError."""
    try:
        return parse_form(body) if is_form(content_type) else parse_json(body, _MOST_DEPTH)
    except JsonError as error:
        raise UnreadableError(str(error)) from None


SOURCE = Source(
    vendor=VENDOR,
    documentation="https://app.wabotick.com (not documented by the vendor)",
    event_types=EVENT_TYPES,
    identify=_identify,
    read=_read,
    triggers={
        "message.received": "incoming",
        "message.sent": "outgoing",
        "message.status": "status",
        "conversation.status": "conversation",
        "postback": "flow",
        "flow.completed": "flow",
    },
    accepts_forms=True,
    mismatch_status=404,
)
