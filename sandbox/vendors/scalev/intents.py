"""Checkout intents: what a buyer began and has not finished.

Invariant: an intent is told abandoned at most once, and completed only with the order it became.
"""

from collections.abc import Mapping
from copy import deepcopy
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call, Json
from sandbox.routing import Route
from sandbox.vendors.scalev import events
from sandbox.vendors.scalev.making import order_lines, uuid7
from sandbox.vendors.scalev.paging import page
from sandbox.vendors.scalev.state import stamp
from sandbox.vendors.scalev.words import Record, RefusedError, found, picked, route

if TYPE_CHECKING:
    from sandbox.vendors.scalev.vendor import Scalev

STATUSES = ("active", "abandoned", "completed")
IDLE = timedelta(minutes=15)
RECOVERY = timedelta(days=30)


def list_intents(vendor: "Scalev", call: Call) -> Answer:
    """GET /checkout-intents."""
    status = call.query.get("status")
    if status is not None and status not in STATUSES:
        raise RefusedError(400, "status is invalid")
    rows = [intent for intent in reversed(vendor.intents.values()) if status in (None, intent["status"])]
    return Answer(200, page(rows, call.query))


def show(vendor: "Scalev", call: Call) -> Answer:
    """GET /checkout-intents/{id}."""
    return Answer(200, {**_intent(vendor, call)})


def send_follow_up_email(vendor: "Scalev", call: Call) -> Answer:
    """POST /checkout-intents/{id}/follow-up-email: once; the second time is a 409."""
    intent = _intent(vendor, call)
    if intent["is_email_follow_up_already_sended"]:
        raise RefusedError(409, "the follow-up email was already sent")
    if intent["status"] != "abandoned" or not intent["customer"]["email"]:
        raise RefusedError(422, "the checkout intent cannot be followed up by email")
    intent["is_email_follow_up_already_sended"] = True
    return Answer(204, effects=({"kind": "follow_up_email", "id": intent["id"]},))


ROUTES: tuple["Route[Scalev]", ...] = (
    route("checkout_intent:list", "GET", "/checkout-intents", list_intents),
    route("checkout_intent:read", "GET", "/checkout-intents/{id}", show),
    route("checkout_intent:follow_up", "POST", "/checkout-intents/{id}/follow-up-email", send_follow_up_email),
)


def begin(vendor: "Scalev", params: Mapping[str, Json]) -> Record:
    """Let a buyer begin a checkout; nothing is told of it yet."""
    now = vendor.setup.clock()
    store = vendor.shop.listed("stores")[0]
    buyer: Record = {**dict.fromkeys(("name", "email", "phone")), **picked(params, ("name", "email", "phone"))}
    items = [_item(vendor, line) for line in order_lines(vendor.shop, params)]
    total = sum((Decimal(item["line_total"]) for item in items), Decimal(0))
    intent: Record = {
        **deepcopy(vendor.shop.seed["blank_intent"]),
        "id": uuid7(now, vendor.ids),
        **dict.fromkeys(("occurred_at", "started_at", "last_activity_at"), stamp(now)),
        "follow_up_eligible_at": stamp(now + IDLE),
        "contactable": bool(buyer["email"] or buyer["phone"]),
        "customer": buyer,
        "store": {"id": store["unique_id"], "unique_id": store["unique_id"], "name": store["name"]},
        "items": items,
    }
    intent["cart_summary"] |= {
        "item_quantity": sum(item["quantity"] for item in items),
        "estimated_total": str(total),
    }
    vendor.intents[intent["id"]] = intent
    return intent


def abandon(vendor: "Scalev", intent: Record) -> None:
    """Let the idle time pass: told once, and only where the buyer can be reached."""
    if intent["status"] != "active" or not intent["contactable"]:
        raise RefusedError(422, "only an active intent with an email or a phone is told abandoned")
    now = vendor.setup.clock()
    token = vendor.ids.uuid("recovery").replace("-", "")
    intent |= {"status": "abandoned", "occurred_at": stamp(now), "last_sequence": intent["last_sequence"] + 1}
    intent["recovery_url"] = f"https://tokocontoh.example/checkout?checkout_intent_prefill_token=cip_{token}"
    intent["recovery_url_expires_at"] = stamp(now + RECOVERY)
    events.announce(vendor, "checkout_intent.abandoned", deepcopy(intent))


def complete(vendor: "Scalev", intent: Record, order: Mapping[str, Json]) -> None:
    """Link an intent to the order it became; this does not say that it is paid."""
    if intent["status"] == "completed":
        raise RefusedError(409, "the intent is completed already")
    now = stamp(vendor.setup.clock())
    intent |= {"status": "completed", "occurred_at": now, "completed_at": now, "last_activity_at": now}
    intent |= {"last_sequence": intent["last_sequence"] + 1, "order": picked(order, ("id", "order_id"))}
    intent |= {"recovery_url": None, "recovery_url_expires_at": None}
    events.announce(vendor, "checkout_intent.completed", deepcopy(intent))


def _intent(vendor: "Scalev", call: Call) -> Record:
    return found(vendor.intents.get(call.ids["id"]), "Checkout intent")


def _item(vendor: "Scalev", line: Record) -> Record:
    known = vendor.shop.part("variants", line["variant_unique_id"])
    return {
        "type": "variant",
        "variant_id": known[1]["id"] if known else None,
        "quantity": line["quantity"],
        "name": line["product_name"],
        "unit_price": line["variant_price"].removesuffix(".00"),
        "line_total": line["product_price"].removesuffix(".00"),
        "currency": "IDR",
    }
