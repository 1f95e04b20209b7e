"""Open Mercato's orders and order lines, numbers and quotes.

Invariant: an order number is unique, and breaking that is a plain 500, as it was seen on a running server.
"""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call, Json
from sandbox.vendors.open_mercato import checks, records
from sandbox.vendors.open_mercato.checks import Check, text
from sandbox.vendors.open_mercato.kinds import Kind, contains, equal, one_of, since, until
from sandbox.vendors.open_mercato.words import INTERNAL, Record, RefusedError, invalid_input, page, refused, row

if TYPE_CHECKING:
    from sandbox.vendors.open_mercato.vendor import OpenMercato

_DATES: Mapping[str, Check] = dict.fromkeys(("placedAt", "expectedDeliveryAt", "dueAt"), checks.moment)
ORDERS = Kind(
    "orders",
    "sales.orders",
    "sales.order",
    "order",
    required=("currencyCode",),
    fields={
        **_DATES,
        "currencyCode": checks.CURRENCY,
        "orderNumber": text(191, 1),
        "externalReference": text(191),
        "customerReference": text(191),
        "comments": text(4000),
        "internalNotes": text(4000),
        "metadata": checks.an_object,
        "lines": checks.objects,
        "adjustments": checks.objects,
        "tags": checks.texts,
    },
    filters={
        "id": equal("id"),
        "search": contains("orderNumber"),
        "customerId": equal("customerEntityId"),
        "channelId": equal("channelId"),
        "dateFrom": since("createdAt"),
        "dateTo": until("createdAt"),
        "tagIds": one_of("tags"),
    },
    belongs={"customerEntityId": ("people", "companies"), "statusEntryId": ("order_statuses",)},
    snake=False,
)
LINES = Kind(
    "order_lines",
    "sales.order-lines",
    "sales.line",
    "order_line",
    required=("orderId", "currencyCode", "quantity"),
    fields={
        "currencyCode": checks.CURRENCY,
        "quantity": checks.number(0),
        "kind": checks.matching("product|service|shipping|discount|adjustment", "must be a kind of line"),
        "priceMode": checks.matching("net|gross", "must be net or gross"),
    },
    belongs={"orderId": ("orders",)},
)
CHANGEABLE = (
    "customerEntityId",
    "customerContactId",
    "customerSnapshot",
    "metadata",
    "customerReference",
    "externalReference",
    "comment",
    "currencyCode",
    "channelId",
    "statusEntryId",
    "placedAt",
    "expectedDeliveryAt",
    "billingAddressId",
    "shippingAddressId",
    "billingAddressSnapshot",
    "shippingAddressSnapshot",
    "shippingMethodId",
    "shippingMethodCode",
    "paymentMethodId",
    "paymentMethodCode",
    "tags",
    "customFields",
)


def create_order(vendor: "OpenMercato", call: Call) -> Answer:
    """POST /sales/orders."""
    fields = records.checked(vendor, call, ORDERS, creating=True)
    wanted = fields.get("orderNumber") or next_number(vendor, "order")
    if any(order["orderNumber"] == wanted for order in vendor.store.rows("orders")):
        raise RefusedError(500, INTERNAL)
    lines = fields.pop("lines", [])
    order = vendor.store.add("orders", {**fields, "id": None, "orderNumber": wanted}, vendor.now())
    for line in lines:
        own = {"currencyCode": order["currencyCode"], "quantity": 1, **line, "id": None, "orderId": order["id"]}
        vendor.store.add("order_lines", own, vendor.now())
    add_up(vendor, order)
    return Answer(201, {"id": order["id"]}, effects=(vendor.done(ORDERS, None, order),))


def update_order(vendor: "OpenMercato", call: Call) -> Answer:
    """PUT /sales/orders: the id and at least one field; answers the order."""
    fields = records.checked(vendor, call, ORDERS, creating=False)
    changes = {name: fields[name] for name in fields if name in CHANGEABLE or name.startswith("cf_")}
    if not changes:
        raise invalid_input({"": "Provide at least one field to update"})
    order = records.existing(vendor, ORDERS, fields)
    before = vendor.store.change(order, changes, vendor.now())
    return Answer(200, {**order}, effects=(vendor.done(ORDERS, before, order),))


