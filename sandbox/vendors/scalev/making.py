"""Makes an order from what a buyer or a client gave: its lines, amounts, customer and address.

Invariant: `gross_revenue` is what the buyer pays: products less discount, shipping less its discount, other income.
"""

import uuid
from collections.abc import Mapping
from copy import deepcopy
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from sandbox.exchange import Json
from sandbox.ids import IdMaker
from sandbox.vendors.scalev.customers import in_orders
from sandbox.vendors.scalev.shop import Shop
from sandbox.vendors.scalev.state import Order, part, stamp
from sandbox.vendors.scalev.words import Record, RefusedError, needed_text, numbered, objects, picked, text, whole

if TYPE_CHECKING:
    from sandbox.vendors.scalev.vendor import Scalev

# Taken over as they come.
PLAIN_FIELDS = (
    "payment_method",
    "shipment_provider_code",
    "other_income_name",
    "notes",
    "is_probably_spam",
    "external_id",
)
AMOUNTS = ("product_discount", "shipping_cost", "shipping_discount", "other_income")
# Methods whose payment a gateway makes; without one an order is paid by hand.
GATEWAY_METHODS = (
    "va",
    "qris",
    "ewallet",
    "card",
    "gopay",
    "invoice",
    "alfamart",
    "indomaret",
    "ovo",
    "dana",
    "shopeepay",
    "linkaja",
)

_ADDRESS_FIELDS = ("name", "phone", "email", "address", "subdistrict", "city", "province", "postal_code", "notes")
_SUMMANDS = ("product_price", *AMOUNTS)
_LETTERS = 26
_CENT = Decimal("0.01")
_MOST = Decimal("1e15")


def by_gateway(order: Order) -> bool:
    """Return whether a gateway makes the payment of an order."""
    method = str(order.get("payment_method") or "")
    return method in GATEWAY_METHODS or method.startswith("va_")


def make_order(vendor: "Scalev", params: Mapping[str, Json]) -> Order:
    """Return a new order; it is not among the orders yet."""
    store = _store(vendor.shop, needed_text(params, "store_unique_id"))
    needed_text(params, "customer_name")
    if not order_lines(vendor.shop, params):
        raise RefusedError(422, "ordervariants or orderbundles can't be blank")
    order: Order = {
        **deepcopy(vendor.shop.seed["blank_order"]),
        **new_identity(vendor),
        "store": {name: store[name] for name in ("id", "unique_id", "name")},
        "handler": {**vendor.shop.seed["staff"]},
        "metadata": params.get("metadata") or {},
    }
    # An order without a payment method waits as a draft for the buyer to choose one.
    order["status"] = "pending" if params.get("payment_method") else "draft"
    order["pending_time"] = order["created_at"] if order["status"] == "pending" else None
    change_order(vendor, order, params)
    return order


def new_identity(vendor: "Scalev") -> Order:
    """Return what makes an order one of its own: ids, links and the times of its beginning."""
    now = vendor.setup.clock()
    slug = vendor.ids.uuid("slug").replace("-", "") + "00000000"
    begun = dict.fromkeys(("created_at", "last_updated_at", "unpaid_time", "draft_time"), stamp(now))
    return {
        "id": uuid7(now, vendor.ids),
        "order_id": order_number(now, vendor.ids),
        "secret_slug": slug,
        "public_order_url": f"https://tokocontoh.example/o/{slug}",
        **begun,
    }


def change_order(vendor: "Scalev", order: Order, params: Mapping[str, Json]) -> list[str]:
    """Bring an order in line with the input fields that are given. Returns their names."""
    _check(params)
    changes: Order = picked(params, PLAIN_FIELDS)
    changes |= {name: money(params, name) for name in AMOUNTS if name in params}
    changes |= _ways(vendor.shop, params)
    lines, place = order_lines(vendor.shop, params), _place(vendor.shop, params)
    order.update(changes)
    if lines:
        _take_lines(order, lines)
    _take_buyer(vendor, order, params, place)
    _total(order)
    order["last_updated_at"] = vendor.now()
    return sorted(params)


def order_lines(shop: Shop, params: Mapping[str, Json]) -> list[Record]:
    """Return the lines that variants and bundles make."""
    lines = []
    for kind, id_name, list_name in (
        ("ordervariants", "variant_unique_id", "variants"),
        ("orderbundles", "bundle_price_option_unique_id", "bundle_price_options"),
    ):
        for item in objects(params, kind):
            known = shop.part(list_name, needed_text(item, id_name))
            quantity = whole(item, "quantity")
            if known is None or quantity < 1:
                raise RefusedError(422, f"{kind} is invalid")
            lines.append(_line(shop, known, quantity))
    return lines


def money(params: Mapping[str, Json], name: str) -> str:
    """Return an amount as Scalev keeps it: text with two decimals."""
    amount = _amount(params.get(name) or 0)
    if amount is None:
        raise RefusedError(422, f"{name} must be a number")
    return str(amount.quantize(_CENT))


def order_number(now: datetime, ids: IdMaker) -> str:
    """Return a human number: the date and seven capitals, which tell the second and a count.

    A sandbox that is started again the same day does not name a new order like an old one.
    """
    second = now.hour * 3600 + now.minute * 60 + now.second
    return f"{now:%y%m%d}{_capitals(second, 4)}{_capitals(ids.number('order letters', 0), 3)}"


