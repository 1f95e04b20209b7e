"""Open Mercato's sales: shipments, payments, notes, and the words they are described in.

Source: as the customers'. Nothing here has a key of its own that the server would keep unique.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from tasks.actions.open_mercato.client import ask as ask_vendor
from tasks.actions.open_mercato.client import rows_of
from tasks.actions.open_mercato.operations.orders import Number, OfOrder
from tasks.actions.open_mercato.parameters import (
    Amount,
    Color,
    Country,
    Currency,
    Given,
    Id,
    Json,
    Moment,
    Paged,
    Part,
    Text,
    Text25,
    Text30,
    Text50,
    Text100,
    Text150,
    Text191,
    Text200,
    Text255,
    Text4000,
    Text8000,
)
from tasks.actions.open_mercato.reading import ID, found, values_found
from tasks.actions.operations import Operation
from webhooks import fields
from worker.acting import Call, Outcome, Settled, Settlement


class Item(Part):
    """How much of an order's line is in a shipment."""

    order_line_id: Id
    quantity: Amount


class Shipment(Given):
    """What a shipment of an order has."""

    shipment_number: Number | None = None
    shipping_method_id: Id | None = None
    status_entry_id: Id | None = None
    document_status_entry_id: Id | None = Field(default=None, description="Sets the order's status, too.")
    line_status_entry_id: Id | None = None
    carrier_name: Text191 | None = None
    tracking_numbers: list[Number] | None = Field(default=None, description="In place of all that were there.")
    shipped_at: Moment | None = None
    delivered_at: Moment | None = None
    weight_value: Amount | None = None
    weight_unit: Text25 | None = None
    declared_value_net: Amount | None = None
    declared_value_gross: Amount | None = None
    currency_code: Currency | None = None
    notes: Text4000 | None = None
    metadata: Json | None = None
    shipment_address_snapshot: Json | None = None
    custom_fields: Json | None = None


class CreateShipment(Shipment):
    """Ship lines of an order."""

    order_id: Id
    items: Annotated[list[Item], Field(min_length=1)]


class UpdateShipment(Shipment):
    """Change what is given of a shipment."""

    id: Id
    items: Annotated[list[Item], Field(min_length=1)] | None = None


class Payment(Given):
    """What a payment has."""

    payment_method_id: Id | None = None
    payment_reference: Text191 | None = None
    status_entry_id: Id | None = None
    document_status_entry_id: Id | None = Field(default=None, description="Sets the order's status, too.")
    line_status_entry_id: Id | None = None
    captured_amount: Amount | None = None
    refunded_amount: Amount | None = None
    received_at: Moment | None = None
    captured_at: Moment | None = None
    allocations: list[Json] | None = None
    metadata: Json | None = None
    custom_fields: Json | None = None


class CreatePayment(Payment):
    """A payment of an order, in the order's currency."""

    order_id: Id
    amount: Amount
    currency_code: Currency


class UpdatePayment(Payment):
    """Change what is given of a payment."""

    id: Id
    amount: Amount | None = None
    currency_code: Currency | None = None


class AddNote(Given):
    """A note on a document."""

    context_type: Literal["order", "quote", "invoice", "credit_memo"]
    context_id: Id
    body: Text8000
    order_id: Id | None = None
    quote_id: Id | None = None
    author_user_id: Id | None = None
    appearance_icon: Text100 | None = None
    appearance_color: Color | None = None


class AddDocumentAddress(Given):
    """An address of an order or a quote."""

    document_id: Id
    document_kind: Literal["order", "quote"]
    address_line1: Text255
    address_line2: Text255 | None = None
    name: Text150 | None = None
    purpose: Text150 | None = None
    company_name: Text200 | None = None
    building_number: Text50 | None = None
    flat_number: Text50 | None = None
    city: Text150 | None = None
    region: Text150 | None = None
    postal_code: Text30 | None = None
    country: Country | None = None


class NextNumber(Given):
    """Take the next number of a kind of document."""

    kind: Literal["order", "quote"]
    format: Text100 | None = None


class ConvertQuote(Given):
    """Make an order of a quote, which is gone then."""

    quote_id: Id


class Search(Paged):
    """What fits a word; all without."""

    search: Text | None = None


def _settle_shipment(call: Call, _since: datetime) -> Settlement:
    wanted = call.parameters.shipment_number
    if wanted is None:
        return Settlement(Settled.NOT_KNOWN)
    page = ask_vendor(call, "GET", "/sales/shipments", params={"orderId": call.parameters.order_id, "pageSize": "100"})
    for row in rows_of(page):
        if fields.text(fields.first(row, ("shipment_number", "shipmentNumber"))) == wanted:
            return Settlement(Settled.HAPPENED, Outcome({"id": fields.text(row.get("id"))}))
    return Settlement(Settled.DID_NOT_HAPPEN)


def _lists(name: str, path: str, summary: str) -> Operation:
    return Operation(f"open_mercato.{name}", Search, "GET", path, summary, finish=values_found)


_OF = "open_mercato."
OPERATIONS = (
    Operation(_OF + "find_shipments", OfOrder, "GET", "/sales/shipments", "List the shipments of an order.",
              finish=found),
    Operation(_OF + "create_shipment", CreateShipment, "POST", "/sales/shipments", "Ship lines of an order.",
              idempotent=False, result=ID, settle=_settle_shipment, settled_by="its number, where one was given"),
    Operation(_OF + "update_shipment", UpdateShipment, "PUT", "/sales/shipments", "Change a shipment.",
              idempotent=True),
    Operation(_OF + "create_payment", CreatePayment, "POST", "/sales/payments", "Write down a payment of an order.",
              idempotent=False, result=ID),
    Operation(_OF + "update_payment", UpdatePayment, "PUT", "/sales/payments", "Change a payment.", idempotent=True,
              result=ID),
    Operation(_OF + "add_note", AddNote, "POST", "/sales/notes", "Write a note on a document.", idempotent=False,
              result=ID),
    Operation(_OF + "add_document_address", AddDocumentAddress, "POST", "/sales/document-addresses",
              "Add an address to a document.", idempotent=False, result=ID),
    Operation(_OF + "next_document_number", NextNumber, "POST", "/sales/document-numbers",
              "Take the next number of a kind of document.", idempotent=False, result={"number": ("number",)}),
    Operation(_OF + "convert_quote", ConvertQuote, "POST", "/sales/quotes/convert", "Make an order of a quote.",
              idempotent=False, result={"order_id": ("orderId",)}),
    _lists("find_order_statuses", "/sales/order-statuses", "List the statuses of orders."),
    _lists("find_order_line_statuses", "/sales/order-line-statuses", "List the statuses of lines."),
    _lists("find_payment_statuses", "/sales/payment-statuses", "List the statuses of payments."),
    _lists("find_shipment_statuses", "/sales/shipment-statuses", "List the statuses of shipments."),
    _lists("find_channels", "/sales/channels", "List the channels of sale."),
    _lists("find_shipping_methods", "/sales/shipping-methods", "List the ways of shipping."),
    _lists("find_payment_methods", "/sales/payment-methods", "List the ways of paying."),
    _lists("find_tax_rates", "/sales/tax-rates", "List the rates of tax."),
    _lists("find_sales_tags", "/sales/tags", "List the tags of documents."),
    _lists("find_products", "/catalog/products", "Find products."),
    _lists("find_variants", "/catalog/variants", "Find variants of products."),
)  # fmt: skip
