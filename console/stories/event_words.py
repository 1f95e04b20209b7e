"""What happened, in business words: a sentence for each type of event; a plain one for types that have none here.

A type with a word behind a colon is that type where its status is that word. In a sentence `{name}` is a value that is
known, and what stands in brackets is left out where it is not.
Invariant: an event and the fact that follows from it say the same in the same words, so that a story says it once.
"""

from collections.abc import Mapping
from typing import Any

from console.stories.wording import plain, sentence, told, words

VENDORS = {
    "scalev": "Scalev", "wabotick": "Wabotick", "meta": "WhatsApp", "proton": "Proton", "cgb": "CGB",
    "open_mercato": "Open Mercato", "freighttech": "Freighttech", "whatsapp": "WhatsApp", "generic": "",
}  # fmt: skip

_SHIPPED = "Shipped[ by {courier}][, receipt {shipment_receipt}]"
_PAID = "Paid[ by {payment_method}]"
_TAPPED = "Button tapped[: “{title}”]"
_ORDER = "scalev.order"
_MOVES = {
    "draft": "Order is a draft", "pending": "Order waits to be confirmed", "confirmed": "Order confirmed",
    "in_process": "Order is being packed", "ready": "Order is ready to be shipped", "shipped": _SHIPPED,
    "completed": "Order completed", "rts": "Order came back to the sender", "canceled": "Order cancelled",
    "closed": "Order closed",
}  # fmt: skip
_PAYMENTS = {
    "paid": _PAID, "settled": "Payment settled by the gateway", "unpaid": "Payment is open",
    "conflict": "Payment does not fit the order",
}  # fmt: skip
_CHANGES = {
    "subscription.created": "Subscription created", "subscription.activated": "Subscription activated",
    "subscription.renewed": "Subscription renewed", "subscription.canceled": "Subscription cancelled",
    "subscription.expired": "Subscription expired",
}  # fmt: skip
_FREIGHT = "freighttech.shipment_tracking"
_FREIGHT_NEWS = {
    "shipment.created": "Shipment is tracked from now on", "shipment.booked": "Shipment booked",
    "shipment.pre_arrival": "Shipment is about to arrive", "shipment.delivered": "Shipment delivered",
    "shipment.status_changed": "Shipment's status changed", "transport.departed": "Ship departed",
    "transport.arrived": "Ship arrived", "transport.eta_updated": "New time of arrival",
    "transport.etd_updated": "New time of departure", "transport.omitted": "The ship leaves a port out",
    "equipment.loaded": "Container loaded", "equipment.discharged": "Container unloaded from the ship",
    "equipment.gate_in": "Container entered the terminal", "equipment.gate_out": "Container left the terminal",
    "equipment.available_pickup": "Container can be picked up", "equipment.inspected": "Container inspected",
    "equipment.customs_released": "Container released by customs",
}  # fmt: skip

