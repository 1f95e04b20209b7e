"""Scalev's order API, version 3, faked after its documentation (developers.scalev.id, docs.scalev.com).

Invariant: a bulk change happens to all orders named or, when one of them is refused, to none.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from pydantic import Field

from sandbox.exchange import Answer, Call, Effect, Json
from sandbox.routing import Route
from sandbox.vendors.base import Settings, Setup, Vendor, dispatch
from sandbox.vendors.scalev.limits import LIMIT, RateLimit, limit_headers
from sandbox.vendors.scalev.listing import ListError, detail, list_orders
from sandbox.vendors.scalev.state import (
    ALLOWED_MOVES,
    PAYMENT_STATUSES,
    STATUSES,
    Order,
    Orders,
    event_problem,
    set_payment_status,
    set_status,
    stamp,
)

PLAIN_TEXT = "text/plain; charset=utf-8"

# What a status change may set besides the status itself.
_EXTRA_FIELDS = (
    "payment_method",
    "payment_account_holder",
    "payment_account_number",
    "transfer_time",
    "transferproof_url",
    "rtsproof_url",
)

_ERRORS = {
    400: "Bad Request",
    401: "Invalid API key",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    413: "Payload Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Entity",
}


class ScalevSettings(Settings):
    """Traps: a guide's rules the API may enforce, and its documented limit of 100 requests in 10 seconds."""

    enforce_moves: bool = False
    enforce_rate_limit: bool = False
    requests_per_10_seconds: int = Field(default=LIMIT, ge=1)


class Scalev(Vendor):
    """The orders of one business."""

    name = "scalev"
    mount = "/scalev/v3"
    credential_variable = "SANDBOX_SCALEV_KEY"
    settings_model = ScalevSettings
    settings: ScalevSettings

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.orders = Orders.seeded(self.ids)
        self.limit = RateLimit()

    def answer(self, call: Call) -> Answer:
        """Check the key and the limit, then answer; every answer shows the limit in its headers."""
        scheme, _, key = call.headers.get("authorization", "").partition(" ")
        known = scheme.lower() == "bearer" and self.accepts(key.strip())
        limit = self.settings.requests_per_10_seconds
        within, headers = self.limit.count(key if known else "", limit, self.setup.clock())
        if not within and self.settings.enforce_rate_limit:
            answer = self.refuse(429, "Rate limit exceeded")
        elif not known:
            answer = self.refuse(401, "Invalid API key")
        elif call.problem is not None:
            answer = self.refuse(413 if "too large" in call.problem else 400, call.problem)
        elif call.body_kind not in ("none", "json"):
            answer = self.refuse(400, "the body must be JSON")
        else:
            answer = dispatch(self, ROUTES, call)
        return replace(answer, headers={**answer.headers, **headers})

    def refuse(self, status: int, message: str) -> Answer:
        """Say no with `{"error": ...}`; the limit speaks plain text."""
        if status == 429:
            return Answer(429, "Too many requests", PLAIN_TEXT, limit_headers(0, 1), refusal=message)
        title = _ERRORS.get(status, "Internal Server Error" if status >= 500 else "Error")
        return Answer(status, {"error": title, "message": message}, refusal=message)

    def control(self, call: Call) -> Answer | None:
        """`POST /event`: bring the orders in line with a webhook event."""
        if (call.method, call.path) != ("POST", "/event"):
            return None
        event: Json = call.params.get("event")
        data: Json = call.params.get("data")
        problem = event_problem(event, data)
        if problem:
            return Answer(400, {"error": problem})
        done, order = self.orders.apply(event, data)
        return Answer(200, {"done": done, "id": order["id"] if order else None})

    def state(self) -> dict[str, Json]:
        """Return all orders, and which legacy number names which."""
        return {"orders": list(self.orders.by_id.values()), "legacy_numbers": self.orders.legacy}

    def describe(self, effect: Effect) -> str:
        """Say what happened to which order."""
        order = effect["order_id"]
        match effect["kind"]:
            case "order_status":
                return f"Order {order} is now {effect['status']}"
            case "order_payment_status":
                return f"Payment of order {order} is now {effect['payment_status']}"
            case "shipment_receipt":
                return f"Order {order} has tracking number {effect['shipment_receipt']}"
            case _:
                return f"Order {order} is tagged {', '.join(effect['tags']) or 'with nothing'}"


def show_me(_vendor: Scalev, _call: Call) -> Answer:
    """GET /me: who the key belongs to."""
    business = {"id": 1, "unique_id": "AAAAAAAAAAAAAAAA", "username": "tokocontoh", "name": "Toko Contoh"}
    return Answer(200, {"id": 7, "name": "CS Contoh", "email": "cs1@example.com", "businesses": [business]})


