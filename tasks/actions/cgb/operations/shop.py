"""The shop at ChatGPT Builder: carts, orders, payments, products.

Invariant: totals and payments are whole cents; the prices of products and lines are not.
"""

from typing import Any, Literal

from pydantic import Field, model_validator

from tasks.actions.cgb.contents import Id
from tasks.actions.cgb.operations.contacts import Contact
from tasks.actions.operations import Operation
from tasks.actions.parameters import Parameters
from webhooks import fields
from worker.acting import Call, Outcome


class CartProduct(Contact):
    """A product in a contact's cart."""

    product_id: Id


class CartQuantity(CartProduct):
    """How many of a product."""

    quantity: int = Field(ge=1)


class Order(Contact):
    """One order of a contact."""

    order_id: Id


class OrderStatus(Order):
    """A status for an order; what the numbers mean, the account's owner knows, the vendor does not write."""

    status: Literal[6, 7, 10, 13]


class Payment(Order):
    """A payment of an order."""

    amount_received: int = Field(ge=0, description="In cents.")


class Product(Parameters):
    """One product."""

    product_id: Id


class ProductFields(Product):
    """Changes of a product."""

    active: Literal[0, 1] | None = None
    stock: int | None = Field(default=None, ge=0)
    price: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    sale_price: float | None = Field(default=None, ge=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _something_changes(self) -> "ProductFields":
        if not self.model_fields_set - {"product_id"}:
            raise ValueError("nothing to change is given")
        return self


def _cart(_call: Call, answer: Any) -> Outcome:
    lines = fields.at(answer, "line_items")
    total = fields.money(fields.at(answer, "total"))
    return Outcome({"total_cents": total, "lines": len(lines) if isinstance(lines, list) else 0})


_CART = "/contacts/{contact_id}/cart"
_ORDER = "/contacts/{contact_id}/order/{order_id}"
_PRODUCT = "/products/{product_id}"

OPERATIONS = (
    Operation("cgb.get_cart", Contact, "GET", _CART, "Read a contact's cart.", finish=_cart),
    # Whether the quantity is set or added, the vendor does not say.
    Operation(
        "cgb.set_cart_quantity", CartQuantity, "POST", _CART + "/{product_id}", "Put a product into a contact's cart.",
        idempotent=False, encoding="form",
    ),
    Operation(
        "cgb.get_order", Order, "GET", _ORDER, "Read an order.",
        result={"order_id": ("id",), "status": ("status",), "total_cents": ("total",)},
    ),
    Operation(
        "cgb.pay_order", Payment, "POST", "/contacts/{contact_id}/pay/{order_id}", "Note a payment of an order.",
        idempotent=False, encoding="form",
    ),
    Operation(
        "cgb.get_product", Product, "GET", _PRODUCT, "Read a product.",
        result={"id": ("id",), "active": ("active",), "stock": ("stock",), "price": ("price",),
                "sale_price": ("sale_price",)},
    ),
    Operation("cgb.update_product", ProductFields, "POST", _PRODUCT, "Change a product.", idempotent=True),
)  # fmt: skip

REMOVALS = (
    Operation("cgb.empty_cart", Contact, "DELETE", _CART, "Empty a contact's cart.", idempotent=True),
    Operation(
        "cgb.remove_cart_product", CartProduct, "DELETE", _CART + "/{product_id}", "Take a product out of a cart.",
        idempotent=True,
    ),
)  # fmt: skip

STATUS = Operation("cgb.set_order_status", OrderStatus, "POST", _ORDER, "Change an order's status.", idempotent=True)
"""Here a 402 says that the order had this status already."""
