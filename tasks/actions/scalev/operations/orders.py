"""What can be done with Scalev's orders.

Invariant: whatever reads or changes one order, or some, takes their human numbers as well as their primary keys.
"""

from typing import Any, Literal, Self

from pydantic import model_validator

from tasks.actions.operations import Operation
from tasks.actions.parameters import Parameters, Text
from tasks.actions.scalev import results, settling
from tasks.actions.scalev.order_input import CreateOrder, UpdateOrder
from tasks.actions.scalev.parameters import (
    Commas,
    Nothing,
    OfOrder,
    OfOrders,
    OrderStatus,
    Page,
    PaymentStatus,
    Time,
)
from worker.acting import Call, Outcome

SearchField = Literal[
    "order_id", "shipment_receipt", "external_id", "pg_reference_id", "gross_revenue", "customer_name",
    "customer_email", "customer_phone",
]  # fmt: skip


class ListOrders(Page):
    """Orders, the newest first."""

    search: Text | None = None
    search_field: SearchField | None = None
    order_id: Text | None = None
    status: OrderStatus | Literal["shipped_rts"] | None = None
    payment_status: PaymentStatus | None = None
    payment_method: Text | None = None
    is_probably_spam: bool | None = None
    tags: Commas | None = None
    product_id: Text | None = None
    store_id: Text | None = None
    warehouse_id: Text | None = None
    courier_id: Text | None = None
    handler_id: Text | None = None
    advertiser_id: Text | None = None
    platform: Text | None = None
    external_id: Text | None = None
    utm_source: Text | None = None
    page_id: Text | None = None
    confirmed_time_since: Time | None = None
    confirmed_time_until: Time | None = None
    shipped_time_since: Time | None = None
    shipped_time_until: Time | None = None
    completed_time_since: Time | None = None
    completed_time_until: Time | None = None
    draft_time_until: Time | None = None
    columns: Commas | None = None


class ChangeStatus(OfOrders):
    """A status or a payment status for orders."""

    status: OrderStatus | None = None
    payment_status: PaymentStatus | None = None
    by: Text | None = None
    payment_method: Text | None = None
    financial_entity_id: int | None = None
    payment_account_holder: Text | None = None
    payment_account_number: Text | None = None
    transfer_time: Time | None = None
    transferproof_url: Text | None = None
    rtsproof_url: Text | None = None

    @model_validator(mode="after")
    def _one_status(self) -> Self:
        if (self.status is None) == (self.payment_status is None):
            raise ValueError("either status or payment_status is wanted")
        return self


class UpdateTags(OfOrder):
    """All tags of an order; those not named go."""

    tags: list[Text]


class OfGatewayReference(Parameters):
    """The gateway's reference of a payment."""

    pg_reference_id: Text


class OfGatewayReferences(Parameters):
    """Several of them."""

    pg_reference_ids: Commas


class Search(Parameters):
    """A word to look for."""

    search: Text | None = None


def _status_changed(call: Call, answer: Any) -> Outcome:
    given, told = call.parameters, results.orders(call, answer)
    said = {name: getattr(given, name) for name in ("ids", "status", "payment_status") if getattr(given, name)}
    return Outcome(said, told.patches)


def _same_ids(call: Call, answer: Any) -> Outcome:
    return Outcome({"ids": call.parameters.ids}, results.orders(call, answer).patches)


BUSINESS_WIDE = (
    Operation(
        "scalev.list_orders", ListOrders, "GET", "/orders", "List orders, newest first, filtered.",
        finish=results.found_orders,
    ),
    Operation(
        "scalev.create_order", CreateOrder, "POST", "/orders", "Make an order.", idempotent=False,
        finish=results.made_order, settle=settling.order_made,
        settled_by="the orders made since, by the buyer's phone or e-mail, store and lines",
    ),
    Operation(
        "scalev.get_order_statistics", Nothing, "GET", "/orders/statistics", "Count orders by status.",
        finish=results.numbers,
    ),
    Operation(
        "scalev.list_order_tags", Search, "GET", "/orders/tags", "List all tags that orders have.",
        finish=results.values,
    ),
    Operation(
        "scalev.get_order_by_pg_reference_id", OfGatewayReference, "GET",
        "/orders/pg-reference-id/{pg_reference_id}", "Read an order by the gateway's reference.",
        finish=results.order,
    ),
    Operation(
        "scalev.list_orders_by_pg_reference_ids", OfGatewayReferences, "GET", "/orders/pg-reference-ids",
        "Read orders by the gateway's references.", finish=results.found_orders,
    ),
)  # fmt: skip

OF_ORDERS = (
    Operation(
        "scalev.get_order", OfOrder, "GET", "/orders/{id}", "Read an order by its id or its number.",
        finish=results.order,
    ),
    Operation(
        "scalev.update_order", UpdateOrder, "PATCH", "/orders/{id}", "Change an order.", idempotent=True,
        finish=results.changed_order,
    ),
    Operation(
        "scalev.change_status", ChangeStatus, "POST", "/orders/change-status",
        "Set the status or the payment status of orders.", idempotent=True, finish=_status_changed,
    ),
    Operation(
        "scalev.mark_not_spam", OfOrders, "POST", "/orders/mark-not-spam", "Say that orders are no spam.",
        idempotent=True, finish=_same_ids,
    ),
    Operation(
        "scalev.update_order_tags", UpdateTags, "POST", "/orders/{id}/update-tags",
        "Set all tags of an order; those not named go.", idempotent=True, finish=results.changed_order,
    ),
)  # fmt: skip
