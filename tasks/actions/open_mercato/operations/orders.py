"""Open Mercato's orders and their lines.

Source: as the customers'. An order's number is unique within its organization; nothing else here is.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints, model_validator

from tasks.actions.open_mercato.parameters import (
    Amount,
    ById,
    Currency,
    Given,
    Id,
    Json,
    Moment,
    Paged,
    Part,
    Text,
    Text25,
    Text150,
    Text191,
    Text255,
    Text2000,
    Text4000,
)
from tasks.actions.open_mercato.reading import ID, all_rows, first_record, found
from tasks.actions.operations import Operation
from webhooks import fields
from webhooks.sources.open_mercato.records import SALES_ORDER
from worker.acting import Call, Outcome, Settled, Settlement

Number = Annotated[str, StringConstraints(min_length=1, max_length=191)]


class LineFields(BaseModel):
    """What a line has, in an order or by itself."""

    quantity: Amount
    line_number: int | None = None
    kind: Literal["product", "service", "shipping", "discount", "adjustment"] | None = None
    product_id: Id | None = None
    product_variant_id: Id | None = None
    name: Text255 | None = None
    description: Text4000 | None = None
    comment: Text2000 | None = None
    quantity_unit: Text25 | None = None
    currency_code: Currency | None = None
    unit_price_net: Amount | None = None
    unit_price_gross: Amount | None = None
    price_id: Id | None = None
    price_mode: Literal["net", "gross"] | None = None
    tax_rate_id: Id | None = None
    tax_rate: Amount | None = None
    tax_amount: Amount | None = None
    discount_amount: Amount | None = None
    discount_percent: Amount | None = None
    total_net_amount: Amount | None = None
    total_gross_amount: Amount | None = None
    status_entry_id: Id | None = None
    catalog_snapshot: Json | None = None
    metadata: Json | None = None


class Line(LineFields, Part):
    """A line of an order that is made with it."""


class Order(Given):
    """What an order has."""

    external_reference: Text191 | None = None
    customer_reference: Text191 | None = None
    customer_entity_id: Id | None = None
    customer_contact_id: Id | None = None
    customer_snapshot: Json | None = None
    billing_address_id: Id | None = None
    shipping_address_id: Id | None = None
    billing_address_snapshot: Json | None = None
    shipping_address_snapshot: Json | None = None
    status_entry_id: Id | None = None
    shipping_method_id: Id | None = None
    shipping_method_code: Text150 | None = None
    payment_method_id: Id | None = None
    payment_method_code: Text150 | None = None
    channel_id: Id | None = None
    placed_at: Moment | None = None
    expected_delivery_at: Moment | None = None
    metadata: Json | None = None
    tags: list[Id] | None = None
    custom_fields: Json | None = None


class NewOrder(Order):
    """A new order, without its number."""

    currency_code: Currency
    exchange_rate: Amount | None = None
    fulfillment_status_entry_id: Id | None = None
    payment_status_entry_id: Id | None = None
    delivery_window_id: Id | None = None
    delivery_window_code: Text150 | None = None
    due_at: Moment | None = None
    comments: Text4000 | None = None
    internal_notes: Text4000 | None = None
    lines: list[Line] | None = None
    adjustments: list[Json] | None = None


class CreateOrder(NewOrder):
    """Create an order."""

    order_number: Number | None = None


class UpdateOrder(Order):
    """Change what is given of an order."""

    id: Id
    currency_code: Currency | None = None
    comment: Text4000 | None = None

    @model_validator(mode="after")
    def _something_to_change(self) -> "UpdateOrder":
        if not self.model_fields_set - {"id"}:
            raise ValueError("at least one field to change is wanted")
        return self


class FindOrders(Paged):
    """Orders that fit all of this."""

    search: Text | None = Field(default=None, description="A part of the order's number.")
    customer_id: Id | None = None
    channel_id: Id | None = None
    date_from: Moment | None = None
    date_to: Moment | None = None
    tag_ids: Text | None = Field(default=None, description="Ids with commas between them.")


class OfOrder(Paged):
    """What belongs to one order."""

    order_id: Id


class AddLine(LineFields, Given):
    """A further line of an order."""

    order_id: Id
    currency_code: Currency


class UpdateLine(AddLine):
    """A line of an order, in its place; without an id the server would add one."""

    id: Id


def order_of_number(call: Call, number: str) -> str | None:
    """Return the id of the order that has exactly this number."""
    rows = all_rows(call, "/sales/orders", search=number)
    return next((fields.text(row.get("id")) for row in rows if row.get("orderNumber") == number), None)


def _settle_order(call: Call, _since: datetime) -> Settlement:
    number = call.parameters.order_number
    if number is None:
        return Settlement(Settled.NOT_KNOWN)
    order_id = order_of_number(call, number)
    # A number is unique: whoever made it, the order is there, and a repeat could not make another.
    return Settlement(Settled.HAPPENED, Outcome({"id": order_id})) if order_id else Settlement(Settled.DID_NOT_HAPPEN)


_OF = "open_mercato."
OPERATIONS = (
    Operation(_OF + "find_orders", FindOrders, "GET", "/sales/orders", "Find orders.", finish=found),
    Operation(_OF + "get_order", ById, "GET", "/sales/orders", "Read an order.", finish=first_record(SALES_ORDER)),
    Operation(_OF + "create_order", CreateOrder, "POST", "/sales/orders", "Create an order.", idempotent=False,
              result=ID, settle=_settle_order, settled_by="its number, where one was given"),
    Operation(_OF + "update_order", UpdateOrder, "PUT", "/sales/orders", "Change an order.", idempotent=True,
              result={"id": ("id", "order.id")}),
    Operation(_OF + "find_order_lines", OfOrder, "GET", "/sales/order-lines", "List the lines of an order.",
              finish=found),
    Operation(_OF + "add_order_line", AddLine, "POST", "/sales/order-lines", "Add a line to an order.",
              idempotent=False, result={"id": ("id",), "order_id": ("orderId",)}),
    Operation(_OF + "update_order_line", UpdateLine, "PUT", "/sales/order-lines", "Change a line of an order.",
              idempotent=True, result={"id": ("id",), "order_id": ("orderId",)}),
)  # fmt: skip
