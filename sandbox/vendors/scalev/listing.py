"""`GET /orders`: filters, search, and the mixed number types of a list row.

Invariant: rows come newest first by `created_at`, whatever the filters.
"""

import math
from collections.abc import Callable, Iterable, Mapping

from sandbox.exchange import Json
from sandbox.vendors.scalev.paging import page
from sandbox.vendors.scalev.state import PAYMENT_STATUSES, STATUSES, Order
from sandbox.vendors.scalev.words import RefusedError

EXACT_FILTERS = ("order_id", "status", "payment_status", "payment_method", "platform", "external_id", "utm_source")
# A filter by id looks into the part of the order that holds the id.
PART_FILTERS: Mapping[str, str] = {
    "store_id": "store",
    "warehouse_id": "warehouse",
    "courier_id": "courier_service",
    "handler_id": "handler",
    "advertiser_id": "advertiser",
    "page_id": "page",
}
TIME_FILTERS = ("confirmed_time", "shipped_time", "completed_time", "draft_time")

SEARCH_FIELDS: Mapping[str, Callable[[Order], Json]] = {
    "order_id": lambda order: order.get("order_id"),
    "shipment_receipt": lambda order: order.get("shipment_receipt"),
    "external_id": lambda order: order.get("external_id"),
    "pg_reference_id": lambda order: order.get("pg_reference_id"),
    "gross_revenue": lambda order: order.get("gross_revenue"),
    "customer_name": lambda order: _buyer(order, "name"),
    "customer_email": lambda order: _buyer(order, "email"),
    "customer_phone": lambda order: _buyer(order, "phone"),
}

# In a list these are JSON numbers; `gross_revenue` and `net_payment_revenue` stay text.
_NUMBERS_IN_LISTS = (
    "net_revenue",
    "product_price",
    "product_discount",
    "unique_code_discount",
    "discount_code_discount",
    "other_income",
    "payment_link_income",
    "discount_rate",
    "cogs",
    "shipping_cost",
    "shipping_discount",
    "payment_fee",
    "scalev_fee",
)
_NUMBERS_IN_LINES = ("variant_price", "variant_cogs", "product_price", "discount", "discount_code_discount", "cogs")


def list_orders(orders: Iterable[Order], query: Mapping[str, str]) -> dict[str, Json]:
    """Return one page in the documented envelope."""
    _check(query)
    found = [order for order in orders if _fits(order, query)]
    found.sort(key=lambda order: (str(order.get("created_at") or ""), order["id"]), reverse=True)
    listed = page(found, query)
    return {**listed, "data": [_columns(row(order), query) for order in listed["data"]]}


def detail(order: Order) -> Order:
    """Return an order as its detail endpoint shows it: text amounts on the order, numbers on its lines."""
    lines = order.get("orderlines")
    if not isinstance(lines, list):
        return order
    numbered = [_numbered(line, _NUMBERS_IN_LINES) if isinstance(line, dict) else line for line in lines]
    return {**order, "orderlines": numbered}


def row(order: Order) -> Order:
    """Return an order as a list shows it."""
    return _numbered(detail(order), _NUMBERS_IN_LISTS)


def _numbered(record: Order, names: Iterable[str]) -> Order:
    return {name: _number(value) if name in names else value for name, value in record.items()}


def _number(value: Json) -> Json:
    """Read an amount; what is no finite number stays as it is."""
    try:
        number = float(value) if isinstance(value, str) else None
    except ValueError:
        return value
    return number if number is not None and math.isfinite(number) else value


def _buyer(order: Order, name: str) -> Json:
    for block in ("customer", "destination_address"):
        person = order.get(block)
        if isinstance(person, dict) and person.get(name):
            return person[name]
    return None


def _check(query: Mapping[str, str]) -> None:
    for name, allowed in (("status", (*STATUSES, "shipped_rts")), ("payment_status", PAYMENT_STATUSES)):
        if name in query and query[name] not in allowed:
            raise RefusedError(400, f"{name} is invalid")
    if query.get("search_field", "order_id") not in SEARCH_FIELDS:
        raise RefusedError(400, "search_field is invalid")


def _fits(order: Order, query: Mapping[str, str]) -> bool:
    if any(name in query and str(order.get(name)) != query[name] for name in EXACT_FILTERS):
        return False
    if any(name in query and not _part_has(order, part, query[name]) for name, part in PART_FILTERS.items()):
        return False
    if "product_id" in query and not _sells(order, query["product_id"]):
        return False
    if "is_probably_spam" in query and str(bool(order.get("is_probably_spam"))).lower() != query["is_probably_spam"]:
        return False
    if "tags" in query and not set(query["tags"].split(",")) & set(order.get("tags") or []):
        return False
    return _found_by_search(order, query) and all(_in_time(order, name, query) for name in TIME_FILTERS)


def _part_has(order: Order, part: str, identity: str) -> bool:
    holder = order.get(part)
    return isinstance(holder, dict) and str(holder.get("id")) == identity


def _sells(order: Order, product_id: str) -> bool:
    lines = order.get("orderlines") or []
    return any(isinstance(line, dict) and str(line.get("product_id")) == product_id for line in lines)


def _found_by_search(order: Order, query: Mapping[str, str]) -> bool:
    wanted = query.get("search", "").strip().lower()
    value = SEARCH_FIELDS[query.get("search_field", "order_id")](order)
    return not wanted or wanted in str(value or "").lower()


def _in_time(order: Order, name: str, query: Mapping[str, str]) -> bool:
    since, until = query.get(f"{name}_since"), query.get(f"{name}_until")
    if since is None and until is None:
        return True
    moment = order.get(name)
    return isinstance(moment, str) and (since or "") <= moment and (until is None or moment <= until)


def _columns(order: Order, query: Mapping[str, str]) -> Order:
    wanted = [name for name in query.get("columns", "").split(",") if name]
    return {name: order[name] for name in ("id", *wanted) if name in order} if wanted else order
