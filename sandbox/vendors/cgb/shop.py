"""CGB's shop: carts, orders, payments, products.

Invariant: totals and `amount_received` are cents; `price` of a line and of a product is not.
"""

from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call
from sandbox.vendors.cgb.accounts import found
from sandbox.vendors.cgb.state import Contact, Record
from sandbox.vendors.cgb.words import RefusedError, form_text, json_fields, ok, whole_number

if TYPE_CHECKING:
    from sandbox.vendors.cgb.vendor import Cgb

SETTABLE_STATUSES = (6, 7, 10, 13)
PRODUCT_FIELDS = ("active", "stock", "price", "sale_price", "name")


def show_cart(vendor: "Cgb", call: Call) -> Answer:
    """GET /contacts/{contact_id}/cart."""
    return Answer(200, cart(vendor, vendor.contact(call)))


def empty_cart(vendor: "Cgb", call: Call) -> Answer:
    """DELETE /contacts/{contact_id}/cart."""
    contact = vendor.contact(call)
    contact.cart.clear()
    return ok({"kind": "cart", "contact_id": contact.id, "products": 0})


def set_quantity(vendor: "Cgb", call: Call) -> Answer:
    """POST /contacts/{contact_id}/cart/{product_id}: a form."""
    contact, product = vendor.contact(call), found(vendor.bot.products, call.ids["product_id"], "Product")
    contact.cart[str(product["id"])] = whole_number(form_text(call, "quantity"), "quantity")
    return ok({"kind": "cart", "contact_id": contact.id, "products": len(contact.cart)})


def remove_product(vendor: "Cgb", call: Call) -> Answer:
    """DELETE /contacts/{contact_id}/cart/{product_id}."""
    contact, product = vendor.contact(call), found(vendor.bot.products, call.ids["product_id"], "Product")
    contact.cart.pop(str(product["id"]), None)
    return ok({"kind": "cart", "contact_id": contact.id, "products": len(contact.cart)})


def show_order(vendor: "Cgb", call: Call) -> Answer:
    """GET /contacts/{contact_id}/order/{order_id}."""
    return Answer(200, _order(vendor, call))


def set_status(vendor: "Cgb", call: Call) -> Answer:
    """POST /contacts/{contact_id}/order/{order_id}: here a 402 says that nothing changed."""
    order, status = _order(vendor, call), whole_number(json_fields(call).get("status", ""), "status")
    if status not in SETTABLE_STATUSES:
        raise RefusedError("status must be 6, 7, 10 or 13")
    if status == order["status"]:
        raise RefusedError("The order already has this status", 402)
    order["status"] = status
    return ok({"kind": "order_status", "id": order["id"], "contact_id": order["contact_id"], "status": status})


def pay(vendor: "Cgb", call: Call) -> Answer:
    """POST /contacts/{contact_id}/pay/{order_id}: a form; here a 402 says that the checkout failed."""
    order, amount = _order(vendor, call), whole_number(form_text(call, "amount_received"), "amount_received")
    if amount < order["total"]:
        raise RefusedError("amount_received is less than the total")
    if vendor.settings.checkout_fails:
        raise RefusedError("Checkout failed, the contact was told", 402)
    vendor.bot.payments.append({"order_id": order["id"], "amount_received": amount})
    return ok({"kind": "payment", "id": order["id"], "contact_id": order["contact_id"], "amount_received": amount})


def show_product(vendor: "Cgb", call: Call) -> Answer:
    """GET /products/{product_id}."""
    return Answer(200, found(vendor.bot.products, call.ids["product_id"], "Product"))


def update_product(vendor: "Cgb", call: Call) -> Answer:
    """POST /products/{product_id}."""
    product = found(vendor.bot.products, call.ids["product_id"], "Product")
    fields = {name: value for name, value in json_fields(call).items() if name in PRODUCT_FIELDS}
    if not fields:
        raise RefusedError("nothing to update")
    product.update(fields)
    effect = {"kind": "product", "id": product["id"], "fields": sorted(fields)}
    return Answer(200, {"success": True, "updated": True}, effects=(effect,))


def cart(vendor: "Cgb", contact: Contact) -> Record:
    """Return a contact's cart with its total in cents."""
    chosen = [(vendor.bot.products[product_id], quantity) for product_id, quantity in contact.cart.items()]
    items = [
        {"product_id": product["id"], "name": product["name"], "quantity": quantity, "price": product["price"]}
        for product, quantity in chosen
    ]
    return {"total": sum(round(item["price"] * 100) * item["quantity"] for item in items), "line_items": items}


def check_out(vendor: "Cgb", contact: Contact) -> Record:
    """Turn a cart into an order, as the bot does when the customer checks out."""
    order: Record = {"id": vendor.ids.number("order", 910), "contact_id": contact.id, "status": 0}
    order |= cart(vendor, contact)
    contact.cart.clear()
    vendor.bot.orders[str(order["id"])] = order
    return order


def _order(vendor: "Cgb", call: Call) -> Record:
    contact, order = vendor.contact(call), found(vendor.bot.orders, call.ids["order_id"], "Order")
    if order["contact_id"] != contact.id:
        raise RefusedError("Order not found", 404)
    return order
