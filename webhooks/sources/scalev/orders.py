"""Scalev's order, in our words: from a webhook's data, of any edition, or from the API's answer.

Invariant: one table says where each field comes from; the same order reads the same from either.
"""

from datetime import datetime
from typing import Any

from config.phones import to_e164
from webhooks import fields
from webhooks.sources.scalev import places
from webhooks.sources.scalev.customers import FIRST_SEEN, customer_key
from worker.reading import Fact
from worker.snapshots import Patch, Snapshot

_WHOLE_WHEN_IT_HAS = ("destination_address", "orderlines")

_text, _money, _time = fields.text, fields.money, places.instant

# Scalev's status times, by our names. A time stays when the order moves back, so it does not say where the order is.
_TIMES = {
    "draft_at": "draft_time", "pending_at": "pending_time", "confirmed_at": "confirmed_time",
    "in_process_at": "in_process_time", "ready_at": "ready_time", "shipped_at": "shipped_time",
    "completed_at": "completed_time", "returned_at": "rts_time", "canceled_at": "canceled_time",
    "closed_at": "closed_time", "unpaid_at": "unpaid_time", "settled_at": "settled_time",
    "conflict_at": "conflict_time",
}  # fmt: skip
# The gateway's own object differs by method; with QRIS and shop counters its `payment_method` is an object.
_GATEWAY = "pg_payment_info"
_BUYER = ("destination_address", "customer", "message_variables")
_PAGES = ("metadata.event_source_url", "message_variables.event_source_url")


def _of_buyer(field: str) -> tuple[str, ...]:
    return tuple(f"{block}.{field}" for block in _BUYER)


_ORDER: places.Places = {
    "id": (_text, "id"),
    "order_id": (_text, "order_id"),
    "external_id": (_text, "external_id"),
    "status": (_text, "status"),
    "is_probably_spam": (places.flag, "is_probably_spam"),
    "is_from_payment_link": (places.flag, "is_from_payment_link"),
    "payment_status": (_text, "payment_status"),
    # On an order by payment link the method changes when the buyer pays. Before mid 2026 a VA's bank stood apart.
    "payment_method": (_text, "payment_method"),
    "epayment_provider": (_text, "epayment_provider"),
    "payment_bank": (_text, "financial_entity.name", "financial_entity.code", "sub_payment_method"),
    "payment_account_holder": (_text, "payment_account_holder"),
    "payment_account_number": (_text, "payment_account_number"),
    "payment_url": (_text, "payment_url", f"{_GATEWAY}.redirect_url", f"{_GATEWAY}.invoice_url"),
    "payment_code": (_text, f"{_GATEWAY}.payment_method.over_the_counter.channel_properties.payment_code"),
    "payment_qr": (
        _text,
        f"{_GATEWAY}.payment_method.qr_code.channel_properties.qr_string",
        f"{_GATEWAY}.payment_method.qr_code.qr_string",
        f"{_GATEWAY}.payment_method.qr_code",
    ),
    "pg_reference_id": (_text, "pg_reference_id"),
    "transferproof_url": (_text, "transferproof_url"),
    "customer_id": (_text, "customer_id", "customer.id"),
    "customer_name": (_text, *_of_buyer("name")),
    "phone_raw": (_text, *_of_buyer("phone")),
    "email": (fields.email, *_of_buyer("email")),
    "address": (_text, "destination_address.address"),
    "subdistrict": (_text, "destination_address.subdistrict"),
    "city": (_text, "destination_address.city"),
    "province": (_text, "destination_address.province"),
    "postal_code": (_text, "destination_address.postal_code"),
    "address_notes": (_text, "destination_address.notes"),
    "business": (_text, "business.username"),
    "store": (_text, "store.name"),
    "store_unique_id": (_text, "store.unique_id"),
    "warehouse": (_text, "warehouse.name"),
    "advertiser": (_text, "advertiser.fullname", "advertiser.name", "message_variables.advertiser", "advertiser"),
    "final_variants": (places.counts, "final_variants"),
    "total_quantity": (places.count, "total_quantity"),
    "total_weight": (places.count, "total_weight"),
    **{name: (_money, name) for name in (
        "gross_revenue", "net_revenue", "net_payment_revenue", "product_price", "product_discount",
        "unique_code_discount", "discount_code_discount", "other_income", "shipping_cost", "shipping_discount",
        "payment_fee", "cogs", "scalev_fee",
    )},
    "other_income_name": (_text, "other_income_name"),
    "courier": (_text, "courier_service.courier.name", "courier_service.name"),
    "courier_code": (_text, "courier_service.courier.code"),
    "courier_service": (_text, "courier_service.name", "courier_service.code"),
    "shipment_receipt": (_text, "shipment_receipt"),
    "shipment_status": (_text, "shipment_status"),
    "awb_status": (_text, "awb_status"),
    "notes": (_text, "notes"),
    "tags": (places.texts, "tags"),
    "created_at": (_time, "created_at"),
    "last_updated_at": (_time, "last_updated_at"),
    # The gateway pays out after the buyer paid: where only that is said, both happened.
    "paid_at": (_time, "paid_time", "settled_time"),
    "transferred_at": (_time, "transfer_time"),
    **{ours: (_time, theirs) for ours, theirs in _TIMES.items()},
}  # fmt: skip

