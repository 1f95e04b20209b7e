"""Scalev's orders: list, read, make, edit, change status, delete.

Invariant: a bulk change happens to all orders named or, when one of them is refused, to none, unless the trap
`partial_changes` makes it say per order how it went.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call, Effect, Json
from sandbox.routing import Route
from sandbox.vendors.scalev import events
from sandbox.vendors.scalev.listing import detail, list_orders, row
from sandbox.vendors.scalev.making import change_order, make_order
from sandbox.vendors.scalev.paging import mentions, whole_list
from sandbox.vendors.scalev.state import (
    ALLOWED_MOVES,
    PAYMENT_STATUSES,
    STATUSES,
    Order,
    set_payment_status,
    set_status,
)
from sandbox.vendors.scalev.words import (
    MULTIPART_ONLY,
    RefusedError,
    body,
    found,
    picked,
    route,
    texts,
    uploaded,
)

if TYPE_CHECKING:
    from sandbox.vendors.scalev.vendor import Scalev

# What a status change may set besides the status itself.
_EXTRA_FIELDS = (
    "payment_method",
    "financial_entity_id",
    "payment_account_holder",
    "payment_account_number",
    "transfer_time",
    "transferproof_url",
    "rtsproof_url",
)
_DELETABLE = ("draft", "canceled")
_FIXED = ("store_unique_id", "metadata")  # an edit cannot change these


def list_(vendor: "Scalev", call: Call) -> Answer:
    """GET /orders."""
    return Answer(200, list_orders(vendor.orders.by_id.values(), call.query))


def show(vendor: "Scalev", call: Call) -> Answer:
    """GET /orders/{id}."""
    return Answer(200, copy(order_of(vendor, call)))


def create(vendor: "Scalev", call: Call) -> Answer:
    """POST /orders: the same twice makes two."""
    order = vendor.orders.put(make_order(vendor, body(call)))
    events.created(vendor, order)
    links = {"payment_url": f"{order['public_order_url']}/payment"}
    return Answer(201, {**copy(order), **links}, effects=(effect("order", order, status=order["status"]),))


def update(vendor: "Scalev", call: Call) -> Answer:
    """PATCH /orders/{id}: any field of the input but the store and the metadata."""
    order, params = order_of(vendor, call), body(call)
    for name in _FIXED:
        if name in params:
            raise RefusedError(422, f"{name} cannot be changed")
    fields = change_order(vendor, order, params)
    events.updated(vendor, order)
    return Answer(200, copy(order), effects=(effect("order_update", order, fields=fields),))


def change_status(vendor: "Scalev", call: Call) -> Answer:
    """POST /orders/change-status: `ids` and a `status` or a `payment_status`."""
    params = body(call)
    identities = _ids(params)
    _check_change(params)
    if vendor.settings.partial_changes:
        return _change_each(vendor, identities, params)
    orders = _all(vendor, identities)
    for order in orders:
        check_move(vendor, order, params.get("status"))
    effects = tuple(item for order in orders for item in change(vendor, order, params))
    return Answer(200, whole_list([copy(order) for order in orders]), effects=effects)


def delete(vendor: "Scalev", call: Call) -> Answer:
    """POST /orders/delete: drafts and canceled orders only."""
    orders = _all(vendor, _ids(body(call)))
    for order in orders:
        if order.get("status") not in _DELETABLE:
            raise RefusedError(422, f"Order {order.get('order_id')} is {order.get('status')} and cannot be deleted")
    for order in orders:
        remove(vendor, order)
    return Answer(204, effects=tuple(effect("order_delete", order) for order in orders))


def mark_not_spam(vendor: "Scalev", call: Call) -> Answer:
    """POST /orders/mark-not-spam."""
    orders = _all(vendor, _ids(body(call)))
    for order in orders:
        edit(vendor, order, {"is_probably_spam": False, "mark_as_spam_by": None})
    effects = tuple(effect("order_not_spam", order) for order in orders)
    return Answer(200, whole_list([copy(order) for order in orders]), effects=effects)


def statistics(vendor: "Scalev", _call: Call) -> Answer:
    """GET /orders/statistics: how many orders are in each status; the real answer has more."""
    statuses = [order.get("status") for order in vendor.orders.by_id.values()]
    return Answer(200, {"total": len(statuses), **{name: statuses.count(name) for name in STATUSES}})


def list_tags(vendor: "Scalev", call: Call) -> Answer:
    """GET /orders/tags."""
    tags = sorted({tag for order in vendor.orders.by_id.values() for tag in order.get("tags") or []})
    return Answer(200, whole_list([tag for tag in tags if mentions(call.query, tag)]))


def update_tags(vendor: "Scalev", call: Call) -> Answer:
    """POST /orders/{id}/update-tags: replaces the whole list."""
    order, tags = order_of(vendor, call), texts(call.params, "tags")
    edit(vendor, order, {"tags": tags})
    return Answer(200, copy(order), effects=(effect("order_tags", order, tags=tags),))


def by_gateway_reference(vendor: "Scalev", call: Call) -> Answer:
    """GET /orders/pg-reference-id/{reference}."""
    wanted = call.ids["reference"]
    known = (order for order in vendor.orders.by_id.values() if order.get("pg_reference_id") == wanted)
    return Answer(200, copy(found(next(known, None), "Order")))


def by_gateway_references(vendor: "Scalev", call: Call) -> Answer:
    """GET /orders/pg-reference-ids: a comma list, as the plural path suggests."""
    wanted = [text for text in call.query.get("pg_reference_ids", "").split(",") if text]
    known = [row(order) for order in vendor.orders.by_id.values() if order.get("pg_reference_id") in wanted]
    return Answer(200, whole_list(known))


def upload(what: str) -> Callable[["Scalev", Call], Answer]:
    """Return the handler of one of the CSV uploads: taken for later, its lines are not read here."""

    def handle(_vendor: "Scalev", call: Call) -> Answer:
        return Answer(204, effects=({"kind": "upload", "what": what, "file": uploaded(call.params)["file"]},))

    return handle


ROUTES: tuple["Route[Scalev]", ...] = (
    route("order:list", "GET", "/orders", list_),
    route("order:create", "POST", "/orders", create),
    route("order:change_status", "POST", "/orders/change-status", change_status),
    route("order:delete", "POST", "/orders/delete", delete),
    route("order:update", "POST", "/orders/mark-not-spam", mark_not_spam),
    route("order:statistics:list", "GET", "/orders/statistics", statistics),
    route("order:list", "GET", "/orders/tags", list_tags),
    route("order:list", "GET", "/orders/pg-reference-ids", by_gateway_references),
    route("order:read", "GET", "/orders/pg-reference-id/{reference}", by_gateway_reference),
    route("order:create", "POST", "/orders/upload", upload("orders"), MULTIPART_ONLY),
    route("order:update", "POST", "/orders/upload-receipt", upload("receipts"), MULTIPART_ONLY),
    route("order:change_status", "POST", "/orders/upload-change-status", upload("statuses"), MULTIPART_ONLY),
    route("order:read", "GET", "/orders/{id}", show),
    route("order:update", "PATCH", "/orders/{id}", update),
    route("order:update", "POST", "/orders/{id}/update-tags", update_tags),
)


def order_of(vendor: "Scalev", call: Call) -> Order:
    """Return the order that the path names."""
    return found(vendor.orders.get(call.ids["id"]), "Order")


def copy(order: Order) -> Order:
    """Return an order as its detail endpoint shows it."""
    return {**detail(order)}


def effect(kind: str, order: Order, **more: Json) -> Effect:
    """Return the record of something done to an order."""
    return {"kind": kind, "id": order["id"], "order_id": order.get("order_id"), **more}


def edit(vendor: "Scalev", order: Order, changes: Mapping[str, Json]) -> None:
    """Change fields of an order and tell of it."""
    order.update({**changes, "last_updated_at": vendor.now()})
    events.updated(vendor, order)


def remove(vendor: "Scalev", order: Order) -> None:
    """Delete an order and tell of it."""
    order["last_updated_at"] = vendor.now()
    vendor.orders.remove(order)
    events.deleted(vendor, order)


def check_move(vendor: "Scalev", order: Order, status: Json) -> None:
    """Refuse a move that the merchant guide does not list, where the trap is on."""
    before = order.get("status") or "draft"
    if status and vendor.settings.enforce_moves and status != before and status not in ALLOWED_MOVES.get(before, ()):
        raise RefusedError(422, f"Order {order.get('order_id')} cannot go from {before} to {status}")


def change(vendor: "Scalev", order: Order, params: Mapping[str, Json]) -> list[Effect]:
    """Set status, payment status or both, and tell of each."""
    now = vendor.setup.clock()
    effects: list[Effect] = []
    order.update(picked(params, _EXTRA_FIELDS))
    if params.get("status"):
        set_status(order, params["status"], now)
        effects.append(effect("order_status", order, status=params["status"]))
        events.status_changed(vendor, order)
    if params.get("payment_status"):
        set_payment_status(order, params["payment_status"], now, str(params.get("by") or "API"))
        effects.append(effect("order_payment_status", order, payment_status=params["payment_status"]))
        events.payment_status_changed(vendor, order)
    return effects


def _change_each(vendor: "Scalev", identities: list[Json], params: Mapping[str, Json]) -> Answer:
    """Change those that can be changed and say of every id how it went."""
    effects: list[Effect] = []
    successes: dict[str, Json] = {}
    failures: dict[str, Json] = {}
    for identity in identities:
        try:
            order = found(vendor.orders.get(identity), "Order")
            check_move(vendor, order, params.get("status"))
        except RefusedError as error:
            failures[str(identity)] = str(error)
            continue
        effects += change(vendor, order, params)
        successes[str(identity)] = copy(order)
    return Answer(200, {"successes": successes, "failures": failures}, effects=tuple(effects))


def _ids(params: Mapping[str, Json]) -> list[Json]:
    ids = params.get("ids")
    if not isinstance(ids, list) or not ids:
        raise RefusedError(422, "ids must be a list with at least one order id")
    return ids


def _all(vendor: "Scalev", identities: list[Json]) -> list[Order]:
    """Return the orders that are named, each once; one that does not exist refuses all."""
    orders = [found(vendor.orders.get(identity), "Order") for identity in identities]
    return list({order["id"]: order for order in orders}.values())


def _check_change(params: Mapping[str, Json]) -> None:
    """Refuse a change that is wrong in itself, whatever the orders are."""
    if not params.get("status") and not params.get("payment_status"):
        raise RefusedError(422, "status or payment_status is needed")
    for name, allowed in (("status", STATUSES), ("payment_status", PAYMENT_STATUSES)):
        if params.get(name) and params[name] not in allowed:
            raise RefusedError(422, f"{name} is invalid")
