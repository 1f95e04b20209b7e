"""What the control API can let happen at the shop, as if a buyer or the staff had done it.

Invariant: each of these is told by webhooks like the same change made through the API; only `event`, which brings
the orders in line with a webhook sent from elsewhere, tells nothing.
"""

from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call, Json
from sandbox.routing import Route
from sandbox.vendors.scalev import events, intents, waba
from sandbox.vendors.scalev.making import change_order, make_order
from sandbox.vendors.scalev.orders import change, remove
from sandbox.vendors.scalev.state import PAYMENT_STATUSES, STATUSES, Order, event_problem
from sandbox.vendors.scalev.words import Record, RefusedError, found, needed_text, numbered, picked, text

if TYPE_CHECKING:
    from sandbox.vendors.scalev.vendor import Scalev

# What only the shop itself can write into an order.
_SHOP_FIELDS = ("shipment_receipt", "shipment_status", "tags", "mark_as_spam_by", "pg_reference_id", "utm_source")


def follow_event(vendor: "Scalev", call: Call) -> Answer:
    """`POST /event`: bring the orders in line with a webhook event; nothing is sent."""
    event: Json = call.params.get("event")
    data: Json = call.params.get("data")
    problem = event_problem(event, data)
    if problem:
        raise RefusedError(400, problem)
    done, order = vendor.orders.apply(event, data)
    return Answer(200, {"done": done, "id": order["id"] if order else None})


def send_test_event(vendor: "Scalev", call: Call) -> Answer:
    """`POST /test-event`: what saving the settings sends; `legacy` leaves the `unique_id` out."""
    legacy = call.params.get("legacy") is True
    unique_id = events.announce(vendor, "business.test_event", {}, with_unique_id=not legacy)
    return Answer(200, {"unique_id": None if legacy else unique_id})


def resend(vendor: "Scalev", call: Call) -> Answer:
    """`POST /resend`: what the dashboard's button does, the same `unique_id` again."""
    if not events.resend(vendor, needed_text(call.params, "unique_id")):
        raise RefusedError(404, "there is no such event")
    return Answer(200, {"resent": True})


def place_order(vendor: "Scalev", call: Call) -> Answer:
    """`POST /orders`: a buyer orders; without lines the first product, without a store the first one."""
    product = vendor.shop.listed("products")[0]
    variant = product["variants"][0]["unique_id"]
    defaults: Record = {
        "store_unique_id": vendor.shop.listed("stores")[0]["unique_id"],
        "customer_name": "Budi Contoh",
        "customer_phone": "628123456789",
        "payment_method": "bank_transfer",
    }
    if "ordervariants" not in call.params and "orderbundles" not in call.params:
        defaults["ordervariants"] = [{"variant_unique_id": variant, "quantity": 1}]
    written = _shop_fields(call)
    order = vendor.orders.put({**make_order(vendor, {**defaults, **call.params}), **written})
    events.created(vendor, order)
    return Answer(200, order)


def edit_order(vendor: "Scalev", call: Call) -> Answer:
    """`PATCH /orders/{id}`: the staff edits an order."""
    order, written = _order(vendor, call), _shop_fields(call)
    change_order(vendor, order, call.params)
    order.update(written)
    events.updated(vendor, order)
    return Answer(200, order)


def delete_order(vendor: "Scalev", call: Call) -> Answer:
    """`DELETE /orders/{id}`: the staff deletes an order, whatever its status."""
    order = _order(vendor, call)
    remove(vendor, order)
    return Answer(200, {"deleted": order["id"]})


def change_order_status(vendor: "Scalev", call: Call) -> Answer:
    """`POST /orders/{id}/status`: the staff moves an order."""
    order, status = _order(vendor, call), needed_text(call.params, "status")
    if status not in STATUSES:
        raise RefusedError(400, f"status: must be one of {', '.join(STATUSES)}")
    if text(call.params, "shipment_receipt"):
        order["shipment_receipt"] = call.params["shipment_receipt"]
    change(vendor, order, {"status": status, "by": "CS Contoh"})
    return Answer(200, order)


def change_order_payment(vendor: "Scalev", call: Call) -> Answer:
    """`POST /orders/{id}/payment`: a gateway, a bank or the staff reports on the money."""
    order, status = _order(vendor, call), needed_text(call.params, "payment_status")
    if status not in PAYMENT_STATUSES:
        raise RefusedError(400, f"payment_status: must be one of {', '.join(PAYMENT_STATUSES)}")
    change(vendor, order, {"payment_status": status, "by": "CS Contoh"})
    return Answer(200, order)


def begin_intent(vendor: "Scalev", call: Call) -> Answer:
    """`POST /intents`: a buyer begins a checkout."""
    return Answer(200, intents.begin(vendor, call.params))


def abandon_intent(vendor: "Scalev", call: Call) -> Answer:
    """`POST /intents/{id}/abandon`: a quarter of an hour passes."""
    intent = found(vendor.intents.get(call.ids["id"]), "Checkout intent")
    intents.abandon(vendor, intent)
    return Answer(200, intent)


def complete_intent(vendor: "Scalev", call: Call) -> Answer:
    """`POST /intents/{id}/complete`: the buyer comes back and orders; `order_id` names the order."""
    intent = found(vendor.intents.get(call.ids["id"]), "Checkout intent")
    order = found(vendor.orders.by_order_id(needed_text(call.params, "order_id")), "Order")
    intents.complete(vendor, intent, order)
    return Answer(200, intent)


def receive_message(vendor: "Scalev", call: Call) -> Answer:
    """`POST /waba/incoming`: a customer writes to the WhatsApp number."""
    phone = needed_text(call.params, "wa_user_id")
    return Answer(200, waba.receive(vendor, phone, needed_text(call.params, "text")))


def judge_template(vendor: "Scalev", call: Call) -> Answer:
    """`PUT /waba/templates/{id}`: Meta judged a template."""
    template = found(numbered(vendor.waba.templates, call.ids["id"]), "Template")
    template["status"] = needed_text(call.params, "status")
    return Answer(200, {**template})


ROUTES: tuple["Route[Scalev]", ...] = (
    Route("POST", "/event", follow_event),
    Route("POST", "/test-event", send_test_event),
    Route("POST", "/resend", resend),
    Route("POST", "/orders", place_order),
    Route("PATCH", "/orders/{id}", edit_order),
    Route("DELETE", "/orders/{id}", delete_order),
    Route("POST", "/orders/{id}/status", change_order_status),
    Route("POST", "/orders/{id}/payment", change_order_payment),
    Route("POST", "/intents", begin_intent),
    Route("POST", "/intents/{id}/abandon", abandon_intent),
    Route("POST", "/intents/{id}/complete", complete_intent),
    Route("POST", "/waba/incoming", receive_message),
    Route("PUT", "/waba/templates/{id}", judge_template),
)


def _shop_fields(call: Call) -> Record:
    fields = picked(call.params, _SHOP_FIELDS)
    problem = event_problem("order.updated", fields)
    if problem:
        raise RefusedError(400, problem)
    return fields


def _order(vendor: "Scalev", call: Call) -> Order:
    """Find an order by its UUID, legacy number or, as people would here, its human number."""
    identity = call.ids["id"]
    return found(vendor.orders.get(identity) or vendor.orders.by_order_id(identity), "Order")