def uuid7(now: datetime, ids: IdMaker) -> str:
    """Return a UUID of version 7: the milliseconds, then what the seed gives."""
    milliseconds = int(now.timestamp() * 1000)
    low = uuid.UUID(ids.uuid("order tail")).int & ((1 << 80) - 1)
    value = (milliseconds << 80) | low
    value = value & ~(0xF << 76) | (0x7 << 76)
    return str(uuid.UUID(int=value & ~(0x3 << 62) | (0x2 << 62)))


def _amount(value: Json) -> Decimal | None:
    """Read an amount; None for what is none, or is beyond all money."""
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if not isinstance(value, bool) and amount.is_finite() and abs(amount) < _MOST else None


def _capitals(number: int, width: int) -> str:
    letters = ""
    for _ in range(width):
        number, rest = divmod(number, _LETTERS)
        letters = chr(ord("A") + rest) + letters
    return letters


def _store(shop: Shop, unique_id: str) -> Record:
    store = shop.by_unique_id("stores", unique_id)
    if store is None:
        raise RefusedError(422, "store_unique_id is invalid")
    return store


def _check(params: Mapping[str, Json]) -> None:
    for name in ("customer_name", "customer_phone", "customer_email", "payment_method", "address", "notes"):
        text(params, name)
    if not isinstance(params.get("is_probably_spam", False), bool):
        raise RefusedError(422, "is_probably_spam must be a boolean")
    if not isinstance(params.get("metadata") or {}, dict):
        raise RefusedError(422, "metadata must be an object")


def _ways(shop: Shop, params: Mapping[str, Json]) -> Order:
    """Return warehouse and courier, by the ids that were given."""
    ways: Order = {}
    if text(params, "warehouse_unique_id"):
        warehouse = shop.by_unique_id("warehouses", params["warehouse_unique_id"])
        if warehouse is None:
            raise RefusedError(422, "warehouse_unique_id is invalid")
        ways["warehouse"] = {name: warehouse[name] for name in ("id", "unique_id", "name")}
        names = ("address", "subdistrict", "city", "province", "postal_code")
        ways["origin_address"] = {name: warehouse[name] for name in names}
    if params.get("courier_service_id") is not None:
        courier = numbered(shop.listed("couriers"), str(whole(params, "courier_service_id")))
        if courier is None:
            raise RefusedError(422, "courier_service_id is invalid")
        ways["courier_service"] = {name: courier[name] for name in ("id", "courier", "name", "code")}
    return ways


def _line(shop: Shop, known: tuple[Record, Record], quantity: int) -> Record:
    """Return the line of a variant; a bundle is a line of its variant with the bundle's price."""
    product, item = known
    variant = item
    if "variant_unique_id" in item:
        owner = shop.part("variants", item["variant_unique_id"])
        variant = owner[1] if owner else item
    price, pieces = Decimal(item["price"]), quantity * item.get("quantity", 1)
    return {
        "quantity": quantity,
        "is_inventory": product["item_type"] == "physical",
        "weight": variant["weight"] * pieces,
        "product_id": product["id"],
        "product_name": item["name"],
        "variant_unique_id": variant["unique_id"],
        "variant_sku": variant["sku"],
        "variant_price": str(price.quantize(_CENT)),
        "variant_cogs": str(Decimal(variant["cogs"]).quantize(_CENT)),
        "product_price": str((price * quantity).quantize(_CENT)),
        "discount": "0.00",
        "discount_code_discount": "0.00",
        "cogs": str((Decimal(variant["cogs"]) * pieces).quantize(_CENT)),
    }


def _take_lines(order: Order, lines: list[Record]) -> None:
    order["orderlines"] = lines
    order["final_variants"] = {line["product_name"]: line["quantity"] for line in lines}
    order["total_quantity"] = sum(line["quantity"] for line in lines)
    order["product_weight"] = order["total_weight"] = sum(line["weight"] for line in lines)
    for name in ("product_price", "cogs"):
        order[name] = str(sum((Decimal(line[name]) for line in lines), Decimal(0)))


def _place(shop: Shop, params: Mapping[str, Json]) -> Record:
    if params.get("location_id") is None:
        return {}
    location = numbered(shop.listed("locations"), str(whole(params, "location_id")))
    if location is None:
        raise RefusedError(422, "location_id is invalid")
    return {name: location[f"{name}_name"] for name in ("subdistrict", "city", "province")}


def _take_buyer(vendor: "Scalev", order: Order, params: Mapping[str, Json], place: Record) -> None:
    address: Order = {**dict.fromkeys(_ADDRESS_FIELDS), **part(order, "destination_address")}
    address |= {name: params[f"customer_{name}"] for name in ("name", "phone", "email") if f"customer_{name}" in params}
    address |= {**picked(params, ("address", "postal_code", "notes")), **place}
    order["destination_address"] = address
    if not order.get("customer"):
        buyer = {name: address[name] for name in ("name", "phone", "email")}
        customer = vendor.customers.ensure(buyer, vendor.now())
        order |= {"customer": in_orders(customer), "customer_id": customer["id"]}
    order["message_variables"] = {
        **{name: address[name] for name in ("name", "phone", "email")},
        "handler": part(order, "handler").get("name"),
        "advertiser": None,
        "event_source_url": part(order, "metadata").get("event_source_url"),
    }


def _total(order: Order) -> None:
    price, discount, shipping, shipping_discount, other = (_amount(order.get(name)) or 0 for name in _SUMMANDS)
    net = Decimal(price - discount)
    gross = net + shipping - shipping_discount + other
    order["net_revenue"], order["gross_revenue"] = str(net.quantize(_CENT)), str(gross.quantize(_CENT))
    order["net_payment_revenue"] = order["gross_revenue"]