def list_(vendor: Scalev, call: Call) -> Answer:
    """GET /orders."""
    try:
        return Answer(200, list_orders(vendor.orders.by_id.values(), call.query))
    except ListError as error:
        return vendor.refuse(400, str(error))


def show(vendor: Scalev, call: Call) -> Answer:
    """GET /orders/{id}."""
    return _with_order(vendor, call, lambda order: Answer(200, _copy(order)))


def change_status(vendor: Scalev, call: Call) -> Answer:
    """POST /orders/change-status: `ids` and a `status` or a `payment_status`."""
    refusal = _check_change(vendor, call.params)
    if refusal is not None:
        return refusal
    found = [vendor.orders.get(identity) for identity in call.params["ids"]]
    orders = list({order["id"]: order for order in found if order is not None}.values())
    if None in found:
        return vendor.refuse(404, "Order not found")
    status = call.params.get("status")
    if status and vendor.settings.enforce_moves:
        for order in orders:
            before = order.get("status") or "draft"
            if status != before and status not in ALLOWED_MOVES.get(before, ()):
                return vendor.refuse(422, f"Order {order.get('order_id')} cannot go from {before} to {status}")
    effects = tuple(effect for order in orders for effect in _change(vendor, order, call.params))
    return Answer(200, {"data": [_copy(order) for order in orders], "is_paginated": False}, effects=effects)


def set_shipment_receipt(vendor: Scalev, call: Call) -> Answer:
    """PATCH /orders/{id}/shipment-receipt."""
    receipt = call.params.get("shipment_receipt")
    if not isinstance(receipt, str) or not receipt.strip():
        return vendor.refuse(422, "shipment_receipt can't be blank")
    return _edit(vendor, call, "shipment_receipt", receipt)


def update_tags(vendor: Scalev, call: Call) -> Answer:
    """POST /orders/{id}/update-tags: replaces the whole list."""
    tags = call.params.get("tags")
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        return vendor.refuse(422, "tags must be a list of strings")
    return _edit(vendor, call, "tags", tags)


ROUTES: tuple[Route[Scalev], ...] = (
    Route("GET", "/me", show_me),
    Route("GET", "/orders", list_),
    Route("POST", "/orders/change-status", change_status),
    Route("GET", "/orders/{id}", show),
    Route("PATCH", "/orders/{id}/shipment-receipt", set_shipment_receipt),
    Route("POST", "/orders/{id}/update-tags", update_tags),
)


def _with_order(vendor: Scalev, call: Call, then: Callable[[Order], Answer]) -> Answer:
    order = vendor.orders.get(call.ids["id"])
    return vendor.refuse(404, "Order not found") if order is None else then(order)


def _edit(vendor: Scalev, call: Call, name: str, value: Json) -> Answer:
    kind = "order_tags" if name == "tags" else name

    def apply(order: Order) -> Answer:
        order.update({name: value, "last_updated_at": stamp(vendor.setup.clock())})
        effect = {"kind": kind, "id": order["id"], "order_id": order.get("order_id"), name: value}
        return Answer(200, _copy(order), effects=(effect,))

    return _with_order(vendor, call, apply)


def _check_change(vendor: Scalev, params: Mapping[str, Json]) -> Answer | None:
    """Return the refusal of a change that is wrong in itself, whatever the orders are."""
    if not params:
        return vendor.refuse(400, "The request body is missing")
    ids = params.get("ids")
    if not isinstance(ids, list) or not ids:
        return vendor.refuse(422, "ids must be a list with at least one order id")
    if not params.get("status") and not params.get("payment_status"):
        return vendor.refuse(422, "status or payment_status is needed")
    if params.get("status") and params["status"] not in STATUSES:
        return vendor.refuse(422, "status is invalid")
    if params.get("payment_status") and params["payment_status"] not in PAYMENT_STATUSES:
        return vendor.refuse(422, "payment_status is invalid")
    return None


def _change(vendor: Scalev, order: Order, params: Mapping[str, Json]) -> list[Effect]:
    now, names = vendor.setup.clock(), {"id": order["id"], "order_id": order.get("order_id")}
    effects: list[Effect] = []
    order.update({name: params[name] for name in _EXTRA_FIELDS if name in params})
    if params.get("status"):
        set_status(order, params["status"], now)
        effects.append({"kind": "order_status", **names, "status": params["status"]})
    if params.get("payment_status"):
        set_payment_status(order, params["payment_status"], now, str(params.get("by") or "API"))
        effects.append({"kind": "order_payment_status", **names, "payment_status": params["payment_status"]})
    return effects


def _copy(order: Order) -> Order:
    return {**detail(order)}
