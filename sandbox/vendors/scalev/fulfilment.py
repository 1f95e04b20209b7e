"""What is done to an order after it was made: shipping, payment, messages, digital delivery.

Invariant: an order's webhooks tell of a change here as of any other; what changes nothing tells nothing.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call, Json
from sandbox.routing import Route
from sandbox.vendors.scalev import events
from sandbox.vendors.scalev.customers import in_orders
from sandbox.vendors.scalev.making import by_gateway, new_identity
from sandbox.vendors.scalev.orders import change, copy, edit, effect, order_of
from sandbox.vendors.scalev.paging import whole_list
from sandbox.vendors.scalev.state import STATUSES, Order, part
from sandbox.vendors.scalev.words import (
    Record,
    RefusedError,
    body,
    found,
    needed_text,
    numbered,
    picked,
    route,
    whole,
)

if TYPE_CHECKING:
    from sandbox.vendors.scalev.vendor import Scalev

_SHIPMENT_FIELDS = (
    "awb_ca_status",
    "courier_additional_info",
    "is_shipment_completed",
    "shipment_provider_code",
    "shipment_receipt",
)
# Buyer, goods and money; statuses, times and payment begin anew.
_KEPT_BY_A_TWIN = (
    "store",
    "business",
    "payment_method",
    "final_variants",
    "total_quantity",
    "gross_revenue",
    "net_revenue",
    "net_payment_revenue",
    "product_price",
    "product_discount",
    "other_income",
    "other_income_name",
    "cogs",
    "shipping_cost",
    "shipping_discount",
    "customer_id",
    "customer",
    "destination_address",
    "origin_address",
    "warehouse",
    "product_weight",
    "total_weight",
    "courier_service",
    "notes",
    "orderlines",
    "handler",
    "metadata",
    "message_variables",
)
_AWB_STATUSES = ("unavailable", "pending", "waiting", "failed", "created", "canceled")


def set_shipment_receipt(vendor: "Scalev", call: Call) -> Answer:
    """PATCH /orders/{id}/shipment-receipt."""
    order, receipt = order_of(vendor, call), needed_text(call.params, "shipment_receipt")
    edit(vendor, order, {"shipment_receipt": receipt})
    return Answer(200, copy(order), effects=(effect("shipment_receipt", order, shipment_receipt=receipt),))


def set_shipment(vendor: "Scalev", call: Call) -> Answer:
    """PATCH /orders/{id}/shipment."""
    order, changes = order_of(vendor, call), picked(body(call), _SHIPMENT_FIELDS)
    if changes.get("awb_ca_status") not in (None, *_AWB_STATUSES):
        raise RefusedError(422, "awb_ca_status is invalid")
    edit(vendor, order, changes)
    return Answer(200, copy(order), effects=(effect("shipment", order, fields=sorted(changes)),))


def add_shipment_status(vendor: "Scalev", call: Call) -> Answer:
    """POST /orders/{id}/shipment-status-history: the contract wants an order status here."""
    order, params = order_of(vendor, call), body(call)
    entry = {name: needed_text(params, name) for name in ("status", "description", "timestamp")}
    if entry["status"] not in STATUSES:
        raise RefusedError(422, "status is invalid")
    history = [entry, *(order.get("shipment_status_history") or [])]
    edit(vendor, order, {"shipment_status_history": history, "shipment_status": entry["status"]})
    return Answer(200, copy(order), effects=(effect("shipment_status", order, status=entry["status"]),))


def set_customer(vendor: "Scalev", call: Call) -> Answer:
    """PATCH /orders/{id}/customer."""
    order = order_of(vendor, call)
    customer = found(vendor.customers.get(whole(body(call), "customer_id")), "Customer")
    edit(vendor, order, {"customer": in_orders(customer), "customer_id": customer["id"]})
    return Answer(200, copy(order), effects=(effect("order_customer", order, customer_id=customer["id"]),))


def list_message_history(vendor: "Scalev", call: Call) -> Answer:
    """GET /orders/{id}/message-history."""
    return Answer(200, whole_list(order_of(vendor, call).get("message_history") or []))


def add_message_history(vendor: "Scalev", call: Call) -> Answer:
    """POST /orders/{id}/message-history: a preset chat by its number, never free text."""
    order, chat_id = order_of(vendor, call), whole(body(call), "follow_up_chat_id")
    chat = found(numbered(vendor.shop.listed("chats"), str(chat_id)), "Follow-up chat")
    entry = {"follow_up_chat_id": chat_id, "name": chat["name"], "at": vendor.now()}
    order["message_history"] = [entry, *(order.get("message_history") or [])]
    return Answer(200, entry, effects=(effect("message_history", order, follow_up_chat_id=chat_id),))


def list_chats(vendor: "Scalev", call: Call) -> Answer:
    """GET /orders/{id}/chats: the texts filled with this order."""
    order = order_of(vendor, call)
    return Answer(200, whole_list([_rendered(chat, order) for chat in vendor.shop.listed("chats")]))


def show_chat(vendor: "Scalev", call: Call) -> Answer:
    """GET /orders/{id}/chats/{chat}."""
    order = order_of(vendor, call)
    chat = found(numbered(vendor.shop.listed("chats"), call.ids["chat"]), "Follow-up chat")
    return Answer(200, _rendered(chat, order))


def list_emails(vendor: "Scalev", call: Call) -> Answer:
    """GET /orders/{id}/emails."""
    return Answer(200, whole_list(order_of(vendor, call).get("emails") or []))


def show_actions(vendor: "Scalev", call: Call) -> Answer:
    """GET /orders/{id}/actions: what kinds of goods are in it."""
    kinds = _kinds(vendor, order_of(vendor, call))
    return Answer(200, {f"has_{kind}": kind in kinds for kind in ("digital", "course", "physical")})


def create_payment(vendor: "Scalev", call: Call) -> Answer:
    """POST /orders/{id}/payment: a gateway makes it, so only for a gateway's method."""
    order = order_of(vendor, call)
    if not by_gateway(order):
        raise RefusedError(422, "the payment method of the order has no gateway")
    if order.get("payment_status") not in (None, "unpaid"):
        raise RefusedError(409, f"the order is {order['payment_status']} already")
    order["pg_reference_id"] = order.get("pg_reference_id") or vendor.ids.uuid("gateway reference")
    order |= {"epayment_provider": "xendit", "pg_payment_info": _gateway_info(order)}
    order["last_updated_at"] = vendor.now()
    events.epayment_created(vendor, order)
    return Answer(200, copy(order), effects=(effect("order_payment", order),))


