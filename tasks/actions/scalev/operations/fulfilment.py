"""What can be done with one order of Scalev's after it was made: shipping, payment, messages, digital goods.

Invariant: as in `orders`: human numbers and primary keys are both taken.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from tasks.actions.operations import Operation
from tasks.actions.parameters import Text
from tasks.actions.scalev import results, settling
from tasks.actions.scalev.parameters import Number, OfOrder, OfOrders, OrderStatus, Time
from worker.acting import Call, Outcome

AwbStatus = Literal["unavailable", "pending", "waiting", "failed", "created", "canceled"]


class UpdateShipmentReceipt(OfOrder):
    """The tracking number."""

    shipment_receipt: Text


class UpdateShipment(OfOrder):
    """What is known of the shipment."""

    awb_ca_status: AwbStatus | None = None
    courier_additional_info: Text | None = None
    is_shipment_completed: bool | None = None
    shipment_provider_code: Text | None = None
    shipment_receipt: Text | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set - {"id", "order_id"}:
            raise ValueError("at least one field of the shipment is wanted")
        return self


class AddShipmentStatus(OfOrder):
    """What happened to the shipment; the specification takes the status of orders for it."""

    status: OrderStatus
    description: Text
    timestamp: Time


class UpdateOrderCustomer(OfOrder):
    """Another customer for the order."""

    customer_id: Number


class AddMessageHistory(OfOrder):
    """A follow-up chat that was sent: one of the presets, never a text of one's own."""

    follow_up_chat_id: Number


class OfChat(OfOrder):
    """One of the follow-up chats."""

    chat_id: Annotated[Text, Field(pattern=r"^[0-9]+$")]


def _awb(call: Call, answer: Any) -> Outcome:
    return Outcome({"ids": call.parameters.ids}, results.orders(call, answer).patches)


OF_ORDERS = (
    Operation(
        "scalev.update_shipment_receipt", UpdateShipmentReceipt, "PATCH", "/orders/{id}/shipment-receipt",
        "Set an order's tracking number.", idempotent=True, finish=results.changed_order,
    ),
    Operation(
        "scalev.update_shipment", UpdateShipment, "PATCH", "/orders/{id}/shipment",
        "Set what is known of an order's shipment.", idempotent=True, finish=results.changed_order,
    ),
    Operation(
        "scalev.add_shipment_status", AddShipmentStatus, "POST", "/orders/{id}/shipment-status-history",
        "Add to the history of an order's shipment.", idempotent=False, finish=results.changed_order,
    ),
    Operation(
        "scalev.update_order_customer", UpdateOrderCustomer, "PATCH", "/orders/{id}/customer",
        "Give an order to another customer.", idempotent=True, finish=results.changed_order,
    ),
    Operation(
        "scalev.list_message_history", OfOrder, "GET", "/orders/{id}/message-history",
        "List the follow-up chats that were sent to the buyer.", finish=results.listed("follow_up_chat_id"),
    ),
    Operation(
        "scalev.add_message_history", AddMessageHistory, "POST", "/orders/{id}/message-history",
        "Note that a follow-up chat was sent to the buyer.", idempotent=False,
        settle=settling.chat_noted, settled_by="the order's message history",
    ),
    Operation(
        "scalev.list_chats", OfOrder, "GET", "/orders/{id}/chats", "List the follow-up chats, made out for an order.",
        finish=results.listed("name"),
    ),
    Operation(
        "scalev.get_chat", OfChat, "GET", "/orders/{id}/chats/{chat_id}", "Read one follow-up chat.",
        result={"id": ("id",), "name": ("name",)},
    ),
    Operation(
        "scalev.list_emails", OfOrder, "GET", "/orders/{id}/emails", "List the e-mails sent for an order.",
        finish=results.listed(),
    ),
    Operation(
        "scalev.get_order_actions", OfOrder, "GET", "/orders/{id}/actions", "Say which kinds of goods an order has.",
        finish=results.flags,
    ),
    Operation(
        "scalev.create_payment", OfOrder, "POST", "/orders/{id}/payment", "Make the gateway's payment of an order.",
        idempotent=False, finish=results.changed_order, settle=settling.payment_made,
        settled_by="the order's own gateway reference",
    ),
    Operation(
        "scalev.check_payment", OfOrder, "POST", "/orders/{id}/check-payment",
        "Have the gateway asked whether an order is paid.", idempotent=True, finish=results.changed_order,
    ),
    Operation(
        "scalev.check_settlement", OfOrder, "POST", "/orders/{id}/check-settlement",
        "Have the gateway asked whether an order is settled.", idempotent=True, finish=results.changed_order,
    ),
    Operation(
        "scalev.trigger_purchase", OfOrder, "POST", "/orders/{id}/trigger-purchase",
        "Fire the pixels' purchase event.", idempotent=False,
    ),
    Operation(
        "scalev.send_product_digital", OfOrder, "POST", "/orders/{id}/send-product-digital",
        "Send the digital product to the buyer again.", idempotent=False,
    ),
    Operation(
        "scalev.send_lms_access", OfOrder, "POST", "/orders/{id}/send-lms-access",
        "Send the access to a course to the buyer again.", idempotent=False,
    ),
    Operation(
        "scalev.duplicate_order", OfOrder, "POST", "/orders/{id}/duplicate",
        "Make an order anew and cancel the original.", idempotent=False, finish=results.made_order,
        settle=settling.duplicated, settled_by="whether the original was canceled since",
    ),
    Operation(
        "scalev.generate_awb", OfOrders, "POST", "/orders/generate-awb", "Make airway bills.", idempotent=False,
        finish=_awb, settle=settling.awb_made, settled_by="the orders' airway bills",
    ),
    Operation(
        "scalev.cancel_awb", OfOrders, "POST", "/orders/cancel-awb", "Cancel airway bills.", idempotent=True,
        finish=_awb,
    ),
)  # fmt: skip