SENTENCES: Mapping[str, str] = {
    f"{_ORDER}.created": "Order placed[: {products}]",
    f"{_ORDER}.epayment_created": "Payment asked for[, by {payment_method}]",
    f"{_ORDER}.updated": "Order changed at the shop",
    f"{_ORDER}.spam_created": "Order placed that is probably spam",
    f"{_ORDER}.status_changed": "Order is now {status}",
    **{f"{_ORDER}.status_changed:{status}": text for status, text in _MOVES.items()},
    f"{_ORDER}.payment_status_changed": "Payment is now {payment_status}",
    **{f"{_ORDER}.payment_status_changed:{status}": text for status, text in _PAYMENTS.items()},
    f"{_ORDER}.deleted": "Order deleted at the shop",
    f"{_ORDER}.shipped": _SHIPPED,
    f"{_ORDER}.completed": _MOVES["completed"],
    f"{_ORDER}.canceled": _MOVES["canceled"],
    f"{_ORDER}.returned": _MOVES["rts"],
    f"{_ORDER}.paid": _PAID,
    "scalev.payment.received": "Payment received[ by {payment_method}]",
    "scalev.payment.failed": "Payment failed[, by {payment_method}]",
    "scalev.customer.first_seen": "First order of this customer",
    "scalev.checkout_intent.abandoned": "Checkout begun and left[: {products}]",
    "scalev.checkout_intent.completed": "Checkout completed[, order {order_id}]",
    "scalev.shipment.status.updated": "Courier reports[: {status}]",
    "scalev.whatsapp.message.received": "The person wrote",
    "scalev.whatsapp.message.status.updated": "Report on a message[: {status}]",
    **{f"scalev.{name}": text for name, text in _CHANGES.items()},
    "wabotick.message.received": "The person wrote",
    "wabotick.message.sent": "A message was sent by hand or by the bot",
    "wabotick.message.status": "Report on a message[: {status}]",
    "wabotick.conversation.status": "Conversation[ {action}]",
    "wabotick.postback": _TAPPED,
    "wabotick.flow.completed": "The person answered the bot's questions",
    "meta.message.received": "The person wrote",
    "meta.postback": _TAPPED,
    "meta.message.status": "Report on a message[: {status}]",
    "cgb.button": "Button tapped[: “{button}”]",
    "cgb.message": "The person wrote",
    "cgb.flow": "The bot's flow reported[: {event}]",
    "whatsapp.opted_out": "The person wants no more messages[: {scope}]",
    "whatsapp.opted_in": "The person wants messages again[: {scope}]",
    "proton.customer.created": "Customer created in the CRM",
    "proton.customer.updated": "Customer changed in the CRM",
    "proton.call_note.created": "Call noted in the CRM[: {call_type}]",
    "proton.call_note.updated": "Note of a call changed in the CRM",
    "proton.call_note.deleted": "Note of a call deleted in the CRM",
    "freighttech.container.updated": "News of the container[: {last_milestone}][ in {location}]",
    "freighttech.container.departed": "Container departed[ from {origin}]",
    "freighttech.container.arrived": "Container arrived[ in {destination}]",
    "freighttech.container.delivered": "Container delivered",
    "freighttech.container.eta_changed": "New time of arrival[: {eta}][, before {previous_eta}]",
    **{f"{_FREIGHT}.{name}": text for name, text in _FREIGHT_NEWS.items()},
    "open_mercato.customers.deal.created": "Opportunity created",
    "open_mercato.customers.deal.deleted": "Opportunity deleted",
    "open_mercato.customers.deal.won": "Opportunity won",
    "open_mercato.customers.deal.lost": "Opportunity lost",
    "open_mercato.customers.deal.updated": "Opportunity changed[, now in {pipeline_stage}]",
    "open_mercato.sales.order.created": "Order created in the ERP[: {order_number}]",
    "open_mercato.sales.order.updated": "Order changed in the ERP[, now {status}]",
    "open_mercato.sales.order.confirmed": "Order confirmed in the ERP",
    "open_mercato.sales.order.cancelled": "Order cancelled in the ERP",
}
_STATUS_OF = {f"{_ORDER}.payment_status_changed": "payment_status"}

# What cancels a step, in a story's "unless": the beginning of a subordinate clause.
CLAUSES: Mapping[str, str] = {
    f"{_ORDER}.paid": "the order is paid", f"{_ORDER}.shipped": "the order is shipped",
    f"{_ORDER}.completed": "the order is completed", f"{_ORDER}.canceled": "the order is cancelled",
    f"{_ORDER}.returned": "the order comes back", f"{_ORDER}.deleted": "the order is deleted",
    f"{_ORDER}.status_changed": "the order's status changes",
    f"{_ORDER}.payment_status_changed": "the payment's status changes",
    "scalev.payment.received": "the payment comes in", "scalev.checkout_intent.completed": "the order is placed",
    "wabotick.postback": "a button is tapped", "meta.postback": "a button is tapped",
    "cgb.button": "a button is tapped", "wabotick.message.received": "the person writes",
    "meta.message.received": "the person writes", "cgb.message": "the person writes",
    "whatsapp.opted_out": "the person wants no more messages",
}  # fmt: skip


def event_sentence(type_: str, values: Mapping[str, Any]) -> str:
    """Return what an event says, from what is known of it."""
    status = plain(values.get(_STATUS_OF.get(type_, "status")) or "")
    found = SENTENCES.get(f"{type_}:{status}") or SENTENCES.get(type_)
    said = {name: words(value) if _is_name(value) else value for name, value in values.items()}
    return (found and told(found, said)) or _from_name(type_)


def event_clause(pattern: str) -> str:
    """Return an event type, or a pattern of such, as a clause: "the order is paid"."""
    return CLAUSES.get(pattern) or f"“{_from_name(pattern)}” happens"


def vendor_name(type_or_action: str) -> str:
    """Return the name of the vendor that an event type or an action begins with."""
    vendor = type_or_action.partition(".")[0]
    return VENDORS.get(vendor, sentence(words(plain(vendor))))


def _is_name(value: Any) -> bool:
    """Whether a value is one of a program's words: `bank_transfer`."""
    return isinstance(value, str) and value.isascii() and value.islower() and value.replace("_", "").isalpha()


def _from_name(type_: str) -> str:
    """Say a type itself: `open_mercato.customers.person.created` as "Person created (Open Mercato)"."""
    vendor, _, rest = plain(type_, 200).partition(".")
    said = " ".join(map(words, rest.split(".")[-2:])).replace("*", "anything") or words(vendor)
    name = VENDORS.get(vendor, words(vendor)) if rest else ""
    return sentence(said) + (f" ({name})" if name else "")
