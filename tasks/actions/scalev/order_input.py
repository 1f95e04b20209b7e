"""What an order is made of when we make or change it.

Invariant: variants, bundles, stores and warehouses are named by their text ids, as Scalev wants it.
"""

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from tasks.actions.parameters import Parameters, Text
from tasks.actions.scalev.parameters import Money, Number, OfOrder, StoredPhone

Quantity = Annotated[int, Field(ge=1, le=1_000_000)]


class OrderVariant(Parameters):
    """So many of a variant."""

    variant_unique_id: Text
    quantity: Quantity = 1


class OrderBundle(Parameters):
    """So many of a bundle."""

    bundle_price_option_unique_id: Text
    quantity: Quantity = 1


class OrderFields(Parameters):
    """What may be said of an order, new or not."""

    ordervariants: tuple[OrderVariant, ...] = ()
    orderbundles: tuple[OrderBundle, ...] = ()
    customer_phone: StoredPhone | None = None
    customer_email: Text | None = None
    payment_method: Text | None = None
    address: Text | None = None
    location_id: Number | None = None
    postal_code: Text | None = None
    warehouse_unique_id: Text | None = None
    courier_service_id: Number | None = None
    shipping_cost: Money | None = None
    shipment_provider_code: Text | None = None
    product_discount: Money | None = None
    shipping_discount: Money | None = None
    other_income: Money | None = None
    other_income_name: Text | None = None
    notes: str | None = None
    is_probably_spam: bool | None = None
    page_unique_id: Text | None = None
    channel_unique_id: Text | None = None
    payment_account_unique_id: Text | None = None
    financial_entity_id: Number | None = None


class CreateOrder(OrderFields):
    """A new order."""

    store_unique_id: Text
    customer_name: Text
    metadata: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _has_lines(self) -> Self:
        if not self.ordervariants and not self.orderbundles:
            raise ValueError("ordervariants or orderbundles are wanted")
        return self


class UpdateOrder(OfOrder, OrderFields):
    """Changes of an order; store and metadata stay as they are."""

    customer_name: Text | None = None