def upsert_line(vendor: "OpenMercato", call: Call) -> Answer:
    """POST or PUT /sales/order-lines: with an id it changes that line; totals are added up anew."""
    fields = records.checked(vendor, call, LINES, creating=True)
    order = vendor.store.table("orders")[fields["orderId"]]
    before = None
    if fields.get("id"):
        line = records.existing(vendor, LINES, fields)
        before = vendor.store.change(line, fields, vendor.now())
    else:
        line = vendor.store.add("order_lines", fields, vendor.now())
    add_up(vendor, order)
    body = {"id": line["id"], "orderId": order["id"]}
    return Answer(201 if before is None else 200, body, effects=(vendor.done(LINES, before, line),))


def list_lines(vendor: "OpenMercato", call: Call) -> Answer:
    """GET /sales/order-lines: of one order, which a shipment must name."""
    wanted = call.query.get("orderId")
    lines = (line for line in vendor.store.rows("order_lines")[::-1] if wanted in (None, line["orderId"]))
    return page(call, [row(line, snake=True) for line in lines])


def make_number(vendor: "OpenMercato", call: Call) -> Answer:
    """POST /sales/document-numbers."""
    kind = call.params.get("kind")
    if kind not in ("order", "quote"):
        raise invalid_input({"kind": "must be order or quote"})
    made = next_number(vendor, kind)
    sequence, form = int(made.rpartition("-")[2]), call.params.get("format")
    effect = {"kind": "document_number", "id": made, "label": made}
    body = {"number": made, "format": form or f"{kind.upper()}-{{seq:5}}", "sequence": sequence}
    return Answer(200, body, effects=(effect,))


def convert_quote(vendor: "OpenMercato", call: Call) -> Answer:
    """POST /sales/quotes/convert: the quote becomes an order and is gone."""
    quote_id = call.params.get("quoteId")
    if not quote_id:
        raise invalid_input({"quoteId": "Required"})
    quote = vendor.store.table("quotes").pop(str(quote_id), None)
    if quote is None:
        raise refused(404, "Quote not found")
    fields = {name: quote[name] for name in ("currencyCode", "customerEntityId", "lines")}
    made = create_order(vendor, Call("POST", "/sales/orders", params={**fields, **vendor.scope()}))
    return Answer(200, {"orderId": made.body["id"]}, effects=made.effects)


def next_number(vendor: "OpenMercato", kind: str) -> str:
    """Return a free document number."""
    return f"{kind.upper()}-{vendor.ids.number(f'{kind} number', 100):05d}"


def order_totals(vendor: "OpenMercato", order: Record) -> Record:
    """Return what an order costs and what is paid."""
    paid = sum(amount(payment["amount"]) for payment in vendor.store.rows("payments") if _pays(payment, order))
    total = order["grandTotalGrossAmount"]
    return {
        "grandTotalGrossAmount": total,
        "paidTotalAmount": paid,
        "outstandingAmount": round(total - paid, 4),
    }


def add_up(vendor: "OpenMercato", order: Record) -> None:
    """Put the totals of an order right."""
    lines = [line for line in vendor.store.rows("order_lines") if line["orderId"] == order["id"]]
    order["grandTotalNetAmount"] = sum(_total(line, "Net") for line in lines)
    order["grandTotalGrossAmount"] = sum(_total(line, "Gross") for line in lines)


def amount(value: Json) -> float:
    """Return an amount that may have come as text; what is none counts nothing."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return 0.0
    return found if math.isfinite(found) else 0.0


def _total(line: Record, side: str) -> float:
    whole = line.get(f"total{side}Amount")
    other = line.get("unitPriceGross", line.get("unitPriceNet"))
    price = line.get(f"unitPrice{side}", other)
    return amount(whole) if whole is not None else round(amount(price) * amount(line["quantity"]), 4)


def _pays(payment: Record, order: Record) -> bool:
    return bool(payment.get("orderId") == order["id"])