def check_payment(vendor: "Scalev", call: Call) -> Answer:
    """POST /orders/{id}/check-payment and check-settlement: what the gateway says changes nothing here."""
    return Answer(200, copy(order_of(vendor, call)))


def trigger_purchase(vendor: "Scalev", call: Call) -> Answer:
    """POST /orders/{id}/trigger-purchase."""
    return Answer(204, effects=(effect("pixel_purchase", order_of(vendor, call)),))


def send_product_digital(vendor: "Scalev", call: Call) -> Answer:
    """POST /orders/{id}/send-product-digital."""
    return _send_goods(vendor, call, "digital")


def send_lms_access(vendor: "Scalev", call: Call) -> Answer:
    """POST /orders/{id}/send-lms-access."""
    return _send_goods(vendor, call, "course")


def duplicate(vendor: "Scalev", call: Call) -> Answer:
    """POST /orders/{id}/duplicate: makes the order anew and cancels the original."""
    original = order_of(vendor, call)
    twin = {**original, **vendor.shop.seed["blank_order"], **picked(original, _KEPT_BY_A_TWIN), **new_identity(vendor)}
    twin |= {"status": "pending", "pending_time": twin["created_at"]}
    twin = vendor.orders.put(twin)
    events.created(vendor, twin)
    canceled = change(vendor, original, {"status": "canceled"})
    return Answer(201, copy(twin), effects=(effect("order", twin, status=twin["status"]), *canceled))


def generate_awb(vendor: "Scalev", call: Call) -> Answer:
    """POST /orders/generate-awb: for orders with a courier; says of each how it went."""

    def generate(order: Order) -> str:
        if not order.get("courier_service"):
            raise RefusedError(422, "the order has no courier service")
        if order.get("awb_status") == "created":
            raise RefusedError(409, "the airway bill exists already")
        return "created"

    return _awb(vendor, call, generate)


