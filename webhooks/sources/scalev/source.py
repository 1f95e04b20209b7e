"""Scalev's webhooks: orders, payments, checkout intents.

Source: developers.scalev.com (webhooks, "Payload Example", "Webhook Events"). Signed over the raw body with Base64
HMAC-SHA256; at least once, in any order; `unique_id` is the same in every retry.
"""

import hashlib
import json
from dataclasses import replace
from typing import Any

from config.accounts import Account
from webhooks import fields
from webhooks.inbound import Inbound
from webhooks.source import Identity, Source
from webhooks.sources.scalev.customers import FIRST_SEEN, buyer_patch
from webhooks.sources.scalev.intents import intent_patch
from webhooks.sources.scalev.orders import FACTS as ORDER_FACTS
from webhooks.sources.scalev.orders import buyer_facts, order_facts, order_patch
from webhooks.strict_json import JsonError, parse_json
from webhooks.verification import Match
from worker.reading import Completion, Stored, Understanding, UnreadableError
from worker.states import Handling

VENDOR = "scalev"
UNRECOGNIZED = "scalev.unrecognized"
_MOST_DEPTH = 200

_TOLD_WHOLE = ("order.created", "order.epayment_created", "order.updated", "order.spam_created")
_TOLD_IN_PART = ("order.status_changed", "order.payment_status_changed", "payment.received", "payment.failed")
_DELETED = "order.deleted"
_ORDERS = (*_TOLD_WHOLE, *_TOLD_IN_PART, _DELETED)
_INTENTS = ("checkout_intent.abandoned", "checkout_intent.completed")
# Listed as names by Scalev, without a payload anywhere: rules may listen, the data is passed on as it comes.
_KNOWN_BY_NAME = (
    *(f"subscription.{name}" for name in (
        "created", "activated", "renewed", "item_upgraded", "canceled", "expired", "activation_failed",
        "item_revoked", "item_reactivated",
    )),
    "whatsapp.message.received", "whatsapp.message.status.updated", "agent.system_trigger", "shipment.status.updated",
)  # fmt: skip
# Sent when the settings are saved: that it arrived is all it says.
_IGNORED = ("business.test_event",)
FACTS = (*ORDER_FACTS, FIRST_SEEN)

EVENT_TYPES = {
    **{f"scalev.{name}": Handling.HANDLED for name in (*_ORDERS, *_INTENTS, *_KNOWN_BY_NAME)},
    **dict.fromkeys(FACTS, Handling.HANDLED),
    **{f"scalev.{name}": Handling.IGNORED for name in _IGNORED},
}


def _type(body: Any) -> str:
    name = fields.event_name(fields.at(body, "event"))
    # What Scalev would call like one of our facts is none: rules on facts count on "at most once per order".
    return f"scalev.{name}" if name and f"scalev.{name}" not in FACTS else UNRECOGNIZED


def _identify(inbound: Inbound, body: Any, _match: Match, _account: Account) -> tuple[Identity, ...]:
    type_ = _type(body)
    unique_id = fields.key_text(fields.at(body, "unique_id"))
    identity = Identity(
        type=type_,
        handling=EVENT_TYPES.get(type_, Handling.UNKNOWN),
        # The test event came without an id before mid 2026: its body is its identity then.
        dedupe_key=unique_id or f"sha256:{hashlib.sha256(inbound.body).hexdigest()}",
        occurred_at=fields.moment(fields.at(body, "timestamp")),
    )
    return (identity,)


def _read(event: Stored, _account: Account, country: str) -> Understanding:
    try:
        body = parse_json(event.body, _MOST_DEPTH)
    except JsonError as error:
        raise UnreadableError(str(error)) from None
    data = fields.at(body, "data")
    data = fields.jsonable(data) if isinstance(data, dict) else {}
    type_ = _type(body)
    said_at = fields.moment(fields.at(body, "timestamp")) or event.received_at
    what = Understanding(type_, EVENT_TYPES.get(type_, Handling.UNKNOWN), data, said_at)
    name = type_.removeprefix("scalev.")
    if name in _ORDERS:
        return _about_order(what, name, country)
    if name in _INTENTS and (patch := intent_patch(data, said_at, country)):
        return replace(what, subject=patch.subject, patches=(patch,), same_as=_saying(name, data))
    return what


def _about_order(what: Understanding, name: str, country: str) -> Understanding:
    patch = order_patch(what.data, what.occurred_at, country)
    if patch is None:
        return what
    if name == _DELETED:
        patch = replace(patch, values=patch.values | {"is_deleted": True})
    buyer = buyer_patch(patch, what.data, country)
    return replace(
        what, subject=patch.subject, patches=(patch, buyer) if buyer else (patch,),
        completion=_completion(patch.values) if name in _TOLD_IN_PART else None,
        facts=order_facts, other_facts=buyer_facts, possible_facts=FACTS, same_as=_saying(name, what.data),
    )  # fmt: skip


def _saying(name: str, data: dict[str, Any]) -> str:
    """Name what an event says by its content: an app's delivery repeats the business's own under another id."""
    return f"{name}@{hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()}"


def _completion(order: dict[str, Any]) -> Completion:
    """Ask for the order by its primary key; deliveries from before mid 2026 carry only the human number."""
    wanted = {"id": order["id"]} if order["id"] else {"order_id": order["order_id"]}
    return Completion("scalev.get_order", wanted)


SOURCE = Source(
    vendor=VENDOR,
    documentation="https://developers.scalev.com/docs/webhooks",
    event_types=EVENT_TYPES,
    identify=_identify,
    read=_read,
    kept_headers=("x-scalev-app-id",),
)
