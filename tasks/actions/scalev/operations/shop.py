"""What can be asked of the shop behind Scalev's orders: places, shipping, stores, checkout intents, the key itself.

Invariant: nothing here changes anything but the follow-up e-mail, which Scalev sends once whatever is asked.
"""

from typing import Annotated

from pydantic import Field

from tasks.actions.operations import Operation
from tasks.actions.parameters import Parameters, Text
from tasks.actions.scalev import results
from tasks.actions.scalev.parameters import MOST_IN_PAGE, Nothing, Number, Page

Grams = Annotated[int, Field(ge=1, le=10_000_000)]


class SearchLocations(Parameters):
    """Places by name: subdistrict, city or province."""

    search: Text
    page_size: Annotated[int, Field(ge=1, le=MOST_IN_PAGE)] | None = None


class OfLocation(Parameters):
    """One place."""

    location_id: Number


class ShippingCost(OfLocation):
    """A parcel, from a warehouse to a place, by some couriers."""

    courier_codes: Annotated[list[Text], Field(min_length=1)]
    warehouse_id: Number
    weight: Grams


class SearchCourierService(OfLocation):
    """A parcel, and who could bring it."""

    store_id: Number
    warehouse_id: Number
    payment_method: Text | None = None
    weight: Grams


class WantedVariant(Parameters):
    """So many of a variant, by its number."""

    variant_id: Number
    qty: Annotated[int, Field(ge=1)]


class SearchWarehouse(Parameters):
    """Goods, and where they could come from."""

    store_id: Number
    destination_id: Number
    variants: Annotated[list[WantedVariant], Field(min_length=1)]


class OfStore(Parameters):
    """One store, by its number."""

    store_id: Number


class ListCheckoutIntents(Page):
    """Checkout intents by status."""

    status: Annotated[Text, Field(pattern=r"^(active|abandoned|completed)$")] | None = None


class OfIntent(Parameters):
    """One checkout intent."""

    id: Text


OPERATIONS = (
    Operation("scalev.get_me", Nothing, "GET", "/me", "Say whose key it is.", result={"id": ("id", "unique_id")}),
    Operation(
        "scalev.search_locations", SearchLocations, "GET", "/locations", "Find places by name.",
        finish=results.listed("display"),
    ),
    Operation(
        "scalev.list_postal_codes", OfLocation, "GET", "/locations/{location_id}/postal-codes",
        "List the postal codes of a place.", finish=results.values,
    ),
    Operation(
        "scalev.get_shipping_cost", ShippingCost, "POST", "/shipping-costs", "Ask what shipping costs.",
        is_read=True, finish=results.listed("code", "cost"),
    ),
    Operation(
        "scalev.search_courier_service", SearchCourierService, "POST", "/shipping-costs/search-courier-service",
        "Find who could bring a parcel.", is_read=True, finish=results.listed("code", "cost"),
    ),
    Operation(
        "scalev.search_warehouse", SearchWarehouse, "POST", "/shipping-costs/search-warehouse",
        "Find where goods could come from.", is_read=True, finish=results.listed("unique_id"),
    ),
    Operation(
        "scalev.list_stores", Nothing, "GET", "/stores/simplified", "List the stores.",
        finish=results.listed("unique_id", "name"),
    ),
    Operation(
        "scalev.list_products", OfStore, "GET", "/stores/{store_id}/products", "List a store's products.",
        finish=results.listed("name"),
    ),
    Operation(
        "scalev.list_payment_methods", OfStore, "GET", "/stores/{store_id}/payment-methods",
        "List a store's payment methods.", finish=results.values,
    ),
    Operation(
        "scalev.list_checkout_intents", ListCheckoutIntents, "GET", "/checkout-intents", "List checkout intents.",
        finish=results.listed("status"),
    ),
    Operation(
        "scalev.get_checkout_intent", OfIntent, "GET", "/checkout-intents/{id}",
        "Read a checkout intent: an abandoned one may have been finished since.", finish=results.intent,
    ),
)  # fmt: skip

ONCE = (
    Operation(
        "scalev.send_follow_up_email", OfIntent, "POST", "/checkout-intents/{id}/follow-up-email",
        "Send the follow-up e-mail of a checkout intent; one that was sent is done.", idempotent=True,
    ),
)  # fmt: skip