_LINE: places.Places = {
    "product_name": (_text, "product_name"),
    "variant_unique_id": (_text, "variant_unique_id"),
    "variant_sku": (_text, "variant_sku"),
    "quantity": (places.count, "quantity"),
    "weight": (places.count, "weight"),
    "is_inventory": (places.flag, "is_inventory"),
    **{name: (_money, name) for name in (
        "variant_price", "variant_cogs", "product_price", "discount", "discount_code_discount", "cogs",
    )},
}  # fmt: skip

# What an order's state amounts to. `paid` and `settled` are one payment (the gateway pays out later).
_SHIPPED = "scalev.order.shipped"
_STATUS_FACTS = {
    "shipped": _SHIPPED,
    "completed": "scalev.order.completed",
    "canceled": "scalev.order.canceled",
    "rts": "scalev.order.returned",
}
_PAYMENT_FACTS = {"paid": "scalev.order.paid", "settled": "scalev.order.paid"}
FACTS = tuple(sorted({*_STATUS_FACTS.values(), *_PAYMENT_FACTS.values()}))
# An order comes to these from `shipped` only; that it did, and was no digital one, the time shows that stayed.
_AFTER_SHIPPING = ("completed", "rts", "closed")


def order_patch(data: Any, said_at: datetime, country: str) -> Patch | None:
    """Return what Scalev says of an order; None when it does not say which order.

    `said_at` dates what carries no time of its own; `country` is where local phone numbers belong.
    """
    values = places.read(data, _ORDER)
    order_id = fields.key_text(values["order_id"])
    if order_id is None:
        return None
    lines = places.rows(fields.at(data, "orderlines"), _LINE)
    values |= {
        "phone": to_e164(values["phone_raw"], country), "orderlines": lines,
        "products": places.names(lines, "product_name"), "payment_url": values["payment_url"] or _wallet_url(data),
        "is_deleted": None, **places.handler(data), **places.campaign(data, "metadata", *_PAGES),
    }  # fmt: skip
    complete = any(fields.at(data, name) is not None for name in _WHOLE_WHEN_IT_HAS)
    return Patch(f"order:{order_id}", values, _as_of(data, said_at), complete)


def order_facts(snapshot: Snapshot) -> tuple[str, ...]:
    """Return the facts that an order's newest state amounts to; a spam order amounts to nothing."""
    known = snapshot.values
    if known.get("is_probably_spam"):
        return ()
    found = (
        _SHIPPED if known.get("status") in _AFTER_SHIPPING and known.get("shipped_at") else None,
        _STATUS_FACTS.get(known.get("status", "")),
        _PAYMENT_FACTS.get(known.get("payment_status", "")),
    )
    return tuple(fact for fact in found if fact)


def buyer_facts(snapshot: Snapshot) -> tuple[Fact, ...]:
    """Return what an order amounts to for its buyer; a spam order amounts to nothing."""
    known = snapshot.values
    key = customer_key(known.get("customer_id"), known.get("phone"))
    return () if key is None or known.get("is_probably_spam") else (Fact(FIRST_SEEN, key),)


def _as_of(data: Any, said_at: datetime) -> datetime:
    """Return the moment a statement speaks of: the order's last change, and no status it tells is younger."""
    changed = fields.moment(fields.at(data, "last_updated_at")) or said_at
    times = (fields.moment(fields.at(data, name)) for name in (*_TIMES.values(), "paid_time"))
    return max([changed, *(time for time in times if time)])


def _wallet_url(data: Any) -> str | None:
    actions = fields.at(data, f"{_GATEWAY}.actions")
    urls = (fields.text(fields.at(action, "url")) for action in (actions if isinstance(actions, list) else ()))
    return next((url for url in urls if url), None)
