"""Proton's recommendations, tracking and product initiatives.

Invariant: a recommendation never names a product that it was asked to go with.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call
from sandbox.vendors.proton.words import InvalidError, echoed, objects, success, text

if TYPE_CHECKING:
    from sandbox.vendors.proton.vendor import Proton

TRACKED = ("seen", "click", "add_cart", "search")
NEEDS_PRODUCT = ("bought", "similar")
_DEFAULT_COUNT = 10


def recommend(vendor: "Proton", call: Call) -> Answer:
    """GET /{company}/product/recommendations."""
    held = call.query.get("product_id")
    products = [item for item in vendor.company(call).products.values() if item["product_id"] != held]
    return echoed(call, products[: _count(call)])


def of_kind(kind: str) -> Callable[["Proton", Call], Answer]:
    """Return the handler of GET /{company}/product/recommendations/<kind>; two kinds go with a product."""

    def handle(vendor: "Proton", call: Call) -> Answer:
        if kind in NEEDS_PRODUCT and not call.query.get("product_id"):
            raise InvalidError("product_id is required")
        return recommend(vendor, call)

    return handle


def recommend_for_cart(vendor: "Proton", call: Call) -> Answer:
    """POST /{company}/product/recommendations/cart."""
    text(call, "customer_id", required=True)
    held = [item.get("product_id") for item in objects(call.params, "products")]
    products = [item for item in vendor.company(call).products.values() if item["product_id"] not in held]
    return success(products)


def track(_vendor: "Proton", call: Call) -> Answer:
    """POST /{company}/track: the answer is not documented, so it is the envelope alone."""
    event = text(call, "event", required=True)
    if event not in TRACKED:
        raise InvalidError(f"event must be one of {', '.join(TRACKED)}")
    for name in ("company", "customer_id", "queryString" if event == "search" else "product_id"):
        text(call, name, required=True)
    return success(None, "SUCCESS", {"kind": "track", "event": event, "customer_id": call.params["customer_id"]})


def track_login(_vendor: "Proton", call: Call) -> Answer:
    """POST /{company}/track/login: one visitor turns out to be another."""
    names = ("company", "old_customer_id", "new_customer_id")
    old, new = [text(call, name, required=True) for name in names][1:]
    return success(None, "SUCCESS", {"kind": "track_login", "customer_id": new, "old_customer_id": old})


def list_initiatives(vendor: "Proton", call: Call) -> Answer:
    """GET /{company}/product_initiatives/all: `customer_id` may be a comma list."""
    wanted = [name for name in call.query.get("customer_id", "").split(",") if name]
    known = vendor.company(call).initiatives.values()
    rows = [item for item in known if not wanted or item["customer_id"] in wanted]
    count, page = _count(call), _number(call, "page", 1)
    return echoed(call, rows[count * (page - 1) : count * page])


def _count(call: Call) -> int:
    return _number(call, "count", _DEFAULT_COUNT)


def _number(call: Call, name: str, default: int) -> int:
    value = call.query.get(name, str(default))
    if not (value.isascii() and value.isdecimal() and 0 < len(value) < 7 and int(value) > 0):
        raise InvalidError(f"{name} must be a whole number above zero")
    return int(value)