def cancel_awb(vendor: "Scalev", call: Call) -> Answer:
    """POST /orders/cancel-awb."""

    def cancel(order: Order) -> str:
        if order.get("awb_status") != "created":
            raise RefusedError(422, "the order has no airway bill")
        return "canceled"

    return _awb(vendor, call, cancel)


ROUTES: tuple["Route[Scalev]", ...] = (
    route("order:create_awb", "POST", "/orders/generate-awb", generate_awb),
    route("order:create_awb", "POST", "/orders/cancel-awb", cancel_awb),
    route("order:update", "PATCH", "/orders/{id}/shipment-receipt", set_shipment_receipt),
    route("order:update", "PATCH", "/orders/{id}/shipment", set_shipment),
    route("order:update", "POST", "/orders/{id}/shipment-status-history", add_shipment_status),
    route("order:update", "PATCH", "/orders/{id}/customer", set_customer),
    route("order:read", "GET", "/orders/{id}/message-history", list_message_history),
    route("order:update", "POST", "/orders/{id}/message-history", add_message_history),
    route("order:read", "GET", "/orders/{id}/chats", list_chats),
    route("order:read", "GET", "/orders/{id}/chats/{chat}", show_chat),
    route("order:list", "GET", "/orders/{id}/emails", list_emails),
    route("order:read", "GET", "/orders/{id}/actions", show_actions),
    route("order:update", "POST", "/orders/{id}/payment", create_payment),
    route("order:read", "POST", "/orders/{id}/check-payment", check_payment),
    route("order:read", "POST", "/orders/{id}/check-settlement", check_payment),
    route("order:update", "POST", "/orders/{id}/trigger-purchase", trigger_purchase),
    route("order:read", "POST", "/orders/{id}/send-product-digital", send_product_digital),
    route("order:read", "POST", "/orders/{id}/send-lms-access", send_lms_access),
    route("order:create", "POST", "/orders/{id}/duplicate", duplicate),
)


def _rendered(chat: Mapping[str, Json], order: Order) -> Record:
    filled = chat["text"].replace("{{name}}", str(part(order, "destination_address").get("name") or ""))
    return {"id": chat["id"], "name": chat["name"], "text": filled.replace("{{order_id}}", str(order.get("order_id")))}


def _kinds(vendor: "Scalev", order: Order) -> set[str]:
    lines = [line for line in order.get("orderlines") or [] if isinstance(line, dict)]
    known = [vendor.shop.part("variants", str(line.get("variant_unique_id"))) for line in lines]
    return {found_part[0]["item_type"] for found_part in known if found_part is not None}


def _gateway_info(order: Order) -> Record:
    """Return the gateway's own object, whose shape differs by method."""
    link = f"{order.get('public_order_url')}/gateway"
    match order["payment_method"]:
        case "qris":
            return {"payment_method": {"qr_code": {"channel_properties": {"qr_string": "00020101-EXAMPLE"}}}}
        case "alfamart" | "indomaret":
            code = {"payment_code": "EXAMPLE123456"}
            return {"payment_method": {"over_the_counter": {"channel_properties": code}}}
        case "invoice":
            return {"invoice_url": link}
        case "card":
            return {"redirect_url": link}
        case _:
            return {"actions": [{"url_type": "MOBILE", "url": link}]}


def _send_goods(vendor: "Scalev", call: Call, kind: str) -> Answer:
    order = order_of(vendor, call)
    if kind not in _kinds(vendor, order):
        raise RefusedError(422, f"nothing in the order is of the kind {kind}")
    return Answer(204, effects=(effect("goods_sent", order, goods=kind),))


def _awb(vendor: "Scalev", call: Call, then: Callable[[Order], str]) -> Answer:
    ids = body(call).get("ids")
    if not isinstance(ids, list) or not ids:
        raise RefusedError(422, "ids must be a list with at least one order id")
    successes: dict[str, Json] = {}
    failures: dict[str, Json] = {}
    effects = []
    for identity in ids:
        try:
            order = found(vendor.orders.get(identity), "Order")
            status = then(order)
        except RefusedError as error:
            failures[str(identity)] = str(error)
            continue
        edit(vendor, order, {"awb_status": status, "awb_ca_status": status})
        successes[str(identity)] = status
        effects.append(effect("awb", order, status=status))
    return Answer(200, {"successes": successes, "failures": failures}, effects=tuple(effects))
